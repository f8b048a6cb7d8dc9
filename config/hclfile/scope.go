package hclfile

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
)

// scope holds what expressions may refer to: cluster, var and local.
type scope struct {
	values map[string]cty.Value
}

// buildScope evaluates variables, then locals in the order they need each
// other.
func (r *reader) buildScope() {
	r.scope.values = map[string]cty.Value{}
	clusters := map[string]cty.Value{}
	for _, alias := range r.aliases {
		clusters[alias] = cty.StringVal(alias)
	}
	r.scope.values["cluster"] = cty.ObjectVal(clusters)
	vars := map[string]cty.Value{}
	for _, b := range r.blocks["variable"] {
		vars[b.Labels[0]] = r.variable(b)
	}
	r.scope.values["var"] = cty.ObjectVal(vars)
	for name := range r.p.Vars {
		if _, ok := vars[name]; !ok {
			d := diag.Errorf(diag.CodeUndefined, diag.Range{}, "a value is given for variable %q, which is not declared", name)
			if near := field.Suggest(name, keys(vars)); near != "" {
				d = d.WithFix("did you mean %q?", near)
			}
			r.problems.Add(d)
		}
	}
	r.evalLocals()
}

// variable returns the value of one variable block; a broken one is unknown,
// so that uses of it are not reported again.
func (r *reader) variable(b *hclsyntax.Block) cty.Value {
	want := cty.DynamicPseudoType
	for _, a := range inOrder(b.Body.Attributes) {
		switch a.Name {
		case "type":
			t, problems := typeexpr.TypeConstraint(a.Expr)
			r.problems.Add(translate(problems, false)...)
			if !problems.HasErrors() {
				want = t
			}
		case "default", "description":
		default:
			r.unknown(a.NameRange, "attribute", a.Name, "in a variable block", []string{"type", "default", "description"}, nil)
		}
	}
	r.noBlocks(b.Body, "in a variable block")
	at := b.LabelRanges[0]
	var val cty.Value
	var ok bool
	if text, given := r.p.Vars[b.Labels[0]]; given {
		val, ok = r.given(b.Labels[0], text, want, at)
	} else if def := b.Body.Attributes["default"]; def != nil {
		at = def.Expr.Range()
		val, ok = r.eval(def.Expr)
	} else {
		r.problems.Add(diag.Errorf(diag.CodeMissing, rangeOf(at), "variable %q has no default and no value", b.Labels[0]).
			WithFix("add a default, or start with --var %s=...", b.Labels[0]))
		return cty.DynamicVal
	}
	if !ok {
		return cty.DynamicVal
	}
	converted, err := convert.Convert(val, want)
	if err != nil {
		r.problems.Add(diag.Errorf(diag.CodeBadValue, rangeOf(at), "variable %q must be of type %s", b.Labels[0], typeexpr.TypeString(want)))
		return cty.DynamicVal
	}
	return converted
}

// given parses a value of the command line: text as it is for a string, an
// expression without references for any other type.
func (r *reader) given(name, text string, want cty.Type, at hcl.Range) (cty.Value, bool) {
	if want == cty.String || want == cty.DynamicPseudoType {
		return cty.StringVal(text), true
	}
	source := "<value of variable " + name + ">"
	if problems := checkBounds(source, []byte(text)); problems != nil {
		r.problems.Add(problems...)
		return cty.DynamicVal, false
	}
	expr, problems := hclsyntax.ParseExpression([]byte(text), source, hcl.InitialPos)
	if !problems.HasErrors() {
		val, more := expr.Value(nil)
		if !more.HasErrors() {
			return val, true
		}
	}
	r.problems.Add(diag.Errorf(diag.CodeBadValue, rangeOf(at), "the value given for variable %q is not a %s", name, typeexpr.TypeString(want)))
	return cty.DynamicVal, false
}

// evalLocals evaluates every local after those it refers to. It queues instead
// of recursing: a chain of locals may be as long as the file.
func (r *reader) evalLocals() {
	var order []*hclsyntax.Attribute
	for _, b := range r.blocks["locals"] {
		r.noBlocks(b.Body, "in a locals block")
		for _, a := range inOrder(b.Body.Attributes) {
			if first, dup := r.locals[a.Name]; dup {
				r.problems.Add(diag.Errorf(diag.CodeDuplicateName, rangeOf(a.NameRange),
					"local %q is already declared at %s", a.Name, rangeOf(first.NameRange)))
				continue
			}
			r.locals[a.Name] = a
			order = append(order, a)
		}
	}
	waiting := map[string]int{}
	users := map[string][]*hclsyntax.Attribute{}
	var ready []*hclsyntax.Attribute
	for _, a := range order {
		for _, dep := range r.localsIn(a.Expr) {
			users[dep] = append(users[dep], a)
			waiting[a.Name]++
		}
		if waiting[a.Name] == 0 {
			ready = append(ready, a)
		}
	}
	values := map[string]cty.Value{}
	for len(ready) > 0 {
		a := ready[0]
		ready = ready[1:]
		values[a.Name] = r.evalLocal(a, values)
		for _, u := range users[a.Name] {
			if waiting[u.Name]--; waiting[u.Name] == 0 {
				ready = append(ready, u)
			}
		}
	}
	for _, a := range order {
		if waiting[a.Name] > 0 {
			values[a.Name] = cty.DynamicVal
			r.problems.Add(diag.Errorf(diag.CodeUndefined, rangeOf(a.NameRange), "local %q depends on itself", a.Name))
		}
	}
	r.scope.values["local"] = cty.ObjectVal(values)
	clear(r.contexts)
}

// evalLocal evaluates one local with only the locals it needs in scope, so
// that the cost stays linear.
func (r *reader) evalLocal(a *hclsyntax.Attribute, done map[string]cty.Value) cty.Value {
	need := map[string]cty.Value{}
	for _, dep := range r.localsIn(a.Expr) {
		need[dep] = done[dep]
	}
	r.scope.values["local"] = cty.ObjectVal(need)
	val, ok := r.eval(a.Expr)
	if !ok {
		return cty.DynamicVal
	}
	return val
}

// localsIn returns the declared locals an expression names, each once; a use
// of "local" as a whole needs all of them.
func (r *reader) localsIn(expr hclsyntax.Expression) []string {
	var names []string
	for _, t := range expr.Variables() {
		if t.RootName() != "local" {
			continue
		}
		name := ""
		if len(t) > 1 {
			name = stepName(t[1])
		}
		if name == "" {
			return keys(r.locals)
		}
		if _, ok := r.locals[name]; ok && !slices.Contains(names, name) {
			names = append(names, name)
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
