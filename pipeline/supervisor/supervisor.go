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
	"slices"
	"sync"
	"time"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/mirror"
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
}

// Pair is a source and a target cluster by their aliases.
type Pair struct{ From, To string }

func (p Params) mine(f *model.Flow) bool { return p.Pair == nil || *p.Pair == Pair{f.From, f.To} }

// Supervisor runs one topology. Status may be called at any time from anywhere.
type Supervisor struct {
	p       Params
	flows   []*mirror.Flow
	rates   []*rate  // of flows
	teams   []*team  // that this process is in
	control []*plane // of flows, then of pairs that have none
	open    []*cluster.Cluster
}

// New builds what will run; it starts and dials nothing.
func New(p Params) (*Supervisor, error) {
	if p.Config == nil || p.Log == nil {
		return nil, errors.New("building supervisor: config and log are required")
	}
	if p.DrainTimeout == 0 {
		p.DrainTimeout = 30 * time.Second
	}
	s := &Supervisor{p: p}
	if err := s.build(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// returns reports whether a flow of the topology takes the way back of f under
// equal names.
func returns(cfg *model.Config, f *model.Flow) bool {
	return slices.ContainsFunc(cfg.Flows, func(o *model.Flow) bool {
		return o.Enabled && o.From == f.To && o.To == f.From && o.ReplicationPolicy == model.PolicyIdentity
	})
}

func (s *Supervisor) build() error {
	opened := map[connection]*cluster.Cluster{}
	budget := s.p.Budget
	if budget == nil {
		budget = mirror.NewBudget(bufferMemory(s.p.Config))
	}
	for _, def := range s.p.Config.Flows {
		if !def.Enabled || !s.p.mine(def) {
			continue
		}
		own := def.Connections
		from, err := s.connect(opened, def.From, own.SourceAdmin, own.SourceConsumer)
		if err != nil {
			return err
		}
		to, err := s.connect(opened, def.To, own.TargetAdmin, own.TargetProducer)
		if err != nil {
			return err
		}
		t, err := s.teamOf(def, to)
		if err != nil {
			return fmt.Errorf("building flow %q: %w", def.Name, err)
		}
		offsets, err := s.offsetsOf(def, t, from, to)
		if err != nil {
			return fmt.Errorf("building flow %q: %w", def.Name, err)
		}
		params := mirror.Params{
			Flow: def, Source: from, Target: to, Budget: budget, Offsets: offsets,
			Log:     s.p.Log.With("flow", def.Name),
			Returns: returns(s.p.Config, def), Taken: taken(def, s.p.Config.Flows),
			Once: s.p.Once, Timeout: s.p.Timeout, DrainTimeout: s.p.DrainTimeout,
		}
		if t != nil {
			params.Share = t
		}
		f, err := mirror.New(params)
		if err != nil {
			return fmt.Errorf("building flow %q: %w", def.Name, err)
		}
		t.add(f)
		s.flows = append(s.flows, f)
		s.rates = append(s.rates, &rate{})
		if err := s.buildControl(def, t, f, from, to, offsets); err != nil {
			return fmt.Errorf("building flow %q: %w", def.Name, err)
		}
	}
	return s.buildHeartbeats(opened)
}

// connection is how a flow reaches one of its clusters.
type connection struct{ control, data *model.Cluster }

// connect opens a cluster once for all flows that reach it the same way. control
// and data say how a flow's own clients do, nil where the cluster says it.
func (s *Supervisor) connect(opened map[connection]*cluster.Cluster, alias string, control, data *model.Cluster) (*cluster.Cluster, error) {
	def := s.p.Config.Cluster(alias)
	if def == nil {
		return nil, fmt.Errorf("building flows: cluster %q is not defined", alias)
	}
	key := connection{cmp.Or(control, def), cmp.Or(data, def)}
	if c := opened[key]; c != nil {
		return c, nil
	}
	c, err := cluster.New(cluster.Params{Config: key.control, Data: key.data, Log: s.p.Log})
	if err != nil {
		return nil, fmt.Errorf("building cluster %q: %w", alias, err)
	}
	opened[key] = c
	s.open = append(s.open, c)
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

func (s *Supervisor) close() {
	for _, c := range s.open {
		c.Close()
	}
}

// Run runs all flows until ctx ends and they have drained, or, with Once, until
// each has reached the ends it saw at start. A flow that fails is started again;
// with Once its error is returned instead, after the others ended. Without any
// enabled flow there is nothing to copy until ctx ends, as in MirrorMaker 2: pairs
// of clusters may have heartbeats all the same, which a single pass sends none of.
func (s *Supervisor) Run(ctx context.Context) error {
	defer s.close()
	defer s.join(ctx)()
	var wait sync.WaitGroup
	errs := make([]error, len(s.flows))
	for i, f := range s.flows {
		wait.Go(func() {
			if errs[i] = s.keep(ctx, f); errs[i] == nil && s.p.Once {
				s.control[i].now().once(ctx, s.p.Timeout)
			}
		})
	}
	if !s.p.Once {
		for _, c := range s.control {
			wait.Go(func() { c.run(ctx) })
		}
	}
	wait.Wait()
	for i := range s.flows {
		if errs[i] == nil { // else a cluster is not to be used, which has been said
			wait.Go(func() { s.control[i].now().finish(ctx) })
		}
	}
	wait.Wait()
	if len(s.flows) == 0 && !s.p.Once {
		<-ctx.Done()
	}
	return errors.Join(errs...)
}

// join makes this process a member of its teams. What it returns leaves them and
// comes last: a place is kept until nothing needs it any more.
func (s *Supervisor) join(ctx context.Context) (leave func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var wait sync.WaitGroup
	for _, t := range s.teams {
		wait.Go(func() { t.Run(ctx) })
	}
	return func() {
		cancel()
		wait.Wait()
	}
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

// Status returns a copy of the present state of all flows.
func (s *Supervisor) Status() status.Snapshot {
	snap := status.Snapshot{FormatVersion: status.FormatVersion, Time: time.Now()}
	for i, f := range s.flows {
		c := s.control[i].now()
		snap.Flows = append(snap.Flows, c.team.addTo(c.addTo(flowStatus(f, s.rates[i], snap.Time))))
	}
	for _, c := range s.control[len(s.flows):] {
		if st := c.now().alone(); len(st.Problems) > 0 {
			snap.Flows = append(snap.Flows, st)
		}
	}
	return snap
}
