package supervisor

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/aclsync"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/heartbeat"
	"github.com/strait-mirror/strait/flows/mirror"
	"github.com/strait-mirror/strait/flows/offsetsync"
	"github.com/strait-mirror/strait/flows/reconcile"
	"github.com/strait-mirror/strait/pipeline/status"
	"github.com/strait-mirror/strait/transforms/filter"
	"github.com/strait-mirror/strait/transforms/rename"
)

// control is the control plane of one flow, or of a pair of clusters that has
// nothing else: what is kept in step besides records.
type control struct {
	def   *model.Flow
	team  *team // nil: nobody shares it
	to    *cluster.Cluster
	log   *slog.Logger
	loops []*reconcile.Loop
	took  func(now time.Time) status.Recent // seconds that checkpoints did; nil: there are none
	last  []*reconcile.Loop                 // those of loops that a single pass runs at its end
	end   []*reconcile.Loop                 // each makes one pass when the flow and all other passes have ended

	foresee []func(context.Context) ([]reconcile.Event, error) // what the loops would create and change at their first passes
}

// buildControl makes the control plane of a unit; from and offsets are of its flow.
func (b *building) buildControl(u *unit, from, to *cluster.Cluster, offsets *offsetsync.Syncs) (*plane, error) {
	log := b.p.Log.With("flow", u.def.Name)
	return newPlane(u.def, func(def *model.Flow) (*control, error) {
		c := &control{def: def, team: u.team, to: to, log: log}
		return c, c.build(u.flow, from, offsets)
	})
}

// build adds all that there is to do.
func (c *control) build(f *mirror.Flow, from *cluster.Cluster, offsets *offsetsync.Syncs) error {
	if c.def.EmitsHeartbeats() {
		if err := c.addHeartbeats(); err != nil {
			return err
		}
	}
	if f != nil && c.def.SyncsACLs() {
		if err := c.addACLs(f, from); err != nil {
			return err
		}
	}
	if f != nil && c.def.DeletesTopics() {
		if err := c.addDeletion(f, from); err != nil {
			return err
		}
	}
	return c.addOffsets(f, from, offsets)
}

// buildHeartbeats makes the control plane of a pair that has nothing but heartbeats.
func (b *building) buildHeartbeats(u *unit) error {
	to, err := b.connect(b.cfg, u.def.To, u.def.Connections.TargetAdmin, u.def.Connections.TargetProducer)
	if err != nil {
		return err
	}
	u.uses = []*cluster.Cluster{to}
	if u.team, err = b.teamOf(b.cfg, u.def, to); err != nil {
		return err
	}
	u.control, err = b.buildControl(u, nil, to, nil)
	return err
}

func (c *control) addHeartbeats() error {
	beats, err := heartbeat.New(heartbeat.Params{
		On: c.to, Source: c.def.From, Target: c.def.To,
		ReplicationFactor: c.def.Control.HeartbeatsTopicReplicationFactor,
	})
	if err != nil {
		return err
	}
	c.foresee = append(c.foresee, beats.Foresee)
	return c.add(reconcile.Params{Name: "heartbeats", Interval: c.def.Control.EmitHeartbeatsInterval, Do: beats.Beat})
}

func (c *control) addACLs(f *mirror.Flow, from *cluster.Cluster) error {
	does := &c.def.Control
	p := aclsync.Params{
		Source: from, Target: c.to, Selector: f, Namer: f, Log: c.log,
		TransactionalIDs: does.SyncTransactionalIDACLsEnabled, PrefixedTransactionalIDs: does.SyncPrefixedACLsEnabled,
	}
	if c.def.TakesBackACLs() {
		p.Owner, p.ReplicationFactor = c.def.Name, c.def.ReplicationFactor
	}
	if does.SyncGroupACLsEnabled {
		groups, problems := filter.GroupsForFlow(c.def)
		if problems.HasErrors() {
			return problems.Err()
		}
		p.Group = func(name string, prefixed bool) string {
			return called(groups, name, prefixed, does.SyncPrefixedACLsEnabled)
		}
	}
	if does.SyncPrefixedACLsEnabled && !c.def.Renames() {
		policy := rename.ForFlow(c.def)
		p.Prefix = func(prefix string) string { return policy.FormatRemoteTopic(c.def.From, prefix) }
	}
	acls, err := aclsync.New(p)
	if err != nil {
		return err
	}
	c.foresee = append(c.foresee, acls.Foresee)
	// Until the flow runs, it is the one that says what is wrong with its clusters.
	err = c.add(reconcile.Params{Name: "acls", Interval: c.def.Control.SyncTopicACLsInterval, Do: acls.Sync, Ready: f.Running})
	if err == nil {
		c.last = append(c.last, c.loops[len(c.loops)-1])
	}
	return err
}

// called returns what ACLs on a group, or on a prefix of groups, are to name on the
// target; "": nothing.
func called(groups *filter.Groups, name string, prefixed, prefixes bool) string {
	if prefixed {
		if !prefixes || groups.Renames() {
			return ""
		}
		return name
	}
	if groups.Reason(name) != "" {
		return ""
	}
	name, err := groups.Name(name)
	if err != nil {
		return "" // group sync says so
	}
	return name
}

// once runs what a single pass runs at its end, each once. What is wrong is in the
// log and in status: the records have arrived all the same.
func (c *control) once(ctx context.Context, within time.Duration) {
	if within > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, within)
		defer cancel()
	}
	for _, l := range c.last {
		if err := l.Try(ctx); err != nil && ctx.Err() != nil {
			c.log.Warn("last pass failed", "reconciler", l.Name(), "err", err)
		}
	}
}

// add makes a loop of p, which says what is to be done and how often.
func (c *control) add(p reconcile.Params) error {
	l, err := c.loop(p)
	if err == nil {
		c.loops = append(c.loops, l)
	}
	return err
}

// addEnd makes a loop of p, which says what is to be done once the flow has
// ended.
func (c *control) addEnd(p reconcile.Params) error {
	p.Interval = time.Hour // it makes one pass
	l, err := c.loop(p)
	if err == nil {
		c.end = append(c.end, l)
	}
	return err
}

func (c *control) loop(p reconcile.Params) (*reconcile.Loop, error) {
	if c.team != nil && p.Leads == nil {
		p.Leads = c.team.Leads
	}
	p.Log, p.Timeout, p.Await = c.log, c.def.Control.AdminTimeout, c.to.Await
	return reconcile.New(p)
}

// endPatience bounds what is done once a flow has ended.
const endPatience = 5 * time.Second

// finish does what is to be done once the flow has ended. What fails is a warning:
// the next start does it.
func (c *control) finish(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endPatience)
	defer cancel()
	for _, l := range c.end {
		if err := l.Once(ctx); err != nil {
			c.log.Warn("last pass failed", "reconciler", l.Name(), "err", err)
		}
	}
}

// run runs all loops until ctx ends, once the target is the cluster that was
// meant.
func (c *control) run(ctx context.Context) {
	if len(c.loops) == 0 || !c.expected(ctx, c.to) {
		return
	}
	var wait sync.WaitGroup
	for _, l := range c.loops {
		wait.Go(func() { l.Run(ctx) })
	}
	wait.Wait()
}

// addTo returns the state of a flow with the problems of its control plane. While
// a cluster cannot be used at all, that is said once.
func (c *control) addTo(st status.Flow) status.Flow {
	if c.took != nil {
		st.Checkpoints = c.took(time.Now())
	}
	if st.State == status.Starting || st.State == status.Waiting {
		return st
	}
	for _, l := range c.loops {
		for _, p := range l.Problems() {
			st.Problems = append(st.Problems, status.Problem{
				Topic: p.Topic, Partition: status.WholeTopic, Summary: l.Name() + ": " + p.Err.Error(), Fix: p.Fix, Since: p.Since,
			})
		}
	}
	return st
}

// alone returns the state of a pair that has no flow.
func (c *control) alone() status.Flow {
	return c.addTo(status.Flow{Name: c.def.Name, From: c.def.From, To: c.def.To, State: status.Unhealthy, LagRecords: status.UnknownLag, Commits: status.Never(), Checkpoints: status.Never()})
}
