package supervisor

import (
	"context"
	"fmt"
	"sync"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/mirror"
	"github.com/strait-mirror/strait/pipeline/graph"
)

// unit is what starts and stops as one: a flow with its control plane, or the
// heartbeats of a pair of clusters that has no flow.
type unit struct {
	def  *model.Flow // that it runs; it and is belong to who changes the supervisor
	is   graph.Identity
	uses []*cluster.Cluster

	flow    *mirror.Flow // nil: heartbeats alone
	team    *team        // nil: it runs here alone
	control *plane
	rate    rate

	stop  context.CancelFunc // nil: not started
	ended chan struct{}      // closed when it has ended
	err   error              // why, then
}

// building is a topology that units are made of.
type building struct {
	*Supervisor

	cfg    *model.Config
	around map[*model.Flow]graph.Fingerprint
	owners *owners
}

func (s *Supervisor) building(cfg *model.Config) *building {
	return &building{s, cfg, graph.Surroundings(cfg), &owners{}}
}

// wants reports whether a flow of the file is a unit here.
func (b *building) wants(def *model.Flow) bool {
	return b.p.mine(def) && (def.Enabled || def.EmitsHeartbeats())
}

// identity stands for all that a unit is made of beside its clusters. def may be
// another form of the flow of, whose surroundings it has.
func (b *building) identity(def, of *model.Flow) graph.Identity {
	around := b.around[of]
	return b.key.Identify(def, around[:])
}

// build makes a unit; it starts and dials nothing.
func (b *building) build(def *model.Flow) (*unit, error) {
	u := &unit{def: def, is: b.identity(def, def), ended: make(chan struct{})}
	if !def.Enabled {
		if err := b.buildHeartbeats(u); err != nil {
			return nil, fmt.Errorf("building the heartbeats of %q: %w", def.Name, err)
		}
		return u, nil
	}
	if err := b.buildFlow(u); err != nil {
		return nil, fmt.Errorf("building flow %q: %w", def.Name, err)
	}
	return u, nil
}

func (b *building) buildFlow(u *unit) error {
	def, own := u.def, u.def.Connections
	from, err := b.connect(b.cfg, def.From, own.SourceAdmin, own.SourceConsumer)
	if err != nil {
		return err
	}
	to, err := b.connect(b.cfg, def.To, own.TargetAdmin, own.TargetProducer)
	if err != nil {
		return err
	}
	u.uses = []*cluster.Cluster{from, to}
	if u.team, err = b.teamOf(b.cfg, def, to); err != nil {
		return err
	}
	offsets, err := b.offsetsOf(def, u.team, from, to)
	if err != nil {
		return err
	}
	params := mirror.Params{
		Flow: def, Source: from, Target: to, Budget: b.budget, Offsets: offsets,
		Log:     b.p.Log.With("flow", def.Name),
		Returns: b.cfg.Returns(def), Taken: b.owners.taken(def, b.cfg.Flows),
		Once: b.p.Once, Timeout: b.p.Timeout, DrainTimeout: b.p.DrainTimeout,
	}
	if u.team != nil {
		params.Share = u.team
	}
	if u.flow, err = mirror.New(params); err != nil {
		return err
	}
	_, paused := b.p.orders.paused(def.Name)
	u.flow.Hold(paused)
	u.control, err = b.buildControl(u, from, to, offsets)
	return err
}

// startLocked begins to run a unit until it ends or is told to. s.mu is held.
func (s *Supervisor) startLocked(u *unit) {
	switch {
	case s.run.ended:
		close(u.ended)
		return
	case s.run.ctx == nil: // Run starts it
		return
	}
	ctx, stop := context.WithCancel(s.run.ctx)
	u.stop = stop
	go func() {
		defer close(u.ended)
		defer stop()
		u.err = s.runUnit(ctx, u)
	}()
}

// runUnit runs a unit with its control plane, and then what is left to do.
func (s *Supervisor) runUnit(ctx context.Context, u *unit) error {
	if s.p.Once && u.flow != nil && u.def.Paused {
		s.p.Log.Warn("flow is paused, nothing of it is copied", "flow", u.def.Name)
		return nil
	}
	var wait sync.WaitGroup
	if !s.p.Once {
		wait.Go(func() { u.control.run(ctx) })
	}
	var err error
	if u.flow != nil {
		if err = s.keep(ctx, u.flow); err == nil && s.p.Once {
			u.control.now().once(ctx, s.p.Timeout)
		}
	}
	wait.Wait()
	if err == nil { // else a cluster is not to be used, which has been said
		u.control.now().finish(ctx)
	}
	return err
}

// end stops a unit and waits for it.
func (u *unit) end() {
	if u.stop != nil {
		u.stop()
		<-u.ended
	}
}
