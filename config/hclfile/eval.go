package hclfile

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
)

// sensitive marks values of env() and file() and what is computed from them.
type sensitive struct{}

// functions returns what expressions may call in a file of the directory dir.
// With lenient, a missing value is unknown instead of an error.
func (r *reader) functions(dir string, lenient bool) map[string]function.Function {
	lookup := func(get func(arg string) (string, error)) function.Function {
		return function.New(&function.Spec{
			Params: []function.Parameter{{Name: "name", Type: cty.String, AllowMarked: true}},
			Type:   function.StaticReturnType(cty.String),
			Impl: func(args []cty.Value, ret cty.Type) (cty.Value, error) {
				arg, _ := args[0].Unmark()
				text, err := get(arg.AsString())
				switch {
				case err != nil && lenient:
					return cty.UnknownVal(cty.String).Mark(sensitive{}), nil
				case err != nil:
					return cty.NilVal, err
				}
				return cty.StringVal(text).Mark(sensitive{}), nil
			},
		})
	}
	return map[string]function.Function{
		"env": lookup(func(name string) (string, error) {
			if text, ok := r.p.Env(name); ok {
				return text, nil
			}
			return "", &missingValue{what: "environment variable " + name + " is not set"}
		}),
		"file": lookup(func(path string) (string, error) {
			return r.readFile(resolvePath(dir, path))
		}),
		"split":     stdlib.SplitFunc,
		"join":      stdlib.JoinFunc,
		"format":    stdlib.FormatFunc,
		"lower":     stdlib.LowerFunc,
		"upper":     stdlib.UpperFunc,
		"concat":    stdlib.ConcatFunc,
		"trimspace": stdlib.TrimSpaceFunc,
	}
}

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
	dir := filepath.Dir(at.Filename)
	key := dir
	if lenient {
		key += "\x00lenient"
	}
	if ctx, ok := r.contexts[key]; ok {
		return ctx
	}
	ctx := &hcl.EvalContext{Variables: r.scope.values, Functions: r.functions(dir, lenient)}
	r.contexts[key] = ctx
	return ctx
}

// eval computes an expression. ok is false where it failed, which is then
// reported, or where lint lets a value be missing.
func (r *reader) eval(expr hclsyntax.Expression) (cty.Value, bool) {
	val, problems := expr.Value(r.context(expr.Range(), false))
	if !problems.HasErrors() {
		return val, true
	}
	r.problems.Add(translate(problems, r.p.AllowMissing)...)
	if r.p.AllowMissing && !slices.ContainsFunc(problems, func(h *hcl.Diagnostic) bool {
		return h.Severity == hcl.DiagError && missingIn(h) == nil
	}) {
		val, problems = expr.Value(r.context(expr.Range(), true))
		return val, !problems.HasErrors()
	}
	return cty.DynamicVal, false
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
