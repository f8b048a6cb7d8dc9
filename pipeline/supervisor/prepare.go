package supervisor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
)

// prepareTimeout is how long a cluster may take to answer before an edit that is
// about it is refused.
const prepareTimeout = 15 * time.Second

// prepare asks the clusters of ships to come that were not used in this way yet:
// whether they answer, are the ones expected, and the ones they were. It changes
// nothing anywhere.
func (f *Fleet) prepare(ctx context.Context, cfg *model.Config, ships []*ship) error {
	ctx, cancel := context.WithTimeout(ctx, prepareTimeout)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	asked := map[string]bool{}
	for _, s := range ships {
		for _, c := range s.clusters() {
			alias := c.Alias()
			if asked[alias] || f.known(cfg, alias) {
				continue
			}
			asked[alias] = true
			g.Go(func() error { return f.ask(ctx, cfg, c) })
		}
	}
	return g.Wait()
}

// known reports whether a cluster is reached as before: what became of it since is
// no matter of an edit.
func (f *Fleet) known(cfg *model.Config, alias string) bool {
	old := f.cfg.Cluster(alias)
	return old != nil && f.key.Identify(old).Same(f.key.Identify(cfg.Cluster(alias)))
}

// ask checks one cluster.
func (f *Fleet) ask(ctx context.Context, cfg *model.Config, c *cluster.Cluster) error {
	if err := c.Ping(ctx); err != nil {
		return fmt.Errorf("preparing: %w", c.Explain(err))
	}
	if err := c.Verify(ctx); err != nil {
		return fmt.Errorf("preparing: %w", err)
	}
	old := f.cfg.Cluster(c.Alias())
	if old == nil || f.p.AllowDestructive || slices.Equal(old.BootstrapServers, cfg.Cluster(c.Alias()).BootstrapServers) {
		return nil
	}
	is, err := c.ID(ctx)
	if err != nil {
		return fmt.Errorf("preparing: %w", err)
	}
	if was := f.idBefore(ctx, c.Alias()); was != "" && was != is {
		return fmt.Errorf("cluster %q: its addresses lead to another cluster (id %s, not %s), whose topics would be copied from their start; run with --allow-destructive, or start anew, to apply it", c.Alias(), is, was)
	}
	return nil
}

// idBefore asks a cluster for its id as it is reached so far; empty where nobody
// answers there any more.
func (f *Fleet) idBefore(ctx context.Context, alias string) string {
	ctx, cancel := context.WithTimeout(ctx, prepareTimeout/3)
	defer cancel()
	f.mu.Lock()
	ships := f.ships
	f.mu.Unlock()
	for _, s := range ships {
		for _, c := range s.clusters() {
			if c.Alias() != alias {
				continue
			}
			if id, err := c.ID(ctx); err == nil {
				return id
			}
		}
	}
	return ""
}
