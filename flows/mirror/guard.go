package mirror

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/admin"
	"github.com/strait-mirror/strait/flows/internal/batch"
	"github.com/strait-mirror/strait/flows/origin"
)

// openGuard prepares what keeps records from going round between clusters whose
// topics have equal names; see package origin. It does nothing where the flow
// needs none.
func (s *session) openGuard(ctx context.Context) error {
	f := s.flow
	if !f.p.Flow.Guarded() {
		return nil
	}
	source, err := f.clusterID(ctx, f.p.Source)
	if err != nil {
		return err
	}
	target, err := f.clusterID(ctx, f.p.Target)
	if err != nil {
		return err
	}
	s.guard, err = origin.NewGuard(origin.GuardParams{
		Source: f.p.Source, Log: f.p.Log, TargetID: target, TargetAlias: f.p.Target.Alias(),
		Local: f.p.Flow.LoopGuard == model.LoopGuardLocal,
	})
	if err != nil {
		return err
	}
	s.registry, err = origin.NewRegistry(origin.RegistryParams{
		Target: f.p.Target, Log: f.p.Log, SourceID: source, SourceAlias: f.p.Source.Alias(),
		ReplicationFactor: f.p.Flow.ReplicationFactor,
	})
	if err != nil {
		return err
	}
	var denied error
	for _, step := range []struct {
		on *cluster.Cluster
		do func(context.Context) error
	}{{f.p.Target, s.registry.Open}, {f.p.Source, s.guard.Look}} { // what is missing for it shows at the start
		err := f.waitFor(ctx, step.on, func(ctx context.Context) error {
			err := step.do(ctx)
			if _, missing := errors.AsType[*admin.MissingPermissionError](err); missing && !f.p.Returns {
				denied, err = step.on.Explain(err), nil
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	if denied != nil {
		s.guard, s.registry = nil, nil
		f.note(noteKey{kind: noteGuard, partition: WholeTopic}, Problem{
			Err: fmt.Errorf("no loop guard, so that no other Strait may mirror the same topics in the other direction: %w", denied),
			Fix: fixFor(denied) + `; or loop_guard = "off" where nobody does`,
		})
	}
	return nil
}

func (f *Flow) clusterID(ctx context.Context, c *cluster.Cluster) (string, error) {
	answer := make(chan string, 1)
	err := f.waitFor(ctx, c, func(ctx context.Context) error {
		id, err := c.ID(ctx)
		if err == nil {
			answer <- id
		}
		return err
	})
	if err != nil {
		return "", err
	}
	return <-answer, nil
}

// newProducer returns a producer id of the target that nobody else uses, entered
// as one of this source where the flow is guarded.
func (s *session) newProducer(ctx context.Context) (id int64, epoch int16, err error) {
	if id, epoch, err = s.flow.p.Target.InitProducerID(ctx); err == nil {
		err = s.enter(ctx, id)
	}
	return id, epoch, err
}

// enter enters producer ids that batches are about to be written with.
func (s *session) enter(ctx context.Context, ids ...int64) error {
	if s.registry == nil {
		return nil
	}
	return s.flow.p.Target.Await(ctx, func(ctx context.Context) error {
		err := s.registry.Enter(ctx, ids...)
		if errors.Is(err, kerr.UnknownTopicOrPartition) || errors.Is(err, kerr.UnknownTopicID) { // deleted
			err = s.registry.Open(ctx)
			if err == nil {
				err = s.registry.Enter(ctx, ids...)
			}
		}
		return err
	})
}

// enterAll enters the producer ids that lanes begin with. Those of an anchor have
// been entered by whoever got them, unless the topic was deleted since.
func (s *session) enterAll(ctx context.Context, lanes []*lane) error {
	if s.transactions != nil {
		return nil // their ids are entered by those who get them
	}
	ids := make([]int64, 0, len(lanes))
	for _, l := range lanes {
		if !l.onHold() {
			ids = append(ids, l.begin.ProducerID)
		}
	}
	return s.enter(ctx, ids...)
}

// guarded reports whether batches of the lane may have come from its target.
func (l *lane) guarded() bool {
	return l.session.guard != nil && l.source.Topic == l.target.Topic
}

// judgement is what a lane knows of producer ids without asking.
type judgement struct {
	id       int64 // the last one that was judged
	returned bool
	any      bool

	// What was in the source's log below sure when the guard last looked for this
	// lane, under no later epoch, is in nobody's name that the guard does not know.
	sure  int64
	epoch int32
}

// returned reports whether the records of a batch came from the target. It waits
// until that is known, or returns why ctx ended. high is where the log ended, at
// least, when the batch was fetched.
func (l *lane) returned(ctx context.Context, b batch.Batch, high int64) (bool, error) {
	if !l.guarded() || b.Magic() < 2 || b.ProducerID() < 0 {
		return false, nil
	}
	j := &l.judged
	id := b.ProducerID()
	if j.any && j.id == id {
		return j.returned, nil
	}
	g := l.session.guard
	returned, known := g.Judge(id)
	if !known {
		if b.LastOffset() >= j.sure || b.LeaderEpoch() > j.epoch {
			if err := l.session.look(ctx); err != nil {
				return false, err
			}
			j.sure, j.epoch = high, b.LeaderEpoch()
		}
		returned = g.Conclude(id)
	}
	j.id, j.returned, j.any = id, returned, true
	return returned, nil
}

// look has the guard read what is entered by now, however long that takes: what
// cannot be judged must not be copied.
func (s *session) look(ctx context.Context) error {
	const longest = 5 * time.Second
	key := noteKey{kind: noteGuard, partition: WholeTopic}
	source := s.flow.p.Source
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, longest) {
		err := source.Await(ctx, s.guard.Look)
		if err == nil {
			s.flow.clearNote(key)
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		err = source.Explain(err)
		s.flow.note(key, Problem{Err: err, Fix: fixFor(err)})
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
