package hclfile

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
)

// wording says in our words what the library found. Its details quote values of
// an expression, which may be secret, so only those of its parser are used.
func (r *reader) wording(h *hcl.Diagnostic) (code, summary, fix string) {
	switch h.Summary {
	case "Unknown variable", "Unsupported attribute", "Invalid index", "Missing map element":
		return r.undefined(h)
	case "Call to unknown function":
		return r.unknownFunction(h)
	case "Error in function call", "Invalid function argument":
		return diag.CodeBadValue, functionFailure(h), ""
	case "Not enough function arguments", "Too many function arguments":
		return diag.CodeBadValue, "wrong number of arguments for " + calledFunction(h), ""
	case "Attribute redefined":
		return diag.CodeDuplicateKey, "the attribute is set twice in one block", "keep one of them"
	case "Duplicate object key":
		return diag.CodeDuplicateKey, "two elements of the for expression have the same key", `group them by adding "..." behind the value`
	case "Invalid single-argument block definition":
		return diag.CodeSyntax, "a block in one line holds at most one attribute", "write every attribute on a line of its own"
	case "Incorrect condition type", "Condition is null", "Null condition", "Invalid 'for' condition":
		return diag.CodeBadValue, "the condition must be true or false", ""
	case "Inconsistent conditional result types":
		return diag.CodeBadValue, "both results of a condition must have the same type", ""
	case "Invalid template interpolation value":
		return diag.CodeBadValue, "only a string, number or bool can be put into a string", "write join(\",\", ...) for a list"
	case "Iteration over null value", "Iteration over non-iterable value", "Invalid expanding argument value", "Splat of null value":
		return diag.CodeBadValue, "only a list, set or map has elements", ""
	case "Attempt to get attribute from null value", "Attempt to index null value":
		return diag.CodeBadValue, "the value in front is null", ""
	case "Null value as key", "Incorrect key type", "Invalid object key", "Ambiguous attribute key":
		return diag.CodeBadValue, "a key must be a string", "put an expression into parentheses: (var.name) = ..."
	case "Invalid operand", "Operation failed", "Unsuitable value type":
		return diag.CodeBadValue, operandProblem(h), ""
	}
	return diag.CodeSyntax, lowerFirst(oneLine(h.Summary)), oneLine(h.Detail)
}

// operandProblem says which type an operator wants: the end of the library's
// detail, which names types only.
func operandProblem(h *hcl.Diagnostic) string {
	for _, want := range []string{"a number is required", "a bool is required", "a string is required"} {
		if strings.Contains(h.Detail, want) {
			return "unsuitable operand: " + want
		}
	}
	return "the operator cannot be applied to these values"
}

// undefined names what does not exist, and what of a similar name does.
func (r *reader) undefined(h *hcl.Diagnostic) (code, summary, fix string) {
	path, missing, known := r.lookUp(h)
	switch {
	case path == "" && missing == "each":
		return diag.CodeUndefined, "each is known only in a block with for_each", "add for_each, or refer to something else"
	case path == "" && missing != "":
		summary = "there is no " + quote(missing)
		fix = "known are var, local, cluster and, with for_each, each"
	case missing == "":
		return diag.CodeUndefined, "there is no such element", ""
	case path == "var":
		summary, fix = "there is no variable "+quote(missing), "declare it: variable "+quote(missing)+" {}"
	case path == "local":
		summary, fix = "there is no local "+quote(missing), "declare it: locals { "+missing+" = ... }"
	case path == "cluster":
		summary, fix = "there is no cluster "+quote(missing), ""
	default:
		summary, fix = path+" has no "+quote(missing), ""
	}
	if near := suggestFew(missing, known); near != "" {
		fix = "did you mean " + quote(near) + "?"
	}
	return diag.CodeUndefined, summary, fix
}

// lookUp follows the reference that h is about to where it ends: the path that
// exists, the step that does not, and the steps there are.
func (r *reader) lookUp(h *hcl.Diagnostic) (path, missing string, known []string) {
	if index, ok := h.Expression.(*hclsyntax.IndexExpr); ok {
		return r.lookUpIndex(index, h.EvalContext)
	}
	scope, ok := h.Expression.(*hclsyntax.ScopeTraversalExpr)
	if !ok {
		return "", "", nil
	}
	t := scope.Traversal
	root, exists := r.scope.values[t.RootName()]
	if t.RootName() == "each" && h.Summary != "Unknown variable" {
		root, exists = r.each, true
	}
	if !exists {
		return "", t.RootName(), keys(r.scope.values)
	}
	path = t.RootName()
	for _, step := range t[1:] {
		name := stepName(step)
		if name == "" || root.IsMarked() || root.IsNull() || !root.IsKnown() || !root.Type().IsObjectType() {
			return path, name, nil
		}
		if !root.Type().HasAttribute(name) {
			return path, name, keys(root.Type().AttributeTypes())
		}
		root, path = root.GetAttr(name), path+"."+name
	}
	return path, "", nil
}

// lookUpIndex does the same for a["b"], where a and "b" may be computed.
func (r *reader) lookUpIndex(index *hclsyntax.IndexExpr, ctx *hcl.EvalContext) (path, missing string, known []string) {
	key, problems := index.Key.Value(ctx)
	if text, ok := scalar(key); ok && !problems.HasErrors() && key.IsKnown() && !key.IsMarked() {
		missing = text
	}
	path = "the value in front"
	from, problems := index.Collection.Value(ctx)
	if !problems.HasErrors() && from.IsKnown() && !from.IsNull() && !from.IsMarked() && (from.Type().IsObjectType() || from.Type().IsMapType()) {
		known = keys(from.AsValueMap())
	}
	if paren, ok := unwrap(index.Collection).(*hclsyntax.ScopeTraversalExpr); ok {
		var names []string
		for _, step := range paren.Traversal[1:] {
			names = append(names, stepName(step))
		}
		path = strings.Join(append([]string{paren.Traversal.RootName()}, names...), ".")
	}
	return path, missing, known
}

// unwrap returns the expression in a metered and its parentheses.
func unwrap(e hclsyntax.Expression) hclsyntax.Expression {
	if m, ok := e.(*metered); ok {
		e = m.Expression
	}
	if p, ok := e.(*hclsyntax.ParenthesesExpr); ok {
		return p.Expression
	}
	return e
}

// calledFunction is the name of the function h is about, with parentheses.
func calledFunction(h *hcl.Diagnostic) string {
	if call, ok := h.Expression.(*hclsyntax.FunctionCallExpr); ok {
		return call.Name + "()"
	}
	return "the function"
}

// functionFailure is what a function said about its arguments; bounded keeps
// secrets out of it. try says what each of its expressions said: too much.
func functionFailure(h *hcl.Diagnostic) string {
	call, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](h)
	if !ok || call.FunctionCallError() == nil {
		return "an argument of " + calledFunction(h) + " has the wrong type"
	}
	if call.CalledFunctionName() == "try" {
		return "no argument of try() can be computed"
	}
	return call.CalledFunctionName() + "(): " + lowerFirst(oneLine(call.FunctionCallError().Error()))
}

func (r *reader) unknownFunction(h *hcl.Diagnostic) (code, summary, fix string) {
	call, ok := h.Expression.(*hclsyntax.FunctionCallExpr)
	if !ok {
		return diag.CodeUndefined, "there is no such function", ""
	}
	if near := field.Suggest(call.Name, keys(r.functions(".", true))); near != "" {
		fix = "did you mean " + quote(near) + "?"
	}
	return diag.CodeUndefined, "there is no function " + quote(call.Name), fix
}

func quote(s string) string { return `"` + s + `"` }

// suggestFew is field.Suggest where there are not so many names that comparing
// them all takes long.
func suggestFew(name string, known []string) string {
	if len(known) > 2000 || len(name) > 100 {
		return ""
	}
	return field.Suggest(name, known)
}
