package format

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/pipeline/lint"
)

// The structures of the JUnit report as Ant writes it: the order of the
// elements and the attributes that have to be there are its schema's.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Package    string      `xml:"package,attr"`
		ID         int         `xml:"id,attr"`
		Name       string      `xml:"name,attr"`
		Timestamp  string      `xml:"timestamp,attr"`
		Hostname   string      `xml:"hostname,attr"`
		Tests      int         `xml:"tests,attr"`
		Failures   int         `xml:"failures,attr"`
		Errors     int         `xml:"errors,attr"`
		Time       string      `xml:"time,attr"`
		Properties struct{}    `xml:"properties"`
		Cases      []junitCase `xml:"testcase"`
		Out        string      `xml:"system-out"`
		Err        string      `xml:"system-err"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		Time    string        `xml:"time,attr"`
		Failure *junitFailure `xml:"failure"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
)

// junitTime is in every report: two runs on the same text give the same bytes.
const junitTime = "1970-01-01T00:00:00"

// JUnit writes a suite per file with a failure per finding; a file without any
// is a test that passed. What only informs is no failure: it is in system-out.
func JUnit(w io.Writer, r *lint.Report) error {
	var out junitSuites
	byFile := map[string][]lint.Finding{}
	names := append([]string{}, r.Files...)
	for _, f := range r.Findings {
		name := f.Subject.File
		if _, seen := byFile[name]; !seen && !slices.Contains(r.Files, name) {
			names = append(names, name)
		}
		byFile[name] = append(byFile[name], f)
	}
	for i, name := range names {
		out.Suites = append(out.Suites, suite(i, name, byFile[name]))
	}
	text, err := xml.MarshalIndent(out, "", "  ")
	if err != nil {
		return fmt.Errorf("writing findings as XML: %w", err)
	}
	if _, err := io.WriteString(w, xml.Header+string(text)+"\n"); err != nil {
		return fmt.Errorf("writing findings as XML: %w", err)
	}
	return nil
}

// suite is the tests of one file.
func suite(id int, name string, findings []lint.Finding) junitSuite {
	shown := slashed(name)
	if shown == "" {
		shown = "topology"
	}
	s := junitSuite{Package: "strait.lint", ID: id, Name: shown, Timestamp: junitTime, Hostname: "localhost", Time: "0"}
	for _, f := range findings {
		if f.Severity == diag.Info {
			s.Out += head(f.Diagnostic) + "\n"
			continue
		}
		s.Failures++
		s.Cases = append(s.Cases, junitCase{
			Name: strings.TrimSpace(f.Code + " " + lint.Printable(f.Subject.String())), Class: shown, Time: "0",
			Failure: &junitFailure{Message: f.Summary, Type: f.Severity.String(), Text: head(f.Diagnostic) + "\nfix: " + f.Fix},
		})
	}
	if len(s.Cases) == 0 {
		s.Cases = []junitCase{{Name: "lint", Class: shown, Time: "0"}}
	}
	s.Tests = len(s.Cases)
	return s
}
