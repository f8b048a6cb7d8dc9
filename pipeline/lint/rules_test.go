package lint_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"go/ast"
	"go/parser"
	"go/token"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/config/load"
	"github.com/strait-mirror/strait/pipeline/lint"
)

// withoutExamples are rules that no text alone can break.
var withoutExamples = []string{
	"ST108", // is about files that are converted; package convert tests it
	"ST017", // is about paths; see TestUnreadable
	"ST018", // is about megabytes; the readers test it
}

// complete adds the clusters and the flow an example leaves out, in front of it.
func complete(language, text string) string {
	var lines []string
	add := func(missing string, more ...string) {
		if !strings.Contains(text, missing) {
			lines = append(lines, more...)
		}
	}
	if language == "hcl" {
		for _, alias := range []string{"dc1", "dc2"} {
			add(`cluster "`+alias+`"`, `cluster "`+alias+`" {`, `  bootstrap_servers = ["`+alias+`:9092"]`, "}")
		}
		add("flow \"", `flow "dc1->dc2" {`, `  topics = ["orders"]`, "}")
		return strings.Join(append(lines, text), "\n") + "\n"
	}
	add("clusters =", "clusters = dc1, dc2")
	for _, alias := range []string{"dc1", "dc2"} {
		if !strings.Contains(text, "clusters =") || strings.Contains(text, alias) {
			add(alias+".bootstrap.servers", alias+".bootstrap.servers = "+alias+":9092")
		}
	}
	if !strings.Contains(text, "clusters =") || strings.Contains(text, "dc1") {
		add("dc1->dc2.enabled", "dc1->dc2.enabled = true")
		add("topics =", "dc1->dc2.topics = orders")
	}
	return strings.Join(append(lines, text), "\n")
}

// now is when the tests run.
func now() time.Time { return time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC) }

// world is what examples refer to.
func world(t *testing.T, dir string) lint.Params {
	t.Helper()
	files := fstest.MapFS{
		"etc/strait/ca.pem":     {Mode: 0o644, Data: certificate(t, now().AddDate(5, 0, 0))},
		"etc/strait/old-ca.pem": {Mode: 0o644, Data: certificate(t, now().AddDate(0, 0, 29))},
		"etc/strait/open":       {Mode: 0o644, Data: []byte("hunter2\n")},
		"etc/strait/password":   {Mode: 0o600, Data: []byte("hunter2\n")},
	}
	return lint.Params{
		Load: load.Options{
			Env: func(name string) (string, bool) {
				v, ok := map[string]string{"DC1_PASSWORD": "hunter2", "DC1_BROKERS": "a:9092,b:9092", "GOMEMLIMIT": "1GiB"}[name]
				return v, ok
			},
			ReadFile: func(path string) ([]byte, error) {
				if strings.HasPrefix(path, dir) {
					return os.ReadFile(path)
				}
				return files.ReadFile(strings.TrimPrefix(path, "/"))
			},
		},
		Stat: func(path string) (os.FileInfo, error) { return files.Stat(strings.TrimPrefix(path, "/")) },
		Now:  now,
	}
}

// certificate is one that signs itself, as PEM.
func certificate(t *testing.T, ends time.Time) []byte {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: ends}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// run lints one text. It need not be formatted, unless change takes that rule
// back.
func run(t *testing.T, language, text string, change ...func(*lint.Params)) *lint.Report {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "topology."+language)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := world(t, dir)
	p.Paths, p.Ignore = []string{path}, []string{"ST011"}
	for _, f := range change {
		f(&p)
	}
	report, err := lint.Run(p)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// codes are the rules that something was found by.
func codes(r *lint.Report) []string {
	var list []string
	for _, f := range r.Findings {
		list = append(list, f.Code)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// unfinished reports whether a finding says of a setting that it is to come.
func unfinished(f lint.Finding) bool {
	return f.Code == "ST306" && strings.HasSuffix(f.Summary, "has no effect yet")
}

func TestExamples(t *testing.T) {
	for _, rule := range lint.Rules() {
		if slices.Contains(withoutExamples, rule.ID) {
			continue
		}
		tests := map[string]struct {
			language, text string
			bad            bool
		}{
			"bad hcl":         {"hcl", rule.Bad.HCL, true},
			"good hcl":        {"hcl", rule.Good.HCL, false},
			"bad properties":  {"properties", rule.Bad.Properties, true},
			"good properties": {"properties", rule.Good.Properties, false},
		}
		if rule.Bad == (lint.Example{}) || rule.Good == (lint.Example{}) {
			t.Errorf("%s lacks an example", rule.ID)
		}
		for name, tt := range tests {
			if tt.text == "" {
				continue
			}
			t.Run(rule.ID+"/"+name, func(t *testing.T) {
				text := complete(tt.language, tt.text)
				var want []string
				if tt.bad {
					want = []string{rule.ID}
				}
				report := run(t, tt.language, text, asking(t, rule, tt.bad))
				report.Findings = slices.DeleteFunc(report.Findings, unfinished)
				if diff := cmp.Diff(want, codes(report)); diff != "" {
					t.Errorf("rules (-want +got):\n%s\n%s\n%v", diff, text, report.List())
				}
				for _, f := range report.Findings {
					if f.Severity < rule.Severity {
						t.Errorf("%s is worse than its rule says: %s", f.Severity, f)
					}
				}
			})
		}
	}
}

// TestCodesAreRules compares the rules with the codes of package diag.
func TestCodesAreRules(t *testing.T) {
	parsed, err := parser.ParseFile(token.NewFileSet(), "../../config/diag/codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var declared []string
	ast.Inspect(parsed, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			code, _ := strconv.Unquote(lit.Value)
			declared = append(declared, code)
		}
		return true
	})
	slices.Sort(declared)
	var rules []string
	for _, r := range lint.Rules() {
		rules = append(rules, r.ID)
		if r.Title == "" || !strings.HasSuffix(r.Why, ".") || !strings.HasSuffix(r.Fix, ".") && !strings.HasSuffix(r.Fix, ";") || r.Severity == 0 {
			t.Errorf("%s is not declared in full", r.ID)
		}
	}
	if diff := cmp.Diff(declared, rules); diff != "" {
		t.Errorf("codes of config/diag against rules (-codes +rules):\n%s", diff)
	}
}

// TestPages compares the generated pages with the rules.
func TestPages(t *testing.T) {
	const dir = "../../docs/reference/lint"
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		got[e.Name()] = string(text)
	}
	if diff := cmp.Diff(lint.Pages(), got); diff != "" {
		t.Errorf("run `make generate` (-want +got):\n%s", diff)
	}
}

func TestLookup(t *testing.T) {
	tests := map[string]string{
		"ST402":  "",
		"st402":  "",
		"ST40":   `no rule "ST40": did you mean "ST401"?`,
		"402":    `no rule "402": did you mean "ST402"?`,
		"6":      `no rule "6": did you mean "ST006"?`,
		"STO02":  `no rule "STO02": did you mean "ST002"?`,
		"banana": "no rule \"banana\": see `strait rules`",
		"":       "no rule \"\": see `strait rules`",
	}
	for id, want := range tests {
		t.Run(id, func(t *testing.T) {
			_, err := lint.Lookup(id)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// TestShippedTopologies lints the examples of the repository in both languages.
func TestShippedTopologies(t *testing.T) {
	files, err := filepath.Glob("../../examples/*/*.*")
	if err != nil {
		t.Fatal(err)
	}
	linted := 0
	for _, file := range files {
		if ext := filepath.Ext(file); ext != ".hcl" && ext != ".properties" {
			continue
		}
		linted++
		t.Run(file, func(t *testing.T) {
			// Nothing here has their certificates and passwords.
			r, err := lint.Run(lint.Params{Paths: []string{file}, Ignore: []string{"ST013"}})
			if err != nil || len(r.Findings) > 0 {
				t.Errorf("%v %v", err, r.List())
			}
		})
	}
	if linted < 6 {
		t.Errorf("%d topologies are too few", linted)
	}
}

// TestUnformattedLine shows the line from which on a file is not formatted.
func TestUnformattedLine(t *testing.T) {
	text := complete("hcl", "") + "locals {\n x=1\n}\n"
	r := run(t, "hcl", text, func(p *lint.Params) { p.Ignore = nil })
	for _, f := range r.Findings {
		if f.Code == "ST011" && strings.HasPrefix(text[f.Subject.Start.Byte:], " x=1") {
			return
		}
	}
	t.Errorf("found %v", r.List())
}
