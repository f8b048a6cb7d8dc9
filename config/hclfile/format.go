package hclfile

import (
	"bytes"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/strait-mirror/strait/config/diag"
)

// Format returns f in the canonical form: indentation by nesting, "=" of
// neighbouring lines under each other, one newline at the end. Comments and
// blank lines stay. A file with a syntax error is not formatted. sources is
// told the text, and which of it is secret.
func Format(f File, sources *diag.Sources) ([]byte, diag.List) {
	if problems := Syntax(f, sources); problems.HasErrors() {
		return nil, problems
	}
	return Canonical(f.Text), nil
}

// Canonical is Format of a text that is known to have no syntax errors.
func Canonical(text []byte) []byte {
	out := text
	for range maxPasses {
		next := append(bytes.TrimRight(hclwrite.Format(out), " \t\r\n"), '\n')
		if len(next) == 1 {
			next = nil // an empty file stays one
		}
		if bytes.Equal(next, out) {
			break
		}
		out = next
	}
	return out
}

// maxPasses is how often a text is formatted until nothing changes. One pass
// is enough but for odd spacing inside of templates.
const maxPasses = 5

// Syntax checks that a file can be parsed, and nothing else.
func Syntax(f File, sources *diag.Sources) diag.List {
	r := &reader{p: Params{Sources: sources}, broken: map[string]bool{}, meter: newMeter()}
	r.parse(f)
	return bounded(r.problems)
}

// Mask returns the texts of files of one topology with secrets replaced by
// "(secret)": what ends up in a secret attribute, and what is called like one.
// It is for showing them, as in a diff.
func Mask(files []File) [][]byte {
	sources := &diag.Sources{}
	r := &reader{p: Params{Sources: sources}, broken: map[string]bool{}, meter: newMeter()}
	for _, f := range files {
		r.parse(f)
	}
	r.collect()
	r.hideSecrets()
	for _, body := range r.bodies {
		hideNamed(body, sources)
	}
	var masked [][]byte
	for _, f := range files {
		masked = append(masked, sources.Masked(f.Name))
	}
	return masked
}

// hideNamed hides the literals of attributes, and the defaults of variables,
// whose name says that they are secret.
func hideNamed(body *hclsyntax.Body, sources *diag.Sources) {
	for _, a := range body.Attributes {
		if secretName().MatchString(a.Name) {
			_ = hclsyntax.Walk(a.Expr, &literals{sources: sources}) // the walker reports no problems
		}
	}
	for _, b := range body.Blocks {
		def := b.Body.Attributes["default"]
		if b.Type == "variable" && def != nil && len(b.Labels) == 1 && secretName().MatchString(b.Labels[0]) {
			_ = hclsyntax.Walk(def.Expr, &literals{sources: sources}) // the walker reports no problems
		}
		hideNamed(b.Body, sources)
	}
}
