package supervisor

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/mirror"
	"github.com/strait-mirror/strait/pipeline/graph"
	"github.com/strait-mirror/strait/pipeline/status"
)

// Fleet runs a topology that may change while it runs: one Supervisor for each
// pair of clusters, within which an edit touches nothing but the flows it is about.
// Its methods are safe for concurrent use.
type Fleet struct {
	p   Params
	key graph.Key

	applying sync.Mutex // held by Apply and Run's end: one change at a time

	mu     sync.Mutex // guards the rest
	cfg    *model.Config
	ships  []*ship // in the order of the configuration
	budget *mirror.Budget
	run    context.Context //nolint:containedctx // of Run, which every ship needs; nil: not running
}

// ship is one pair of clusters.
type ship struct {
	*Supervisor
	pair  Pair
	is    graph.Identity     // of what all its flows share
	stop  context.CancelFunc // nil: not started
	ended chan struct{}      // closed when it has ended
	err   error              // why, then
}

// NewFleet builds what will run; it starts and dials nothing.
func NewFleet(p Params) (*Fleet, error) {
	if p.Config == nil || p.Log == nil {
		return nil, errors.New("building fleet: config and log are required")
	}
	p.orders = &orders{}
	f := &Fleet{p: p, key: graph.NewKey(), cfg: p.Config, budget: mirror.NewBudget(bufferMemory(p.Config))}
	for _, pair := range pairs(p.Config) {
		s, err := f.build(p.Config, pair)
		if err != nil {
			discard(f.ships)
			return nil, err
		}
		f.ships = append(f.ships, s)
	}
	return f, nil
}

// pairs lists the pairs that something runs between, in file order.
func pairs(cfg *model.Config) []Pair {
	var list []Pair
	for _, f := range cfg.Flows {
		if p := (Pair{f.From, f.To}); (f.Enabled || f.EmitsHeartbeats()) && !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	return list
}

// identity stands for what the flows of a pair share: its clusters, and the place of
// this process among others, which is kept as long as it can be.
func (f *Fleet) identity(cfg *model.Config, pair Pair) graph.Identity {
	values := []any{cfg.Deployment, cfg.Cluster(pair.From), cfg.Cluster(pair.To)}
	for _, def := range cfg.Flows {
		if f.p.Instance != nil && (Params{Pair: &pair}).mine(def) {
			values = append(values, def.Control.HeartbeatInterval, def.Control.SessionTimeout)
			break
		}
	}
	return f.key.Identify(values...)
}

func (f *Fleet) build(cfg *model.Config, pair Pair) (*ship, error) {
	p := f.p
	p.Config, p.Pair, p.Budget = cfg, &pair, f.budget
	s, err := New(p)
	if err != nil {
		return nil, err
	}
	return &ship{Supervisor: s, pair: pair, is: f.identity(cfg, pair), ended: make(chan struct{})}, nil
}

// start begins to run a ship until it ends or is told to; before Run, nothing
// does.
func (f *Fleet) start(s *ship) {
	if f.run == nil {
		return
	}
	ctx, stop := context.WithCancel(f.run)
	s.stop = stop
	go func() {
		defer close(s.ended)
		defer stop()
		s.err = s.Run(ctx)
	}()
}

// Run runs the topology as Supervisor.Run does, whatever becomes of it by Apply.
func (f *Fleet) Run(ctx context.Context) error {
	f.mu.Lock()
	f.run = ctx
	for _, s := range f.ships {
		f.start(s) //nolint:contextcheck // a ship lives as long as Run
	}
	f.mu.Unlock()
	if !f.p.Once {
		<-ctx.Done()
	}
	f.applying.Lock()
	defer f.applying.Unlock()
	f.mu.Lock()
	ships := f.ships
	f.mu.Unlock()
	var errs []error
	for _, s := range ships {
		<-s.ended
		errs = append(errs, s.err)
	}
	return errors.Join(errs...)
}

// Apply makes the running topology like cfg. What both have is not touched, and
// what differs in properties that can be changed while flows run is changed so. What
// else is new or changed is built and its clusters are asked first; an error says that
// this failed, and that nothing was changed. Then what is gone or changed is
// stopped, its positions are stored, and what is new begins at them.
func (f *Fleet) Apply(ctx context.Context, cfg *model.Config) error {
	f.applying.Lock()
	defer f.applying.Unlock()
	f.mu.Lock()
	old := f.ships
	f.mu.Unlock()

	var next, fresh []*ship
	var changes []*change
	refuse := func(err error) error {
		for _, c := range changes {
			c.discard()
		}
		discard(fresh)
		return err
	}
	for _, pair := range pairs(cfg) {
		if i := slices.IndexFunc(old, func(s *ship) bool { return s.pair == pair }); i >= 0 && old[i].is.Same(f.identity(cfg, pair)) {
			c, err := old[i].change(cfg)
			if err != nil {
				return refuse(err)
			}
			next, changes = append(next, old[i]), append(changes, c)
			continue
		}
		s, err := f.build(cfg, pair) //nolint:contextcheck // a ship lives as long as Run
		if err != nil {
			return refuse(err)
		}
		next, fresh = append(next, s), append(fresh, s)
	}
	if err := f.prepare(ctx, cfg, fresh); err != nil {
		return refuse(err)
	}
	f.budget.SetLimit(bufferMemory(cfg))
	var wait sync.WaitGroup
	for _, s := range old {
		if !slices.Contains(next, s) {
			wait.Go(s.end)
		}
	}
	for _, c := range changes {
		wait.Go(c.end)
	}
	wait.Wait()
	for _, c := range changes {
		c.begin() //nolint:contextcheck // a unit lives as long as Run
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cfg, f.ships = cfg, next
	for _, s := range fresh {
		f.start(s) //nolint:contextcheck // a ship lives as long as Run
	}
	return nil
}

// end stops a ship and waits for it.
func (s *ship) end() {
	if s.stop == nil {
		s.close()
		return
	}
	s.stop()
	<-s.ended
}

func discard(ships []*ship) {
	for _, s := range ships {
		s.close()
	}
}

// Partitions returns where every partition of the flows is that want selects, in
// no particular order of flows.
func (f *Fleet) Partitions(want func(flow string) bool) []status.Partition {
	f.mu.Lock()
	ships := f.ships
	f.mu.Unlock()
	var all []status.Partition
	for _, s := range ships {
		for _, u := range s.all() {
			if u.flow != nil && want(u.flow.Name()) {
				all = append(all, partitionsOf(u.flow)...)
			}
		}
	}
	return all
}

// Topology returns what runs.
func (f *Fleet) Topology() *model.Config {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.cfg
}

// Status returns a copy of the present state of all flows, in file order.
func (f *Fleet) Status() status.Snapshot {
	f.mu.Lock()
	defer f.mu.Unlock()
	order := map[string]int{}
	for i, def := range f.cfg.Flows {
		order[def.Name] = i
	}
	snap := status.Snapshot{FormatVersion: status.FormatVersion, Time: time.Now(), Buffer: status.Buffer{Limit: f.budget.Limit(), Used: f.budget.Used()}}
	for _, s := range f.ships {
		snap.Flows = append(snap.Flows, s.Status().Flows...)
	}
	slices.SortStableFunc(snap.Flows, func(a, b status.Flow) int { return order[a.Name] - order[b.Name] })
	return snap
}
