package convert_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/strait-mirror/strait/config/convert"
)

// TestHostile gives every format texts that cost a careless reader its memory,
// its stack or an afternoon.
func TestHostile(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'z'; c++ {
		bomb += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+string(c-1)+",", 9) + "]\n"
	}
	cluster := "apiVersion: kafka.strimzi.io/v1beta2\nkind: KafkaMirrorMaker2\nspec:\n"
	merges := "&a {x: y}"
	for range 60 {
		merges = "{<<: [" + merges + "]}"
	}
	texts := map[string]string{
		"nothing":          "",
		"brackets":         strings.Repeat("[", 100_000),
		"braces":           strings.Repeat("{a: ", 20_000),
		"indents":          deep(2_000),
		"aliases":          bomb + cluster + "  mirrors: *z\n",
		"merges":           cluster + "  mirrors: [" + merges + "]\n",
		"itself":           "&a [*a]",
		"many documents":   strings.Repeat("---\nkind: KafkaMirrorMaker2\n", 20_000),
		"many clusters":    cluster + "  clusters:\n" + strings.Repeat("  - {alias: a, bootstrapServers: b, config: {x: y}}\n", 20_000),
		"many mirrors":     cluster + "  mirrors:\n" + strings.Repeat("  - {sourceCluster: a, targetCluster: b, sourceConnector: {config: {x: 1}}}\n", 20_000),
		"no text":          "\x00\xff\xfe",
		"variables":        "clusters=" + strings.Repeat("${env:A}", 50_000),
		"many variables":   strings.Repeat("x${a:b:c}=${env:X}${env:Y}\n", 20_000),
		"comments":         strings.Repeat("# x\n", 200_000) + "clusters=A,B\nA.bootstrap.servers=a:1\nB.bootstrap.servers=b:1\n",
		"too big":          strings.Repeat("x", 17<<20),
		"wrong kinds":      cluster + "  clusters: {a: b}\n  mirrors: 3\n  target: [x]\n",
		"scalars as trees": `{"config": 3, "connector.class": {"a": 1}}`,
	}
	for _, format := range []convert.Format{convert.MM2, convert.Strimzi, convert.Connect} {
		for name, text := range texts {
			t.Run(string(format)+"/"+name, func(t *testing.T) {
				began := time.Now()
				got := convert.Convert(convert.Params{
					Format: format, Env: env, ReadFile: os.ReadFile, Files: []convert.File{{Name: "x", Text: []byte(text)}},
				})
				if took := time.Since(began); took > 20*time.Second {
					t.Errorf("took %v", took)
				}
				if len(got.HCL) == 0 && got.Report.Complete() {
					t.Error("nothing was converted, and nothing is said about it")
				}
			})
		}
	}
}

// deep nests mappings by indentation.
func deep(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}
