package stagetest

import (
	"io"
	"strings"

	"github.com/strait-mirror/strait/pipeline/internal/junit"
)

// JUnit writes results as a suite per file.
func JUnit(w io.Writer, results []Result) error {
	var suites []junit.Suite
	places := map[string]int{}
	for _, r := range results {
		i, known := places[r.Test.Range.File]
		if !known {
			i = len(suites)
			places[r.Test.Range.File] = i
			suites = append(suites, junit.NewSuite("strait.test", i, token(r.Test.Range.File)))
		}
		var failure *junit.Failure
		if len(r.Failures) > 0 {
			var lines []string
			for _, f := range r.Failures {
				lines = append(lines, f.At.String()+": "+f.Text)
			}
			failure = &junit.Failure{Message: r.Failures[0].Text, Type: "failure", Text: strings.Join(lines, "\n")}
		}
		suites[i].Add(token(r.Test.Name), failure)
	}
	return junit.Write(w, suites) //nolint:wrapcheck // it says what was written
}

// token is a text as xs:token wants it.
func token(text string) string { return strings.Join(strings.Fields(text), " ") }
