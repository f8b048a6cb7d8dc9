package lint_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/pipeline/lint"
)

const clusters = `cluster "A" { bootstrap_servers = ["a:9092"] }
cluster "B" { bootstrap_servers = ["b:9092"] }
`

const propsHead = "clusters = A, B\nA.bootstrap.servers = a:9092\nB.bootstrap.servers = b:9092\nA->B.enabled = true\n"

func TestWaivers(t *testing.T) {
	tests := map[string]struct {
		language, text string
		want           []string
	}{
		"same line":       {"hcl", clusters + "flow \"A->B\" {\n  topics = [\"a(\"] # strait:ignore ST401 why\n}", nil},
		"slashes":         {"hcl", clusters + "flow \"A->B\" {\n  topics = [\"a(\"] // strait:ignore ST401 why\n}", nil},
		"block comment":   {"hcl", clusters + "flow \"A->B\" {\n  /* strait:ignore ST401 why */ topics = [\"a(\"]\n}", nil},
		"line above":      {"hcl", clusters + "flow \"A->B\" {\n  # strait:ignore ST401 why\n  topics = [\"a(\"]\n}", nil},
		"two lines above": {"hcl", clusters + "flow \"A->B\" {\n  # strait:ignore ST401 why\n\n  # more\n  topics = [\"a(\"]\n}", nil},
		"two rules":       {"hcl", clusters + "flow \"A->B\" {\n  # strait:ignore ST401,ST004 why\n  topics = [\"a(\"]\n}", []string{"ST020"}},
		"in a list":       {"hcl", clusters + "flow \"A->B\" {\n  topics = [\n    # strait:ignore ST401 why\n    \"a(\",\n    \"b(\",\n  ]\n}", []string{"ST401"}},
		"other line":      {"hcl", clusters + "# strait:ignore ST401 why\nflow \"A->B\" {\n  topics = [\"a(\"]\n}", []string{"ST020", "ST401"}},
		"no reason":       {"hcl", clusters + "flow \"A->B\" {\n  topics = [\"a(\"] # strait:ignore ST401\n}", []string{"ST019", "ST401"}},
		"no rule":         {"hcl", clusters + "flow \"A->B\" {\n  topics = [\"a(\"] # strait:ignore\n}", []string{"ST019", "ST401"}},
		"unknown rule":    {"hcl", clusters + "flow \"A->B\" {\n  topics = [\"a(\"] # strait:ignore ST999 why\n}", []string{"ST019", "ST401"}},
		"in a string":     {"hcl", clusters + "flow \"A->B\" {\n  topics = [\"a(\", \"# strait:ignore ST401 why\"]\n}", []string{"ST401", "ST412"}},
		"another word":    {"hcl", clusters + "flow \"A->B\" {\n  topics = [\"a\"] # strait:ignored ST401 why\n}", nil},
		"waived waiver":   {"hcl", clusters + "flow \"A->B\" {\n  topics = [\"a\"]\n}\n# strait:ignore ST401 at the end", []string{"ST020"}},
		"properties":      {"properties", propsHead + "# strait:ignore ST401 why\nA->B.topics = a(", nil},
		"properties !":    {"properties", propsHead + "! strait:ignore ST401 why\n\nA->B.topics = a(", nil},
		"continued":       {"properties", propsHead + "# strait:ignore ST401 why\nA->B.topics = \\\n  b,\\\n  a(", nil},
		"behind a value":  {"properties", propsHead + "A->B.topics = a( # strait:ignore ST401 why", []string{"ST401"}},
		"next entry":      {"properties", propsHead + "# strait:ignore ST401 why\nA->B.use.defaults.from = source\nA->B.topics = a(", []string{"ST020", "ST401"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			report := run(t, tt.language, tt.text)
			if diff := cmp.Diff(tt.want, codes(report)); diff != "" {
				t.Errorf("rules (-want +got):\n%s\n%v", diff, report.List())
			}
		})
	}
}

func TestIgnore(t *testing.T) {
	const text = clusters + "flow \"A->B\" {\n  topics = [\"a(\"]\n}\n# strait:ignore ST402 unused\n"
	report := run(t, "hcl", text, func(p *lint.Params) { p.Ignore = []string{"st401", "ST402"} })
	if len(report.Findings) != 0 {
		t.Errorf("found %v", report.List())
	}
	if _, err := lint.Run(lint.Params{Ignore: []string{"ST4o2"}}); err == nil || !strings.Contains(err.Error(), `did you mean "ST402"?`) {
		t.Errorf("got %v", err)
	}
}

// TestBaseline moves lines about and adds findings.
func TestBaseline(t *testing.T) {
	const bad = "flow \"A->B\" {\n  topics = [\"a(\", \"b(\"]\n}\n"
	path := filepath.Join(t.TempDir(), "t.hcl")
	lintText := func(text string, known []byte) *lint.Report {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p := lint.Params{Paths: []string{path}, Ignore: []string{"ST011"}}
		if known != nil {
			b, err := lint.ParseBaseline(known)
			if err != nil {
				t.Fatal(err)
			}
			p.Baseline = b
		}
		report, err := lint.Run(p)
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	first := lintText(clusters+bad, nil)
	if len(first.Findings) != 2 || first.Findings[0].Fingerprint == first.Findings[1].Fingerprint {
		t.Fatalf("found %v", first.Findings)
	}
	known, err := lint.WriteBaseline(first.Findings)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		text              string
		fresh, old, going int
	}{
		"same":      {clusters + bad, 0, 2, 0},
		"moved":     {"# a comment\n\n" + bad + clusters, 0, 2, 0},
		"indented":  {clusters + strings.ReplaceAll(bad, "  topics", "\ttopics  "), 0, 2, 0},
		"more":      {clusters + strings.Replace(bad, "topics", "topics_exclude = [\"c(\"]\n  topics", 1), 1, 2, 0},
		"less":      {clusters + strings.Replace(bad, "\"b(\"", "\"b\"", 1), 1, 0, 2},
		"all fixed": {clusters + strings.ReplaceAll(bad, "(", ""), 0, 0, 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := lintText(tt.text, known)
			if len(r.Findings) != tt.fresh || r.Known != tt.old || r.Gone != tt.going {
				t.Errorf("fresh %d, known %d, gone %d: %v", len(r.Findings), r.Known, r.Gone, r.List())
			}
		})
	}
	for _, text := range []string{"", "{}", `{"format_version":2}`, "[]"} {
		if _, err := lint.ParseBaseline([]byte(text)); err == nil {
			t.Errorf("the baseline %q is accepted", text)
		}
	}
}

// TestSecretsAreNotShown breaks rules beside secrets.
func TestSecretsAreNotShown(t *testing.T) {
	tests := map[string]struct{ language, text string }{
		"hcl": {"hcl", `cluster "A" {
  bootstrap_servers = ["a:9092"]
  sasl "plain" { username = "u", password = "hunter2" }
}`},
		"properties": {"properties", "clusters=A\nA.bootstrap.servers=a:9092\nA.security.protocol=SASL_SSL\nA.sasl.mechanism=PLAIN\n" +
			"A.sasl.jaas.config=x.Y required password=\"hunter2\";\nA.sasl.jaas.config=x.Y required password=\"hunter2\""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := run(t, tt.language, tt.text)
			text, err := lint.WriteBaseline(r.Findings)
			if err != nil || len(r.Findings) == 0 {
				t.Fatal(err, r.List())
			}
			shown := fmt.Sprintf("%+v %s", r.Findings, text)
			var out strings.Builder
			if err := diag.Render(&out, r.List(), r.Sources); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(shown+out.String(), "hunter2") {
				t.Errorf("a secret is shown: %s %s", shown, out.String())
			}
		})
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain, ä":        "plain, ä",
		"\x1b[31mred\x07": `\x1b[31mred\x07`,
		"a\nb\r\t":        `a\x0ab\x0d\x09`,
		"\u009b31m":       `\x9b31m`,
		"a\u202eb\u2066c": `a\u202eb\u2066c`,
		"\xff":            "\uFFFD",
	} {
		if got := lint.Printable(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestUnreadable(t *testing.T) {
	r, err := lint.Run(lint.Params{Paths: []string{"no/such.hcl"}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"ST017"}, codes(r)); diff != "" {
		t.Error(diff)
	}
}
