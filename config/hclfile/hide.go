package hclfile

import (
	"bytes"
	"regexp"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
)

// hideSecrets tells the sources which literals end up in a secret attribute,
// directly or through variables and locals, so that no snippet shows them.
func (r *reader) hideSecrets() {
	for _, b := range r.blocks["locals"] {
		for name, a := range b.Body.Attributes {
			if _, dup := r.locals[name]; !dup {
				r.locals[name] = a
			}
		}
	}
	defaults := map[string]hclsyntax.Expression{}
	for _, b := range r.blocks["variable"] {
		if def := b.Body.Attributes["default"]; def != nil {
			defaults[b.Labels[0]] = def.Expr
		}
	}
	var queue []hclsyntax.Expression
	for _, b := range slices.Concat(r.blocks["cluster"], r.blocks["flow"], r.blocks["source"], r.blocks["sink"]) {
		for _, expr := range secretProperties(b) {
			queue = append(append(queue, expr), behindEach(b, expr)...)
		}
	}
	queue = append(queue, r.secretAttributes()...)
	seen := map[string]bool{}
	for len(queue) > 0 {
		expr := queue[0]
		queue = append(queue[1:], r.behind(expr, defaults, seen)...)
		w := &literals{sources: r.p.Sources}
		_ = hclsyntax.Walk(expr, w) // the walker reports no problems
	}
	clear(r.locals)
}

// secretAttributes returns the expressions of attributes that hold secrets.
func (r *reader) secretAttributes() []hclsyntax.Expression {
	var list []hclsyntax.Expression
	for _, c := range r.blocks["cluster"] {
		for _, b := range c.Body.Blocks {
			for _, a := range b.Body.Attributes {
				if isSecretName(b.Type, a.Name) {
					list = append(append(list, a.Expr), behindEach(c, a.Expr)...)
				}
			}
		}
	}
	for _, b := range r.blocks["server"] {
		for _, a := range b.Body.Attributes {
			if isSecretName(b.Type, a.Name) {
				list = append(list, a.Expr)
			}
		}
	}
	return list
}

// behindEach returns the for_each of a block where expr names "each".
func behindEach(b *hclsyntax.Block, expr hclsyntax.Expression) []hclsyntax.Expression {
	each := b.Body.Attributes["for_each"]
	if each == nil {
		return nil
	}
	for _, t := range expr.Variables() {
		if t.RootName() == "each" {
			return []hclsyntax.Expression{each.Expr}
		}
	}
	return nil
}

// behind returns the expressions of the locals and variables that expr names
// and that were not seen yet.
func (r *reader) behind(expr hclsyntax.Expression, defaults map[string]hclsyntax.Expression, seen map[string]bool) []hclsyntax.Expression {
	var more []hclsyntax.Expression
	for _, t := range expr.Variables() {
		if len(t) < 2 || seen[t.RootName()+"."+stepName(t[1])] {
			continue
		}
		name := stepName(t[1])
		seen[t.RootName()+"."+name] = true
		switch t.RootName() {
		case "local":
			if a := r.locals[name]; a != nil {
				more = append(more, a.Expr)
			}
		case "var":
			if def := defaults[name]; def != nil {
				more = append(more, def)
			}
			if a := r.given[name]; a != nil {
				more = append(more, a.Expr)
			}
		}
	}
	return more
}

// isSecretName reports whether the attribute of a block inside a cluster holds
// a secret. Misspelt names with a telling part count, too.
func isSecretName(block, name string) bool {
	for _, d := range slices.Concat(model.TLSFields(&model.TLS{}), model.SASLFields(&model.SASL{}), model.ServerFields(&model.Server{})) {
		if d.Name == name && d.Secret() {
			return true
		}
	}
	return block == "sasl" && name != "username" || secretName().MatchString(name)
}

// literals hides the literal texts of an expression, but not the names given
// to env(), file() and secret().
type literals struct {
	sources *diag.Sources
	skip    int // depth inside calls of env(), file() and secret()
}

// Enter implements hclsyntax.Walker.
func (l *literals) Enter(node hclsyntax.Node) hcl.Diagnostics {
	switch n := node.(type) {
	case *hclsyntax.FunctionCallExpr:
		if isLookup(n.Name) {
			l.skip++
		}
	case *hclsyntax.LiteralValueExpr:
		if l.skip == 0 {
			l.sources.Hide(rangeOf(n.SrcRange))
		}
	}
	return nil
}

// Exit implements hclsyntax.Walker.
func (l *literals) Exit(node hclsyntax.Node) hcl.Diagnostics {
	if n, ok := node.(*hclsyntax.FunctionCallExpr); ok && isLookup(n.Name) {
		l.skip--
	}
	return nil
}

// isLookup reports whether a function is given a name instead of a value.
func isLookup(function string) bool {
	return function == "env" || function == "file" || function == "secret"
}

// secretName matches names that usually hold a secret.
func secretName() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(pass(word|wd|phrase)?|secret|token|credential|private|\bpw|_pw|\bkey)`)
}

// hideByName hides, in a file the parser did not understand, every value but
// those of attributes that are known not to be secret.
func hideByName(file string, text []byte, sources *diag.Sources) {
	h := nameHider{
		assigned: regexp.MustCompile(`([A-Za-z_][\w-]*)"?[ \t]*(?:=|:[ \t])[ \t]*`),
		starts:   regexp.MustCompile(`^\s*(?:[A-Za-z_][\w-]*[ \t]*=[ \t]*[^=\s]|[a-z]+\b[^=]*\{\s*$|[}\])])`),
		safe:     map[string]bool{"from": true, "to": true, "type": true, "description": true, "default_excludes": true},
	}
	for _, d := range slices.Concat(model.FlowFields(&model.Flow{}), model.ClusterFields(&model.Cluster{}),
		model.TLSFields(&model.TLS{}), model.SASLFields(&model.SASL{})) {
		h.safe[d.Name] = !d.Secret()
		h.safe[d.Name+"_file"] = d.OrFile
	}
	for _, kind := range model.StageKinds() {
		for _, d := range model.StageFields(model.NewStage(kind)) {
			h.safe[d.Name] = true
		}
	}
	for from := 0; from < len(text); {
		to := len(text)
		if i := bytes.IndexByte(text[from:], '\n'); i >= 0 {
			to = from + i
		}
		if hidden := h.from(text[from:to]); hidden >= 0 {
			sources.Hide(diag.Range{File: file, Start: diag.Pos{Line: 1, Byte: from + hidden}, End: diag.Pos{Line: 1, Byte: to}})
		}
		from = to + 1
	}
}

// nameHider goes through a file line by line.
type nameHider struct {
	assigned *regexp.Regexp  // name and "=" before a value
	starts   *regexp.Regexp  // a line that cannot continue a value
	safe     map[string]bool // names whose values may be shown
	within   bool            // the last line was hidden: this one may continue it
}

// from returns where the secret of a line starts, or -1.
func (h *nameHider) from(line []byte) int {
	if h.within && !h.starts.Match(line) {
		return 0
	}
	h.within = false
	for _, m := range h.assigned.FindAllSubmatchIndex(line, -1) {
		if !h.safe[string(line[m[2]:m[3]])] {
			h.within = true
			return m[1]
		}
	}
	return -1
}
