package mm2

import (
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/client"
	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
)

// roleOf returns the client that moves the data of a cluster: its settings are
// those of the cluster's connection.
func roleOf(alias string, pairs []pair) client.Role {
	for _, p := range pairs {
		if p.enabled && p.from == alias {
			return client.Consumer
		}
	}
	return client.Producer
}

// cluster reads one alias.
func (r *reader) cluster(alias string, main client.Role) *model.Cluster {
	c := model.NewCluster(field.Properties)
	c.Alias, c.Ranges = alias, model.Places{}
	keys := r.clientKeys(alias, main)
	r.main[alias] = keys
	if v, ok := r.lookup(alias + ".client.id"); ok {
		keys["client.id"] = clientValue(v)
	}
	_, problems := client.Read(client.Params{
		Role: main, Keys: keys, Alias: alias, Form: field.Properties, Cluster: c,
		ReadFile: r.p.ReadFile, AllowMissing: r.p.AllowMissing, Unchecked: r.p.Unchecked,
	})
	for _, d := range problems {
		r.once(d)
	}
	r.servers(c, keys["bootstrap.servers"])
	r.base[alias] = model.NewCluster(field.Properties)
	r.base[alias].Alias, r.base[alias].Range = alias, c.Range
	return c
}

// clientValue is a value of this reader's as package client takes it.
func clientValue(v value) client.Value {
	return client.Value{Name: v.key, Text: v.text, Sensitive: v.sensitive, Missing: v.missing, At: v.at}
}

// clientKeys returns what one client of a cluster is configured with: keys of
// its own, and common ones of the cluster and of the top level. What tunes a
// flow is read with the flow.
func (r *reader) clientKeys(alias string, role client.Role) map[string]client.Value {
	keys := map[string]client.Value{}
	for _, row := range r.rows {
		var names []string
		switch {
		case row.Common:
			names = []string{alias + "." + role.String() + "." + row.Key, alias + "." + row.Key, row.Key}
		case !row.OfConnection() || row.Roles&role == 0:
			continue
		default:
			names = []string{alias + "." + role.String() + "." + row.Key}
		}
		if !strings.HasSuffix(row.Key, ".") {
			if v, ok := r.lookup(names...); ok {
				keys[row.Key] = clientValue(v)
			}
			continue
		}
		for _, name := range slices.Backward(names) { // the winner last
			for _, key := range r.under(name) {
				v, _ := r.lookup(key)
				keys[row.Key+strings.TrimPrefix(key, name)] = clientValue(v)
			}
		}
	}
	return keys
}

// under returns the keys of the file that begin with prefix, by name.
func (r *reader) under(prefix string) []string {
	from, _ := slices.BinarySearch(r.sorted, prefix)
	to := from
	for to < len(r.sorted) && strings.HasPrefix(r.sorted[to], prefix) {
		to++
	}
	return r.sorted[from:to]
}

// servers checks that a cluster has brokers, and sets its place.
func (r *reader) servers(c *model.Cluster, v client.Value) {
	c.Range = v.At
	if len(c.BootstrapServers) > 0 {
		return
	}
	key := c.Alias + ".bootstrap.servers"
	clusters, _ := r.lookup("clusters")
	if !slices.ContainsFunc(r.problems, func(d diag.Diagnostic) bool { return strings.HasPrefix(d.Summary, key+":") }) {
		r.add(diag.Errorf(diag.CodeMissing, clusters.at, "%s is not set", key).WithFix("write %s = host:9092", key))
	}
	c.Range = clusters.at
}
