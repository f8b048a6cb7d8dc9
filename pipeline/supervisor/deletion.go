package supervisor

import (
	"context"

	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/mirror"
	"github.com/strait-mirror/strait/flows/orphan"
	"github.com/strait-mirror/strait/flows/reconcile"
)

// addDeletion makes what deletes copies of deleted topics. It reads the positions
// itself: those of other processes that run the flow are asked for, too.
func (c *control) addDeletion(f *mirror.Flow, from *cluster.Cluster) error {
	store, err := mirror.NewStore(c.def, c.to, c.log)
	if err != nil {
		return err
	}
	copies := func(ctx context.Context) ([]orphan.Copy, error) {
		if err := store.Refresh(ctx); err != nil {
			return nil, c.to.Explain(err)
		}
		var out []orphan.Copy
		for _, a := range store.All() {
			if target := f.RemoteTopic(a.Topic); f.Selected(a.Topic) && target != "" {
				out = append(out, orphan.Copy{
					Topic: a.Topic, Target: target, Partition: a.Partition, TargetID: a.TargetTopicID, TargetEnd: a.TargetEnd,
				})
			}
		}
		return out, nil
	}
	after := c.def.Control.DeleteTopicsAfter
	topics, err := orphan.New(orphan.Params{Source: from, Target: c.to, Copies: copies, After: after, Log: c.log})
	if err != nil {
		return err
	}
	return c.add(reconcile.Params{Name: "deletion of topics", Interval: orphan.Interval(after), Do: topics.Sync, Ready: f.Running})
}
