package hclfile

import (
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/strait-mirror/strait/config/client"
	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
)

// tls decodes a tls block.
func (r *reader) tls(b *hclsyntax.Block, cluster string, places model.Places) *model.TLS {
	t, where := &model.TLS{}, "the tls block of "+cluster
	if !r.checkLabels(b, 0) {
		return t
	}
	inner := model.Places{}
	r.attributes(b.Body, target{where: where, defs: model.TLSFields(t), places: inner})
	nest(places, "tls", inner)
	if r.decoded(b, inner) && !r.p.Unchecked {
		r.problems.Add(client.CheckTLS(t, r.check(b, inner, where))...)
	}
	return t
}

// sasl decodes a sasl block.
func (r *reader) sasl(b *hclsyntax.Block, cluster string, places model.Places) *model.SASL {
	s, where := &model.SASL{}, "the sasl block of "+cluster
	if !r.checkLabels(b, 1) {
		return s
	}
	known := model.Mechanisms()
	mechanism, ok := known[b.Labels[0]]
	if !ok {
		d := diag.Errorf(diag.CodeMechanism, rangeOf(b.LabelRanges[0]), "no SASL mechanism %q; known are %s",
			b.Labels[0], strings.Join(keys(known), ", "))
		if near := field.Suggest(strings.ToLower(strings.ReplaceAll(b.Labels[0], "_", "-")), keys(known)); near != "" {
			d = d.WithFix("did you mean %q?", near)
		}
		r.problems.Add(d)
	}
	s.Mechanism = mechanism
	inner, before := model.Places{}, r.problems.Count(diag.Error)
	r.attributes(b.Body, target{where: where, defs: model.SASLFields(s), places: inner})
	nest(places, "sasl", inner)
	switch mechanism {
	case model.MechanismPlain, model.MechanismScramSHA256, model.MechanismScramSHA512:
		r.require(b, where, "username", "password")
	}
	if r.problems.Count(diag.Error) == before && r.decoded(b, inner) && !r.p.Unchecked {
		r.problems.Add(client.CheckSASL(s, r.check(b, inner, where))...)
	}
	return s
}

// decoded reports whether every attribute of a block has a value: lint reads
// files whose environment is elsewhere.
func (r *reader) decoded(b *hclsyntax.Block, places model.Places) bool {
	for name := range b.Body.Attributes {
		bare := strings.TrimSuffix(name, "_file")
		if _, ok := places[name]; !ok && places.Of(bare).IsZero() {
			return false
		}
	}
	return !r.broken[b.TypeRange.Filename]
}

// check is how the attributes of a block are checked together.
func (r *reader) check(b *hclsyntax.Block, places model.Places, where string) client.Check {
	return client.Check{
		Places: places, At: rangeOf(b.DefRange()), ReadFile: r.p.ReadFile, AllowMissing: r.p.AllowMissing,
		Name: func(attribute string) string {
			if b.Body.Attributes[attribute+"_file"] != nil {
				attribute += "_file"
			}
			return attribute + " in " + where
		},
	}
}
