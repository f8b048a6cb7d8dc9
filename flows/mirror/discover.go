package mirror

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/wire"
	"github.com/strait-mirror/strait/flows/source"
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
		}
		pause := pace.rest(f.p.Flow.RefreshTopicsInterval, time.Since(began), err == nil && found.nothing)
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
		var f found
		f.pairs, f.problems, f.err = s.topics.Sync(ctx)
		answer <- &f
		return f.err
	})
	select {
	case f := <-answer:
		return f
	default:
		return &found{err: err}
	}
}

// finding is the outcome of a pass of discovery.
type finding struct {
	all     bool // every partition has a lane, or a reason why not that only time can cure
	nothing bool // there was nothing to create or to start
}

// pass finds what the flow selects, creates what the target lacks, and starts
// lanes for what is new.
func (s *session) pass(ctx context.Context) (finding, error) {
	s.reviveStopped(ctx)
	found := s.early
	if s.early = nil; found == nil {
		found = s.findTopics(ctx)
	}
	pairs, problems, err := found.pairs, found.problems, found.err
	if err != nil {
		return finding{}, s.flow.explainPass(err)
	}
	s.remember(pairs, problems)
	s.flow.noteTopics(problems)
	s.flow.noteNothing(len(pairs)+len(problems) == 0)
	selected := make(map[string]bool, len(pairs)+len(problems))
	passing := false
	for _, p := range problems {
		selected[p.Topic] = true // not healthy is not gone
		_, denied := errors.AsType[*topicsync.PermissionError](p.Err)
		passing = passing || p.Isolated && p.Retry && !denied
	}
	var fresh []*lane
	for _, p := range pairs {
		selected[p.Source] = true
		t := s.topic(p)
		for n := range p.Partitions {
			to, ok := s.targetOf(n, p)
			if !ok {
				continue // it has no place on the target yet; a problem says why
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
	all := err == nil && started == len(fresh) && (!passing || !s.flow.p.Once)
	return finding{all: all, nothing: len(fresh) == 0 && !passing}, err
}

// remember notes which partitions and positions there were when the source was
// listed first: only those partitions may begin at their ends, and only where
// their topic had no position yet. One that has none beside others that do
// appeared later, perhaps while nobody was running.
func (s *session) remember(pairs []topicsync.Pair, problems []topicsync.Problem) {
	const unknown = math.MaxInt32
	f := s.flow
	first := f.initial == nil
	if first {
		f.initial = make(map[string]int32, len(pairs)+len(problems))
		for _, p := range problems {
			f.initial[p.Topic] = unknown // until it can be described
		}
	}
	for _, p := range pairs {
		if first || f.initial[p.Source] == unknown {
			f.initial[p.Source] = p.Partitions
		}
	}
	if first {
		for _, a := range s.store.All() {
			delete(f.initial, a.Topic)
		}
	}
}

// topic returns what is known of a mirrored topic, brought up to date.
func (s *session) topic(p topicsync.Pair) *topic {
	s.mu.Lock()
	t := s.known[p.Source]
	if t == nil {
		t = &topic{}
		s.known[p.Source] = t
	}
	s.mu.Unlock()
	t.update(p)
	return t
}

// addLane returns a new lane, or nil when there is one already. A lane whose
// source topic was recreated makes room for one of the new topic, and one whose
// records belong to another target partition by now, for one that goes there.
func (s *session) addLane(ctx context.Context, t *topic, from, to int32) *lane {
	l := newLane(s, t, from, to)
	s.mu.Lock()
	old := s.lanes[l.name()]
	s.mu.Unlock()
	switch {
	case old == nil:
	case old.superseded(l.source.ID):
		old.close(ctx)
	case old.target.Partition != to && !s.flow.p.Once: // a single pass ends as it began
		s.endLane(ctx, old)
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

// startLanes finds out where lanes begin, on both sides, anchors them before
// their first batch, and starts them. Those it could not start
// are tried again with the next pass.
func (s *session) startLanes(ctx context.Context, lanes []*lane) (started int, err error) {
	if len(lanes) == 0 {
		return 0, nil
	}
	ready, err := s.placeLanes(ctx, lanes)
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
	return slices.DeleteFunc(slices.Clone(lanes), func(l *lane) bool { return l.held || !l.unanchored() })
}

// unplaced forgets a lane that could not be started, until the next pass. Only
// what lasts is worth a person's attention.
func (s *session) unplaced(l *lane, err error) {
	const patience = 2 * time.Second
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

func (s *session) placed(l *lane) {
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

// starts returns where each lane begins: behind its anchor, or where the flow
// says. A partition that appears while the flow runs begins at its start: nothing
// that was ever in it is left out.
func (s *session) starts(ctx context.Context, lanes []*lane, keys []cluster.TopicPartition) []cluster.Offset {
	starts := make([]cluster.Offset, len(lanes))
	earliest := make([]cluster.TopicPartition, 0, len(lanes))
	var latest []cluster.TopicPartition
	for i, l := range lanes {
		a, ok := s.store.Get(l.source.Topic, l.source.Partition)
		same := a.Bare() || a.SourceTopicID == [16]byte(l.source.ID) || a.SourceTopicID == [16]byte{}
		// An offset of -1 is no position where MirrorMaker 2 wrote it. Ours says
		// that the lane begins at 0, also where new ones begin at their ends.
		ok = ok && (a.Offset >= 0 || !a.Bare())
		starts[i].Offset = -1
		switch {
		case ok && same:
			starts[i] = cluster.Offset{Offset: a.Next(), Epoch: wire.NoEpoch}
			if !a.Bare() {
				starts[i].Epoch = a.LeaderEpoch
			}
		case ok:
			s.flow.p.Log.Error("source topic was recreated, mirroring it from its start",
				"topic", l.source.Topic, "partition", l.source.Partition, "old_position", a.Next())
			earliest = append(earliest, keys[i])
		case s.flow.fromEnd(l.source):
			latest = append(latest, keys[i])
		default:
			earliest = append(earliest, keys[i])
		}
	}
	found := s.flow.p.Source.ListOffsets(ctx, cluster.Earliest, earliest)
	maps.Copy(found, s.flow.p.Source.ListOffsets(ctx, s.readable(), latest))
	for i, key := range keys {
		if starts[i].Offset < 0 {
			starts[i] = found[key]
			starts[i].Epoch = wire.NoEpoch
		}
	}
	return starts
}

// fromEnd reports whether the flow says that p begins at its end, which is for
// partitions that there were at first.
func (f *Flow) fromEnd(p wire.PartitionKey) bool {
	return f.p.Flow.Start == model.StartLatest && p.Partition < f.initial[p.Topic]
}

// start connects a placed lane to the sink and the fetcher.
func (s *session) start(l *lane) {
	s.mu.Lock()
	s.left++
	s.mu.Unlock()
	if l.held {
		s.gaveUp(l)
		return
	}
	l.mu.Lock() // the fetcher's first call waits until l.in is set
	defer l.mu.Unlock()
	l.out = s.outletFor(l)
	if l.until >= 0 && l.next >= l.until {
		l.finished, l.closed = true, true
		s.laneFinished()
		return
	}
	l.in = s.fetcher.Add(source.PartitionParams{
		Key: l.source, Offset: l.next, LeaderEpoch: l.ack.SourceEpoch, Handler: l,
	})
}

// dropLanes ends the lanes of topics that are no longer selected, or are gone.
func (s *session) dropLanes(ctx context.Context, selected map[string]bool) {
	var gone []*lane
	for _, l := range s.list() {
		if !selected[l.source.Topic] {
			gone = append(gone, l)
		}
	}
	for _, l := range gone {
		s.flow.p.Log.Info("partition no longer mirrored", "topic", l.source.Topic, "partition", l.source.Partition)
		s.endLane(ctx, l)
	}
}

// endLane stops one lane, stores where it came to, and forgets it.
func (s *session) endLane(ctx context.Context, l *lane) {
	l.close(ctx)
	if err := s.writeAnchors(ctx, []*lane{l}); err != nil && !errors.Is(err, context.Canceled) {
		s.flow.note(noteKey{kind: noteAnchors, partition: WholeTopic}, Problem{Err: err})
	}
	s.forget(l)
}
