package hclfile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
)

// maxWay bounds the nodes between a source and a sink, both included: who has
// more has a mistake, and every flow carries all of its own.
const maxWay = 102

// node is a source, transform or sink block at the top level, or one of the
// copies its for_each makes of it.
type node struct {
	instance
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

func (n *node) String() string { return n.describe() }

func (n *node) at() diag.Range { return rangeOf(n.block.DefRange()) }

// network is all nodes of a topology.
type network struct {
	sources, transforms, sinks []*node                         // in file order
	byType                     map[string]map[string]nodeBlock // by the labels of the blocks
}

// nodeBlock is what became of a block.
type nodeBlock struct {
	nodes    []*node // one, or those that for_each makes; none where it failed
	repeated bool
	failed   bool // for_each did, which was reported
}

// key is what for_each calls the copy; "" without one.
func (n *node) key() string {
	if n.each == cty.NilVal {
		return ""
	}
	return n.each.GetAttr("key").AsString()
}

// nodes reads the nodes and what they take, and reports those that lead nowhere
// and circles, which it cuts.
func (r *reader) nodes() *network {
	w := &network{byType: map[string]map[string]nodeBlock{}}
	w.sources, w.transforms, w.sinks = r.nodesOf("source", w), r.nodesOf("transform", w), r.nodesOf("sink", w)
	for _, n := range slices.Concat(w.transforms, w.sinks) {
		r.each = n.each
		if n.block.Type == "transform" {
			n.stage = r.stage(n.block, "inputs", "for_each")
		}
		r.inputs(n, w.byType)
	}
	r.each = cty.NilVal
	for _, n := range w.sinks {
		n.lead()
	}
	for _, n := range slices.Concat(w.transforms, w.sinks) {
		r.cutCircles(n, nil)
	}
	for _, n := range slices.Concat(w.sources, w.transforms) {
		if !n.leads {
			r.problems.Add(diag.Errorf(diag.CodeUndefined, n.at(), "%s leads to no sink", n).
				WithFix("name it in a sink: inputs = [%s.%s]", n.block.Type, label(n.block)))
		}
	}
	return w
}

// nodesOf makes the nodes of all blocks of a type.
func (r *reader) nodesOf(kind string, w *network) (list []*node) {
	w.byType[kind] = map[string]nodeBlock{}
	seen := map[string]diag.Range{}
	for _, b := range r.blocks[kind] {
		instances, repeated := r.expand(b, len(list))
		block := nodeBlock{repeated: repeated, failed: instances == nil}
		for _, inst := range instances {
			at := rangeOf(b.LabelRanges[len(b.LabelRanges)-1])
			if first, dup := seen[inst.name]; dup {
				r.problems.Add(diag.Errorf(diag.CodeDuplicateName, at, "%s %q is already declared at %s", kind, inst.name, first))
				continue
			}
			seen[inst.name] = at
			block.nodes = append(block.nodes, &node{instance: inst, fed: kind == "source"})
		}
		w.byType[kind][label(b)] = block
		list = append(list, block.nodes...)
	}
	return list
}

// inputs resolves what a transform or a sink takes.
func (r *reader) inputs(n *node, known map[string]map[string]nodeBlock) {
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
		for _, in := range r.input(e, at, known) {
			if seen[in] {
				r.problems.Add(diag.Errorf(diag.CodeDuplicateName, at, "%s takes %s twice", n, in))
				continue
			}
			seen[in] = true
			n.inputs, n.places = append(n.inputs, in), append(n.places, at)
		}
	}
}

// input resolves source.NAME or transform.NAME, which of a block with for_each is
// all that it makes, and source.NAME[KEY], which is one of them. None where
// something is wrong, which is reported.
func (r *reader) input(e hclsyntax.Expression, at diag.Range, known map[string]map[string]nodeBlock) []*node {
	ref, ok := r.nodeRef(e)
	kind, name, key := ref.kind, ref.name, ref.key
	if !ok || kind != "source" && kind != "transform" || name == "" {
		r.problems.Add(diag.Errorf(diag.CodeBadValue, at, "inputs: every element must be a source or a transform").
			WithFix("write source.NAME or transform.NAME"))
		return nil
	}
	block, exists := known[kind][name]
	switch {
	case !exists:
		r.noSuch(at, fmt.Sprintf("there is no %s %q", kind, name), name, slices.Sorted(maps.Keys(known[kind])))
		return nil
	case !ref.keyed || block.failed:
		return block.nodes
	case !block.repeated:
		r.problems.Add(diag.Errorf(diag.CodeBadValue, at, "inputs: %s %q has no for_each, and so nothing to pick", kind, name).
			WithFix("write %s.%s", kind, name))
		return nil
	case key == "":
		return nil // reported
	}
	var keys []string
	for _, n := range block.nodes {
		if n.key() == key {
			return []*node{n}
		}
		keys = append(keys, n.key())
	}
	r.noSuch(at, fmt.Sprintf("for_each makes no %q of %s %q", key, kind, name), key, keys)
	return nil
}

// noSuch reports a name that is not among those known.
func (r *reader) noSuch(at diag.Range, what, name string, known []string) {
	d := diag.Errorf(diag.CodeUndefined, at, "%s", what)
	if near := suggestFew(name, known); near != "" {
		d = d.WithFix("did you mean %q?", near)
	}
	r.problems.Add(d)
}

// nodeRef is how a node is referred to.
type nodeRef struct {
	kind, name string
	keyed      bool
	key        string // "": it was none, which is reported
}

// nodeRef reads source.NAME, source["NAME"], or either with a key behind it.
func (r *reader) nodeRef(e hclsyntax.Expression) (ref nodeRef, ok bool) {
	e = unwrap(e)
	if index, is := e.(*hclsyntax.IndexExpr); is {
		if ref, ok = r.nodeRef(index.Collection); !ok || ref.keyed {
			return ref, false
		}
		ref.keyed, ref.key = true, r.nodeKey(index.Key)
		return ref, true
	}
	t, problems := hcl.AbsTraversalForExpr(e)
	if problems.HasErrors() || len(t) < 2 || len(t) > 3 {
		return ref, false
	}
	ref.kind, ref.name, ref.keyed = t.RootName(), stepName(t[1]), len(t) == 3
	if ref.keyed {
		ref.key = stepName(t[2])
	}
	return ref, !ref.keyed || ref.key != ""
}

// nodeKey evaluates what picks one of a for_each; "" where that fails or is
// nothing, which is reported.
func (r *reader) nodeKey(e hclsyntax.Expression) string {
	v, known := r.value(e)
	if !known {
		return ""
	}
	if v.IsList || v.Text == "" || v.Sensitive {
		r.problems.Add(diag.Errorf(diag.CodeBadValue, rangeOf(e.Range()), "inputs: a key must be a string that is not secret"))
		return ""
	}
	return v.Text
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
