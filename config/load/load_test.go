package load_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/load"
)

var update = flag.Bool("update", false, "rewrite want.txt of the golden files")

// env holds what the tests' files read; its values are secrets.
func env(name string) (string, bool) {
	v, ok := map[string]string{"PASSWORD": "hunter2-env", "DC1_PASSWORD": "hunter2-env", "SERVERS": "a:9092,b:9092", "WEST_BROKERS": "w1:9092,w2:9092", "EAST_BROKERS": "e1:9092", "BAD_NUMBER": "hunter2-env"}[name]
	return v, ok
}

// TestGolden loads the files of every archive that its first line lists and
// compares the rendered diagnostics with want.txt; a first word "lint" lets values
// be missing, "errors" also leaves out what is no error. A comment `want "ST002"` names
// the codes of its line, or of the next line if nothing else is on it.
func TestGolden(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal(err, "no golden files")
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			golden, err := filepath.Abs(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(t.TempDir())
			wanted := map[string][]string{}
			for _, f := range ar.Files {
				if err := os.WriteFile(f.Name, f.Data, 0o600); err != nil {
					t.Fatal(err)
				}
				if f.Name != "want.txt" {
					marks(wanted, f)
				}
			}
			line, _, _ := strings.Cut(string(ar.Comment), "\n")
			args := strings.Fields(line)
			opts := load.Options{Sources: &diag.Sources{}, Env: env}
			mode := args[0]
			if mode == "lint" || mode == "errors" {
				opts.AllowMissing, args = true, args[1:]
			}
			_, problems := load.Load(args, opts)
			if mode == "errors" {
				problems = slices.DeleteFunc(problems, func(d diag.Diagnostic) bool { return d.Severity != diag.Error })
			}
			var out bytes.Buffer
			if err := diag.Render(&out, problems, opts.Sources); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(out.String(), "hunter2") {
				t.Errorf("a secret is shown:\n%s", out.String())
			}
			checkMarks(t, wanted, problems)
			compareGolden(t, golden, ar, out.String())
		})
	}
}

// marks collects `want` comments as "file:line" to codes.
func marks(wanted map[string][]string, f txtar.File) {
	for i, line := range strings.Split(string(f.Data), "\n") {
		before, codes, ok := strings.Cut(line, `# want "`)
		if !ok {
			continue
		}
		n := i + 1
		if strings.TrimSpace(before) == "" {
			n++
		}
		codes, _, _ = strings.Cut(codes, `"`)
		key := fmt.Sprintf("%s:%d", f.Name, n)
		wanted[key] = append(wanted[key], strings.Fields(codes)...)
	}
}

func checkMarks(t *testing.T, wanted map[string][]string, problems diag.List) {
	t.Helper()
	got := map[string][]string{}
	for _, d := range problems {
		if d.Subject.Start.Line > 0 {
			key := fmt.Sprintf("%s:%d", d.Subject.File, d.Subject.Start.Line)
			got[key] = append(got[key], d.Code)
		}
	}
	for _, m := range []map[string][]string{wanted, got} {
		for _, codes := range m {
			slices.Sort(codes)
		}
	}
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Errorf("marks in the files (-want +got):\n%s", diff)
	}
}

func compareGolden(t *testing.T, path string, ar *txtar.Archive, got string) {
	t.Helper()
	i := slices.IndexFunc(ar.Files, func(f txtar.File) bool { return f.Name == "want.txt" })
	if *update {
		if i < 0 {
			ar.Files, i = append(ar.Files, txtar.File{Name: "want.txt"}), len(ar.Files)
		}
		ar.Files[i].Data = []byte(got)
		if err := os.WriteFile(path, txtar.Format(ar), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if i < 0 {
		t.Fatal("no want.txt; run with -update")
	}
	if diff := cmp.Diff(string(ar.Files[i].Data), got); diff != "" {
		t.Errorf("diagnostics (-want +got):\n%s", diff)
	}
}

func TestVars(t *testing.T) {
	opts := load.Options{Env: env, Vars: map[string]string{"failed_over": "true"}, AllowMissing: true}
	cfg, problems := load.Load([]string{"../../examples/active-passive/strait.hcl"}, opts)
	if problems.HasErrors() || cfg.Flows[0].Enabled || !cfg.Flows[1].Enabled {
		t.Errorf("got %v", problems)
	}
	opts.Vars = map[string]string{"failed_ove": "true"}
	_, problems = load.Load([]string{"../../examples/active-passive/strait.hcl"}, opts)
	if !problems.HasErrors() || !strings.Contains(problems.Err().Error(), `variable "failed_ove", which is not declared (ST012)`) {
		t.Errorf("got %v", problems)
	}
}

// TestSecretsNeverShow prints models with secrets in every way there is.
func TestSecretsNeverShow(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{
		"a.hcl": `
locals { pw = "hunter2-local" }
cluster "A" {
  bootstrap_servers = ["a:9092"]
  tls {
    truststore_password = "hunter2-trust"
    keystore_password   = "hunter2-own"
    key_password        = "hunter2-key"
  }
  sasl "plain" {
    username = "u"
    password = local.pw
  }
}
cluster "B" { bootstrap_servers = ["b:9092"] }
flow "A->B" {}`,
		"a.properties": `clusters=A,B
A.bootstrap.servers=a:9092
B.bootstrap.servers=b:9092
A.security.protocol=SASL_PLAINTEXT
A.sasl.mechanism=PLAIN
A.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="hunter2-jaas";
A->B.enabled=true`,
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, problems := load.Load([]string{path}, load.Options{Env: env})
		if problems.HasErrors() {
			t.Fatal(problems)
		}
		if !strings.HasPrefix(cfg.Cluster("A").SASL.Password.Reveal(), "hunter2") {
			t.Errorf("%s: the password is lost", name)
		}
		for _, c := range cfg.Clusters {
			js, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			shown := []string{string(js)}
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
				shown = append(shown, fmt.Sprintf(verb, *c))
				if c.SASL != nil {
					shown = append(shown, fmt.Sprintf(verb, *c.SASL), fmt.Sprintf(verb, c.SASL.Password), fmt.Sprintf(verb, &c.SASL.Password))
				}
				if c.TLS != nil {
					shown = append(shown, fmt.Sprintf(verb, *c.TLS), fmt.Sprintf(verb, c.TLS.Key))
				}
			}
			for _, s := range shown {
				if strings.Contains(s, "hunter2") || strings.Contains(s, "68756e74657232") {
					t.Errorf("%s: a secret is shown: %s", name, s)
				}
			}
		}
	}
}

func TestPaths(t *testing.T) {
	t.Chdir(t.TempDir())
	const flow = `cluster "A" { bootstrap_servers = ["a:9092"] }
cluster "B" { bootstrap_servers = ["b:9092"] }
flow "A->B" {}
`
	const properties = "clusters=A,C\nA.bootstrap.servers=a:9092\nC.bootstrap.servers=c:9092\nA->C.enabled=true\n"
	for name, text := range map[string]string{
		"a.hcl": flow, "m.properties": properties, "x.yaml": "", "empty/readme": "", "parts/1.hcl": flow[:strings.Index(flow, "flow")],
		"parts/2.hcl": `flow "A->B" {}`, "parts/.hidden.hcl": "(", "off.hcl": strings.Replace(flow, "{}", "{ enabled = false }", 1),
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tests := map[string]struct {
		paths []string
		want  string
	}{
		"file":             {[]string{"a.hcl"}, ""},
		"same file twice":  {[]string{"a.hcl", "./a.hcl"}, ""},
		"directory":        {[]string{"parts"}, ""},
		"nothing":          {nil, "error: no file is given (ST017)"},
		"missing":          {[]string{"nope.hcl"}, "nope.hcl: error: cannot read: no such file or directory (ST017)"},
		"unknown kind":     {[]string{"x.yaml"}, "x.yaml: error: the kind of the file is unknown (ST017)"},
		"empty directory":  {[]string{"empty"}, "empty: error: the directory holds no .hcl file (ST017)"},
		"no enabled flow":  {[]string{"off.hcl"}, ""},
		"cluster of both":  {[]string{"a.hcl", "m.properties"}, `m.properties:2:21: error: cluster "A" is already declared at a.hcl:1:1 (ST016)`},
		"missing and good": {[]string{"nope.hcl", "a.hcl"}, "nope.hcl: error: cannot read: no such file or directory (ST017)"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, problems := load.Load(tt.paths, load.Options{Env: env})
			got := ""
			if len(problems) > 0 {
				got = problems[0].String()
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
