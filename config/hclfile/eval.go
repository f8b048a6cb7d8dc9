package hclfile

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
)

// maxSecretFile bounds what file() and *_file read: 4 MiB is far beyond a
// bundle of every public certificate authority.
const maxSecretFile = 4 << 20

// readFile reads a file a topology refers to; a final newline is kept, since
// trimspace() removes it where it matters.
func (r *reader) readFile(path string) (string, error) {
	text, err := r.p.ReadFile(path)
	if err != nil {
		return "", &missingValue{what: "cannot read file " + path + ": " + reason(err)}
	}
	if len(text) > maxSecretFile {
		return "", &missingValue{what: "file " + path + " is larger than 4 MiB"}
	}
	return string(text), nil
}

// context returns the scope for expressions in the file that at names.
func (r *reader) context(at hcl.Range, lenient bool) *hcl.EvalContext {
	dir := dirOf(at.Filename)
	key := dir
	if lenient {
		key += "\x00lenient"
	}
	ctx, ok := r.contexts[key]
	if !ok {
		ctx = &hcl.EvalContext{Variables: r.scope.values, Functions: r.functions(dir, lenient)}
		r.contexts[key] = ctx
	}
	if r.each == cty.NilVal {
		return ctx
	}
	child := ctx.NewChild()
	child.Variables = map[string]cty.Value{"each": r.each}
	return child
}

// dirOf is where the relative paths in a file start.
func dirOf(file string) string { return filepath.Dir(file) }

// eval computes an expression. ok is false where it failed, which is then
// reported, or where lint lets a value be missing.
func (r *reader) eval(expr hclsyntax.Expression) (cty.Value, bool) {
	val, problems := r.compute(expr, false)
	if problems == nil {
		return val, true
	}
	r.problems.Add(r.translate(problems, r.p.AllowMissing)...)
	if r.p.AllowMissing && !slices.ContainsFunc(problems, func(h *hcl.Diagnostic) bool {
		return h.Severity == hcl.DiagError && missingIn(h) == nil
	}) {
		val, problems = r.compute(expr, true)
		return val, problems == nil
	}
	return cty.DynamicVal, false
}

// compute is expr.Value with its result counted; problems is nil unless it
// failed.
func (r *reader) compute(expr hclsyntax.Expression, lenient bool) (cty.Value, hcl.Diagnostics) {
	if r.meter.over != "" {
		return cty.DynamicVal, hcl.Diagnostics{} // reported already
	}
	val, problems := expr.Value(r.context(expr.Range(), lenient))
	if !problems.HasErrors() {
		r.meter.spend(val)
	}
	if r.meter.over != "" {
		r.problems.Add(diag.Errorf(diag.CodeTooBig, rangeOf(expr.Range()), "%s", r.meter.over).
			WithFix("compute less here; nothing after it was looked at"))
		return cty.DynamicVal, hcl.Diagnostics{}
	}
	if problems.HasErrors() {
		return cty.DynamicVal, problems
	}
	return val, nil
}

// value evaluates expr for a property. known is false where there is nothing
// to set: it failed, is null, or is missing in lint.
func (r *reader) value(expr hclsyntax.Expression) (v field.Value, known bool) {
	val, ok := r.eval(expr)
	if !ok {
		return v, false
	}
	val, marks := val.UnmarkDeep()
	v.Sensitive = len(marks) > 0
	if !val.IsWhollyKnown() || val.IsNull() {
		return v, false
	}
	t := val.Type()
	if t.IsTupleType() || t.IsListType() || t.IsSetType() {
		v.IsList = true
		for _, e := range val.AsValueSlice() {
			text, ok := scalar(e)
			if !ok {
				r.problems.Add(diag.Errorf(diag.CodeBadValue, rangeOf(expr.Range()), "every element must be a string"))
				return v, false
			}
			v.List = append(v.List, text)
		}
		return v, true
	}
	if t.IsObjectType() || t.IsMapType() {
		v.IsMap, v.Map = true, map[string]string{}
		for key, e := range val.AsValueMap() {
			text, ok := scalar(e)
			if !ok {
				r.problems.Add(diag.Errorf(diag.CodeBadValue, rangeOf(expr.Range()), "%s: every value must be a string", key))
				return v, false
			}
			v.Map[key] = text
		}
		return v, true
	}
	text, ok := scalar(val)
	if !ok {
		r.problems.Add(diag.Errorf(diag.CodeBadValue, rangeOf(expr.Range()), "must be a string, a number, a bool or a list of strings"))
		return v, false
	}
	v.Text = text
	return v, true
}

// scalar writes a string, number or bool as text.
func scalar(val cty.Value) (string, bool) {
	if val.IsNull() || !val.Type().IsPrimitiveType() {
		return "", false
	}
	s, err := convert.Convert(val, cty.String)
	if err != nil {
		return "", false
	}
	return s.AsString(), true
}

// reason is the short form of a file error, without the path again.
func reason(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		return text[i+2:]
	}
	return text
}
