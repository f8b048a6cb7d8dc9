package mirror

import (
	"context"

	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/reconcile"
	"github.com/strait-mirror/strait/flows/topicsync"
)

// Foresee asks both clusters what the flow would create and change of topics when it
// begins, and what it would complain of. It writes nothing; the flow must not run. An
// error says that a cluster cannot be used.
func (f *Flow) Foresee(ctx context.Context) (events []reconcile.Event, problems []Problem, err error) {
	for _, c := range []*cluster.Cluster{f.p.Source, f.p.Target} {
		if err := c.Ping(ctx); err != nil {
			return nil, nil, c.Explain(err)
		}
		if err := c.Verify(ctx); err != nil {
			return nil, nil, err
		}
	}
	events, found, err := topicsync.Foresee(ctx, f.topicParams())
	if err != nil {
		return nil, nil, f.explainPass(err)
	}
	f.noteTopics(found)
	if f.p.Flow.MirrorMaker1 == nil {
		more, err := f.foreseePositions(ctx)
		if err != nil {
			err = f.p.Target.Explain(err)
			problems = append(problems, Problem{Partition: WholeTopic, Err: err, Fix: fixFor(err)})
		}
		events = append(events, more...)
	}
	for i := range events {
		events[i].Cluster = f.p.Target.Alias()
	}
	return events, append(problems, f.problems()...), nil
}

func (f *Flow) foreseePositions(ctx context.Context) ([]reconcile.Event, error) {
	store, err := NewStore(f.p.Flow, f.p.Target, f.p.Log)
	if err != nil {
		return nil, err
	}
	return store.Foresee(ctx)
}
