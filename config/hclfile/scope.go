package hclfile

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/strait-mirror/strait/config/diag"
)

// scope holds what expressions may refer to: cluster, var and local.
type scope struct {
	values map[string]cty.Value
}

// buildScope evaluates variables, then locals in the order they need each
// other, and in between finds out which clusters there are.
func (r *reader) buildScope() {
	r.scope.values = map[string]cty.Value{}
	vars := map[string]cty.Value{}
	for _, b := range r.blocks["variable"] {
		vars[b.Labels[0]] = r.variable(b)
	}
	r.scope.values["var"] = cty.ObjectVal(vars)
	r.undeclared(keys(vars))
	g := r.newLocalGraph()
	r.run(g)
	r.expandClusters()
	g.release(clusterNode)
	r.run(g)
	r.refuseCycles(g)
}

// variable returns the value of one variable block; a broken one is unknown,
// so that uses of it are not reported again.
func (r *reader) variable(b *hclsyntax.Block) cty.Value {
	want := cty.DynamicPseudoType
	for _, a := range inOrder(b.Body.Attributes) {
		switch a.Name {
		case "type":
			t, problems := typeexpr.TypeConstraint(a.Expr)
			r.problems.Add(r.translate(problems, false)...)
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
		val, ok = r.fromText(b.Labels[0], text, want, at)
	} else if a := r.given[b.Labels[0]]; a != nil {
		at = a.Expr.Range()
		val, ok = r.eval(a.Expr)
	} else if def := b.Body.Attributes["default"]; def != nil {
		at = def.Expr.Range()
		val, ok = r.eval(def.Expr)
	} else {
		r.problems.Add(diag.Errorf(diag.CodeMissing, rangeOf(at), "variable %q has no default and no value", b.Labels[0]).
			WithFix("add a default, or start with --var %s=... or --var-file", b.Labels[0]))
		return cty.DynamicVal
	}
	if !ok {
		return cty.DynamicVal
	}
	converted, err := convert.Convert(uniform(val), want)
	if r.meter.spend(converted); r.meter.over != "" {
		return cty.DynamicVal
	}
	if err != nil {
		r.problems.Add(diag.Errorf(diag.CodeBadValue, rangeOf(at), "variable %q must be of type %s", b.Labels[0], typeexpr.TypeString(want)))
		return cty.DynamicVal
	}
	return converted
}

// fromText parses a value of the command line: text as it is for a string, an
// expression without references for any other type.
func (r *reader) fromText(name, text string, want cty.Type, at hcl.Range) (cty.Value, bool) {
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
