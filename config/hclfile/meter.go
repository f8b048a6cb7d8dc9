package hclfile

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// Bounds of what the expressions of a topology compute. A few lines can double
// a string sixty times or loop in loops, so every intermediate value is
// counted. The unit is roughly a byte of memory.
const (
	maxValue    = 32 << 20  // of one value
	maxComputed = 128 << 20 // of all values together
	maxNesting  = MaxDepth  // of one value: the library recurses over values
	maxNumber   = 4096      // bits of exponent, or digits, of a number: 1e999999999 has a text of a gigabyte
	maxMixed    = 4096      // elements of different types in one list: unifying them is quadratic
	elementCost = 64

	maxUnified = 256 // elements whose types the library may compare with each other
)

// meter counts what is computed. When a bound is passed, over says which one
// and every expression gives an unknown value from then on, so that loops end.
type meter struct {
	left int64
	over string
}

func newMeter() *meter { return &meter{left: maxComputed} }

// spend counts a value.
func (m *meter) spend(v cty.Value) {
	cost := m.measure(v, 0, maxValue)
	switch {
	case m.over != "":
	case cost > maxValue:
		m.over = "the expression gives more than 32 MiB"
	default:
		m.charge(cost)
	}
}

// charge counts work that shows in no value.
func (m *meter) charge(cost int64) {
	if m.left -= cost; m.left < 0 && m.over == "" {
		m.over = "the expressions of the topology compute more than 128 MiB"
	}
}

// measure is the cost of v, or something beyond limit as soon as it passes it.
func (m *meter) measure(v cty.Value, depth int, limit int64) int64 {
	v, _ = v.Unmark()
	t := v.Type()
	if !v.IsKnown() || v.IsNull() {
		return elementCost
	}
	if depth > maxNesting {
		m.over = "the expression gives a value nested more than 250 levels deep"
		return limit + 1
	}
	switch {
	case t == cty.String:
		return elementCost + m.text(v.AsString())
	case t == cty.Number:
		if v.AsBigFloat().IsInf() {
			m.over = "the expression divides by zero"
		}
		if exp := v.AsBigFloat().MantExp(nil); exp > maxNumber || exp < -maxNumber {
			m.over = "the expression gives a number of more than a thousand digits"
		}
	case t.IsCollectionType() || t.IsTupleType() || t.IsObjectType():
		return m.elements(v, depth, limit)
	}
	return elementCost
}

// elements is the cost of a collection.
func (m *meter) elements(v cty.Value, depth int, limit int64) int64 {
	cost, n, mixed := int64(elementCost), 0, false
	first := cty.NilType
	for it := v.ElementIterator(); it.Next() && cost <= limit && m.over == ""; n++ {
		key, e := it.Element()
		if key.Type() == cty.String {
			k, _ := key.Unmark()
			cost += int64(len(k.AsString()))
		}
		if first == cty.NilType {
			first = e.Type()
		}
		mixed = mixed || !e.Type().Equals(first)
		if mixed && n > maxMixed {
			m.over = "the expression gives more than 4096 elements of different types"
		}
		cost += m.measure(e, depth+1, limit-cost)
	}
	return cost
}

// text is the cost of a string, and refuses one that starts with a number too
// long to parse: that takes quadratic time.
func (m *meter) text(s string) int64 {
	digits := 0
	for digits < len(s) && digits <= maxNumber && (s[digits] >= '0' && s[digits] <= '9' || s[digits] == '.' || digits == 0 && s[0] == '-') {
		digits++
	}
	if digits > maxNumber {
		m.over = "the expression gives a text of more than 4096 digits"
	}
	return int64(len(s))
}

// metered is an expression whose value is counted. It embeds the interface
// because hclsyntax lets only its own types walk children.
type metered struct {
	hclsyntax.Expression
	meter   *meter
	uniform bool // its value is about to be converted
}

// Value computes the expression unless a bound was passed.
func (e *metered) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	if e.meter.over != "" {
		return cty.DynamicVal, nil
	}
	v, problems := e.Expression.Value(ctx)
	e.meter.spend(v)
	if e.meter.over != "" {
		return cty.DynamicVal, nil
	}
	if e.uniform {
		v = uniform(v)
	}
	return v, problems
}

// uniform returns a tuple as a list, or an object as a map, where it has many
// elements and all are of one type: the library compares each with each when it
// converts them itself (convert.sortTypes).
func uniform(v cty.Value) cty.Value {
	t := v.Type()
	if !v.IsKnown() || v.IsNull() || !t.IsTupleType() && !t.IsObjectType() {
		return v
	}
	plain, marks := v.Unmark()
	if plain.LengthInt() <= maxUnified {
		return v
	}
	if t.IsTupleType() {
		if list := plain.AsValueSlice(); cty.CanListVal(list) {
			return cty.ListVal(list).WithMarks(marks)
		}
		return v
	}
	if entries := plain.AsValueMap(); cty.CanMapVal(entries) {
		return cty.MapVal(entries).WithMarks(marks)
	}
	return v
}

// UnwrapExpression lets the library's static analysis see the expression.
func (e *metered) UnwrapExpression() hcl.Expression { return e.Expression }

// meterer puts a metered around every expression inside others.
type meterer struct{ meter *meter }

// Enter implements hclsyntax.Walker.
func (w meterer) Enter(hclsyntax.Node) hcl.Diagnostics { return nil }

// Exit wraps the children of a node after they were visited themselves.
func (w meterer) Exit(node hclsyntax.Node) hcl.Diagnostics {
	switch n := node.(type) {
	case *hclsyntax.TemplateExpr:
		w.all(n.Parts)
	case *hclsyntax.TemplateWrapExpr:
		w.one(&n.Wrapped)
	case *hclsyntax.FunctionCallExpr:
		w.all(n.Args)
		w.uniform(n.Args...)
	case *hclsyntax.ConditionalExpr:
		w.one(&n.Condition, &n.TrueResult, &n.FalseResult)
		w.uniform(n.TrueResult, n.FalseResult)
	case *hclsyntax.BinaryOpExpr:
		w.one(&n.LHS, &n.RHS)
	case *hclsyntax.UnaryOpExpr:
		w.one(&n.Val)
	case *hclsyntax.IndexExpr:
		w.one(&n.Collection, &n.Key)
	case *hclsyntax.RelativeTraversalExpr:
		w.one(&n.Source)
	case *hclsyntax.TupleConsExpr:
		w.all(n.Exprs)
	case *hclsyntax.ObjectConsExpr:
		for i := range n.Items {
			w.one(&n.Items[i].ValueExpr)
		}
	case *hclsyntax.ForExpr:
		w.one(&n.CollExpr, &n.KeyExpr, &n.ValExpr, &n.CondExpr)
	case *hclsyntax.SplatExpr:
		w.one(&n.Source)
	}
	return nil
}

func (w meterer) all(list []hclsyntax.Expression) {
	for i := range list {
		w.one(&list[i])
	}
}

// uniform has values that the library converts be made fit for it.
func (w meterer) uniform(list ...hclsyntax.Expression) {
	for _, e := range list {
		if m, ok := e.(*metered); ok {
			m.uniform = true
		}
	}
}

func (w meterer) one(slots ...*hclsyntax.Expression) {
	for _, slot := range slots {
		switch e := (*slot).(type) {
		case nil: // a for expression without key or condition
		case *hclsyntax.LiteralValueExpr, *metered:
		case *hclsyntax.TemplateExpr:
			if !e.IsStringLiteral() {
				*slot = &metered{Expression: e, meter: w.meter}
			}
		case *hclsyntax.ScopeTraversalExpr:
			// The library finds references by the type of the node.
			*slot = &metered{Expression: &hclsyntax.ParenthesesExpr{Expression: e, SrcRange: e.SrcRange}, meter: w.meter}
		default:
			*slot = &metered{Expression: e, meter: w.meter}
		}
	}
}

// meterBody makes every expression below body count, but for the types of
// variables, which are not computed.
func meterBody(body *hclsyntax.Body, m *meter) {
	w := meterer{m}
	for _, a := range body.Attributes {
		_ = hclsyntax.Walk(a.Expr, w) // the walker reports no problems
	}
	for _, b := range body.Blocks {
		if b.Type != "variable" {
			meterBody(b.Body, m)
			continue
		}
		if def := b.Body.Attributes["default"]; def != nil {
			_ = hclsyntax.Walk(def.Expr, w) // the walker reports no problems
		}
	}
}
