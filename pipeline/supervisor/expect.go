package supervisor

import (
	"context"
	"time"

	"github.com/strait-mirror/strait/flows/cluster"
)

// expected waits until a cluster is the one that was meant, which flows wait for
// themselves. It reports false where ctx ends before.
func (c *control) expected(ctx context.Context, on *cluster.Cluster) bool {
	const longest = 30 * time.Second
	said := ""
	for pause := 500 * time.Millisecond; ; pause = min(2*pause, longest) {
		err := on.Await(ctx, on.Verify)
		switch {
		case err == nil:
			return true
		case ctx.Err() != nil:
			return false
		}
		if why := on.Explain(err).Error(); why != said {
			c.log.Warn("control plane waits for a cluster", "cluster", on.Alias(), "err", why)
			said = why
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return false
		}
	}
}
