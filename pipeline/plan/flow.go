package plan

import (
	"fmt"
	"slices"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/pipeline/graph"
)

// flow plans a flow that runs in the new topology.
func (d *comparison) flow(f *model.Flow) Flow {
	path, _ := d.new.Path(f.Name)
	out := Flow{Name: f.Name, Action: Add}
	old := flowOf(d.before, f.Name)
	if !runs(old) {
		if old != nil {
			out.Changes = append(out.Changes, Change{Property: "enabled", Before: "false", After: "true", Action: Add, At: f.Ranges.Of("enabled")})
		}
		out.Nodes = wholly(d.new, path, Add)
		d.renames(f, &out)
		return out
	}
	was, _ := d.old.Path(f.Name)
	own := d.nodes(&out, old, f, was, path)
	out.Changes = own
	out.Action = costOf(own)
	for _, n := range out.Nodes {
		out.Action = worse(out.Action, inFlow(n.Action))
	}
	return out
}

// inFlow is what an action of a node is to its flow: one that appears or goes
// changes the flow at a batch boundary.
func inFlow(a Action) Action {
	if a == Add || a == Remove {
		return AtBoundary
	}
	return a
}

// gone plans a flow that no longer runs.
func (d *comparison) gone(f *model.Flow) Flow {
	path, _ := d.old.Path(f.Name)
	out := Flow{Name: f.Name, Action: Remove, Nodes: wholly(d.old, path, Remove)}
	if now := flowOf(d.after, f.Name); now != nil {
		out.Changes = []Change{{Property: "enabled", Before: "true", After: "false", Action: Remove, At: now.Ranges.Of("enabled")}}
	}
	return out
}

// renames marks a flow that is new only because a cluster is called otherwise.
func (d *comparison) renames(f *model.Flow, out *Flow) {
	for _, alias := range []string{f.From, f.To} {
		now := d.after.Cluster(alias)
		if now == nil || d.before.Cluster(alias) != nil {
			continue
		}
		if was := d.renamed(now); was != nil {
			out.Changes = append(out.Changes, aliasChange(was, now))
			out.Action = Destructive
		}
	}
}

// wholly lists the nodes of a path under one action.
func wholly(g *graph.Graph, path graph.Path, a Action) []Part {
	var list []Part
	for _, id := range path.Nodes {
		n, _ := g.Node(id)
		list = append(list, Part{ID: id, Name: n.Name, Kind: string(n.Kind), Action: a})
	}
	return list
}

// nodes fills in the nodes of a flow that is in both topologies, and returns the
// changes that are no node's.
func (d *comparison) nodes(out *Flow, before, after *model.Flow, was, is graph.Path) []Change {
	if was.Same(is.Identity) {
		out.Nodes = wholly(d.new, is, Keep)
		return d.around(before, after)
	}
	byNode := map[graph.Kind][]Change{}
	var own []Change
	for _, c := range d.whileRunning(before, after, append(d.properties(before, after), d.around(before, after)...)) {
		if kind, ok := graph.Holder(c.Property); ok {
			byNode[kind] = append(byNode[kind], c)
		} else {
			own = append(own, c)
		}
	}
	byNode[graph.Source] = append(byNode[graph.Source], d.ofCluster(after.From)...)
	byNode[graph.Sink] = append(byNode[graph.Sink], d.ofCluster(after.To)...)
	for i, id := range is.Nodes {
		n, _ := d.new.Node(id)
		p := Part{ID: id, Name: n.Name, Kind: string(n.Kind), Action: Keep}
		if n.Kind == graph.Stage {
			p = stage(p, before, after, i-1)
			p.Changes = d.whileRunning(before, after, p.Changes)
			p.Action = worse(p.Action, costOf(p.Changes))
		} else {
			p.Changes = byNode[n.Kind]
			p.Action = costOf(p.Changes)
		}
		out.Nodes = append(out.Nodes, p)
	}
	for _, id := range was.Nodes {
		if n, _ := d.old.Node(id); n.Kind == graph.Stage && !slices.ContainsFunc(out.Nodes, func(p Part) bool { return p.ID == id }) {
			out.Nodes = append(out.Nodes, Part{ID: id, Name: n.Name, Kind: string(n.Kind), Action: worse(Remove, costOf(leaving(before, n))), Changes: leaving(before, n)})
		}
	}
	if len(own) == 0 && !slices.ContainsFunc(out.Nodes, func(p Part) bool { return p.Action != Keep }) {
		own = append(own, Change{Property: "flow", Action: RestartFlow, Note: "it is not what it was", At: after.Range})
	}
	return own
}

// around is what a flow has to restart for as others change: those that have the
// positions of its topics before it, or one that leads the way back.
func (d *comparison) around(before, after *model.Flow) []Change {
	switch {
	case d.aroundBefore[before] == d.aroundAfter[after]:
		return nil
	case d.before.Returns(before) != d.after.Returns(after):
		return []Change{{
			Property: "loop_guard", Before: before.LoopGuard, After: after.LoopGuard, Action: RestartFlow, At: after.Range,
			Note: fmt.Sprintf("whether a flow leads back from %q under equal names is not what it was", after.To),
		}}
	default:
		return []Change{{
			Property: "owns_offsets", Before: string(before.OwnsOffsets), After: string(after.OwnsOffsets), Action: RestartFlow, At: after.Range,
			Note: "flows before it in the file, which keep positions of equal topics in the same place, are not what they were",
		}}
	}
}

// whileRunning has a flow that cannot change live restart for what others can.
func (d *comparison) whileRunning(before, after *model.Flow, list []Change) []Change {
	if graph.ChangesLive(d.before, d.after, before, after) {
		return list
	}
	for i := range list {
		if list[i].Action == UpdateLive {
			list[i].Action = RestartFlow
		}
	}
	return list
}

// ofCluster is what the changes of a cluster are to a node on it.
func (d *comparison) ofCluster(alias string) []Change {
	list := d.clusters[alias]
	if len(list) == 0 {
		return nil
	}
	return []Change{{Property: "cluster", Before: alias, After: alias, Action: costOf(list), Note: fmt.Sprintf("as cluster %q changes", alias), At: list[0].At}}
}

// properties compares what was written about a flow but for its stages.
func (d *comparison) properties(before, after *model.Flow) []Change {
	list := differing(model.FlowFields(before), model.FlowFields(after), "", after.Ranges.Of)
	list = append(list, differing(model.PositionsFields(positionsOf(before)), model.PositionsFields(positionsOf(after)), "positions.", after.Ranges.Of)...)
	for _, end := range []struct{ name, was, is string }{{"from", before.From, after.From}, {"to", before.To, after.To}} {
		if end.was != end.is {
			list = append(list, Change{
				Property: end.name, Before: end.was, After: end.is, Action: Destructive, At: after.Ranges.Of(end.name),
				Note: "another cluster: what it holds is copied from the start",
			})
		}
	}
	return append(list, stageOrder(before, after)...)
}

// stageOrder compares the order of the stages that both flows have.
func stageOrder(before, after *model.Flow) []Change {
	common := func(f, other *model.Flow) []string {
		var names []string
		for _, s := range f.Stages {
			if slices.ContainsFunc(other.Stages, func(o *model.Stage) bool { return o.Kind == s.Kind && o.Name == s.Name }) {
				names = append(names, fmt.Sprintf("%s %s", s.Kind, s.Name))
			}
		}
		return names
	}
	was, is := common(before, after), common(after, before)
	if slices.Equal(was, is) {
		return nil
	}
	return []Change{{
		Property: "transform", Before: fmt.Sprint(was), After: fmt.Sprint(is), Action: Destructive, At: after.Range,
		Note: "stages in another order give topics other names",
	}}
}

// stage compares the stage in place i of the new flow with the one of its name.
func stage(p Part, before, after *model.Flow, i int) Part {
	if i >= len(after.Stages) {
		return p // the stage of MirrorMaker 1's options, which no reload changes
	}
	now := after.Stages[i]
	for _, old := range before.Stages {
		if old.Kind == now.Kind && old.Name == now.Name {
			p.Changes = differing(model.StageFields(old), model.StageFields(now), "", now.Ranges.Of)
			p.Action = costOf(p.Changes)
			return p
		}
	}
	p.Action = Add
	if now.Names() {
		p.Action = Destructive
		p.Changes = []Change{{Property: "transform", After: p.Name, Action: Destructive, At: now.Range, Note: "topics may get other names or partitions"}}
	}
	return p
}

// leaving is what there is to know about a stage that goes.
func leaving(before *model.Flow, n graph.Node) []Change {
	for _, s := range before.Stages {
		if s.Name == n.Name && string(s.Kind) == n.Stage && s.Names() {
			return []Change{{Property: "transform", Before: n.Name, Action: Destructive, Note: "topics may get other names or partitions"}}
		}
	}
	return nil
}

// positionsOf is the positions block of a flow, or one that says nothing.
func positionsOf(f *model.Flow) *model.Positions {
	if f.Positions == nil {
		return &model.Positions{}
	}
	return f.Positions
}
