package mirror

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/strait-mirror/strait/flows/cluster"
)

// startLanes finds out where lanes begin, on both sides, anchors them before
// their first batch, and starts them. Those it could not start
// are tried again with the next pass.
func (s *session) startLanes(ctx context.Context, lanes []*lane) (started int, err error) {
	if len(lanes) == 0 {
		return 0, nil
	}
	var ready []*lane
	err = s.catchUp(ctx)
	if err == nil {
		ready, err = s.placeLanes(ctx, lanes)
	}
	if err == nil {
		err = s.store.on.Explain(s.writeAnchors(ctx, unanchored(ready)))
	}
	if err != nil {
		s.forget(lanes...)
		return 0, err
	}
	for _, l := range ready {
		s.start(l)
	}
	return len(ready), nil
}

// placeLanes fills in where lanes begin and, with Once, end. Lanes for which
// that is not known are forgotten.
func (s *session) placeLanes(ctx context.Context, lanes []*lane) (ready []*lane, err error) {
	from, to := s.flow.p.Source, s.flow.p.Target
	sources := make([]cluster.TopicPartition, len(lanes))
	targets := make([]cluster.TopicPartition, len(lanes))
	topics, remote := map[string]bool{}, map[string]bool{}
	for i, l := range lanes {
		sources[i] = cluster.TopicPartition{Topic: l.source.Topic, Partition: l.source.Partition}
		targets[i] = cluster.TopicPartition{Topic: l.target.Topic, Partition: l.target.Partition}
		topics[l.source.Topic], remote[l.target.Topic] = true, true
	}
	from.Metadata().Track(slices.Collect(maps.Keys(topics))...)
	to.Metadata().Track(slices.Collect(maps.Keys(remote))...)
	if err := from.Metadata().Refresh(ctx); err != nil {
		return nil, from.Explain(err)
	}
	if err := to.Metadata().Refresh(ctx); err != nil {
		return nil, to.Explain(err)
	}
	starts := s.starts(ctx, lanes, sources)
	readable := from.ListOffsets(ctx, s.readable(), sources)
	ends := s.targetEnds(ctx, targets)
	for i, l := range lanes {
		start, end := starts[i], ends[targets[i]]
		err := from.Explain(start.Err)
		if err == nil {
			err = to.Explain(end.Err)
		}
		until := readable[sources[i]]
		if s.flow.p.Once {
			l.until = until.Offset
			if err == nil {
				err = from.Explain(until.Err)
			}
		}
		if err != nil {
			s.unplaced(l, fmt.Errorf("finding where to start: %w", err))
			continue
		}
		l.place(start, end, until)
		ready = append(ready, l)
	}
	ready = s.resume(ctx, ready)
	for _, l := range ready {
		s.placed(l)
	}
	return ready, nil
}

// unanchored returns those of lanes whose place is not stored.
func unanchored(lanes []*lane) []*lane {
	return slices.DeleteFunc(slices.Clone(lanes), func(l *lane) bool { return !l.unanchored() })
}

// unplaced forgets a lane that could not be started, until the next pass. Only
// what lasts is worth a person's attention.
func (s *session) unplaced(l *lane, err error) {
	patience := 2 * time.Second
	if errors.Is(err, errLate) {
		patience += lateWithin // nothing is wrong meanwhile
	}
	s.forget(l)
	s.mu.Lock()
	since, waiting := s.waiting[l.name()]
	if !waiting {
		since = time.Now()
		s.waiting[l.name()] = since
	}
	s.mu.Unlock()
	if time.Since(since) >= patience {
		s.flow.note(l.noteKey(noteStart), Problem{Err: err, Fix: fixFor(err)})
	}
}

// placed says that it has been found out where a lane begins. From now on its
// position may be stored.
func (s *session) placed(l *lane) {
	l.mu.Lock()
	l.placed = true
	at := l.ack
	l.mu.Unlock()
	l.offsets.Placed(at.SourceNext, at.TargetEnd)
	s.mu.Lock()
	delete(s.waiting, l.name())
	s.mu.Unlock()
	s.flow.clearNote(l.noteKey(noteStart))
}

// readable is where reading ends at this flow's isolation level.
func (s *session) readable() cluster.Position {
	if s.flow.readCommitted {
		return cluster.StableEnd
	}
	return cluster.HighWatermark
}
