package draw

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/strait-mirror/strait/pipeline/graph"
)

// DOT draws g in Graphviz's language: one box per cluster, or with expand every
// node in its cluster.
func DOT(g *graph.Graph, expand bool) []byte {
	p := overview(g)
	if expand {
		p = expanded(g)
	}
	var b bytes.Buffer
	b.WriteString("digraph strait {\n" +
		"  rankdir=LR; nodesep=0.6; ranksep=1.2;\n" +
		"  node [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=\"Helvetica\", fontsize=11];\n" +
		"  edge [fontname=\"Helvetica\", fontsize=10];\n")
	for i, gr := range p.groups {
		fmt.Fprintf(&b, "  subgraph cluster_%d {\n    label=%s; style=\"rounded,filled\"; color=gray60; fillcolor=gray95; fontname=\"Helvetica\";\n",
			i, quoteDOT(gr.title))
		for _, bx := range gr.boxes {
			b.WriteString("  " + dotBox(bx))
		}
		b.WriteString("  }\n")
	}
	for _, bx := range p.loose {
		b.WriteString(dotBox(bx))
	}
	for _, a := range p.arrows {
		style := ""
		if a.off {
			style = ", style=dashed"
		}
		colour := colourOf(a)
		fmt.Fprintf(&b, "  %s -> %s [label=%s, color=\"%s\", fontcolor=\"%s\"%s];\n", a.from, a.to, quoteDOT(a.lines...), colour, colour, style)
	}
	b.WriteString("}\n")
	return b.Bytes()
}

func dotBox(b box) string {
	look := map[shape]string{
		shapeCluster: `, shape=cylinder, style=filled, fillcolor=gray95, fontsize=13`,
		shapeStage:   `, shape=cds, style=filled, fillcolor=lightyellow`,
		shapeSource:  "", shapeSink: "",
	}[b.shape]
	return fmt.Sprintf("  %s [label=%s%s];\n", b.id, quoteDOT(b.lines...), look)
}

// colourOf tells modes apart on paper too: each is darker than the next.
func colourOf(a arrow) string {
	switch {
	case a.off:
		return "#808080"
	case a.mode == graph.Decode:
		return "#a01010"
	case a.mode == graph.Transcode:
		return "#8a5a00"
	}
	return "#1a5fb4"
}

// quoteDOT writes lines of plain text as a quoted string of a label: a
// backslash would begin an escape of Graphviz's, an ampersand an entity of
// HTML's.
func quoteDOT(lines ...string) string {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "&", "&amp;")
	var out []string
	for _, line := range clean(lines) {
		out = append(out, escape.Replace(line))
	}
	return `"` + strings.Join(out, `\n`) + `"`
}
