// Package supervisor runs the flows of one topology: it opens each cluster once,
// shares one byte budget among all flows, restarts a flow that ended with an
// error, and stops all of them in order. Beside each flow it runs the control
// plane that belongs to it. What a flow does is package mirror's.
package supervisor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/mirror"
	"github.com/strait-mirror/strait/pipeline/graph"
	"github.com/strait-mirror/strait/pipeline/status"
)

// Params is what New needs.
type Params struct {
	Config *model.Config // required, free of errors
	Log    *slog.Logger  // required

	// Pair restricts what runs to what leads from one cluster to another; nil:
	// everything. The rest of Config is looked at all the same.
	Pair *Pair
	// Budget bounds the bytes between fetch and acknowledgement of several
	// supervisors; nil: this one has its own.
	Budget *mirror.Budget

	// Instance says who this process is among those that run the same topology
	// and share its work; "" is somebody new every time. nil: it runs alone, as a
	// single pass always does.
	Instance *string

	// AllowDestructive lets Fleet.Apply read another cluster under the same alias.
	AllowDestructive bool

	Once         bool          // mirror up to the readable ends seen at start, then return
	Timeout      time.Duration // with Once: give up after so long without progress; 0: never
	DrainTimeout time.Duration // how long stopping may take; default 30s

	orders *orders // of the fleet; nil: of its own
}

// Pair is a source and a target cluster by their aliases.
type Pair struct{ From, To string }

func (p Params) mine(f *model.Flow) bool { return p.Pair == nil || *p.Pair == Pair{f.From, f.To} }

// Supervisor runs one topology, or what of it leads from one cluster to another.
// Status may be called at any time from anywhere; Run and what changes it are the
// caller's to put in order.
type Supervisor struct {
	p      Params
	key    graph.Key // of identities
	budget *mirror.Budget
	runs   *model.Config // that the units are made of

	mu    sync.Mutex // guards the rest
	units []*unit    // in file order
	teams []*team    // that this process is in
	open  map[connection]*cluster.Cluster
	run   running
}

// New builds what will run; it starts and dials nothing.
func New(p Params) (*Supervisor, error) {
	if p.Config == nil || p.Log == nil {
		return nil, errors.New("building supervisor: config and log are required")
	}
	if p.orders == nil {
		p.orders = &orders{}
	}
	if p.DrainTimeout == 0 {
		p.DrainTimeout = 30 * time.Second
	}
	s := &Supervisor{p: p, key: graph.NewKey(), budget: p.Budget, open: map[connection]*cluster.Cluster{}}
	if s.budget == nil {
		s.budget = mirror.NewBudget(bufferMemory(p.Config))
	}
	s.runs = &model.Config{} // nothing yet
	c, err := s.change(p.Config)
	if err != nil {
		s.close()
		return nil, err
	}
	c.begin()
	return s, nil
}

// connection is how a flow reaches one of its clusters.
type connection struct {
	alias         string
	control, data graph.Identity
}

// connect opens a cluster once for all flows that reach it the same way. control
// and data say how a flow's own clients do, nil where the cluster says it.
func (s *Supervisor) connect(cfg *model.Config, alias string, control, data *model.Cluster) (*cluster.Cluster, error) {
	def := cfg.Cluster(alias)
	if def == nil {
		return nil, fmt.Errorf("building flows: cluster %q is not defined", alias)
	}
	control, data = cmp.Or(control, def), cmp.Or(data, def)
	key := connection{alias, s.key.Identify(control), s.key.Identify(data)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.open[key]; c != nil {
		return c, nil
	}
	c, err := cluster.New(cluster.Params{Config: control, Data: data, Log: s.p.Log})
	if err != nil {
		return nil, fmt.Errorf("building cluster %q: %w", alias, err)
	}
	s.open[key] = c
	return c, nil
}

// bufferMemory is the size of the one budget: what the most generous flow asks
// for.
func bufferMemory(cfg *model.Config) int64 {
	most := int64(1) // where no flow runs
	for _, f := range cfg.Flows {
		if f.Enabled {
			most = max(most, f.BufferMemory)
		}
	}
	return most
}

// clusters returns what is open, in no order.
func (s *Supervisor) clusters() []*cluster.Cluster {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.open))
}

func (s *Supervisor) close() {
	for _, c := range s.clusters() {
		c.Close()
	}
}

// running is what a Run lends to those that it starts.
type running struct {
	ctx   context.Context //nolint:containedctx // of Run; nil: not running
	team  context.Context //nolint:containedctx // ends later: a place in a group is kept until nothing needs it any more
	ended bool            // nobody is to be started any more
	teams sync.WaitGroup
}

// Run runs all flows until ctx ends and they have drained, or, with Once, until
// each has reached the ends it saw at start. A flow that fails is started again;
// with Once its error is returned instead, after the others ended. Without any
// enabled flow there is nothing to copy until ctx ends, as in MirrorMaker 2: pairs
// of clusters may have heartbeats all the same, which a single pass sends none of.
func (s *Supervisor) Run(ctx context.Context) error {
	defer s.close()
	team, leave := context.WithCancel(context.WithoutCancel(ctx))
	s.mu.Lock()
	s.run.ctx, s.run.team = ctx, team //nolint:fatcontext // they are lent to all that starts while Run runs
	for _, t := range s.teams {
		s.joinLocked(t)
	}
	for _, u := range s.units {
		s.startLocked(u) //nolint:contextcheck // see running
	}
	s.mu.Unlock()
	if !s.p.Once {
		<-ctx.Done()
	}
	s.mu.Lock()
	s.run.ended = true
	units := s.units
	s.mu.Unlock()
	var errs []error
	for _, u := range units {
		<-u.ended
		errs = append(errs, u.err)
	}
	leave()
	s.run.teams.Wait()
	return errors.Join(errs...)
}

// joinLocked makes this process a member of a team. s.mu is held.
func (s *Supervisor) joinLocked(t *team) {
	t.joined = true
	s.run.teams.Go(func() { t.Run(s.run.team) })
}

// keep runs one flow, again and again until ctx ends.
func (s *Supervisor) keep(ctx context.Context, f *mirror.Flow) error {
	const shortest, longest = 500 * time.Millisecond, 30 * time.Second
	pause := shortest
	for {
		began := time.Now()
		err := f.Run(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || s.p.Once {
			return fmt.Errorf("flow %q: %w", f.Name(), err)
		}
		if time.Since(began) > longest {
			pause = shortest
		}
		s.p.Log.Error("flow failed, starting it again", "flow", f.Name(), "err", err, "retry_after", pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
		pause = min(2*pause, longest)
	}
}

// all returns the units.
func (s *Supervisor) all() []*unit {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.units
}

// Status returns a copy of the present state of all flows, in file order.
func (s *Supervisor) Status() status.Snapshot {
	snap := status.Snapshot{FormatVersion: status.FormatVersion, Time: time.Now(), Buffer: status.Buffer{Limit: s.budget.Limit(), Used: s.budget.Used()}}
	for _, u := range s.all() {
		c := u.control.now()
		if u.flow != nil {
			f := s.p.orders.addTo(flowStatus(u.flow, &u.rate, snap.Time))
			snap.Flows = append(snap.Flows, c.team.addTo(c.addTo(f)))
		} else if st := c.alone(); len(st.Problems) > 0 {
			snap.Flows = append(snap.Flows, st)
		}
	}
	return snap
}
