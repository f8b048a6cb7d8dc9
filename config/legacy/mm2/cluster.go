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
	r.otherRoles(alias, main, keys)
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
	return c
}

// clientValue is a value of this reader's as package client takes it.
func clientValue(v value) client.Value {
	return client.Value{Name: v.key, Text: v.text, Sensitive: v.sensitive, Missing: v.missing, At: v.at}
}

// clientKeys returns what one client of a cluster is configured with: keys of
// its own, and common ones of the cluster, of the top level, and at last of
// the cluster's other clients. What tunes a flow is read with the flow.
func (r *reader) clientKeys(alias string, role client.Role) map[string]client.Value {
	keys := map[string]client.Value{}
	for _, row := range r.rows {
		var names []string
		switch {
		case row.Common:
			names = []string{alias + "." + role.String() + "." + row.Key, alias + "." + row.Key, row.Key}
			for _, other := range otherRoles(role) {
				names = append(names, alias+"."+other.String()+"."+row.Key)
			}
		case !row.OfConnection() || row.Roles&role == 0:
			continue
		default:
			names = []string{alias + "." + role.String() + "." + row.Key}
		}
		if !strings.HasSuffix(row.Key, ".") {
			if v, ok := r.first(names); ok {
				keys[row.Key] = clientValue(v)
			}
			continue
		}
		for i, name := range slices.Backward(names) { // the winner last
			for _, key := range r.under(name) {
				if rest := strings.TrimPrefix(key, name); i < 3 || keys[row.Key+rest].Name == "" {
					v, _ := r.lookup(key)
					keys[row.Key+rest] = clientValue(v)
				}
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

// first is lookup without marking what lies behind the third name, the keys of
// other clients, as used: otherRoles reports those.
func (r *reader) first(names []string) (value, bool) {
	v, ok := r.lookup(names[:min(3, len(names))]...)
	for _, name := range names[min(3, len(names)):] {
		if ok {
			break
		}
		v, ok = r.lookup(name)
	}
	return v, ok
}

func otherRoles(role client.Role) []client.Role {
	return slices.DeleteFunc([]client.Role{client.Consumer, client.Producer, client.Admin}, func(r client.Role) bool { return r == role })
}

// otherRoles reports common keys of the other clients that say something else:
// one connection serves all clients of a cluster.
func (r *reader) otherRoles(alias string, main client.Role, keys map[string]client.Value) {
	for _, row := range r.rows {
		if !row.Common || strings.HasSuffix(row.Key, ".") {
			continue
		}
		v := keys[row.Key]
		for _, other := range otherRoles(main) {
			o, written := r.lookup(alias + "." + other.String() + "." + row.Key)
			if written && o.text != v.Text {
				r.add(diag.Warnf(diag.CodeNoEffect, o.at,
					"%s has no effect: one connection serves all clients of a cluster, and %s is used", o.key, v.Name))
			}
		}
	}
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
