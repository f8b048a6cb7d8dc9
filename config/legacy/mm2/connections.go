package mm2

import (
	"strings"

	"github.com/strait-mirror/strait/config/client"
	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/legacy/mm2/effective"
	"github.com/strait-mirror/strait/config/model"
)

// connections fills in the clients of a pair that reach their cluster in
// another way than the cluster's own connection does.
func (r *reader) connections(f *model.Flow, p pair, cfg *model.Config) {
	if !p.enabled && !p.runs {
		return
	}
	from, to := cfg.Cluster(p.from), cfg.Cluster(p.to)
	for _, c := range []struct {
		prefix string
		role   client.Role
		end    *model.Cluster
		java   effective.Map
		to     **model.Cluster
	}{
		{"source.consumer.", client.Consumer, from, p.java.SourceConsumer(r.java), &f.Connections.SourceConsumer},
		{"source.admin.", client.Admin, from, p.java.SourceAdmin(r.java), &f.Connections.SourceAdmin},
		{"producer.override.", client.Producer, to, p.java.RecordProducer(), &f.Connections.TargetProducer},
		{"target.admin.", client.Admin, to, p.java.TargetAdmin(r.java), &f.Connections.TargetAdmin},
	} {
		if !p.enabled && c.end == from {
			continue // heartbeats are written to the target
		}
		keys := r.ofConnection(c.role, c.java)
		own, problems := r.clients.Of(c.role, r.base[c.end.Alias], c.end, keys)
		for _, d := range problems {
			if r.wrong[d.Subject] {
				continue // said of the cluster, or of a flow
			}
			if !p.enabled && d.Severity == diag.Error {
				d.Severity = diag.Warning
			}
			r.once(d)
		}
		if *c.to = own; own != nil {
			r.explain(f, c.prefix, own, keys, r.main[c.end.Alias])
		}
	}
}

// ofConnection returns what a file says about the connection of one client.
func (r *reader) ofConnection(role client.Role, java effective.Map) map[string]client.Value {
	keys := map[string]client.Value{}
	for key, v := range java {
		row, ok := r.table.Find(key, role)
		if !v.Written() || !ok || !row.OfConnection() || !row.OfRole(role) {
			continue
		}
		if key == "client.id" { // Java adds the flow and the connector to it
			own, _ := r.lookup(v.Key)
			keys[key] = clientValue(own)
			continue
		}
		r.used[v.Key] = true
		keys[key] = clientValue(r.value(v))
	}
	return keys
}

// explain notes under the flow's properties what its client has that differs
// from the cluster's connection, as it could be written behind the flow.
func (r *reader) explain(f *model.Flow, prefix string, c *model.Cluster, own, main map[string]client.Value) {
	if f.Properties == nil {
		f.Properties = map[string]model.Property{}
	}
	differs := r.differing(own, main)
	for _, row := range r.rows {
		off := group(row.Key) == "sasl" && c.SASL == nil || strings.HasPrefix(row.Key, "ssl.") && c.TLS == nil
		if !row.OfConnection() || off || !differs[group(row.Key)] {
			continue
		}
		v, written := own[row.Key]
		_, used := c.Ranges[row.Place()]
		_, fallback := main[row.Key]
		switch {
		case written && (used || row.Place() == ""):
		case fallback:
			v = client.Value{Text: row.Unset(field.HCL), At: v.At}
		default:
			continue
		}
		f.Properties[prefix+row.Key] = model.Property{
			Value: model.NewSecret(v.Text), Sensitive: v.Sensitive || effective.Secret(row.Key), Range: v.At,
		}
	}
}

// differing returns the groups of keys of which one is not as in main.
func (r *reader) differing(own, main map[string]client.Value) map[string]bool {
	differs := map[string]bool{}
	for _, row := range r.rows {
		if own[row.Key].Text != main[row.Key].Text {
			differs[group(row.Key)] = true
		}
	}
	differs["sasl"] = differs["sasl"] || differs["security.protocol"]
	return differs
}

// group names the keys that are read together: one of them replaces all.
func group(key string) string {
	switch {
	case strings.HasPrefix(key, "ssl.truststore."):
		return "ssl.truststore"
	case strings.HasPrefix(key, "ssl.keystore."), key == "ssl.key.password":
		return "ssl.keystore"
	case strings.HasPrefix(key, "sasl."):
		return "sasl"
	}
	return key
}
