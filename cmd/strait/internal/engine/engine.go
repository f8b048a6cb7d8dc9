// Package engine owns the seam between the commands and what they command: how
// a topology is read and how it is run. The commands see these few names only,
// so that tests can put their own behind them; package cli's wiring.go puts in
// the real ones.
package engine

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/grant"
	"github.com/strait-mirror/strait/pipeline/offsets"
	"github.com/strait-mirror/strait/pipeline/plan"
	"github.com/strait-mirror/strait/pipeline/status"
)

// Loader reads the files of one topology. env answers env("NAME") in them, and
// src takes their text for snippets. The configuration is only to be used when
// the list has no errors.
type Loader func(paths []string, env func(string) (string, bool), src *diag.Sources) (*model.Config, diag.List)

// TopicLister asks a cluster for the names of its topics. It returns when ctx
// ends, and its error says what to do.
type TopicLister func(ctx context.Context, c *model.Cluster, log *slog.Logger) ([]string, error)

// GrantChecker asks a cluster which of wanted it does not grant to principal.
type GrantChecker func(ctx context.Context, c *model.Cluster, principal string, wanted []grant.Grant, log *slog.Logger) ([]grant.Grant, error)

// Sealer writes the committed positions of a flow outside of transactions, on its
// target, and returns how many there are.
type Sealer func(ctx context.Context, target *model.Cluster, f *model.Flow, log *slog.Logger) (int, error)

// PairOpener returns the two clusters of a flow, to be asked about offsets and
// groups; it dials nothing.
type PairOpener func(cfg *model.Config, f *model.Flow, log *slog.Logger) (*offsets.Pair, error)

// Foreseer asks the clusters of a flow what it would create and change there when it
// begins; it writes nothing.
type Foreseer func(ctx context.Context, cfg *model.Config, f *model.Flow, log *slog.Logger) (plan.OnFlow, error)

// Params is what an Engine is made of.
type Params struct {
	Config       *model.Config
	Log          *slog.Logger
	Instance     *string       // who this process is among those that share the work; nil: it runs alone
	Once         bool          // stop at the readable ends seen at start
	Timeout      time.Duration // how long Once waits for a cluster
	DrainTimeout time.Duration // how long stopping may take

	AllowDestructive bool // let an edit lead to another cluster
}

// Engine runs the flows of one topology.
type Engine interface {
	// Run returns nil when Once is done, or when ctx ended and everything
	// under way was finished within DrainTimeout.
	Run(ctx context.Context) error
	// Status returns a copy of the present state, before, during and after Run.
	Status() status.Snapshot
}

// Changer is an Engine that can be made like another topology while it runs. An
// error says that nothing was changed.
type Changer interface {
	Apply(ctx context.Context, cfg *model.Config) error
}

// Observed is an Engine that tells more of itself than its status.
type Observed interface {
	// Topology returns what runs.
	Topology() *model.Config
	// Partitions returns where the partitions of the flows are that want selects.
	Partitions(want func(flow string) bool) []status.Partition
}

// Maker makes an engine; it starts and dials nothing.
type Maker func(Params) (Engine, error)

// RunWatched runs e and shows its status at every interval and once more at
// the end. It returns Run's error after show was called for the last time.
func RunWatched(ctx context.Context, e Engine, interval time.Duration, show func(status.Snapshot)) error {
	ended := make(chan struct{})
	var g errgroup.Group
	g.Go(func() error {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-ended:
				return nil
			case <-tick.C:
				show(e.Status())
			}
		}
	})
	err := e.Run(ctx)
	close(ended)
	_ = g.Wait() // the watcher returns nil
	show(e.Status())
	return err
}
