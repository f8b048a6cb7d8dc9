package mirror

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/strait-mirror/strait/flows/topicsync"
)

// discover looks for topics and partitions again and again until ctx ends. What
// could not be started yet is tried again sooner: brokers take a moment to learn
// of a new topic.
func (s *session) discover(ctx context.Context) {
	const soonest, soon = 50 * time.Millisecond, time.Second
	f := s.flow
	key := noteKey{kind: noteDiscovery, partition: WholeTopic}
	again := soonest
	var pace pace
	for ctx.Err() == nil {
		began := time.Now()
		found, err := s.pass(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			f.note(key, Problem{Err: err, Fix: fixFor(err)})
		default:
			f.clearNote(key)
			f.p.Offsets.Begun()
		}
		pause := pace.rest(f.def().RefreshTopicsInterval, time.Since(began), err == nil && found.nothing)
		if err != nil || !found.all {
			pause, again = min(pause, again), min(2*again, soon)
		} else {
			again = soonest
			if f.p.Once {
				s.survey()
				<-ctx.Done()
				return
			}
		}
		select {
		case <-time.After(pause):
		case <-f.updated:
		case yielded := <-f.reshared:
			s.yield(ctx)
			close(yielded)
		case <-ctx.Done():
		}
	}
}

// found is the outcome of one look at the topics of both clusters.
type found struct {
	pairs    []topicsync.Pair
	problems []topicsync.Problem
	err      error
}

// findTopics looks once. After ctx has ended it does not wait for a silent
// broker, and must not be called again.
func (s *session) findTopics(ctx context.Context) *found {
	answer := make(chan *found, 1)
	err := s.flow.p.Target.Await(ctx, func(ctx context.Context) error {
		pairs, problems, err := s.topics.Sync(ctx)
		answer <- &found{pairs, problems, err} // its reader's from here on
		return err
	})
	select {
	case f := <-answer:
		return f
	default:
		return &found{err: err}
	}
}

// nextFound returns what this pass is about: what was found while the session was
// opened, or what there is now. A transactional flow owns it then.
func (s *session) nextFound(ctx context.Context) *found {
	f := s.early
	if s.early = nil; f == nil {
		f = s.findTopics(ctx)
	}
	if f.err == nil {
		f.err = s.transactions.own(ctx, f.pairs)
	}
	return f
}

// finding is the outcome of a pass of discovery.
type finding struct {
	all     bool // every partition has a lane, or a reason why not that only time can cure
	nothing bool // there was nothing to create or to start
}

// pass finds what the flow selects, creates what the target lacks, and starts
// lanes for what is new.
func (s *session) pass(ctx context.Context) (finding, error) {
	s.adopt()
	s.reviveStopped(ctx)
	found := s.nextFound(ctx)
	pairs, problems, err := found.pairs, found.problems, found.err
	if err != nil {
		return finding{}, s.flow.explainPass(err)
	}
	s.remember(pairs, problems)
	s.flow.noteTopics(problems)
	s.flow.noteNothing(len(pairs)+len(problems) == 0)
	s.flow.noteBack(pairs)
	selected := make(map[string]bool, len(pairs)+len(problems))
	passing, follows := weighProblems(problems, selected)
	var fresh []*lane
	for _, p := range pairs {
		selected[p.Source] = true
		t := s.topic(p)
		for n := range p.Partitions {
			to, ok := s.targetOf(n, p)
			if !ok || !s.flow.owns(p.Source, n) || !s.transactions.has(p.Source, n) {
				continue // it has no place on the target yet, of which a problem says why, or is another process's
			}
			if l := s.addLane(ctx, t, n, to); l != nil {
				fresh = append(fresh, l)
			}
		}
	}
	s.dropLanes(ctx, selected)
	started, err := s.startLanes(ctx, fresh)
	// A single pass waits for what will pass; otherwise the next one comes soon
	// enough.
	all := err == nil && started == len(fresh) && !follows && (!passing || !s.flow.p.Once)
	return finding{all: all, nothing: len(fresh) == 0 && !passing}, err
}

// weighProblems adds the topics of problems to those that are selected, since
// what is not healthy is not gone, and reports whether one of them will pass, and
// whether another process is to create one.
func weighProblems(problems []topicsync.Problem, selected map[string]bool) (passing, follows bool) {
	for _, p := range problems {
		selected[p.Topic] = true
		_, denied := errors.AsType[*topicsync.PermissionError](p.Err)
		passing = passing || p.Isolated && p.Retry && !denied
		follows = follows || errors.Is(p.Err, topicsync.ErrFollows)
	}
	return passing, follows
}

// remember notes which partitions and positions there were when the source was
// listed first: only those partitions may begin at their ends, and only where
// their topic had no position yet. One that has none beside others that do
// appeared later, perhaps while nobody was running. Topics that an edit selects are
// listed first after it.
func (s *session) remember(pairs []topicsync.Pair, problems []topicsync.Problem) {
	const unknown = math.MaxInt32
	f := s.flow
	before, begun := f.unlike, f.initial != nil
	first := func(topic string) bool { return !begun || before != nil && !before.Selected(topic) }
	if !begun {
		f.initial = make(map[string]int32, len(pairs)+len(problems))
	}
	for _, p := range problems {
		if first(p.Topic) {
			f.initial[p.Topic] = unknown // until it can be described
		}
	}
	for _, p := range pairs {
		if first(p.Source) || f.initial[p.Source] == unknown {
			f.initial[p.Source] = p.Partitions
		}
	}
	if !begun || before != nil {
		for _, a := range s.store.All() {
			if first(a.Topic) {
				delete(f.initial, a.Topic)
			}
		}
	}
	f.unlike = nil
}
