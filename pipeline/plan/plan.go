// Package plan compares two topologies and says what must change to get from
// one to the other, part by part and with the property that asks for it. It is
// pure: values in, values out. Who carries a plan out is package supervisor.
package plan

import (
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/pipeline/graph"
)

// Action is what has to be done about a part of a topology.
type Action string

// The actions. Those of a part that is in both topologies come first, from the
// one that costs least to the one that needs consent.
const (
	Keep        Action = "keep"
	UpdateLive  Action = "update live"                // nothing stops
	AtBoundary  Action = "update at a batch boundary" // per partition, at an anchored batch boundary
	Restart     Action = "restart"                    // its clients are replaced, its flow runs on
	RestartFlow Action = "restart flow"               // the flow stops and goes on at its position
	Add         Action = "add"
	Remove      Action = "remove"
	Destructive Action = "destructive" // live data would be renamed or read again: needs consent
)

// Actions returns all, in the order of what they cost.
func Actions() []Action {
	return []Action{Keep, UpdateLive, AtBoundary, Restart, RestartFlow, Add, Remove, Destructive}
}

// worse returns the action that costs more.
func worse(a, b Action) Action {
	if order := Actions(); slices.Index(order, a) >= slices.Index(order, b) {
		return a
	}
	return b
}

// Plan is what to do, part by part. It is not changed after New.
type Plan struct {
	Clusters []Part   // of either topology, those of the new one first
	Flows    []Flow   // likewise; a flow that is not enabled is in neither
	Changes  []Change // of what is neither a cluster's nor a flow's
	Online   *Online  // what the clusters say; nil: they were not asked
}

// Part is a cluster, or a node of the graph.
type Part struct {
	ID      string // of a node as in package graph, of a cluster "cluster.<alias>"
	Name    string // as written
	Kind    string // "cluster", "source", "stage" or "sink"
	Action  Action
	Changes []Change // why; empty where it is kept, added or removed as a whole
}

// Flow is a flow with its nodes from source to sink.
type Flow struct {
	Name    string
	Action  Action   // the one of its changes and nodes that costs most
	Changes []Change // of what is the flow's alone
	Nodes   []Part
}

// Change is one property that differs.
type Change struct {
	Property      string // by its HCL name
	Before, After string // as HCL would write them; secrets are "(secret)"
	Action        Action
	Note          string     // what there is to know; may be empty
	At            diag.Range // in the new topology; zero where it is a default
}

// New compares two topologies that have no errors. A nil before is an empty one.
func New(before, after *model.Config) *Plan {
	if before == nil {
		before = &model.Config{}
	}
	key := graph.NewKey()
	d := &comparison{
		before: before, after: after,
		old: graph.New(before, key), new: graph.New(after, key),
		clusters:     map[string][]Change{},
		aroundBefore: graph.Surroundings(before), aroundAfter: graph.Surroundings(after),
	}
	p := &Plan{Clusters: d.compareClusters()}
	for _, f := range after.Flows {
		if runs(f) {
			p.Flows = append(p.Flows, d.flow(f))
		}
	}
	for _, f := range before.Flows {
		if runs(f) && !runs(flowOf(after, f.Name)) {
			p.Flows = append(p.Flows, d.gone(f))
		}
	}
	p.Changes = process(before, after)
	return p
}

// process compares what concerns the whole process.
func process(before, after *model.Config) []Change {
	var list []Change
	if before.Deployment != after.Deployment {
		list = append(list, Change{
			Property: "deployment", Before: before.Deployment, After: after.Deployment, Action: Destructive,
			Note: "positions and groups are named after it: every flow begins anew",
		})
	}
	at := func(places model.Places, block string) func(string) diag.Range {
		return func(name string) diag.Range { return places.Of(strings.TrimPrefix(name, block)) }
	}
	was, is := orZero(before.Metrics), orZero(after.Metrics)
	list = append(list, differing(model.MetricsFields(was), model.MetricsFields(is), "metrics.", at(is.Ranges, "metrics."))...)
	served, serves := orZero(before.Server), orZero(after.Server)
	return append(list, differing(model.ServerFields(served), model.ServerFields(serves), "server.", at(serves.Ranges, "server."))...)
}

// orZero is what block points to, or a zero one where there is none.
func orZero[T any](block *T) *T {
	if block == nil {
		return new(T)
	}
	return block
}

// Count returns how many clusters, flows and properties of the process an action
// is planned for.
func (p *Plan) Count(a Action) int {
	n := 0
	for _, c := range p.Changes {
		if c.Action == a {
			n++
		}
	}
	for _, c := range p.Clusters {
		if c.Action == a {
			n++
		}
	}
	for _, f := range p.Flows {
		if f.Action == a {
			n++
		}
	}
	return n
}

// Empty reports whether there is nothing to do.
func (p *Plan) Empty() bool {
	return len(p.Changes) == 0 && p.Count(Keep) == len(p.Clusters)+len(p.Flows)
}

// comparison is the state of New.
type comparison struct {
	before, after *model.Config
	old, new      *graph.Graph
	clusters      map[string][]Change // of clusters in both, by alias

	aroundBefore, aroundAfter map[*model.Flow]graph.Fingerprint
}

// flowOf returns the flow of a name, or nil.
func flowOf(cfg *model.Config, name string) *model.Flow {
	for _, f := range cfg.Flows {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// runs reports whether a flow is there to copy records.
func runs(f *model.Flow) bool { return f != nil && f.Enabled }

// costOf is the worst action of changes.
func costOf(list []Change) Action {
	cost := Keep
	for _, c := range list {
		cost = worse(cost, c.Action)
	}
	return cost
}
