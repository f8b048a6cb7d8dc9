package supervisor

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/group"
	"github.com/strait-mirror/strait/flows/mirror"
	"github.com/strait-mirror/strait/pipeline/graph"
	"github.com/strait-mirror/strait/pipeline/status"
)

// team is the flows of a topology between two clusters, and the place of this
// process among those that run the same.
type team struct {
	*group.Member

	from, to string           // aliases
	target   *cluster.Cluster // as the first of the flows reaches it
	joined   bool             // guarded by the supervisor's mu

	mu    sync.Mutex // guards flows
	flows []*mirror.Flow
}

// teamOf returns the team of a flow, nil where it runs here alone: in a single
// pass, and like MirrorMaker 1, whose group has no place for it.
func (s *Supervisor) teamOf(cfg *model.Config, def *model.Flow, to *cluster.Cluster) (*team, error) {
	if s.p.Instance == nil || s.p.Once || def.MirrorMaker1 != nil {
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.teams {
		if t.from == def.From && t.to == def.To {
			return t, nil
		}
	}
	t := &team{from: def.From, to: def.To, target: to}
	name := def.From + "-mm2-strait"
	if d := cfg.Deployment; d != "" {
		name += "-" + d
	}
	var err error
	t.Member, err = group.New(group.Params{
		Target: to.Requestor(), Group: name, Log: s.p.Log, Instance: *s.p.Instance,
		Fingerprint:       selection(cfg, def.From, def.To),
		HeartbeatInterval: min(def.Control.HeartbeatInterval, def.Control.SessionTimeout/2),
		SessionTimeout:    def.Control.SessionTimeout,
		Changed:           t.reshare, Weigh: t.weigh,
		Say: s.p.orders.say, Hear: func(said []byte) {
			s.p.orders.hear(said)
			s.obey()
		},
	})
	if err != nil {
		return nil, err
	}
	s.teams = append(s.teams, t)
	return t, nil
}

// selection stands for what is mirrored between two clusters.
func selection(cfg *model.Config, from, to string) group.Fingerprint {
	h := sha256.New()
	for _, f := range cfg.Flows {
		if f.Enabled && f.From == from && f.To == to {
			one := graph.Selection(f)
			h.Write(one[:])
		}
	}
	return group.Fingerprint(h.Sum(nil))
}

// reshare tells all flows of what has changed, and waits for them.
func (t *team) reshare(ctx context.Context) {
	var wait sync.WaitGroup
	for _, f := range t.all() {
		wait.Go(func() { f.Reshare(ctx) })
	}
	wait.Wait()
}

func (t *team) weigh(add func(topic string, partition int32, weight int64)) (measured bool) {
	measured = true
	for _, f := range t.all() {
		measured = f.EachPartition(add) && measured
	}
	return measured
}

func (t *team) all() []*mirror.Flow {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.flows
}

// set makes the flows those that units have in the team.
func (t *team) set(units []*unit) {
	var flows []*mirror.Flow
	for _, u := range units {
		if u.team == t && u.flow != nil {
			flows = append(flows, u.flow)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.flows = flows
}

// addTo returns the state of a flow with the place of the process in the group. It
// may be called on no team.
func (t *team) addTo(f status.Flow) status.Flow {
	if t == nil {
		return f
	}
	st := t.Status()
	f.Group = &status.Group{
		Name: st.Group, Instance: st.Instance, Member: st.ID, Members: st.Members,
		Leader: st.Leader, Alone: st.Alone, Share: st.Share,
	}
	if st.Problem == nil {
		return f
	}
	err := t.target.Explain(st.Problem)
	p := status.Problem{Partition: status.WholeTopic, Summary: err.Error(), Since: st.Since}
	if e, ok := errors.AsType[*cluster.Problem](err); ok {
		p.Fix = e.Fix
	}
	if e, ok := errors.AsType[*group.OtherTopologyError](err); ok {
		p.Fix = e.Hint()
	}
	f.Problems = append(f.Problems, p)
	return f
}
