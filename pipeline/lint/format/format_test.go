package format_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/strait-mirror/strait/pipeline/lint"
	"github.com/strait-mirror/strait/pipeline/lint/format"
)

// hostile has findings of every severity with and without places, a secret and
// names that try to leave their form.
const hostile = `clusters = A, B, <&"'>]]>\u001b[31m\u202e::error file=x::\n::stop
A.bootstrap.servers = a:9092
B.bootstrap.servers = b:9092
A->B.enabled = true
A->B.topics = a(, b\u001b(, c%0A(
A->B.consumr.x = 1
A.security.protocol = SASL_SSL
A.sasl.mechanism = PLAIN
A.sasl.jaas.config = org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="hunter2"
B.producer.linger.ms = 1
`

// reports are those every form is tested with.
func reports(t *testing.T) map[string]*lint.Report {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	name := "a b,:%#ü.properties"
	if err := os.WriteFile(name, []byte(hostile), 0o600); err != nil {
		t.Fatal(err)
	}
	out := map[string]*lint.Report{}
	for what, paths := range map[string][]string{
		"relative": {name}, "absolute": {filepath.Join(dir, name)}, "no place": nil, "missing": {"no/such.hcl"}, "several": {name, "none.hcl"},
	} {
		r, err := lint.Run(lint.Params{Paths: paths})
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Findings) == 0 {
			t.Fatalf("%s: nothing was found", what)
		}
		out[what] = r
	}
	out["clean"] = &lint.Report{Files: []string{"clean.hcl"}}
	return out
}

// TestForms writes every report in every form: no secret, no control character
// but line ends gets out.
func TestForms(t *testing.T) {
	names := format.Names()
	if len(names) != len(format.Writers()) {
		t.Errorf("%d names for %d forms", len(names), len(format.Writers()))
	}
	for what, r := range reports(t) {
		for _, name := range names {
			t.Run(name+" "+what, func(t *testing.T) {
				var out strings.Builder
				if err := format.Writers()[name](&out, r); err != nil {
					t.Fatal(err)
				}
				text := out.String()
				if i := strings.IndexFunc(text, func(c rune) bool { return c != '\n' && (unicode.IsControl(c) || c == 0x202e) }); i >= 0 {
					t.Errorf("a control character: %q", text[max(0, i-40):])
				}
				if strings.Contains(text, "hunter2") {
					t.Errorf("a secret is shown: %s", text)
				}
				for _, f := range r.Findings {
					if !strings.Contains(text, f.Code) {
						t.Errorf("%s is missing in\n%s", f.Code, text)
					}
				}
				for line := range strings.Lines(text) {
					if name == "github-actions" && !strings.HasPrefix(line, "::error ") && !strings.HasPrefix(line, "::warning ") && !strings.HasPrefix(line, "::notice ") {
						t.Errorf("a line is no command: %s", line)
					}
				}
				if err := format.Writers()[name](failing{}, r); name != "github-actions" && !errors.Is(err, errFull) {
					t.Errorf("an output that fails: %v", err)
				}
			})
		}
	}
}

var errFull = errors.New("full")

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errFull }

// TestSARIF validates against the schema of the standard, which the library
// carries, and makes sure that the library saw all of it.
func TestSARIF(t *testing.T) {
	for what, r := range reports(t) {
		t.Run(what, func(t *testing.T) {
			var out strings.Builder
			if err := format.SARIF(&out, r); err != nil {
				t.Fatal(err)
			}
			log, err := sarif.FromString(out.String())
			if err != nil {
				t.Fatal(err)
			}
			if err := log.Validate(); err != nil {
				t.Errorf("%v in\n%s", err, out.String())
			}
			again, err := json.Marshal(log)
			if err != nil {
				t.Fatal(err)
			}
			var ours, theirs any
			if err := errors.Join(json.Unmarshal([]byte(out.String()), &ours), json.Unmarshal(again, &theirs)); err != nil {
				t.Fatal(err)
			}
			for _, missing := range lost("", ours, theirs) {
				t.Errorf("the standard's library does not know %s", missing)
			}
		})
	}
	t.Run("a broken log", func(t *testing.T) {
		log, err := sarif.FromString(`{"version":"2.1.0","$schema":"x","runs":[{"tool":{"driver":{"name":"x"}},"results":[{"ruleIndex":-7}]}]}`)
		if err == nil && log.Validate() == nil {
			t.Error("the schema accepts anything")
		}
	})
}

// lost lists what is in a but not in b.
func lost(path string, a, b any) []string {
	var out []string
	switch a := a.(type) {
	case map[string]any:
		m, _ := b.(map[string]any)
		for k, v := range a {
			out = append(out, lost(path+"."+k, v, m[k])...)
		}
	case []any:
		l, _ := b.([]any)
		for i, v := range a {
			if i >= len(l) {
				return append(out, fmt.Sprintf("%s[%d]", path, i))
			}
			out = append(out, lost(fmt.Sprintf("%s[%d]", path, i), v, l[i])...)
		}
	default:
		if a != b {
			out = append(out, path)
		}
	}
	return out
}

// junitGrammar is the schema of JUnit reports
// (github.com/windyroad/JUnit-Schema) as a table: children in their order and
// the attributes an element must and may have.
type junitGrammar struct {
	children, must, may []string
}

func junitElements() map[string]junitGrammar {
	return map[string]junitGrammar{
		"testsuites": {children: []string{"testsuite"}},
		"testsuite": {
			children: []string{"properties", "testcase", "system-out", "system-err"},
			must:     []string{"package", "id", "name", "timestamp", "hostname", "tests", "failures", "errors", "time"},
			may:      []string{"skipped"},
		},
		"properties": {children: []string{"property"}},
		"testcase":   {children: []string{"failure"}, must: []string{"name", "classname", "time"}},
		"failure":    {must: []string{"type"}, may: []string{"message"}},
		"system-out": {}, "system-err": {},
	}
}

// node is any element.
type node struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Nodes   []node     `xml:",any"`
}

func (n node) check(t *testing.T) {
	t.Helper()
	g, known := junitElements()[n.XMLName.Local]
	if !known {
		t.Errorf("no element %s", n.XMLName.Local)
	}
	given := map[string]string{}
	for _, a := range n.Attrs {
		given[a.Name.Local] = a.Value
		if !slices.Contains(g.must, a.Name.Local) && !slices.Contains(g.may, a.Name.Local) {
			t.Errorf("%s: no attribute %s", n.XMLName.Local, a.Name.Local)
		}
		// An xs:token has no blanks at the ends and no two in a row.
		if a.Name.Local != "message" && a.Value != strings.Join(strings.Fields(a.Value), " ") {
			t.Errorf("%s is no token: %q", a.Name.Local, a.Value)
		}
	}
	for _, name := range g.must {
		if given[name] == "" {
			t.Errorf("%s lacks %s", n.XMLName.Local, name)
		}
	}
	at := 0
	for _, child := range n.Nodes {
		i := slices.Index(g.children, child.XMLName.Local)
		if i < at {
			t.Errorf("%s: %s is not in its place", n.XMLName.Local, child.XMLName.Local)
		}
		at = i
		child.check(t)
	}
}

func TestJUnit(t *testing.T) {
	for what, r := range reports(t) {
		t.Run(what, func(t *testing.T) {
			var out strings.Builder
			if err := format.JUnit(&out, r); err != nil {
				t.Fatal(err)
			}
			if dir := os.Getenv("STRAIT_TEST_JUNIT"); dir != "" { // for a validator of your own
				if err := os.WriteFile(filepath.Join(dir, what+".xml"), []byte(out.String()), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var root node
			d := xml.NewDecoder(strings.NewReader(out.String()))
			if err := d.Decode(&root); err != nil {
				t.Fatal(err, out.String())
			}
			for rest, err := d.Token(); !errors.Is(err, io.EOF); rest, err = d.Token() {
				if text, blank := rest.(xml.CharData); err != nil || !blank || strings.TrimSpace(string(text)) != "" {
					t.Fatalf("something follows the root: %v %v", rest, err)
				}
			}
			if root.XMLName.Local != "testsuites" {
				t.Errorf("the root is %s", root.XMLName.Local)
			}
			root.check(t)
		})
	}
}

func TestGitLab(t *testing.T) {
	var out strings.Builder
	r := reports(t)["relative"]
	if err := format.GitLab(&out, r); err != nil {
		t.Fatal(err)
	}
	var list []struct {
		Description, Fingerprint, Severity string
		CheckName                          string `json:"check_name"`
		Location                           struct {
			Path  string
			Lines struct{ Begin int }
		}
	}
	if err := json.Unmarshal([]byte(out.String()), &list); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, f := range list {
		if seen[f.Fingerprint] || f.Fingerprint == "" || f.Description == "" || f.CheckName == "" || f.Location.Lines.Begin < 1 || f.Location.Path == "" ||
			!slices.Contains([]string{"info", "minor", "major", "critical", "blocker"}, f.Severity) {
			t.Errorf("not as GitLab wants it: %+v", f)
		}
		seen[f.Fingerprint] = true
	}
	if len(list) != len(r.Findings) {
		t.Errorf("%d of %d findings", len(list), len(r.Findings))
	}
}

func TestSummary(t *testing.T) {
	all := reports(t)
	if diff := cmp.Diff("no findings in 1 file", format.Summary(all["clean"])); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff("1 error in 0 files", format.Summary(all["missing"])); diff != "" {
		t.Error(diff)
	}
	all["clean"].Waived, all["clean"].Known = 2, 1
	if diff := cmp.Diff("no findings in 1 file, 2 waived, 1 in the baseline", format.Summary(all["clean"])); diff != "" {
		t.Error(diff)
	}
}
