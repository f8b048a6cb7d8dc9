package lint

import (
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/model"
)

// circles returns the flows that lie on circles, grouped by the clusters that
// reach each other, in the order of the flows. It takes time linear in flows.
func circles(flows []*model.Flow) [][]*model.Flow {
	out, in := map[string][]string{}, map[string][]string{}
	var names []string
	for _, f := range flows {
		names = append(names, f.From, f.To)
		out[f.From] = append(out[f.From], f.To)
		in[f.To] = append(in[f.To], f.From)
	}
	// Kosaraju: the order in which a search ends, then a search backwards in
	// the reverse of it.
	seen := map[string]bool{}
	var order []string
	for _, n := range names {
		walk(n, out, seen, func(n string) { order = append(order, n) })
	}
	group, seen := map[string]int{}, map[string]bool{}
	for i, start := range slices.Backward(order) {
		walk(start, in, seen, func(n string) { group[n] = i })
	}
	var list [][]*model.Flow
	index := map[int]int{}
	for _, f := range flows {
		g := group[f.From]
		if f.From == f.To || g != group[f.To] {
			continue
		}
		if _, known := index[g]; !known {
			index[g] = len(list)
			list = append(list, nil)
		}
		list[index[g]] = append(list[index[g]], f)
	}
	return list
}

// walk visits what is reachable from start and was not seen, and calls leave
// when it is done with a node. It does not recurse: a chain may be as long as
// the file.
func walk(start string, edges map[string][]string, seen map[string]bool, leave func(string)) {
	if seen[start] {
		return
	}
	type step struct {
		node string
		next int
	}
	seen[start] = true
	stack := []step{{node: start}}
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		if to := edges[top.node]; top.next < len(to) {
			n := to[top.next]
			top.next++
			if !seen[n] {
				seen[n] = true
				stack = append(stack, step{node: n})
			}
			continue
		}
		leave(top.node)
		stack = stack[:len(stack)-1]
	}
}

// checkLoops finds flows with unchanged names that form circles. Two flows
// between the same clusters are only taken for one where their topics may
// overlap; in a longer circle all have to overlap with its first flow.
func checkLoops(t *topology, r *reporter) {
	var identity []*model.Flow
	for _, f := range t.enabled {
		if f.ReplicationPolicy == model.PolicyIdentity {
			identity = append(identity, f)
		}
	}
	for _, flows := range circles(identity) {
		first := flows[0]
		around := []*model.Flow{first}
		for _, f := range flows[1:] {
			if mayOverlap(first, f) {
				around = append(around, f)
			}
		}
		left := circles(around)
		if len(left) == 0 {
			// The first flow is apart from the others: look at those.
			left = circles(flows[1:])
		}
		for _, loop := range left {
			if allGuarded(loop) && (onlyPairs(loop) || allLocal(loop)) {
				continue
			}
			last := loop[len(loop)-1]
			r.add(last.Range, `use replication_policy = "default", or select disjoint topics in the flows; loop_guard = "auto" helps between two clusters, in both directions, and "local" on every flow where each cluster mirrors to all others`,
				"flows %s keep topic names in a circle: a topic that all of them select is copied round without end", flowNames(loop))
		}
	}
}

// allGuarded reports whether each flow leaves out what came from its target, and
// marks what it writes.
func allGuarded(flows []*model.Flow) bool {
	return !slices.ContainsFunc(flows, func(f *model.Flow) bool { return !f.Guarded() })
}

// allLocal reports whether no flow copies what another one brought.
func allLocal(flows []*model.Flow) bool {
	return !slices.ContainsFunc(flows, func(f *model.Flow) bool { return f.LoopGuard != model.LoopGuardLocal })
}

// onlyPairs reports whether flows that reach each other close no circle of more
// than two clusters: the pairs of clusters that they join form a tree.
func onlyPairs(flows []*model.Flow) bool {
	clusters, pairs := map[string]bool{}, map[[2]string]bool{}
	for _, f := range flows {
		clusters[f.From], clusters[f.To] = true, true
		pairs[[2]string{min(f.From, f.To), max(f.From, f.To)}] = true
	}
	return len(pairs) < len(clusters)
}

// flowNames lists up to five names.
func flowNames(flows []*model.Flow) string {
	var names []string
	for i, f := range flows {
		if i == 5 {
			return strings.Join(names, ", ") + " and others"
		}
		names = append(names, `"`+f.Name+`"`)
	}
	return strings.Join(names, ", ")
}
