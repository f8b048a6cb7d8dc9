package plan

import (
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/pipeline/graph"
)

func (d *comparison) compareClusters() []Part {
	var list []Part
	for _, c := range d.after.Clusters {
		p := Part{ID: "cluster." + c.Alias, Name: c.Alias, Kind: "cluster", Action: Add}
		if old := d.before.Cluster(c.Alias); old != nil {
			p.Changes = d.cluster(old, c)
			p.Action = costOf(p.Changes)
			d.clusters[c.Alias] = p.Changes
		} else if was := d.renamed(c); was != nil {
			p.Changes = []Change{aliasChange(was, c)}
			p.Action = Destructive
		}
		list = append(list, p)
	}
	for _, c := range d.before.Clusters {
		if d.after.Cluster(c.Alias) == nil {
			list = append(list, Part{ID: "cluster." + c.Alias, Name: c.Alias, Kind: "cluster", Action: Remove})
		}
	}
	return list
}

// renamed returns the cluster that the new one was called before: one that is
// gone and had an address of it; nil for none.
func (d *comparison) renamed(c *model.Cluster) *model.Cluster {
	for _, old := range d.before.Clusters {
		if d.after.Cluster(old.Alias) == nil && share(old.BootstrapServers, c.BootstrapServers) {
			return old
		}
	}
	return nil
}

func aliasChange(before, after *model.Cluster) Change {
	return Change{
		Property: "alias", Before: before.Alias, After: after.Alias, Action: Destructive, At: after.Range,
		Note: "positions, internal topics and names of copies go by the alias: its flows begin anew",
	}
}

// cluster compares a cluster with what it was.
func (d *comparison) cluster(before, after *model.Cluster) []Change {
	list := differing(model.ClusterFields(before), model.ClusterFields(after), "", after.Ranges.Of)
	for i := range list {
		if list[i].Property == "bootstrap_servers" {
			judgeAddresses(&list[i], before.BootstrapServers, after.BootstrapServers)
		}
	}
	list = append(list, tls(before, after)...)
	list = append(list, sasl(before, after)...)
	list = append(list, properties(before.Properties, after.Properties)...)
	was, is := d.identity(before.Alias)
	if len(list) == 0 && !was.Same(is) {
		list = append(list, Change{Property: "cluster", Action: Restart, Note: "its connections are not what they were", At: after.Range})
	}
	return list
}

// judgeAddresses tells other addresses of one cluster from those of another as
// far as that can be told without asking.
func judgeAddresses(c *Change, before, after []string) {
	switch {
	case slices.Equal(slices.Sorted(slices.Values(before)), slices.Sorted(slices.Values(after))):
		c.Action, c.Note = UpdateLive, "the same addresses in another order"
	case share(before, after):
		c.Action, c.Note = Restart, "an address stays, so that it is the same cluster"
	default:
		c.Note = "no address stays: if they lead to another cluster, its topics are copied from the start"
	}
}

func share(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

func tls(before, after *model.Cluster) []Change {
	switch {
	case before.TLS == nil && after.TLS == nil:
		return nil
	case before.TLS == nil:
		return []Change{{Property: "tls", After: "on", Action: Restart, At: after.Ranges.Of("tls")}}
	case after.TLS == nil:
		return []Change{{Property: "tls", Before: "on", Action: Restart}}
	}
	return differing(model.TLSFields(before.TLS), model.TLSFields(after.TLS), "tls.", after.Ranges.Of)
}

func sasl(before, after *model.Cluster) []Change {
	mechanism := func(c *model.Cluster) string {
		if c.SASL == nil {
			return ""
		}
		return c.SASL.Mechanism
	}
	was, is := mechanism(before), mechanism(after)
	if was != is {
		return []Change{{Property: "sasl.mechanism", Before: was, After: is, Action: Restart, At: after.Ranges.Of("sasl.mechanism")}}
	}
	if is == "" {
		return nil
	}
	old, now := model.SASLFields(before.SASL), model.SASLFields(after.SASL)
	if !sameNames(old, now) {
		return nil // the net of identities catches it
	}
	return differing(old, now, "sasl.", after.Ranges.Of)
}

func sameNames(a, b []field.Def) bool {
	return slices.EqualFunc(a, b, func(x, y field.Def) bool { return strings.EqualFold(x.Name, y.Name) })
}

// identity returns what a cluster in both topologies was and is.
func (d *comparison) identity(alias string) (was, is graph.Identity) {
	find := func(g *graph.Graph) graph.Identity {
		i := slices.IndexFunc(g.Clusters, func(c graph.Cluster) bool { return c.Alias == alias })
		return g.Clusters[i].Identity
	}
	return find(d.old), find(d.new)
}
