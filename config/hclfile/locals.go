package hclfile

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/strait-mirror/strait/config/diag"
)

// localGraph evaluates every local after those it refers to. It queues instead
// of recursing: a chain of locals may be as long as the file.
type localGraph struct {
	order   []*hclsyntax.Attribute
	waiting map[string]int                    // by name: what it waits for
	users   map[string][]*hclsyntax.Attribute // by name: who waits for it
	ready   []*hclsyntax.Attribute
	values  map[string]cty.Value
}

// clusterNode stands for the clusters among the names locals wait for: how many
// there are may depend on other locals.
const clusterNode = "\x00cluster"

// newLocalGraph looks at what the locals need; nothing is evaluated.
func (r *reader) newLocalGraph() *localGraph {
	g := &localGraph{
		waiting: map[string]int{}, users: map[string][]*hclsyntax.Attribute{}, values: map[string]cty.Value{},
	}
	for _, b := range r.blocks["locals"] {
		r.noBlocks(b.Body, "in a locals block")
		for _, a := range inOrder(b.Body.Attributes) {
			if first, dup := r.locals[a.Name]; dup {
				r.problems.Add(diag.Errorf(diag.CodeDuplicateName, rangeOf(a.NameRange),
					"local %q is already declared at %s", a.Name, rangeOf(first.NameRange)))
				continue
			}
			r.locals[a.Name] = a
			g.order = append(g.order, a)
		}
	}
	for _, a := range g.order {
		for dep := range r.localsIn(a.Expr) {
			g.users[dep] = append(g.users[dep], a)
			g.waiting[a.Name]++
		}
		if g.waiting[a.Name] == 0 {
			g.ready = append(g.ready, a)
		}
	}
	return g
}

// run evaluates what is ready and what becomes ready by that.
func (r *reader) run(g *localGraph) {
	for len(g.ready) > 0 {
		a := g.ready[0]
		g.ready = g.ready[1:]
		g.values[a.Name] = r.evalLocal(a, g.values)
		g.release(a.Name)
	}
	r.scope.values["local"] = cty.ObjectVal(g.values)
}

// release tells who waits for name that it is there.
func (g *localGraph) release(name string) {
	for _, u := range g.users[name] {
		if g.waiting[u.Name]--; g.waiting[u.Name] == 0 {
			g.ready = append(g.ready, u)
		}
	}
	delete(g.users, name)
}

// refuseCycles reports what still waits when everything was released.
func (r *reader) refuseCycles(g *localGraph) {
	for _, a := range g.order {
		if g.waiting[a.Name] > 0 {
			g.values[a.Name] = cty.DynamicVal
			r.problems.Add(diag.Errorf(diag.CodeUndefined, rangeOf(a.NameRange), "local %q depends on itself", a.Name))
		}
	}
	r.scope.values["local"] = cty.ObjectVal(g.values)
}

// evalLocal evaluates one local with only the locals it needs in scope, so
// that the cost stays linear.
func (r *reader) evalLocal(a *hclsyntax.Attribute, done map[string]cty.Value) cty.Value {
	need := map[string]cty.Value{}
	for dep := range r.localsIn(a.Expr) {
		if v, ok := done[dep]; ok {
			need[dep] = v
		}
	}
	r.scope.values["local"] = cty.ObjectVal(need)
	val, ok := r.eval(a.Expr)
	if !ok {
		return cty.DynamicVal
	}
	return val
}

// localsIn returns the declared locals an expression of a local names, and
// clusterNode where it names clusters. A use of "local" as a whole includes
// the local itself: it waits for ever, under a name that no local has.
func (r *reader) localsIn(expr hclsyntax.Expression) map[string]bool {
	names := map[string]bool{}
	for _, t := range expr.Variables() {
		switch t.RootName() {
		case "cluster":
			names[clusterNode] = true
		case "local":
			name := ""
			if len(t) > 1 {
				name = stepName(t[1])
			}
			if _, ok := r.locals[name]; ok || name == "" {
				names[name] = true
			}
		}
	}
	return names
}

// stepName is the name of ".name" or ["name"], else "".
func stepName(step hcl.Traverser) string {
	switch s := step.(type) {
	case hcl.TraverseAttr:
		return s.Name
	case hcl.TraverseIndex:
		if s.Key.Type() == cty.String && s.Key.IsKnown() && !s.Key.IsNull() {
			return s.Key.AsString()
		}
	}
	return ""
}

// noBlocks refuses every block of body.
func (r *reader) noBlocks(body *hclsyntax.Body, where string) {
	for _, b := range body.Blocks {
		r.unknown(b.TypeRange, "block", b.Type, where, nil, nil)
	}
}
