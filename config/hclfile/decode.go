package hclfile

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
)

// target is what the attributes of one body are decoded into.
type target struct {
	where  string       // "flow \"A->B\"", for messages
	defs   []field.Def  // attributes decoded here
	extra  []string     // attributes the caller decodes itself
	blocks []string     // nested blocks the caller decodes itself
	places model.Places // filled with where values were written
}

// attributes decodes the attributes of body by their declarations, in file
// order, and reports the ones that do not exist.
func (r *reader) attributes(body *hclsyntax.Body, t target) {
	names := append([]string{}, t.extra...)
	for _, d := range t.defs {
		names = append(names, d.Name)
		if d.OrFile {
			names = append(names, d.Name+"_file")
		}
	}
	for _, a := range inOrder(body.Attributes) {
		if contains(t.extra, a.Name) {
			continue
		}
		d, fromFile, ok := findDef(t.defs, a.Name)
		switch {
		case !ok:
			r.unknown(a.NameRange, "attribute", a.Name, "in "+t.where, names, t.blocks)
		case fromFile:
			r.fileAttribute(body, a, d, t.places)
		default:
			r.attribute(a, d, t.places)
		}
	}
	for _, b := range body.Blocks {
		if !contains(t.blocks, b.Type) {
			r.unknown(b.TypeRange, "block", b.Type, "in "+t.where, names, t.blocks)
		}
	}
}

// findDef finds the declaration of an attribute, also for its _file form.
func findDef(defs []field.Def, name string) (d field.Def, fromFile, ok bool) {
	bare, isFile := strings.CutSuffix(name, "_file")
	for _, d := range defs {
		if d.Name == name {
			return d, false, true
		}
		if isFile && d.OrFile && d.Name == bare {
			return d, true, true
		}
	}
	return field.Def{}, false, false
}

// attribute stores the value of one attribute and reports whether it did.
func (r *reader) attribute(a *hclsyntax.Attribute, d field.Def, places model.Places) bool {
	v, known := r.value(a.Expr)
	if !known {
		return false
	}
	if d.Path && v.Text != "" {
		v.Text = resolvePath(filepath.Dir(a.Expr.Range().Filename), v.Text)
	}
	if problem := d.Set(field.HCL, v); problem != nil {
		problem.Summary = d.Name + ": " + problem.Summary
		r.problems.Add(problem.At(rangeOf(a.Expr.Range())))
		return false
	}
	places[d.Name] = rangeOf(a.Expr.Range())
	if d.InVain() {
		r.problems.Add(diag.Diagnostic{
			Severity: d.Vain(), Code: diag.CodeNoEffect, Subject: places[d.Name], Summary: d.Name + " has no effect yet",
		})
	}
	if list, ok := a.Expr.(*hclsyntax.TupleConsExpr); ok && d.Kind == field.KindList {
		for i, e := range list.Exprs {
			places[model.Element(d.Name, i)] = rangeOf(e.Range())
		}
	}
	if object, ok := a.Expr.(*hclsyntax.ObjectConsExpr); ok && d.Kind == field.KindMap {
		r.entries(object, d.Name, places)
	}
	return true
}

// entries notes where the entries of a map were written and reports those that
// are there twice, of which the last would win in silence.
func (r *reader) entries(object *hclsyntax.ObjectConsExpr, name string, places model.Places) {
	for _, item := range object.Items {
		key, problems := item.KeyExpr.Value(nil) // a computed key has no place of its own
		if problems.HasErrors() || key.Type() != cty.String || !key.IsKnown() || key.IsNull() {
			continue
		}
		at := model.Key(name, key.AsString())
		if first, twice := places[at]; twice {
			r.problems.Add(diag.Errorf(diag.CodeDuplicateKey, rangeOf(item.KeyExpr.Range()),
				"%s: %q is already there at %s", name, key.AsString(), first))
		}
		places[at] = rangeOf(item.ValueExpr.Range())
	}
}

// fileAttribute stores the path that <name>_file says. The file is read when
// the whole block is checked, and for every connection.
func (r *reader) fileAttribute(body *hclsyntax.Body, a *hclsyntax.Attribute, d field.Def, places model.Places) {
	if other := body.Attributes[d.Name]; other != nil {
		r.problems.Add(diag.Errorf(diag.CodeBadValue, rangeOf(a.NameRange), "%s and %s exclude each other", a.Name, d.Name).
			WithFix("keep one of them"))
		return
	}
	v, known := r.value(a.Expr)
	if !known {
		return
	}
	at := rangeOf(a.Expr.Range())
	if v.IsList || v.Text == "" {
		r.problems.Add(diag.Errorf(diag.CodeBadValue, at, "%s: must be the path of a file", a.Name))
		return
	}
	d.SetFile(resolvePath(filepath.Dir(at.File), v.Text))
	places[d.Name] = at
}

// require reports a missing attribute at the head of its block. A present one
// that failed was reported already.
func (r *reader) require(b *hclsyntax.Block, where string, names ...string) {
	if r.broken[b.TypeRange.Filename] {
		return
	}
	for _, name := range names {
		misspelt := func() bool { // reported with the right name as its fix
			return slices.ContainsFunc(inOrder(b.Body.Attributes), func(a *hclsyntax.Attribute) bool {
				return field.Suggest(a.Name, []string{name}) != ""
			})
		}
		if b.Body.Attributes[name] == nil && b.Body.Attributes[name+"_file"] == nil && !misspelt() {
			r.problems.Add(diag.Errorf(diag.CodeMissing, rangeOf(b.DefRange()), "%s needs %s", where, name).
				WithFix("add %s = ...", name))
		}
	}
}
