package examples_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/pipeline/lint"
	"github.com/strait-mirror/strait/pipeline/stagetest"
)

// TestSnippets holds the topologies in the guides to lint, formats them, and runs
// their tests. One that only shows a flow gets the clusters that it names.
func TestSnippets(t *testing.T) {
	guides, err := filepath.Glob("../../docs/guide/*.md")
	if err != nil || len(guides) == 0 {
		t.Fatal(err, guides)
	}
	tests, snippets := 0, 0
	for _, guide := range guides {
		text, err := os.ReadFile(guide)
		if err != nil {
			t.Fatal(err)
		}
		for i, part := range strings.Split(string(text), "\n```hcl\n")[1:] {
			snippet, _, _ := strings.Cut(part, "\n```")
			snippets++
			dir := t.TempDir()
			path := filepath.Join(dir, "strait.hcl")
			if err := os.WriteFile(path, []byte(snippet+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if code, out, log := program(t.Context(), t, dir, nil, "fmt --check strait.hcl"); code != 0 {
				t.Errorf("%s, snippet %d: not formatted: %s%s", guide, i+1, out, log)
			}
			complete := snippet + "\n"
			if !strings.Contains(snippet, "cluster \"") {
				for _, f := range []string{"old", "new", "dc1", "dc2"} {
					if strings.Contains(snippet, f) {
						complete += "cluster \"" + f + "\" {\n  bootstrap_servers = [\"" + f + ":9092\"]\n}\n"
					}
				}
			}
			if err := os.WriteFile(path, []byte(complete), 0o600); err != nil {
				t.Fatal(err)
			}
			ignore := []string{diag.CodeMissingValue, diag.CodeUnformatted}
			if !strings.Contains(snippet, "flow \"") {
				ignore = append(ignore, diag.CodeNoFlow)
			}
			report, err := lint.Run(lint.Params{Paths: []string{path}, Ignore: ignore})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range report.Findings {
				t.Errorf("%s, snippet %d: %v", guide, i+1, f.Diagnostic)
			}
			if report.Count(diag.Error) > 0 {
				continue
			}
			for _, r := range stagetest.Run(report.Config, func(string) bool { return true }) {
				tests++
				for _, f := range r.Failures {
					t.Errorf("%s, snippet %d, test %q: %s", guide, i+1, r.Test.Name, f.Text)
				}
			}
		}
	}
	if tests < 2 || snippets < 2 {
		t.Errorf("%d snippets with %d tests were found", snippets, tests)
	}
}
