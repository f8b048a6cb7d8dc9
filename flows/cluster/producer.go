package cluster

import (
	"github.com/twmb/franz-go/pkg/kgo"
)

// Producer returns a new client for writing single records, with connections of
// its own and the given options. Its client id ends in "-" and purpose. The
// caller closes it.
func (c *Cluster) Producer(purpose string, opts ...kgo.Opt) (*kgo.Client, error) {
	d := c.records
	return c.newClient(c.p.Data, d, purpose, c.p.RequestTimeout, append([]kgo.Opt{kgo.Dialer(d.dial)}, opts...)...)
}
