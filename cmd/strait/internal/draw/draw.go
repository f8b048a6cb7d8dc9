// Package draw owns pictures of a graph as text: DOT for Graphviz, Mermaid for
// Markdown. It decides what a person sees of a graph and how
// any text is escaped; the graph itself is the business of pipeline/graph.
package draw

import (
	"fmt"
	"slices"
	"strings"

	"github.com/strait-mirror/strait/pipeline/graph"
)

// picture is what DOT and Mermaid both draw.
type picture struct {
	groups []group
	loose  []box // outside of any group
	arrows []arrow
}

type group struct {
	title string
	boxes []box
}

type box struct {
	id    string // of letters and digits
	lines []string
	shape shape
}

type shape int

const (
	shapeCluster shape = iota
	shapeSource
	shapeStage
	shapeSink
)

// arrow leads from one box to another.
type arrow struct {
	from, to string // ids of boxes
	lines    []string
	mode     graph.Mode // the most expensive one of its paths
	off      bool       // none of its flows is enabled
}

// Most of a list that a label shows, and most characters of one element.
const (
	mostItems = 4
	mostText  = 60
)

// overview draws a box for every cluster and an arrow for every flow.
func overview(g *graph.Graph) picture {
	var p picture
	ids := map[string]string{}
	for i, c := range g.Clusters {
		ids[c.Alias] = fmt.Sprintf("c%d", i)
		p.loose = append(p.loose, box{id: ids[c.Alias], lines: []string{c.Alias, list(c.Servers)}})
	}
	for _, path := range g.Paths {
		from, to := ids[path.From], ids[path.To]
		if from == "" || to == "" {
			continue // a reader refuses such a flow
		}
		lines := []string{path.Flow, list(path.Topics)}
		if stages := stagesOf(g, path); stages != "" {
			lines = append(lines, stages)
		}
		p.arrows = append(p.arrows, arrow{
			from: from, to: to, mode: path.Mode, off: !path.Enabled,
			lines: append(lines, path.Naming, modeLine(path)),
		})
	}
	return p
}

// stagesOf lists the stages of a path in order.
func stagesOf(g *graph.Graph, path graph.Path) string {
	var names []string
	for _, id := range path.Nodes {
		if n, ok := g.Node(id); ok && n.Kind == graph.Stage {
			names = append(names, n.Stage+" "+n.Name)
		}
	}
	return strings.Join(names, ", then ")
}

// modeLine says how a path travels and why.
func modeLine(path graph.Path) string {
	var why []string
	for _, r := range path.Why {
		why = append(why, r.Text)
	}
	text := string(path.Mode) + ": " + list(why)
	if !path.Enabled {
		return "not enabled; " + text
	}
	return text
}

// expanded draws every node, clusters as groups around theirs.
func expanded(g *graph.Graph) picture {
	var p picture
	inside, ids := map[string]int{}, map[string]string{}
	for i, c := range g.Clusters {
		inside[c.Alias] = i
		p.groups = append(p.groups, group{title: c.Alias + " (" + list(c.Servers) + ")"})
	}
	for i, n := range g.Nodes {
		ids[n.ID] = fmt.Sprintf("n%d", i)
		b := boxOf(n)
		b.id = ids[n.ID]
		at, ok := inside[n.Cluster]
		if n.Kind == graph.Stage || !ok {
			p.loose = append(p.loose, b)
			continue
		}
		p.groups[at].boxes = append(p.groups[at].boxes, b)
	}
	for _, e := range g.Edges {
		p.arrows = append(p.arrows, arrowOf(g, e, ids))
	}
	return p
}

func boxOf(n graph.Node) box {
	shapes := map[graph.Kind]shape{graph.Source: shapeSource, graph.Stage: shapeStage, graph.Sink: shapeSink}
	title := string(n.Kind) + " " + n.Name
	if n.Kind == graph.Stage {
		title = n.Stage + " " + n.Name
	}
	return box{shape: shapes[n.Kind], lines: []string{title, n.Text, "needs " + n.Needs.String()}}
}

// arrowOf labels an edge into a sink with the modes of the paths that end
// there; the others only carry colours.
func arrowOf(g *graph.Graph, e graph.Edge, ids map[string]string) arrow {
	a := arrow{from: ids[e.From], to: ids[e.To], off: true, mode: graph.PassThrough}
	order := []graph.Mode{graph.PassThrough, graph.Transcode, graph.Decode}
	for i, name := range e.Flows {
		path, _ := g.Path(name)
		a.off = a.off && !path.Enabled
		if slices.Index(order, path.Mode) > slices.Index(order, a.mode) {
			a.mode = path.Mode
		}
		switch last := path.Nodes[len(path.Nodes)-1] == e.To; {
		case last && i < mostItems:
			a.lines = append(a.lines, path.Flow, modeLine(path))
		case last && i == mostItems:
			a.lines = append(a.lines, fmt.Sprintf("and %d more", len(e.Flows)-i))
		}
	}
	return a
}

// list joins some of items, shortened.
func list(items []string) string {
	var shown []string
	for i, item := range items {
		if i == mostItems {
			shown = append(shown, fmt.Sprintf("and %d more", len(items)-i))
			break
		}
		shown = append(shown, item)
	}
	return strings.Join(shown, ", ")
}

// lines are the lines of a label, clean and wrapped to a width that is easy to
// read.
func clean(label []string) []string {
	var out []string
	for _, line := range label {
		out = append(out, wrap(printable(line))...)
	}
	return out
}

// printable replaces what is no character of a line of text.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\uFFFD' || r >= 0xFDD0 && r <= 0xFDEF || r&0xFFFE == 0xFFFE:
			return '?'
		case r < ' ' || r >= 0x7F && r < 0xA0, r == '\u2028', r == '\u2029', r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069:
			return ' ' // control characters, those for the direction of text among them
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
}

// wrap breaks a line at blanks where it gets longer than 40 characters, and
// cuts what has none.
func wrap(line string) []string {
	var out []string
	var now []rune
	for word := range strings.FieldsSeq(line) {
		w := []rune(word)
		if len(w) > mostText {
			w = append(w[:mostText-1], '…')
		}
		switch {
		case len(now) == 0:
			now = w
		case len(now)+1+len(w) > 40:
			out = append(out, string(now))
			now = w
		default:
			now = append(append(now, ' '), w...)
		}
	}
	if len(now) > 0 {
		out = append(out, string(now))
	}
	return out
}
