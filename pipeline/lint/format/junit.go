package format

import (
	"io"
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/pipeline/internal/junit"
	"github.com/strait-mirror/strait/pipeline/lint"
)

// JUnit writes a suite per file with a failure per finding; a file without any
// is a test that passed. What only informs is no failure: it is in system-out.
func JUnit(w io.Writer, r *lint.Report) error {
	byFile := map[string][]lint.Finding{}
	names := append([]string{}, r.Files...)
	for _, f := range r.Findings {
		name := f.Subject.File
		if _, seen := byFile[name]; !seen && !slices.Contains(r.Files, name) {
			names = append(names, name)
		}
		byFile[name] = append(byFile[name], f)
	}
	var suites []junit.Suite
	for i, name := range names {
		suites = append(suites, suite(i, name, byFile[name]))
	}
	return junit.Write(w, suites) //nolint:wrapcheck // it says what was written
}

// suite is the tests of one file.
func suite(id int, name string, findings []lint.Finding) junit.Suite {
	shown := slashed(name)
	if shown == "" {
		shown = "topology"
	}
	s := junit.NewSuite("strait.lint", id, shown)
	for _, f := range findings {
		if f.Severity == diag.Info {
			s.Out += head(f.Diagnostic) + "\n"
			continue
		}
		s.Add(strings.TrimSpace(f.Code+" "+lint.Printable(f.Subject.String())),
			&junit.Failure{Message: f.Summary, Type: f.Severity.String(), Text: head(f.Diagnostic) + "\nfix: " + f.Fix})
	}
	if len(s.Cases) == 0 {
		s.Add("lint", nil)
	}
	return s
}
