package hclfile

import (
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
)

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

// nest adds the places of a block under its name: "tls.ca".
func nest(places model.Places, block string, inner model.Places) {
	for name, at := range inner {
		places[block+"."+name] = at
	}
}
