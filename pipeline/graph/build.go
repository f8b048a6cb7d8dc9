package graph

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/strait-mirror/strait/config/model"
)

// builder is the state of New.
type builder struct {
	cfg      *model.Config
	key      Key
	graph    Graph
	clusters map[string]Identity

	nodes  []*Node // in file order
	byID   map[string]*Node
	edges  map[[2]string]*Edge
	joined [][2]string     // keys of edges in order
	onPath map[string]bool // ids of the nodes of the flow being added
}

// flow adds a path.
func (b *builder) flow(f *model.Flow) {
	b.onPath = map[string]bool{}
	nodes := b.chain(f)
	p := Path{
		Flow: f.Name, From: f.From, To: f.To, Enabled: f.Enabled,
		Topics: slices.Clone(f.Topics), Exclude: slices.Clone(f.TopicsExclude), Naming: naming(f),
	}
	for i, n := range nodes {
		p.Nodes = append(p.Nodes, n.ID)
		n.Flows = append(n.Flows, f.Name)
		if i > 0 {
			b.join(nodes[i-1].ID, n.ID, f.Name)
		}
	}
	p.Mode, p.Why = reasons(nodes)
	p.Identity = b.key.identify(f, b.clusters[f.From], b.clusters[f.To])
	b.graph.Paths = append(b.graph.Paths, p)
}

func (b *builder) join(from, to, flow string) {
	key := [2]string{from, to}
	if b.edges[key] == nil {
		b.edges[key] = &Edge{From: from, To: to}
		b.joined = append(b.joined, key)
	}
	b.edges[key].Flows = append(b.edges[key].Flows, flow)
}

// node adds n, or returns the equal node that another flow has added already.
// Nodes that merely have one name are told apart by the flow.
func (b *builder) node(n Node, flow string) *Node {
	id := n.ID
	for i := 1; ; i++ {
		old := b.byID[n.ID]
		switch {
		case old == nil:
			b.byID[n.ID], b.onPath[n.ID] = &n, true
			b.nodes = append(b.nodes, &n)
			return &n
		case old.Same(n.Identity) && !b.onPath[n.ID]:
			b.onPath[n.ID] = true
			return old
		case i == 1:
			n.ID = id + "@" + flow
		default:
			n.ID = id + "@" + flow + "#" + strconv.Itoa(i)
		}
	}
}

// finish puts nodes and edges in order.
func (b *builder) finish() {
	feeds, waits := map[string][]string{}, map[string]int{}
	for _, key := range b.joined {
		b.graph.Edges = append(b.graph.Edges, *b.edges[key])
		feeds[key[0]] = append(feeds[key[0]], key[1])
		waits[key[1]]++
	}
	take := func(n *Node) {
		b.graph.Nodes = append(b.graph.Nodes, *n)
		for _, next := range feeds[n.ID] {
			waits[next]--
		}
	}
	for left := b.nodes; len(left) > 0; {
		var later []*Node
		for _, n := range left {
			if waits[n.ID] == 0 {
				take(n)
			} else {
				later = append(later, n)
			}
		}
		if len(later) == len(left) { // stages that feed each other: readers refuse them
			take(later[0])
			later = later[1:]
		}
		left = later
	}
	b.graph.nodes, b.graph.paths = map[string]int{}, map[string]int{}
	for i, n := range b.graph.Nodes {
		b.graph.nodes[n.ID] = i
	}
	for i, p := range b.graph.Paths {
		b.graph.paths[p.Flow] = i
	}
}

// naming says how topics of a flow are called on the target.
func naming(f *model.Flow) string {
	switch {
	case f.ReplicationPolicy != model.PolicyIdentity:
		return fmt.Sprintf("named %s%s<topic>", f.From, f.ReplicationPolicySeparator)
	case f.Renames():
		return "named by its stages"
	}
	return "names unchanged"
}
