package mirror

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/strait-mirror/strait/flows/position"
)

// anchorTick is how often the anchor loop looks for lanes that moved. It adds
// to the age of an anchor, not to its number.
const anchorTick = 250 * time.Millisecond

// anchor stores positions while lanes move, until ctx ends. It alone owns the
// schedule.
func (s *session) anchor(ctx context.Context) {
	if s.transactions != nil {
		return
	}
	tick := time.NewTicker(anchorTick)
	defer tick.Stop()
	key := noteKey{kind: noteAnchors, partition: WholeTopic}
	schedule := position.NewSchedule(s.store.pace)
	renewed := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now()
		for lane, bytes := range s.takeMoved() {
			schedule.Moved(lane, bytes, now)
		}
		due := schedule.Due(now)
		lanes := s.lanesOf(due)
		if s.store.again > 0 && now.Sub(renewed) >= s.store.again {
			lanes, renewed = s.placedLanes(), now
		}
		if len(lanes) == 0 {
			schedule.Anchored(due...) // their lanes are gone
			continue
		}
		if err := s.writeAnchors(ctx, lanes); err != nil {
			schedule.Failed(due...)
			if taken(err) {
				s.end(err)
				return
			}
			err = s.store.on.Explain(err)
			s.flow.note(key, Problem{Err: err, Fix: fixFor(err)})
			continue
		}
		s.flow.clearNote(key)
		schedule.Anchored(due...)
	}
}

// takeMoved returns the bytes each lane acknowledged since the last call.
func (s *session) takeMoved() map[position.Lane]int64 {
	moved := map[position.Lane]int64{}
	for _, l := range s.list() {
		if bytes, ok := l.takeMoved(); ok {
			moved[l.name()] = bytes
		}
	}
	return moved
}

// lanesOf returns those of lanes that have moved: another lane by the same name may
// have come since, of which nothing is to be stored.
func (s *session) lanesOf(names []position.Lane) []*lane {
	s.mu.Lock()
	defer s.mu.Unlock()
	lanes := make([]*lane, 0, len(names))
	for _, n := range names {
		if l := s.lanes[n]; l != nil && l.unanchored() {
			lanes = append(lanes, l)
		}
	}
	return lanes
}

// moved returns the lanes whose position is to be stored at the end: those that
// are not where the stored one is, or all where positions expire.
func (s *session) moved() []*lane {
	if s.store.again > 0 {
		return s.placedLanes()
	}
	return moved(s.list())
}

// moved returns those of lanes that are not where their stored position is.
func moved(lanes []*lane) []*lane {
	return slices.DeleteFunc(slices.Clone(lanes), func(l *lane) bool { return !l.unanchored() })
}

// placedLanes returns the lanes that have a position.
func (s *session) placedLanes() []*lane {
	return slices.DeleteFunc(s.list(), func(l *lane) bool {
		_, placed := l.lag()
		return !placed
	})
}

// writeAnchors stores the positions of lanes in one request. Of two callers the
// later one stores the later positions.
func (s *session) writeAnchors(ctx context.Context, lanes []*lane) error {
	if len(lanes) == 0 || s.transactions != nil {
		return nil // transactions store their own
	}
	select {
	case s.storing <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("storing positions of %d partitions: %w", len(lanes), context.Cause(ctx))
	}
	defer func() { <-s.storing }()
	return s.storeAnchors(ctx, lanes)
}

// storeAnchors is writeAnchors of who has s.storing.
func (s *session) storeAnchors(ctx context.Context, lanes []*lane) error {
	if !s.flow.p.Share.Holds() {
		return fmt.Errorf("storing positions of %d partitions: %w", len(lanes), errNotHeld)
	}
	anchors := make([]position.Anchor, len(lanes))
	for i, l := range lanes {
		anchors[i] = l.makeAnchor()
	}
	began := time.Now()
	if err := s.store.on.Await(ctx, func(ctx context.Context) error { return s.store.Write(ctx, anchors) }); err != nil {
		return fmt.Errorf("storing positions of %d partitions: %w", len(lanes), err)
	}
	s.flow.commits.took(began)
	for i, l := range lanes {
		l.wasAnchored(anchors[i].Next())
	}
	return nil
}

// renewal is a lane whose position is to be stored before it goes on.
type renewal struct {
	lane *lane
	done chan error // gets what became of it
}

// writeAnchor stores the position of one lane, together with those of others that
// wait for the same: thousands may begin at once.
func (s *session) writeAnchor(ctx context.Context, l *lane) error {
	mine := renewal{l, make(chan error, 1)}
	s.mu.Lock()
	s.renewals = append(s.renewals, mine)
	s.mu.Unlock()
	select {
	case err := <-mine.done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("storing a position: %w", context.Cause(ctx))
	case s.storing <- struct{}{}:
	}
	defer func() { <-s.storing }()
	s.mu.Lock()
	all := s.renewals
	s.renewals = nil
	s.mu.Unlock()
	lanes := make([]*lane, len(all))
	for i, r := range all {
		lanes[i] = r.lane
	}
	var err error
	if len(lanes) > 0 {
		err = s.storeAnchors(ctx, lanes)
	}
	for _, r := range all {
		r.done <- err
	}
	return <-mine.done
}
