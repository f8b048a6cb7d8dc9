package lint_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/load"
	"github.com/strait-mirror/strait/pipeline/lint"
)

// flows writes clusters and identity flows "A>B:topic,topic"; "A>B!:topic" has no
// loop guard, "A>B~:topic" copies local records only.
func flows(specs ...string) string {
	var out strings.Builder
	seen := map[string]bool{}
	for i, spec := range specs {
		pair, topics, _ := strings.Cut(spec, ":")
		pair, off := strings.CutSuffix(pair, "!")
		from, to, _ := strings.Cut(pair, ">")
		to, local := strings.CutSuffix(to, "~")
		guard := "auto"
		switch {
		case off:
			guard = "off"
		case local:
			guard = "local"
		}
		for _, alias := range []string{from, to} {
			if !seen[alias] {
				fmt.Fprintf(&out, "cluster %q {\n  bootstrap_servers = [\"%s:9092\"]\n}\n", alias, alias)
			}
			seen[alias] = true
		}
		fmt.Fprintf(&out, "flow \"f%d\" {\n  from = %q\n  to = %q\n  replication_policy = \"identity\"\n  loop_guard = %q\n  topics = split(\",\", %q)\n}\n", i, from, to, guard, topics)
	}
	return out.String()
}

func TestLoops(t *testing.T) {
	tests := map[string]struct {
		flows []string
		loops int
	}{
		"one way":            {[]string{"a>b:x"}, 0},
		"both ways":          {[]string{"a>b:x", "b>a:x"}, 0},
		"disjoint":           {[]string{"a>b:x", "b>a!:y"}, 0},
		"disjoint prefixes":  {[]string{`a>b:eu\\..*`, `b>a:us\\..*`}, 0},
		"name and prefix":    {[]string{"a>b:eu.*", "b>a!:eu-orders"}, 1},
		"name beside prefix": {[]string{"a>b:eu-.*", "b>a!:us-orders"}, 0},
		"everything":         {[]string{"a>b:.*", "b>a!:orders"}, 1},
		"alternatives":       {[]string{"a>b:x|y", "b>a!:y"}, 1},
		"optional":           {[]string{"a>b:orders?", "b>a!:order"}, 1},
		"ring":               {[]string{"a>b:x", "b>c:x", "c>a:x"}, 1},
		"broken ring":        {[]string{"a>b:x", "b>c:x", "c>a:y"}, 0},
		"two rings":          {[]string{"a>b:x", "b>a!:x", "c>d!:y", "d>c:y"}, 2},
		"guarded tree":       {[]string{"a>b:x", "b>a:x", "b>c:x", "c>b:x"}, 0},
		"both, of three":     {[]string{"a>b:x", "b>a:x", "b>c:x", "c>a:x"}, 1},
		"chain into a ring":  {[]string{"z>a:x", "a>b:x", "b>a!:x"}, 1},
		"mesh":               {[]string{"a>b:x", "b>a:x", "b>c:x", "c>b:x", "a>c:x", "c>a:x"}, 1},
		"local mesh":         {[]string{"a>b~:x", "b>a~:x", "b>c~:x", "c>b~:x", "a>c~:x", "c>a~:x"}, 0},
		"nearly local mesh":  {[]string{"a>b~:x", "b>a~:x", "b>c~:x", "c>b~:x", "a>c~:x", "c>a:x"}, 1},
		"odd one first":      {[]string{"a>b:other", "a>b:x", "b>a!:x"}, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			n := 0
			r := run(t, "hcl", flows(tt.flows...))
			for _, f := range r.Findings {
				if f.Code == diag.CodeLoop {
					n++
				}
			}
			if n != tt.loops {
				t.Errorf("found %d loops, want %d: %v", n, tt.loops, r.List())
			}
		})
	}
}

// TestAtStart loads what is not reported by the readers.
func TestAtStart(t *testing.T) {
	src := &diag.Sources{}
	path := filepath.Join(t.TempDir(), "t.hcl")
	if err := os.WriteFile(path, []byte(flows("a>b:x", "b>a!:x")), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, problems := load.Load([]string{path}, load.Options{Sources: src})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	got := lint.AtStart(cfg, src, false)
	if len(got) != 1 || got[0].Code != diag.CodeLoop || got[0].Severity != diag.Warning {
		t.Errorf("got %v", got)
	}
}

func TestLiteralSecrets(t *testing.T) {
	hcl := func(value, more string) string {
		return more + `
cluster "A" {
  bootstrap_servers = ["a:9093"]
  tls {}
  sasl "plain" {
    username = "u"
    password = ` + value + `
  }
}
` + flows("B>A:x")[:strings.Index(flows("B>A:x"), "cluster \"A\"")] + "flow \"A->B\" { topics = [\"x\"] }\n"
	}
	jaas := func(options string) string {
		return propsHead + "A->B.topics=x\nconfig.providers=env\nconfig.providers.env.class=org.apache.kafka.common.config.provider.EnvVarConfigProvider\n" +
			"A.security.protocol=SASL_SSL\nA.sasl.mechanism=PLAIN\nA.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required " + options + ";\n"
	}
	tests := map[string]struct {
		language, text string
		bad            bool
	}{
		"literal":         {"hcl", hcl(`"hunter2"`, ""), true},
		"escaped":         {"hcl", hcl(`"hun\"ter$2"`, ""), true},
		"heredoc":         {"hcl", hcl("<<E\nhunter2\nE", ""), true},
		"env":             {"hcl", hcl(`env("DC1_PASSWORD")`, ""), false},
		"template of env": {"hcl", hcl(`"${env("DC1_PASSWORD")}"`, ""), false},
		"local":           {"hcl", hcl("local.pw", "locals {\n  pw = \"hunter2\"\n}"), true},
		"local of env":    {"hcl", hcl("local.pw", "locals {\n  pw = env(\"DC1_PASSWORD\")\n}"), false},
		"variable":        {"hcl", hcl("var.pw", "variable \"pw\" {\n  default = \"hunter2\"\n}"), true},
		"properties":      {"hcl", hcl(`env("DC1_PASSWORD")`, "") + "cluster \"C\" {\n  bootstrap_servers = [\"c:1\"]\n  properties = { \"ssl.key.password\" = \"hunter2\" }\n}\nflow \"A->C\" { topics = [\"x\"] }\n", true},
		"jaas":            {"properties", jaas(`username="u" password="hunter2"`), true},
		"jaas of env":     {"properties", jaas(`username="u" password="${env:DC1_PASSWORD}"`), false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var want []string
			if tt.bad {
				want = []string{"ST201"}
			}
			r := run(t, tt.language, tt.text, func(p *lint.Params) { p.Ignore = append(p.Ignore, "ST306") })
			if diff := cmp.Diff(want, codes(r)); diff != "" {
				t.Errorf("rules (-want +got):\n%s\n%v", diff, r.List())
			}
			if s := fmt.Sprint(r.List()); strings.Contains(s, "hunter2") {
				t.Errorf("a secret is shown: %s", s)
			}
		})
	}
}
