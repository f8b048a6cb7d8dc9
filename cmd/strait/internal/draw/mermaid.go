package draw

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/strait-mirror/strait/pipeline/graph"
)

// Mermaid draws g as a Mermaid flowchart, which Markdown viewers show: one box
// per cluster, or with expand every node in its cluster.
func Mermaid(g *graph.Graph, expand bool) []byte {
	p := overview(g)
	if expand {
		p = expanded(g)
	}
	var b bytes.Buffer
	b.WriteString("flowchart LR\n")
	for i, gr := range p.groups {
		fmt.Fprintf(&b, "  subgraph g%d[%s]\n", i, quoteMermaid(gr.title))
		for _, bx := range gr.boxes {
			b.WriteString("  " + mermaidBox(bx))
		}
		b.WriteString("  end\n")
	}
	for _, bx := range p.loose {
		b.WriteString(mermaidBox(bx))
	}
	for i, a := range p.arrows {
		label, line := "", "-->"
		if a.off {
			line = "-.->"
		}
		if len(a.lines) > 0 {
			label = "|" + quoteMermaid(a.lines...) + "|"
		}
		fmt.Fprintf(&b, "  %s %s%s %s\n", a.from, line, label, a.to)
		fmt.Fprintf(&b, "  linkStyle %d stroke:%s\n", i, colourOf(a))
	}
	return b.Bytes()
}

func mermaidBox(b box) string {
	label := quoteMermaid(b.lines...)
	switch b.shape {
	case shapeCluster:
		label = "[(" + label + ")]"
	case shapeStage:
		label = "{{" + label + "}}"
	case shapeSource, shapeSink:
		label = "[" + label + "]"
	}
	return "  " + b.id + label + "\n"
}

// quoteMermaid writes lines of plain text as a quoted label. Mermaid reads
// HTML, Markdown and entities in it, so that everything but letters, digits and
// a few marks is written by its number; so is the first character of a line,
// which could begin a list.
func quoteMermaid(lines ...string) string {
	var out []string
	for _, line := range clean(lines) {
		var b strings.Builder
		for i, r := range line {
			letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
			inside := i > 0 && (r >= '0' && r <= '9' || strings.ContainsRune(" .,:/()-", r))
			if letter || inside {
				b.WriteRune(r)
			} else {
				fmt.Fprintf(&b, "#%d;", r)
			}
		}
		out = append(out, b.String())
	}
	if len(out) == 0 {
		out = append(out, " ")
	}
	return `"` + strings.Join(out, "<br/>") + `"`
}
