package view

import (
	"fmt"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/strait-mirror/strait/config/diag"
)

// FormattedFile is a file that fmt looked at.
type FormattedFile struct {
	Path          string `json:"path"`
	Changed       bool   `json:"changed"` // it was not in the canonical form
	Before, After []byte `json:"-"`       // with secrets masked; nil without Formatted.Diff
}

// Formatted is the result of fmt.
type Formatted struct {
	Files []FormattedFile
	Diff  bool // show what changes instead of the names
}

// Formatted names the files that are not in the canonical form, or shows what
// changes in them; as JSON it names all files.
func (v *View) Formatted(f Formatted, asJSON bool) error {
	if asJSON {
		return v.JSON(struct {
			FormatVersion int             `json:"format_version"`
			Files         []FormattedFile `json:"files"`
		}{1, f.Files})
	}
	for _, file := range f.Files {
		switch {
		case !file.Changed:
		case f.Diff:
			v.Raw(diff.Diff(file.Path, file.Before, file.Path+" (formatted)", file.After))
		default:
			v.Print("%s", file.Path)
		}
	}
	return nil
}

// Validation is the result of validate.
type Validation struct {
	SyntaxOnly             bool
	Files, Clusters, Flows int
	Problems               diag.List // errors only
}

// Validation shows whether a topology would start, and what keeps it from that.
func (v *View) Validation(r Validation, src *diag.Sources, asJSON bool) error {
	if asJSON {
		return v.JSON(validationJSON(r))
	}
	v.Diagnostics(r.Problems, src)
	switch {
	case len(r.Problems) > 0:
		v.Print("%s: %s", v.Bad("FAILED"), count(len(r.Problems), "error"))
	case r.SyntaxOnly:
		v.Print("%s: %s", v.Good("SUCCESS"), count(r.Files, "file"))
	default:
		v.Print("%s: %s, %s", v.Good("SUCCESS"), count(r.Clusters, "cluster"), count(r.Flows, "flow"))
	}
	return nil
}

func validationJSON(r Validation) any {
	type problem struct {
		Code    string `json:"code"`
		File    string `json:"file,omitempty"`
		Line    int    `json:"line,omitempty"`
		Column  int    `json:"column,omitempty"`
		Summary string `json:"summary"`
		Fix     string `json:"fix,omitempty"`
	}
	problems := []problem{}
	for _, d := range r.Problems {
		at := d.Subject
		problems = append(problems, problem{d.Code, at.File, at.Start.Line, at.Start.Column, d.Summary, d.Fix})
	}
	return struct {
		FormatVersion int       `json:"format_version"`
		Valid         bool      `json:"valid"`
		Files         int       `json:"files,omitempty"`
		Clusters      int       `json:"clusters"`
		Flows         int       `json:"flows"`
		Problems      []problem `json:"problems"`
	}{1, len(problems) == 0, r.Files, r.Clusters, r.Flows, problems}
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
