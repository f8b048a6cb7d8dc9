package hclfile

import (
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/strait-mirror/strait/config/diag"
)

// parseVarFiles reads files of name = value lines; a later one beats an
// earlier one.
func (r *reader) parseVarFiles() {
	r.given = map[string]*hclsyntax.Attribute{}
	topology := r.bodies
	for _, f := range r.p.VarFiles {
		r.bodies = nil
		r.parse(f)
		for _, body := range r.bodies {
			r.noBlocks(body, "in a file of values for variables")
			for _, a := range inOrder(body.Attributes) {
				r.given[a.Name] = a
			}
		}
	}
	r.bodies = topology
}

// meterVarFiles makes their expressions count.
func (r *reader) meterVarFiles() {
	for _, a := range r.given {
		_ = hclsyntax.Walk(a.Expr, meterer{r.meter}) // the walker reports no problems
	}
}

// undeclared reports values for variables that no file declares. In a file of
// values, which several topologies may share, that is only a warning.
func (r *reader) undeclared(declared []string) {
	for _, name := range keys(r.p.Vars) {
		if contains(declared, name) {
			continue
		}
		d := diag.Errorf(diag.CodeUndefined, diag.Range{}, "a value is given for variable %q, which is not declared", name)
		if near := suggestFew(name, declared); near != "" {
			d = d.WithFix("did you mean %q?", near)
		}
		r.problems.Add(d)
	}
	for _, name := range keys(r.given) {
		if contains(declared, name) {
			continue
		}
		d := diag.Warnf(diag.CodeUndefined, rangeOf(r.given[name].NameRange), "a value is given for variable %q, which is not declared", name)
		if near := suggestFew(name, declared); near != "" {
			d = d.WithFix("did you mean %q?", near)
		}
		r.problems.Add(d)
	}
}
