package view

import (
	"fmt"

	"github.com/strait-mirror/strait/pipeline/stagetest"
)

type testsJSON struct {
	FormatVersion int        `json:"format_version"`
	Tests         []testJSON `json:"tests"`
	Failed        int        `json:"failed"`
}

type testJSON struct {
	Name     string            `json:"name"`
	Flow     string            `json:"flow,omitempty"`
	File     string            `json:"file"`
	Line     int               `json:"line"`
	Passed   bool              `json:"passed"`
	Failures []testFailureJSON `json:"failures,omitempty"`
}

type testFailureJSON struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Text string `json:"text"`
}

// Tests shows what became of the test blocks of a topology.
func (v *View) Tests(results []stagetest.Result, asJSON bool) error {
	doc := testsJSON{FormatVersion: 1, Tests: []testJSON{}}
	var files []string
	perFile := map[string]int{}
	for _, r := range results {
		t := testJSON{Name: r.Test.Name, Flow: r.Test.Flow, File: r.Test.Range.File, Line: r.Test.Range.Start.Line, Passed: len(r.Failures) == 0}
		for _, f := range r.Failures {
			t.Failures = append(t.Failures, testFailureJSON{f.At.File, f.At.Start.Line, f.Text})
		}
		if !t.Passed {
			doc.Failed++
		}
		doc.Tests = append(doc.Tests, t)
		if perFile[t.File]++; perFile[t.File] == 1 {
			files = append(files, t.File)
		}
	}
	if asJSON {
		return v.JSON(doc)
	}
	failed := map[string]int{}
	for i, r := range results {
		if doc.Tests[i].Passed {
			continue
		}
		failed[r.Test.Range.File]++
		v.Print("%s %s: test %q", v.Bad("FAIL"), comment(r.Test.Range.String()), r.Test.Name)
		for _, f := range r.Failures {
			v.Print("  %s: %s", comment(f.At.String()), f.Text)
		}
	}
	for _, file := range files {
		tests := "tests"
		if perFile[file] == 1 {
			tests = "test"
		}
		line := fmt.Sprintf("%s %d %s", comment(file), perFile[file], tests)
		if n := failed[file]; n > 0 {
			v.Print("%s %s, %d failed", v.Bad("FAIL"), line, n)
			continue
		}
		v.Print("%s %s", v.Good("ok"), line)
	}
	return nil
}
