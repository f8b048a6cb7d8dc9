// Package format writes findings in the forms that other programs read: JSON of
// our own, SARIF, JUnit, GitLab's code quality report and the commands of GitHub
// Actions. Package lint has escaped the texts; what a form needs beyond that is
// done here.
package format

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/pipeline/lint"
)

// Writer writes a report in one form.
type Writer func(w io.Writer, r *lint.Report) error

// Writers returns the forms by their names.
func Writers() map[string]Writer {
	return map[string]Writer{
		"text":           Text,
		"json":           JSON,
		"github-actions": GitHub,
		"sarif":          SARIF,
		"junit":          JUnit,
		"gitlab":         GitLab,
	}
}

// Names are the names of the forms, the default first.
func Names() []string { return []string{"text", "json", "github-actions", "sarif", "junit", "gitlab"} }

// head is the first line of a finding as text.
func head(d diag.Diagnostic) string {
	text := fmt.Sprintf("%s %s: %s", d.Severity, d.Code, d.Summary)
	if at := lint.Printable(d.Subject.String()); at != "" {
		return at + ": " + text
	}
	return text
}

// Text writes findings as people read them: with the line, a caret and the fix,
// and a summary at the end.
func Text(w io.Writer, r *lint.Report) error {
	if err := diag.RenderAs(w, r.List(), r.Sources, head); err != nil {
		return fmt.Errorf("writing findings: %w", err)
	}
	if _, err := fmt.Fprintln(w, Summary(r)); err != nil {
		return fmt.Errorf("writing the summary: %w", err)
	}
	return nil
}

// Summary is a line such as "2 errors, 1 warning in 1 file".
func Summary(r *lint.Report) string {
	text := ""
	for _, s := range []diag.Severity{diag.Error, diag.Warning, diag.Info} {
		n := r.Count(s)
		if n == 0 {
			continue
		}
		if text != "" {
			text += ", "
		}
		text += counted(n, s.String())
	}
	if text == "" {
		text = "no findings"
	}
	text += " in " + counted(len(r.Files), "file")
	for _, more := range []struct {
		n    int
		what string
	}{{r.Waived, "waived"}, {r.Known, "in the baseline"}} {
		if more.n > 0 {
			text += fmt.Sprintf(", %d %s", more.n, more.what)
		}
	}
	return text
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// message is summary and fix as one text.
func message(f lint.Finding) string {
	if f.Fix == "" {
		return f.Summary
	}
	return f.Summary + " (fix: " + f.Fix + ")"
}

// slashed is the path of a file as all systems write it.
func slashed(path string) string {
	if path == "" {
		return ""
	}
	return lint.Printable(filepath.ToSlash(filepath.Clean(path)))
}

// encode writes v as indented JSON without escaping < and >.
func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("writing findings as JSON: %w", err)
	}
	return nil
}
