package load

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/client"
	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
)

// keys are Java client keys without the prefix that says whose they are.
type keys = map[string]client.Value

// applier gives properties = {} of HCL its meaning. The narrower place wins: a
// client's key beats one of the whole cluster, a flow's beats the cluster's, and
// an attribute of a flow beats what its clusters say.
type applier struct {
	template client.Params
	made     *client.Connections
	table    *client.Table
	base     map[string]*model.Cluster       // by alias, as without its properties
	layers   map[string]map[client.Role]keys // by alias; Any is what has no prefix
	problems diag.List
}

// applyProperties does it for all clusters and flows.
func (l *loader) applyProperties(cfg *model.Config) {
	a := &applier{
		template: client.Params{Form: field.HCL, ReadFile: l.opts.ReadFile, AllowMissing: l.opts.AllowMissing, Unchecked: l.opts.Unchecked},
		table:    client.NewTable(),
		base:     map[string]*model.Cluster{}, layers: map[string]map[client.Role]keys{},
	}
	a.made = client.NewConnections(a.template)
	for _, c := range cfg.Clusters {
		if len(c.Properties) > 0 {
			a.cluster(c)
		}
	}
	for _, f := range cfg.Flows {
		a.flow(f, cfg.Cluster(f.From), cfg.Cluster(f.To))
	}
	l.problems.Add(a.problems.Once()...)
}

// value is a property as package client takes it.
func value(name string, p model.Property) client.Value {
	return client.Value{Name: name, Text: p.Value.Reveal(), Sensitive: p.Sensitive, At: p.Range, Dir: filepath.Dir(p.Range.File)}
}

// cluster reads the properties of a cluster: what has no prefix is how the
// cluster is reached, the rest is for its clients of one kind.
func (a *applier) cluster(c *model.Cluster) {
	a.base[c.Alias] = c.Clone()
	layer := map[client.Role]keys{client.Any: {}, client.Consumer: {}, client.Producer: {}, client.Admin: {}}
	for name, p := range c.Properties {
		role, key := client.Any, name
		for _, r := range roles() {
			if rest, ok := strings.CutPrefix(name, r.String()+"."); ok {
				role, key = r, rest
			}
		}
		if role != client.Any || !a.twice(c, name, p) {
			layer[role][key] = value(name, p)
		}
	}
	a.layers[c.Alias] = layer
	a.read(client.Any, c, nil, layer[client.Any])
	for _, role := range roles() {
		if len(layer[role]) > 0 {
			a.read(role, a.base[c.Alias].Clone(), nil, a.merged(c.Alias, role, nil))
		}
	}
}

func roles() []client.Role { return []client.Role{client.Consumer, client.Producer, client.Admin} }

// read reads keys into a cluster and, where f is not nil, what tunes a flow
// into that.
func (a *applier) read(role client.Role, c *model.Cluster, f *model.Flow, k keys) {
	p := a.template
	p.Role, p.Alias, p.Cluster, p.Flow, p.Keys = role, c.Alias, c, f, k
	_, problems := client.Read(p)
	a.problems.Add(problems...)
}

// twice reports a property of a cluster that an attribute or a block says, too.
func (a *applier) twice(c *model.Cluster, key string, p model.Property) bool {
	block := ""
	switch {
	case strings.HasPrefix(key, "ssl.") && c.TLS != nil:
		block = "tls"
	case strings.HasPrefix(key, "sasl.") && c.SASL != nil:
		block = "sasl"
	case key == "security.protocol" && (c.TLS != nil || c.SASL != nil):
		block = "tls or sasl"
	}
	if block != "" {
		a.problems.Add(diag.Errorf(diag.CodeDuplicateKey, p.Range, "properties: %q and a %s block both say how cluster %q is reached", key, block, c.Alias).
			WithFix("write all of it in blocks, or all of it in properties"))
		return true
	}
	row, _ := a.table.Find(key, client.Any)
	return a.written(c.Ranges, row, key, p.Range)
}

// written reports a property whose attribute stands in the same block.
func (a *applier) written(places model.Places, row client.Row, key string, at diag.Range) bool {
	first := places.Of(row.Place())
	if row.Place() == "" || first.IsZero() {
		return false
	}
	a.problems.Add(diag.Errorf(diag.CodeDuplicateKey, at, "properties: %q is already set by %s at %s", key, row.Place(), first).
		WithFix("keep one of them"))
	return true
}

// merged is what a client of a cluster has: its own keys beat the cluster's, and
// those of more beat both.
func (a *applier) merged(alias string, role client.Role, more keys) keys {
	all := keys{}
	for key, v := range a.layers[alias][client.Any] {
		if row, ok := a.table.Find(key, role); ok && (row.OfFlow() || row.OfConnection()) && row.OfRole(role) {
			all[key] = v
		}
	}
	maps.Copy(all, a.layers[alias][role])
	maps.Copy(all, more)
	return all
}

// flow reads the properties of a flow, and what those of its clusters say to
// it.
func (a *applier) flow(f *model.Flow, from, to *model.Cluster) {
	if from == nil || to == nil || len(f.Properties)+len(from.Properties)+len(to.Properties) == 0 {
		return // an end without a cluster was reported
	}
	if f.Connections != (model.Connections{}) {
		return // a properties file has said it
	}
	own := a.split(f)
	for _, c := range []struct {
		name string
		role client.Role
		end  *model.Cluster
		to   **model.Cluster
	}{
		{"source.consumer.", client.Consumer, from, &f.Connections.SourceConsumer},
		{"producer.override.", client.Producer, to, &f.Connections.TargetProducer},
		{"source.admin.", client.Admin, from, &f.Connections.SourceAdmin},
		{"target.admin.", client.Admin, to, &f.Connections.TargetAdmin},
	} {
		k := a.merged(c.end.Alias, c.role, own[c.name])
		if len(k) == 0 {
			continue
		}
		base := a.base[c.end.Alias]
		if base == nil {
			base = c.end
		}
		connection, problems := a.made.Of(c.role, base, c.end, k)
		a.problems.Add(problems...)
		*c.to = connection
		a.tune(f, c.role, k)
	}
}

// tune sets what keys say of the flow itself.
func (a *applier) tune(f *model.Flow, role client.Role, k keys) {
	tuning := keys{}
	for key, v := range k {
		row, ok := a.table.Find(key, role)
		if ok && row.OfFlow() && f.Ranges.Of(row.Place()).IsZero() {
			tuning[key] = v
		}
	}
	if len(tuning) == 0 {
		return
	}
	c := model.NewCluster(field.HCL)
	c.Alias, c.Ranges = f.Name, model.Places{}
	a.read(role, c, f, tuning)
	maps.Copy(f.Ranges, c.Ranges)
}

// split divides the properties of a flow among its clients, by the prefixes that
// MirrorMaker 2 has behind "A->B.". A key without one is for the client that it
// tunes.
func (a *applier) split(f *model.Flow) map[string]keys {
	out := map[string]keys{"source.consumer.": {}, "producer.override.": {}, "source.admin.": {}, "target.admin.": {}}
	for _, name := range slices.Sorted(maps.Keys(f.Properties)) {
		p := f.Properties[name]
		clients, key := a.owners(name, p)
		for _, owner := range clients {
			out[owner][key] = value(name, p)
		}
		role := client.Consumer
		if slices.Contains(clients, "producer.override.") {
			role = client.Producer
		}
		if row, ok := a.table.Find(key, role); ok && row.OfFlow() {
			a.written(f.Ranges, row, name, p.Range)
		}
	}
	return out
}

// owners returns the clients that a property of a flow is for, and its key
// without their prefix.
func (a *applier) owners(name string, p model.Property) (clients []string, key string) {
	for _, prefix := range []string{"source.consumer.", "producer.override.", "source.admin.", "target.admin."} {
		if key, ok := strings.CutPrefix(name, prefix); ok {
			return []string{prefix}, key
		}
	}
	if key, ok := strings.CutPrefix(name, "consumer."); ok {
		return []string{"source.consumer."}, key
	}
	if key, ok := strings.CutPrefix(name, "admin."); ok {
		return []string{"source.admin.", "target.admin."}, key
	}
	for _, prefix := range []string{"producer.", "target.producer.", "source.producer."} {
		if key, ok := strings.CutPrefix(name, prefix); ok {
			a.problems.Add(diag.Errorf(diag.CodeIgnoredPrefix, p.Range, "properties: %q does not reach the producer of records", name).
				WithFix("write %q", "producer.override."+key))
			return nil, key
		}
	}
	row, ok := a.table.Find(name, client.Consumer|client.Producer)
	switch {
	case !ok, row.OfRole(client.Consumer) && !row.OfRole(client.Producer):
		return []string{"source.consumer."}, name // unknown keys are reported there
	case row.OfRole(client.Producer) && !row.OfRole(client.Consumer):
		return []string{"producer.override."}, name
	}
	a.problems.Add(diag.Errorf(diag.CodeIgnoredPrefix, p.Range, "properties: %q does not say whose connection it is about", name).
		WithFix("write %q, %q, %q or %q", "source.consumer."+name, "producer.override."+name, "source.admin."+name, "target.admin."+name))
	return nil, name
}
