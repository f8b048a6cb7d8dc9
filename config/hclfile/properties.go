package hclfile

import (
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
)

// properties decodes properties = { "java.key" = value }. What the keys mean is
// decided by config/client; here each gets its text, place and secrecy. defs
// are the attributes of the block: a key with an attribute is refused, so that
// nothing can be said twice.
func (r *reader) properties(body *hclsyntax.Body, where string, defs []field.Def) map[string]model.Property {
	a := body.Attributes["properties"]
	if a == nil {
		return nil
	}
	all := map[string]model.Property{}
	set := func(key string, value cty.Value, keyAt, at diag.Range) {
		if p, ok := r.property(where, key, value, at); ok && r.checkProperty(key, keyAt, defs) {
			all[key] = p
		}
	}
	object, ok := a.Expr.(*hclsyntax.ObjectConsExpr)
	if !ok {
		r.computedProperties(a, set)
		return all
	}
	for _, item := range object.Items {
		key, ok := r.eval(item.KeyExpr)
		keyAt := rangeOf(item.KeyExpr.Range())
		if ok && (key.IsMarked() || key.IsNull() || !key.IsKnown() || key.Type() != cty.String) {
			r.problems.Add(diag.Errorf(diag.CodeBadValue, keyAt, "properties: a key must be a string that is not secret"))
			continue
		}
		value, valueOK := r.eval(item.ValueExpr)
		if !ok || !valueOK {
			continue
		}
		if _, dup := all[key.AsString()]; dup {
			r.problems.Add(diag.Errorf(diag.CodeDuplicateKey, keyAt, "properties: %.100q is set twice", key.AsString()))
			continue
		}
		set(key.AsString(), value, keyAt, rangeOf(item.ValueExpr.Range()))
	}
	return all
}

// computedProperties takes a map that an expression gives, such as a local; all
// of it stands at the expression.
func (r *reader) computedProperties(a *hclsyntax.Attribute, set func(key string, value cty.Value, keyAt, at diag.Range)) {
	at := rangeOf(a.Expr.Range())
	val, ok := r.eval(a.Expr)
	if !ok {
		return
	}
	val, marks := val.Unmark()
	if val.IsNull() || !val.IsKnown() {
		return
	}
	if t := val.Type(); !t.IsObjectType() && !t.IsMapType() {
		r.problems.Add(diag.Errorf(diag.CodeBadValue, at, "properties: must be a map").
			WithFix(`write properties = { "consumer.max.poll.records" = 500 }`))
		return
	}
	for it := val.ElementIterator(); it.Next(); {
		key, value := it.Element()
		set(key.AsString(), value.WithMarks(marks), at, at)
	}
}

// property makes the text of a value; a list is joined by commas, as Kafka
// splits it. null leaves the key out.
func (r *reader) property(where, key string, value cty.Value, at diag.Range) (model.Property, bool) {
	plain, marks := value.UnmarkDeep()
	p := model.Property{Sensitive: len(marks) > 0 || sensitiveKey(key), Range: at}
	if !plain.IsWhollyKnown() || plain.IsNull() {
		return p, false
	}
	var words []string
	elements := []cty.Value{plain}
	if t := plain.Type(); t.IsTupleType() || t.IsListType() || t.IsSetType() {
		elements = plain.AsValueSlice()
	}
	for _, e := range elements {
		word, ok := scalar(e)
		if !ok {
			r.problems.Add(diag.Errorf(diag.CodeBadValue, at, "properties of %s: %.100q must be a string, a number, a bool or a list of those", where, key))
			return p, false
		}
		words = append(words, word)
	}
	p.Value = model.NewSecret(strings.Join(words, ","))
	return p, true
}

// checkProperty refuses a key that is none, or that has an attribute.
func (r *reader) checkProperty(key string, at diag.Range, defs []field.Def) bool {
	if key == "" || strings.ContainsAny(key, " \t\r\n=") {
		r.problems.Add(diag.Errorf(diag.CodeBadValue, at, "properties: %.100q is not a key", key))
		return false
	}
	i := slices.IndexFunc(defs, func(d field.Def) bool {
		return d.Key == key && (d.Scope == field.ScopeCluster || d.Scope == field.ScopeAlias || d.Scope == field.ScopeFlow || d.Scope == field.ScopeFlowOnly)
	})
	if i < 0 {
		return true
	}
	r.problems.Add(diag.Errorf(diag.CodeBadValue, at, "properties: %q has an attribute of its own", key).
		WithFix("write %s = ... in the block", defs[i].Name))
	return false
}

// sensitiveKey reports whether a Java key holds a secret by its name.
func sensitiveKey(key string) bool {
	return regexp.MustCompile(`(?i)password|passphrase|secret|jaas|credential|token$|private|\.key$|keystore\.key`).MatchString(key)
}

// secretProperties returns the expressions behind the secret keys of a block's
// properties, or the whole where its keys are not written there.
func secretProperties(b *hclsyntax.Block) []hclsyntax.Expression {
	a := b.Body.Attributes["properties"]
	if a == nil {
		return nil
	}
	object, ok := a.Expr.(*hclsyntax.ObjectConsExpr)
	if !ok {
		return []hclsyntax.Expression{a.Expr}
	}
	var secret []hclsyntax.Expression
	for _, item := range object.Items {
		key, problems := item.KeyExpr.Value(nil)
		if problems.HasErrors() || !key.IsKnown() || key.IsNull() || key.Type() != cty.String || sensitiveKey(key.AsString()) {
			secret = append(secret, item.ValueExpr)
		}
	}
	return secret
}
