package hclfile

import (
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
)

// mechanisms maps the label of a sasl block to the mechanism's name.
func mechanisms() map[string]string {
	return map[string]string{
		"plain":         "PLAIN",
		"scram-sha-256": "SCRAM-SHA-256",
		"scram-sha-512": "SCRAM-SHA-512",
	}
}

// cluster decodes a cluster block, or one instance of it.
func (r *reader) cluster(inst instance) *model.Cluster {
	c, b, where := model.NewCluster(field.HCL), inst.block, inst.describe()
	c.Alias, c.Range, c.Ranges = inst.name, rangeOf(b.DefRange()), model.Places{}
	if strings.Contains(c.Alias, "->") {
		r.problems.Add(diag.Errorf(diag.CodeBadValue, rangeOf(b.LabelRanges[0]), `the name of a cluster must not contain "->"`))
	}
	r.attributes(b.Body, target{
		where: where, defs: model.ClusterFields(c), extra: []string{"for_each", "alias", "properties"}, blocks: []string{"tls", "sasl"}, places: c.Ranges,
	})
	c.Properties = r.properties(b.Body, where, model.ClusterFields(c))
	r.require(b, where, "bootstrap_servers")
	r.servers(c)
	first := map[string]*hclsyntax.Block{}
	for _, nested := range b.Body.Blocks {
		if nested.Type != "tls" && nested.Type != "sasl" {
			continue
		}
		if f := first[nested.Type]; f != nil {
			r.problems.Add(diag.Errorf(diag.CodeDuplicateName, rangeOf(nested.DefRange()),
				"%s already has a %s block at %s", where, nested.Type, rangeOf(f.DefRange())))
			continue
		}
		first[nested.Type] = nested
		if nested.Type == "tls" {
			c.TLS = r.tls(nested, where, c.Ranges)
		} else {
			c.SASL = r.sasl(nested, where, c.Ranges)
		}
	}
	return c
}

// servers checks that every bootstrap server is host:port.
func (r *reader) servers(c *model.Cluster) {
	at, written := c.Ranges["bootstrap_servers"]
	if !written {
		return
	}
	if len(c.BootstrapServers) == 0 {
		r.problems.Add(diag.Errorf(diag.CodeMissing, at, "bootstrap_servers must name at least one broker").
			WithFix(`write bootstrap_servers = ["host:9092"]`))
	}
	for i, s := range c.BootstrapServers {
		server, ok := model.ParseServer(s)
		if !ok {
			r.problems.Add(diag.Errorf(diag.CodeBadValue, c.Ranges.Of(model.Element("bootstrap_servers", i)),
				"bootstrap_servers: every element must be host:port").WithFix(`write "host:9092"`))
		}
		c.BootstrapServers[i] = server
	}
}

// tls decodes a tls block.
func (r *reader) tls(b *hclsyntax.Block, cluster string, places model.Places) *model.TLS {
	t, where := &model.TLS{}, "the tls block of "+cluster
	if !r.checkLabels(b, 0) {
		return t
	}
	inner := model.Places{}
	r.attributes(b.Body, target{where: where, defs: model.TLSFields(t), places: inner})
	nest(places, "tls", inner)
	has := func(name string) bool {
		return b.Body.Attributes[name] != nil || b.Body.Attributes[name+"_file"] != nil
	}
	if has("cert") != has("key") {
		r.problems.Add(diag.Errorf(diag.CodeMissing, rangeOf(b.DefRange()), "%s needs both cert and key, or neither", where))
	}
	for _, pem := range []struct {
		name string
		text model.Secret
	}{{"ca", t.CA}, {"cert", t.Certificate}, {"key", t.Key}} {
		if at, ok := inner[pem.name]; ok && !strings.Contains(pem.text.Reveal(), "-----BEGIN ") {
			r.problems.Add(diag.Errorf(diag.CodeKeystore, at, "%s must hold PEM text", pem.name).
				WithFix(`PEM starts with "-----BEGIN"; to name a file write %s_file`, pem.name))
		}
	}
	if t.SkipHostnameCheck {
		r.problems.Add(diag.Warnf(diag.CodeHostnameCheckOff, inner["skip_hostname_check"],
			"the host names of the brokers of %s are not verified", cluster))
	}
	return t
}

// sasl decodes a sasl block.
func (r *reader) sasl(b *hclsyntax.Block, cluster string, places model.Places) *model.SASL {
	s, where := &model.SASL{}, "the sasl block of "+cluster
	if !r.checkLabels(b, 1) {
		return s
	}
	known := mechanisms()
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
	inner := model.Places{}
	r.attributes(b.Body, target{where: where, defs: model.SASLFields(s), places: inner})
	nest(places, "sasl", inner)
	r.require(b, where, "username", "password")
	return s
}

// nest adds the places of a block under its name: "tls.ca".
func nest(places model.Places, block string, inner model.Places) {
	for name, at := range inner {
		places[block+"."+name] = at
	}
}
