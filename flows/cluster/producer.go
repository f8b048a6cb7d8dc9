package cluster

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Producer returns a new client for writing single records, with connections of
// its own and the given options. Its client id ends in "-" and purpose. The
// caller closes it.
func (c *Cluster) Producer(purpose string, opts ...kgo.Opt) (*kgo.Client, error) {
	d := c.records
	return c.newClient(c.p.Data, d, purpose, c.p.RequestTimeout, append([]kgo.Opt{kgo.Dialer(d.dial)}, opts...)...)
}

// Writer returns the client for the records that the control plane keeps on the
// cluster, one for all its users. It takes the partition that a record names.
// Writing such a record twice does no harm, so that it uses no producer id and
// needs no permission for one. It belongs to the cluster.
func (c *Cluster) Writer() (*kgo.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return nil, fmt.Errorf("building a client of cluster %q: it is closed", c.Alias())
	}
	if c.writer == nil {
		w, err := c.Producer("control", kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DisableIdempotentWrite())
		if err != nil {
			return nil, err
		}
		c.writer = w
	}
	return c.writer, nil
}
