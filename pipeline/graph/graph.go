// Package graph owns the pure graph of a topology: the sources, stages and sinks
// that its flows consist of, each once, what each of them needs of a record
// batch, and so how the batches of every path travel. Lint, plan and status
// share it. It does no I/O, and decides nothing about records: the decisions are
// those of flows, for the reasons given here.
package graph

import (
	"slices"

	"github.com/strait-mirror/strait/config/model"
)

// Kind tells the nodes apart.
type Kind string

// The kinds of nodes.
const (
	Source Kind = "source" // a cluster and what is read from it
	Stage  Kind = "stage"  // what happens to names or records in between
	Sink   Kind = "sink"   // a cluster, how topics are called there and written
)

// Graph is what a topology comes to. It is not changed after New, and safe for
// concurrent use.
type Graph struct {
	Deployment string    // empty: the only one
	Clusters   []Cluster // in file order
	Nodes      []Node    // every node after the ones that feed it, otherwise in file order
	Edges      []Edge    // in the order of the paths
	Paths      []Path    // one per flow, in file order, enabled or not

	nodes, paths map[string]int // places in Nodes and Paths, by id and flow
}

// Cluster is an end of paths.
type Cluster struct {
	Alias   string
	Servers []string // bootstrap servers
	Identity
}

// Node is one part of one or several paths.
type Node struct {
	ID      string // unique in the graph, equal in graphs of equal text
	Kind    Kind
	Name    string // as written: a flow's, or that of an explicit block
	Cluster string // alias; empty for a stage
	Stage   string // kind of stage, as in transform "<kind>"; empty for the others
	Text    string // what it does, in a few words for pictures
	Needs   Needs
	Flows   []string // names of the flows that pass through it, in file order
	Identity
}

// Edge leads from one node to another, for every path that does.
type Edge struct {
	From, To string // ids
	Flows    []string
}

// Path is a flow: the way from a source to a sink.
type Path struct {
	Flow     string
	From, To string // aliases
	Enabled  bool
	Topics   []string // patterns of the topics that are copied
	Exclude  []string // patterns of those that are not
	Naming   string   // how topics are called on the target, in a few words
	Nodes    []string // ids, from source to sink
	Mode     Mode
	Why      []Reason // at least one
	Identity          // of all that was written about the flow and its clusters
}

// Node returns the node with an id; ok is false where there is none.
func (g *Graph) Node(id string) (n Node, ok bool) {
	i, ok := g.nodes[id]
	if !ok {
		return Node{}, false
	}
	return g.Nodes[i], true
}

// Path returns the path of a flow; ok is false where there is no such flow.
func (g *Graph) Path(flow string) (p Path, ok bool) {
	i, ok := g.paths[flow]
	if !ok {
		return Path{}, false
	}
	return g.Paths[i], true
}

// New builds the graph of a configuration that has no errors. Identities are
// sealed with key: only those under one key can be compared.
func New(cfg *model.Config, key Key) *Graph {
	b := builder{cfg: cfg, key: key, byID: map[string]*Node{}, edges: map[[2]string]*Edge{}, clusters: map[string]Identity{}}
	b.graph.Deployment = cfg.Deployment
	for _, c := range cfg.Clusters {
		id := key.identify(c)
		b.clusters[c.Alias] = id
		b.graph.Clusters = append(b.graph.Clusters, Cluster{Alias: c.Alias, Servers: slices.Clone(c.BootstrapServers), Identity: id})
	}
	for _, f := range cfg.Flows {
		if !f.HeartbeatsOnly { // no record takes such a path
			b.flow(f)
		}
	}
	b.finish()
	return &b.graph
}
