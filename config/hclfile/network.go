package hclfile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
)

// maxWay bounds the nodes between a source and a sink, both included: who has
// more has a mistake, and every flow carries all of its own.
const maxWay = 102

// node is a source, transform or sink block at the top level.
type node struct {
	block  *hclsyntax.Block
	name   string
	stage  *model.Stage // of a transform; nil where it is wrong
	inputs []*node
	places []diag.Range // of inputs
	leads  bool         // a sink takes it, directly or not
	fed    bool         // it takes a source, directly or not
	state  visit
}

// visit says how far the search for circles is with a node.
type visit int

const (
	unvisited visit = iota
	onWay           // from a node that the search began with
	visited
)

func (n *node) String() string { return fmt.Sprintf("%s %q", n.block.Type, n.name) }

func (n *node) at() diag.Range { return rangeOf(n.block.DefRange()) }

// network is all nodes of a topology.
type network struct {
	sources, transforms, sinks []*node // in file order
	byType                     map[string]map[string]*node
}

// nodes reads the nodes and what they take, and reports those that lead nowhere
// and circles, which it cuts.
func (r *reader) nodes() *network {
	w := &network{byType: map[string]map[string]*node{}}
	for kind, list := range map[string]*[]*node{"source": &w.sources, "transform": &w.transforms, "sink": &w.sinks} {
		w.byType[kind] = map[string]*node{}
		for _, b := range r.blocks[kind] {
			n := &node{block: b, name: b.Labels[len(b.Labels)-1], fed: kind == "source"}
			if len(*list) >= maxInstances {
				r.tooMany(b, n.at())
				break
			}
			*list, w.byType[kind][n.name] = append(*list, n), n
		}
	}
	for _, n := range w.transforms {
		n.stage = r.stage(n.block, "inputs")
		r.inputs(n, w.byType)
	}
	for _, n := range w.sinks {
		r.inputs(n, w.byType)
	}
	for _, n := range w.sinks {
		n.lead()
	}
	for _, n := range slices.Concat(w.transforms, w.sinks) {
		r.cutCircles(n, nil)
	}
	for _, n := range slices.Concat(w.sources, w.transforms) {
		if !n.leads {
			r.problems.Add(diag.Errorf(diag.CodeUndefined, n.at(), "%s leads to no sink", n).
				WithFix("name it in a sink: inputs = [%s.%s]", n.block.Type, n.name))
		}
	}
	return w
}

// inputs resolves what a transform or a sink takes.
func (r *reader) inputs(n *node, known map[string]map[string]*node) {
	a := n.block.Body.Attributes["inputs"]
	if a == nil {
		r.require(n.block, n.String(), "inputs")
		return
	}
	list, ok := a.Expr.(*hclsyntax.TupleConsExpr)
	if !ok || len(list.Exprs) == 0 {
		r.problems.Add(diag.Errorf(diag.CodeBadValue, rangeOf(a.Expr.Range()), "inputs: must be a list of sources and transforms").
			WithFix("write inputs = [source.NAME]"))
		return
	}
	seen := map[*node]bool{}
	for _, e := range list.Exprs {
		at := rangeOf(e.Range())
		in, ok := r.input(e, at, known)
		switch {
		case !ok:
		case seen[in]:
			r.problems.Add(diag.Errorf(diag.CodeDuplicateName, at, "%s takes %s twice", n, in))
		default:
			seen[in] = true
			n.inputs, n.places = append(n.inputs, in), append(n.places, at)
		}
	}
}

// input resolves source.NAME or transform.NAME.
func (r *reader) input(e hclsyntax.Expression, at diag.Range, known map[string]map[string]*node) (*node, bool) {
	t, problems := hcl.AbsTraversalForExpr(unwrap(e))
	name, kind := nodeName(t), ""
	if !problems.HasErrors() && name != "" {
		kind = t.RootName()
	}
	if kind != "source" && kind != "transform" {
		r.problems.Add(diag.Errorf(diag.CodeBadValue, at, "inputs: every element must be a source or a transform").
			WithFix("write source.NAME or transform.NAME"))
		return nil, false
	}
	if in := known[kind][name]; in != nil {
		return in, true
	}
	d := diag.Errorf(diag.CodeUndefined, at, "there is no %s %q", kind, name)
	if near := suggestFew(name, slices.Sorted(maps.Keys(known[kind]))); near != "" {
		d = d.WithFix("did you mean %q?", near)
	}
	r.problems.Add(d)
	return nil, false
}

// nodeName is the name in source.NAME or source["NAME"].
func nodeName(t hcl.Traversal) string {
	if len(t) != 2 {
		return ""
	}
	return stepName(t[1])
}

// cutCircles reports inputs by which a node takes itself, drops them, and finds
// out which nodes are fed. way are the nodes that take n, outermost first.
func (r *reader) cutCircles(n *node, way []*node) {
	if n.state == visited {
		return
	}
	n.state = onWay
	way = append(way, n)
	var kept []*node
	for i, in := range n.inputs {
		if in.state == onWay {
			r.problems.Add(diag.Errorf(diag.CodeUndefined, n.places[i], "%s takes itself: %s", in, circle(way, in)).
				WithFix("leave out one of these inputs"))
			continue
		}
		r.cutCircles(in, way)
		n.fed = n.fed || in.fed
		kept = append(kept, in)
	}
	n.inputs, n.state = kept, visited
}

// circle writes the names from the end of way back to in.
func circle(way []*node, in *node) string {
	const most = 10
	names := []string{in.name}
	for _, n := range slices.Backward(way) {
		if n == in {
			break
		}
		if names = append(names, n.name); len(names) == most {
			names = append(names, "...")
			break
		}
	}
	return strings.Join(append(names, in.name), " -> ")
}

// lead marks all that n takes.
func (n *node) lead() {
	for _, in := range n.inputs {
		if !in.leads {
			in.leads = true
			in.lead()
		}
	}
}

// ways calls f with every way from a source to a sink, until it returns false;
// one that is longer than maxWay has no source. There can be more ways than
// nodes by far, but each step of the search is on one.
func (w *network) ways(f func([]*node) bool) {
	var back func(way []*node) bool
	back = func(way []*node) bool {
		last := way[len(way)-1]
		if last.block.Type == "source" || len(way) > maxWay {
			out := slices.Clone(way)
			slices.Reverse(out)
			return f(out)
		}
		for _, in := range last.inputs {
			if in.fed && !back(append(way, in)) {
				return false
			}
		}
		return true
	}
	for _, sink := range w.sinks {
		if !back([]*node{sink}) {
			return
		}
	}
}
