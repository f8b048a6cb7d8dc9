package mirror

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/strait-mirror/strait/flows/topicsync"
)

// topic returns what is known of a mirrored topic, brought up to date.
func (s *session) topic(p topicsync.Pair) *topic {
	s.mu.Lock()
	t := s.known[p.Source]
	if t == nil {
		t = &topic{codec: codecOf(s.flow.p.Flow)}
		s.known[p.Source] = t
	}
	s.mu.Unlock()
	t.update(p)
	return t
}

// addLane returns a new lane, or nil when there is one already. A lane whose
// source topic was recreated makes room for one of the new topic, and one whose
// records belong to another target topic or partition by now, for one that goes
// there.
func (s *session) addLane(ctx context.Context, t *topic, from, to int32) *lane {
	l := newLane(s, t, from, to)
	s.mu.Lock()
	old := s.lanes[l.name()]
	s.mu.Unlock()
	switch {
	case old == nil:
	case old.superseded(l.source.ID):
		old.close(ctx)
	case (old.target.Partition != to || otherTopic(old.target.ID, l.target.ID)) && !s.flow.p.Once: // a single pass ends as it began
		s.endLanes(ctx, old)
	default:
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l.problems = s.revived[l.name()]
	delete(s.revived, l.name())
	s.lanes[l.name()] = l
	return l
}

func (s *session) forget(lanes ...*lane) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range lanes {
		if s.lanes[l.name()] == l {
			delete(s.lanes, l.name())
		}
	}
}

// dropLanes ends the lanes of topics that are no longer selected, or are gone.
func (s *session) dropLanes(ctx context.Context, selected map[string]bool) {
	var gone []*lane
	for _, l := range s.list() {
		if selected[l.source.Topic] {
			continue
		}
		gone = append(gone, l)
		if s.flow.Selected(l.source.Topic) {
			s.flow.noteGone(l.source.Topic)
		}
	}
	s.endLanes(ctx, gone...)
}

// endLanes stops lanes, stores where they came to, and forgets them.
func (s *session) endLanes(ctx context.Context, gone ...*lane) {
	var wait sync.WaitGroup
	for _, l := range gone {
		wait.Go(func() { l.close(ctx) })
	}
	wait.Wait()
	defer s.forget(gone...)
	left := slices.DeleteFunc(slices.Clone(gone), func(l *lane) bool { return !l.unanchored() })
	if len(left) == 0 {
		return
	}
	if err := s.writeAnchors(ctx, left); err != nil && !errors.Is(err, context.Canceled) {
		s.flow.note(noteKey{kind: noteAnchors, partition: WholeTopic}, Problem{Err: err})
	}
}
