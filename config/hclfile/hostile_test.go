package hclfile

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/strait-mirror/strait/config/diag"
)

// patience is far above what any of the texts below takes, and far below what
// they take without bounds: for ever.
const patience = 5 * time.Minute

// little is what expressions may compute here: a sixteenth of the real bound,
// which one test passes, lets the others end sooner.
const little = maxComputed / 16

// TestHostile reads texts that ask for far more time or memory than they take
// to write. Each must end with a complaint, soon.
func TestHostile(t *testing.T) {
	const k = 1000
	repeat := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i, i+1)
		}
		return b.String()
	}
	numbers := "[" + strings.Repeat("1,", 5*k) + "]"
	loops := strings.Repeat("[for x in local.n : ", 6) + "x" + strings.Repeat("]", 6)
	tests := map[string]struct{ text, want string }{
		"doubling strings":      {"locals {\n l0 = \"xxxxxxxxxxxxxxxx\"\n" + repeat(60, " l%[2]d = \"${local.l%[1]d}${local.l%[1]d}\"\n") + "}", diag.CodeTooBig},
		"doubling lists":        {"locals {\n l0 = [1]\n" + repeat(60, " l%[2]d = [local.l%[1]d, local.l%[1]d]\n") + "}", diag.CodeTooBig},
		"squaring numbers":      {"locals {\n l0 = 1e300\n" + repeat(60, " l%[2]d = local.l%[1]d * local.l%[1]d\n") + " x = \"${local.l60}\"\n}", diag.CodeTooBig},
		"number from a string":  {"locals { a = \"${\"1e99999\" * 1}\" }", diag.CodeTooBig},
		"tonumber":              {"locals { a = \"${tonumber(\"1e99999\")}\" }", diag.CodeTooBig},
		"a long number":         {"locals { a = " + strings.Repeat("9", 100*k) + " }", diag.CodeTooBig},
		"a big exponent":        {"locals { a = 1e999999999 }", diag.CodeTooBig},
		"digits in a string":    {"locals {\n a = \"" + strings.Repeat("9", 100*k) + "\"\n b = local.a + 1\n}", diag.CodeTooBig},
		"nested lists":          {"locals {\n l0 = []\n" + repeat(2*k, " l%[2]d = [local.l%[1]d]\n") + "}", diag.CodeTooBig},
		"loops in loops":        {"locals {\n n = " + numbers + "\n a = " + loops + "\n}", diag.CodeTooBig},
		"loops in functions":    {"locals {\n n = " + numbers + "\n a = join(\"\", flatten(" + loops + "))\n}", diag.CodeTooBig},
		"format":                {`locals { a = format("%999999999d", 1) }`, diag.CodeBadValue},
		"indent":                {`locals { a = indent(1e9, "a\nb") }`, diag.CodeBadValue},
		"range":                 {`locals { a = range(1e12) }`, diag.CodeBadValue},
		"replace":               {"locals {\n a = \"" + strings.Repeat("a", 100*k) + "\"\n b = replace(local.a, \"a\", local.a)\n}", diag.CodeTooBig},
		"regex":                 {"locals {\n a = \"" + strings.Repeat("a", 100*k) + "\"\n b = regexall(\"(\" + \"\", local.a)\n}", diag.CodeBadValue},
		"join":                  {"locals {\n n = " + numbers + "\n s = \"" + strings.Repeat("a", 100*k) + "\"\n b = join(local.s, [for x in local.n : \"\"])\n}", diag.CodeTooBig},
		"a long tuple":          {"locals {\n a = [for x in range(4000) : \"\"]\n b = join(\",\", local.a)\n c = true ? local.a : []\n d = e\n}\nvariable \"v\" {\n type = list(string)\n default = [" + strings.Repeat("1,", 4*k) + "]\n}", diag.CodeUndefined},
		"a large object":        {"locals {\n a = { for x in range(4000) : x => \"\" }\n b = lookup(local.a, \"1\", \"\")\n c = e\n}", diag.CodeUndefined},
		"json":                  {"locals { a = jsondecode(\"" + strings.Repeat("[", 5*k) + strings.Repeat("]", 5*k) + "\") }", diag.CodeBadValue},
		"many types":            {"locals { a = tolist([{}," + strings.Repeat("1,\"a\",", 10*k) + "]) }", diag.CodeTooBig},
		"for_each of a million": {"cluster \"c\" {\n for_each = flatten([for i in range(1000) : [for j in range(1000) : \"${i}-${j}\"]])\n bootstrap_servers = [\"a:1\"]\n}", diag.CodeTooBig},
		"a long cycle":          {"locals {\n" + repeat(10*k, " l%[1]d = local.l%[2]d\n") + fmt.Sprintf(" l%d = local.l0\n}", 10*k), diag.CodeUndefined},
		"everything is local":   {"locals {\n" + repeat(10*k, " l%[1]d = local\n") + "}", diag.CodeUndefined},
		"one local needs many":  {"locals {\n" + repeat(5*k, " l%[1]d=1\n") + " all = [" + repeat(5*k, "local.l%[1]d,") + "]\n x = y\n}", diag.CodeUndefined},
		"secrets of variables":  {repeat(2*k, "variable \"v%[1]d\" { default = 1 }\n") + "locals { a = [" + repeat(2*k, "var.v%[1]d,") + "] }\ncluster \"c\" {\n sasl \"plain\" { password = local.a }\n}", diag.CodeMissing},
		"1,000,000 blocks":      {strings.Repeat("a{}\n", 1000*k), diag.CodeTooBig},
		"many clusters":         {repeat(11*k, "cluster \"c%[1]d\" { bootstrap_servers = [\"a:1\"] }\n"), diag.CodeTooBig},
		"many flows":            {clusters + repeat(11*k, "flow \"f%[1]d\" {\n from = \"A\"\n to = \"B\"\n}\n"), diag.CodeTooBig},
		"many wrong attributes": {"cluster \"c\" {\n" + repeat(5*k, " bootstrap_server%[1]d = 1\n") + "}", diag.CodeUnknownKey},
		"a long line":           {"locals { a = [" + strings.Repeat("b,", 40*k) + "] }", diag.CodeUndefined},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			budget := int64(little)
			if name == "doubling strings" {
				budget = maxComputed
			}
			_, problems := readWithin(budget, tt.text)
			if took := time.Since(began); took > patience {
				t.Errorf("took %s", took)
			}
			found := false
			for _, d := range problems {
				found = found || d.Code == tt.want
			}
			if !found || len(problems) > maxProblems+1 {
				t.Errorf("got %d problems, no %s: %.500v", len(problems), tt.want, problems)
			}
		})
	}
}

// BenchmarkThousandFlows reads a large topology.
func BenchmarkThousandFlows(b *testing.B) {
	text := thousandFlows()
	for b.Loop() {
		if _, problems := read(text); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}

func thousandFlows() string {
	var b strings.Builder
	b.WriteString("locals { topics = [\"orders.*\", \"payments\"] }\n" + clusters)
	for i := range 1000 {
		fmt.Fprintf(&b, "flow \"f%d\" {\n  from = cluster.A\n  to = cluster.B\n  topics = concat(local.topics, [\"t%d\\\\..*\"])\n  replication_factor = 3\n}\n", i, i)
	}
	return b.String()
}

func TestThousandFlows(t *testing.T) {
	cfg, problems := read(thousandFlows())
	if len(problems) > 0 || len(cfg.Flows) != 1000 || len(cfg.Flows[999].Topics) != 3 {
		t.Errorf("%d flows, %v", len(cfg.Flows), problems)
	}
}

// TestUniform converts tuples and objects of any length alike.
func TestUniform(t *testing.T) {
	for _, n := range []int{3, 300} {
		text := fmt.Sprintf(`locals {
  list   = [for x in range(%d) : "t${x}"]
  map    = { for x in range(%[1]d) : "k${x}" => "v${x}" }
  either = true ? local.list : []
}
`, n) + clusters + `flow "A->B" {
  topics         = [join(",", local.list), lookup(local.map, "k2", "none"), local.map.k1, local.either[2], join("-", [for k, v in merge(local.map, {}) : v if k == "k0"])]
  topics_exclude = concat(local.list, ["last"])
}
`
		cfg, problems := read(text)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		f := cfg.Flows[0]
		if got := strings.Join(f.Topics[1:], " "); got != "v2 v1 t2 v0" || strings.Count(f.Topics[0], ",") != n-1 {
			t.Errorf("%d elements: topics are %.200v", n, f.Topics)
		}
		if got := f.TopicsExclude[len(f.TopicsExclude)-1]; got != "last" || len(f.TopicsExclude) != n+4 {
			t.Errorf("%d elements: %d excludes, the last is %s", n, len(f.TopicsExclude), got)
		}
	}
}
