package draw_test

import (
	"encoding/json"
	"fmt"
	"html"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/strait-mirror/strait/cmd/strait/internal/draw"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/pipeline/graph"
)

// sample is a topology full of what users may write.
func sample(text string) *graph.Graph {
	cfg := &model.Config{
		Clusters: []*model.Cluster{{Alias: text, BootstrapServers: []string{"a:9092"}}, {Alias: "b", BootstrapServers: []string{text}}},
		Flows: []*model.Flow{
			{Name: text, From: text, To: "b", Topics: []string{text, "orders"}, Enabled: true},
			{Name: "back", From: "b", To: text, ReplicationPolicySeparator: text},
		},
	}
	return graph.New(cfg, graph.Key{})
}

// dotLine is the whole of the language that DOT may write, one statement a line.
func dotLine() *regexp.Regexp {
	const quoted = `"(?:[^"\\]|\\["\\n])*"`
	const attrs = `\[\w+=(?:` + quoted + `|\w+)(?:, \w+=(?:` + quoted + `|\w+))*\]`
	return regexp.MustCompile(`^(?:digraph strait \{|  rankdir=LR; nodesep=0\.6; ranksep=1\.2;|  (?:node|edge) ` + attrs + `;|` +
		`  subgraph cluster_\d+ \{|    label=` + quoted + `; style="rounded,filled"; color=\w+; fillcolor=\w+; fontname="Helvetica";|` +
		` {2,4}[cn]\d+ ` + attrs + `;|  [cn]\d+ -> [cn]\d+ ` + attrs + `;| *\})$`)
}

// mermaidLine is the same for Mermaid.
func mermaidLine() *regexp.Regexp {
	const label = `"(?:[a-zA-Z0-9 .,:/()-]|#\d+;|<br/>)*"`
	return regexp.MustCompile(`^(?:flowchart LR|  subgraph g\d+\[` + label + `\]|  end|` +
		` {2,4}[cn]\d+(?:\[\(` + label + `\)\]|\{\{` + label + `\}\}|\[` + label + `\])|` +
		`  [cn]\d+ (?:-->|-\.->)(?:\|` + label + `\|)? [cn]\d+|  linkStyle \d+ stroke:#[0-9a-f]{6})$`)
}

// FuzzPictures holds every picture to the grammar of its language.
func FuzzPictures(f *testing.F) {
	for _, text := range hostile() {
		f.Add(text)
	}
	dot, mermaid := dotLine(), mermaidLine()
	f.Fuzz(func(t *testing.T, text string) {
		g := sample(text)
		for _, expand := range []bool{false, true} {
			for line := range strings.Lines(string(draw.DOT(g, expand))) {
				if !dot.MatchString(strings.TrimSuffix(line, "\n")) {
					t.Errorf("not DOT: %q", line)
				}
			}
			for line := range strings.Lines(string(draw.Mermaid(g, expand))) {
				if !mermaid.MatchString(strings.TrimSuffix(line, "\n")) {
					t.Errorf("not Mermaid: %q", line)
				}
			}
		}
		if _, err := json.Marshal(g.Document()); err != nil {
			t.Errorf("not JSON: %v", err)
		}
	})
}

// hostile are texts that mean something to one of the languages.
func hostile() []string {
	return []string{
		"", `"`, `\`, `\"`, `\N\G\l`, "&amp;<b>x</b>", "a\nb", "\x00\x1b[31m", "\xff", "`*x*`", "1. item", "- item", "#35;", "end",
		"}", "]; n0 -> n1", "-->", "|", "%%{init: {}}%%", "\u202Eabc", "\u2028", "ﬂ°°35¶ß", strings.Repeat("long ", 100), strings.Repeat("x", 1000), "日本語",
	}
}

// TestGraphviz has the real thing read what fuzzing holds to a grammar, where it
// is installed, and shows what it took the labels for.
func TestGraphviz(t *testing.T) {
	path, err := exec.LookPath("dot")
	if err != nil {
		t.Skip("NOT RUN: graphviz is not installed; the grammar of its language is held by the other tests")
	}
	for i, text := range hostile() {
		for _, expand := range []bool{false, true} {
			cmd := exec.CommandContext(t.Context(), path, "-Tsvg")
			cmd.Stdin = strings.NewReader(string(draw.DOT(sample(text), expand)))
			out, err := cmd.CombinedOutput()
			if err != nil || strings.Contains(string(out), "Warning") {
				t.Errorf("%d %q: %v: %s", i, text, err, out)
			}
		}
	}
	cmd := exec.CommandContext(t.Context(), path, "-Tsvg")
	const name = `a\N"&amp;<b>#35;`
	cmd.Stdin = strings.NewReader(string(draw.DOT(sample(name), false)))
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(html.UnescapeString(string(out)), ">"+name+"<") {
		t.Errorf("%q is not in the picture: %v\n%s", name, err, out)
	}
}

// TestMermaidText reads labels back: the entities stand for what was written.
func TestMermaidText(t *testing.T) {
	const name = `a"b#c;<d>`
	entity := regexp.MustCompile(`#(\d+);`)
	text := entity.ReplaceAllStringFunc(string(draw.Mermaid(sample(name), false)), func(e string) string {
		n, err := strconv.Atoi(e[1 : len(e)-1])
		if err != nil {
			t.Fatal(err)
		}
		return string(rune(n))
	})
	if !strings.Contains(text, name) {
		t.Errorf("%q is not in\n%s", name, text)
	}
}

func TestJSON(t *testing.T) {
	text, err := json.Marshal(sample("a").Document())
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		FormatVersion int `json:"format_version"`
		Nodes         []struct{ ID, Needs string }
		Paths         []struct {
			Flow, Mode string
			Nodes      []string
			Why        []struct{ Text string }
		}
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got.FormatVersion != 1 || len(got.Nodes) != 4 || len(got.Paths) != 2 {
		t.Fatalf("got %+v", got)
	}
	p := got.Paths[0]
	if p.Mode != "pass-through" || fmt.Sprint(p.Nodes) != "[flow.a.source flow.a.sink]" || len(p.Why) != 1 || p.Why[0].Text == "" {
		t.Errorf("got %+v", p)
	}
}
