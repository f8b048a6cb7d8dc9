package client

import (
	"fmt"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
)

// Connections makes the connections of a flow's clients: each distinct one is
// made, and checked, once, so that flows that say the same share one.
type Connections struct {
	p     Params // of every client but for role, keys and cluster
	table *Table
	made  map[string]connection
}

type connection struct {
	cluster  *model.Cluster
	problems diag.List
}

// NewConnections returns a maker of connections; p says how files are read.
func NewConnections(p Params) *Connections {
	return &Connections{p: p, table: NewTable(), made: map[string]connection{}}
}

// Of returns the connection of a client of role that starts from base and has
// these keys; keys that tune a flow are left out. base stays as it is. own is
// how the cluster is reached otherwise: where that is the same, the result is
// nil. Problems are told for every call.
func (c *Connections) Of(role Role, base, own *model.Cluster, keys map[string]Value) (*model.Cluster, diag.List) {
	p := c.p
	p.Role, p.Alias, p.Flow, p.Keys = role, own.Alias, nil, map[string]Value{}
	var id strings.Builder
	fmt.Fprintf(&id, "%p %d", base, role)
	for _, key := range sortedKeys(keys) {
		if row, ok := c.table.Find(key, role); !ok || !row.OfFlow() {
			p.Keys[key] = keys[key]
			fmt.Fprintf(&id, " %q=%q", key, keys[key].Text)
		}
	}
	made, ok := c.made[id.String()]
	if !ok {
		p.Cluster = base.Clone()
		made.cluster, made.problems = Read(p)
		settle(made.cluster, role, own)
		c.made[id.String()] = made
	}
	if made.cluster.SameAs(own) {
		return nil, made.problems
	}
	return made.cluster, made.problems
}

// settle makes equal to own what does not matter for a client of role: it does
// not need another connection for that.
func settle(c *model.Cluster, role Role, own *model.Cluster) {
	c.ExpectClusterID = own.ExpectClusterID
	if c.ClientID == "" {
		c.ClientID = own.ClientID
	}
	if role == Admin {
		c.Rack = own.Rack
	}
	if role == Producer {
		c.Connection.RequestTimeout, c.Connection.APITimeout = own.Connection.RequestTimeout, own.Connection.APITimeout
	}
}
