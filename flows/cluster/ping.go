package cluster

import "context"

// Ping reports whether some broker of the cluster answers, with TLS and login
// done.
func (c *Cluster) Ping(ctx context.Context) error { return c.control.Ping(ctx) }

// Rack returns where this program runs, for reads from the nearest replica;
// empty: it does not say.
func (c *Cluster) Rack() string { return c.p.Config.Rack }
