package supervisor

import (
	"time"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/groupsync"
	"github.com/strait-mirror/strait/flows/mirror"
	"github.com/strait-mirror/strait/flows/offsetsync"
	"github.com/strait-mirror/strait/flows/reconcile"
	"github.com/strait-mirror/strait/pipeline/status"
)

// offsetsOf makes what knows which offsets of a flow's clusters are the same
// place; nil where nobody wants to know.
func (s *Supervisor) offsetsOf(def *model.Flow, t *team, from, to *cluster.Cluster) (*offsetsync.Syncs, error) {
	if !def.TracksOffsets() {
		return nil, nil //nolint:nilnil // nil tracks nothing
	}
	p, err := offsetsync.ForFlow(def, from, to, s.p.Log.With("flow", def.Name))
	if err != nil {
		return nil, err
	}
	p.Shared = t != nil
	return offsetsync.New(p)
}

// addOffsets makes what writes offset syncs, checkpoints and group offsets.
// Until the flow runs, it is the one that says what is wrong with its clusters.
func (c *control) addOffsets(f *mirror.Flow, from *cluster.Cluster, offsets *offsetsync.Syncs) error {
	if offsets == nil {
		return nil
	}
	var holds func() bool // every process writes the syncs of what it runs
	if c.team != nil {
		holds = c.team.Holds
	}
	if err := c.add(reconcile.Params{Name: "offset syncs", Interval: offsetsync.Interval, Do: offsets.Pass, Ready: f.Running, Leads: holds}); err != nil {
		return err
	}
	if err := c.addEnd(reconcile.Params{Name: "last offset syncs", Do: offsets.Flush, Leads: holds}); err != nil {
		return err
	}
	groups, err := groupsync.New(groupsync.Params{Flow: c.def, Source: from, Target: c.to, Offsets: offsets, Log: c.log})
	if err != nil {
		return err
	}
	c.took = func(now time.Time) status.Recent { return status.Recent(groups.Latency(now)) }
	does := &c.def.Control
	c.foresee = append(c.foresee, offsets.Foresee)
	if does.EmitCheckpointsEnabled {
		c.foresee = append(c.foresee, groups.ForeseeTopic)
	}
	for _, work := range []struct {
		on bool
		p  reconcile.Params
	}{
		{does.EmitCheckpointsEnabled, reconcile.Params{Name: "checkpoints", Interval: does.EmitCheckpointsInterval, Do: groups.Checkpoint}},
		{does.SyncGroupOffsetsEnabled, reconcile.Params{Name: "group offsets", Interval: does.SyncGroupOffsetsInterval, Do: groups.Sync}},
	} {
		if !work.on {
			continue
		}
		work.p.Ready = f.Running
		if err := c.add(work.p); err != nil {
			return err
		}
		c.last = append(c.last, c.loops[len(c.loops)-1])
	}
	return nil
}
