package mirror

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"golang.org/x/sync/errgroup"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/position"
	"github.com/strait-mirror/strait/flows/sink"
)

// A lane's sequence numbers count the records of its filtered stream. What the
// target holds behind an anchor is therefore known by number: the last sequence
// of the anchor's producer less the one the anchor names. The lane reads on from
// the anchor, lets that many records pass by, and goes on under the same producer
// id with the next sequence, so that whatever a predecessor still has under way
// is the same record at the same sequence, which the broker takes once.
// docs/adr/0006 has the argument.

// UnprovenError says why the place at which a partition must go on after a crash
// could not be proven.
type UnprovenError struct {
	Why string
	Err error // beneath; may be nil
}

func (e *UnprovenError) Error() string {
	return "the exact place to go on at could not be proven: " + e.Why
}

// Unwrap returns the error beneath.
func (e *UnprovenError) Unwrap() error { return e.Err }

// evidence is what the target's log says of a lane behind its anchor.
type evidence struct {
	sequence int32 // of the lane's next record
	records  int64 // that are on the target already
	last     digest
	writers  []writer // of them
	time     int64    // of the last batch, ms; 0: not known
	end      int64    // of the target's log behind the last of them
	shut     bool     // the producer is shut out: the lane goes on as another
}

// exactly reports whether the flow wants proven positions, and keeps what proves
// them.
func (s *session) exactly() bool {
	return s.flow.p.Flow.Delivery != model.AtLeastOnce && s.store.previous != nil
}

// chain names what decides which records of the source are in a lane's stream,
// and where they go: sequence numbers of one chain mean nothing under another.
func (l *lane) chain() string {
	return fmt.Sprintf("%s %s/%d", l.selection(), l.target.Topic, l.target.Partition)
}

// selection names what decides which records are in the stream. It has no space.
func (l *lane) selection() string {
	selected := l.records.Name()
	f := l.session.flow.p.Flow
	if f.Scatters() {
		selected += "+by_key" // what is in the target partition is not the lane's alone
	}
	switch {
	case !l.guarded():
		return string(f.IsolationLevel) + selected
	case f.LoopGuard == model.LoopGuardLocal:
		return string(f.IsolationLevel) + "+loop_guard_local" + selected
	}
	return string(f.IsolationLevel) + "+loop_guard" + selected
}

// follows reports whether an anchor is of the lane's chain. Older ones tell the
// isolation level alone; elsewhere has looked at those.
func (l *lane) follows(a position.Anchor) bool {
	return a.Chain == l.chain() || a.Chain == l.selection()
}

// elsewhere reports whether an anchor is from when the lane's records went to
// another target partition. It is true, but its producer and what it counts are
// not this lane's. Anchors that do not say so are from lanes of equal numbers.
func (l *lane) elsewhere(a position.Anchor) bool {
	_, mine, _ := strings.Cut(l.chain(), " ")
	_, place, told := strings.Cut(a.Chain, " ")
	return told && place != mine || !told && l.target.Partition != l.source.Partition
}

// resume finds out where lanes, whose log ends are known, go on: where their
// anchor and the target's log prove it, or anew. Lanes for which that could not
// be asked are forgotten until the next pass.
func (s *session) resume(ctx context.Context, lanes []*lane) []*lane {
	errs := make([]error, len(lanes))
	anchors := make([]position.Anchor, len(lanes)) // to count from; bare: nothing is to be asked
	for i, l := range lanes {
		if l.onHold() {
			continue
		}
		a, err := s.continued(l)
		switch {
		case err != nil:
			errs[i] = err
		case a.Bare():
			errs[i] = s.anew(ctx, l)
		case a.TargetEnd == l.begin.TargetEnd && (a.Fence == 0 || l.barrier == nil):
			l.resumeAt(a, evidence{sequence: a.NextSequence})
		default:
			anchors[i] = a
		}
	}
	s.ask(ctx, lanes, anchors, errs)
	var ready []*lane
	var ahead, records int64
	for i, l := range lanes {
		if err := s.decide(ctx, l, errs[i]); err != nil {
			s.unplaced(l, fmt.Errorf("finding where to go on: %w", err))
			continue
		}
		if l.skip != nil {
			ahead++
			records += l.skip.left
		}
		ready = append(ready, l)
	}
	if err := s.enterAll(ctx, ready); err != nil {
		for _, l := range ready {
			s.unplaced(l, fmt.Errorf("finding where to go on: %w", err))
		}
		return nil
	}
	if ahead > 0 {
		s.flow.p.Log.Info("records behind the stored positions are on the target already, going on behind them",
			"partitions", ahead, "records", records)
	}
	return ready
}

// ask reads what the target holds behind the anchors of lanes.
func (s *session) ask(ctx context.Context, lanes []*lane, anchors []position.Anchor, errs []error) {
	var targets []cluster.TopicPartition
	for i, l := range lanes {
		if !anchors[i].Bare() {
			targets = append(targets, l.targetPartition())
		}
	}
	if len(targets) == 0 {
		return
	}
	replicated := s.flow.p.Target.ListOffsets(ctx, cluster.HighWatermark, targets)
	producers := s.flow.p.Target.DescribeProducers(ctx, targets)
	const atOnce = 16
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i, l := range lanes {
		if anchors[i].Bare() {
			continue
		}
		g.Go(func() error {
			at := l.targetPartition()
			if h := replicated[at]; h.Err != nil || h.Offset < l.begin.TargetEnd {
				errs[i] = errors.Join(errUnreplicated, h.Err)
				return nil
			}
			e, err := s.evidence(ctx, l, anchors[i], producers[at])
			if err == nil {
				e, err = s.settled(ctx, l, anchors[i], e, producers[at])
			}
			if errs[i] = err; err == nil {
				l.resumeAt(anchors[i], e)
			}
			return nil
		})
	}
	_ = g.Wait() // its functions return no errors
}

func (l *lane) targetPartition() cluster.TopicPartition {
	return cluster.TopicPartition{Topic: l.target.Topic, Partition: l.target.Partition}
}

// errUnreplicated asks for patience: what is not replicated yet may be gone after
// an election.
var errUnreplicated = errors.New("the end of the target's log is not replicated yet")

// continued returns the anchor that a lane can be counted from; a bare one where
// it begins a stream of its own, which is no surprise.
func (s *session) continued(l *lane) (position.Anchor, error) {
	a, ok := s.store.Get(l.source.Topic, l.source.Partition)
	switch {
	case !ok || a.Bare() || a.ProducerID < 0 || a.TargetEnd < 0 || a.Next() != l.next:
		return position.Anchor{}, nil
	case l.recreatedSince(a) != nil, l.elsewhere(a):
		return position.Anchor{}, nil
	case l.begin.TargetEnd < a.TargetEnd:
		var err error
		if a, err = s.shortened(l, a); err != nil {
			return a, err
		}
	}
	switch {
	case !s.exactly():
		return position.Anchor{}, nil
	case l.follows(a):
		return a, nil
	case a.TargetEnd != l.begin.TargetEnd:
		return a, &UnprovenError{Why: "the flow selected other records when the target was last written to"}
	}
	return position.Anchor{}, nil
}

// shortened goes back to an older anchor that a target which lost the end of its
// log still bears out.
func (s *session) shortened(l *lane, a position.Anchor) (position.Anchor, error) {
	lost := &sink.TruncatedError{Expected: a.TargetEnd, Got: l.begin.TargetEnd}
	var p position.Anchor
	if s.store.previous != nil {
		p, _ = s.store.previous(l.source.Topic, l.source.Partition)
	}
	if p.Bare() || l.elsewhere(p) || p.TargetEnd < 0 || p.TargetEnd > l.begin.TargetEnd || p.Offset > a.Offset ||
		p.TargetTopicID != a.TargetTopicID || p.SourceTopicID != a.SourceTopicID {
		return a, &UnprovenError{Why: fmt.Sprintf("%v; no older position is known", lost), Err: lost}
	}
	s.flow.gaps.Add(1)
	s.flow.note(l.noteKey(noteLost), Problem{Err: fmt.Errorf("%w; records are copied again from source offset %d on", lost, p.Next())})
	l.goBackTo(p.Next(), p.LeaderEpoch)
	return p, nil
}

// goBackTo has a lane that was placed begin at an older source offset.
func (l *lane) goBackTo(offset int64, epoch int32) {
	l.next = offset
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ack.SourceNext, l.ack.SourceEpoch = offset, epoch
}

// evidence finds out how many records behind an anchor are on the target.
func (s *session) evidence(ctx context.Context, l *lane, a position.Anchor, p cluster.Producers) (evidence, error) {
	w := writer{a.ProducerID, a.ProducerEpoch}
	e := evidence{sequence: -1, end: a.TargetEnd, writers: []writer{w}}
	if known, ok := p.ByID[w.id]; ok && known.Epoch == w.epoch && known.LastSequence >= 0 {
		e.sequence = nextSequence(known.LastSequence)
		if e.sequence == a.NextSequence {
			return e, nil // what is behind the anchor is not the lane's
		}
	}
	log := &targetLog{cluster: s.flow.p.Target, client: s.produce, budget: s.flow.budget}
	last, found, err := log.lastBatch(ctx, l.target, a.TargetEnd, l.begin.TargetEnd, w, s.recoder)
	switch {
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		return e, &UnprovenError{Why: "reading the target topic is not allowed", Err: l.explainRead(err)}
	case err != nil && !errors.Is(err, kerr.OffsetOutOfRange):
		return e, err
	case found && e.sequence >= 0 && e.sequence != nextSequence(last.sequence):
		return e, errUnreplicated // more arrived meanwhile
	case found:
		e.sequence, e.last, e.time, e.end = nextSequence(last.sequence), last.last, last.time, last.next
	case err == nil && e.sequence < 0:
		e.sequence = a.NextSequence // nothing of the lane is there
	case e.sequence < 0:
		return e, &UnprovenError{Why: "the target's log begins behind the stored position", Err: err}
	}
	return l.weigh(a, e)
}

// weigh counts the records that an evidence says are behind an anchor.
func (l *lane) weigh(a position.Anchor, e evidence) (evidence, error) {
	e.records = int64((e.sequence - a.NextSequence) & 0x7fffffff)
	if e.records > l.begin.TargetEnd-a.TargetEnd {
		return e, &UnprovenError{Why: fmt.Sprintf("the target holds sequence %d of the partition's producer, which is not behind %d",
			e.sequence, a.NextSequence)}
	}
	return e, nil
}

func nextSequence(last int32) int32 { return int32((int64(last) + 1) & 0x7fffffff) }

// decide deals with what kept a lane from being resumed: an error that is not nil
// means that it is to be tried again.
func (s *session) decide(ctx context.Context, l *lane, err error) error {
	unproven, ok := errors.AsType[*UnprovenError](err)
	if !ok {
		return err
	}
	s.noteUnproven(l, unproven)
	if s.flow.def().OnUnproven == model.UnprovenStop {
		l.hold(writing, Problem{Err: unproven})
		return nil
	}
	return s.anew(ctx, l)
}

// noteUnproven says that records may be copied twice.
func (s *session) noteUnproven(l *lane, err *UnprovenError) {
	p := Problem{Err: fmt.Errorf("%w; what came after the stored position is copied again", err), Fix: fixFor(err.Err)}
	if s.flow.def().OnUnproven == model.UnprovenStop {
		p = Problem{Err: err, Fix: `compare both ends of the partition, then set on_unproven = "continue" to copy again what came after the stored position`}
	}
	s.flow.unproven.Add(1)
	s.flow.note(l.noteKey(noteUnproven), p)
}

// anew gives a lane a producer id under which nothing is in its target partition.
func (s *session) anew(ctx context.Context, l *lane) error {
	if s.transactions != nil {
		l.beginAs(-1, -1) // its bucket has one
		return nil
	}
	as, err := s.producers.take(ctx, l.target)
	if err == nil {
		l.beginAs(as.id, as.epoch)
	}
	return err
}

// resumeAt says that a lane goes on from an anchor, behind what is on the target
// already. The anchor stays true and need not be written again.
func (l *lane) resumeAt(a position.Anchor, e evidence) {
	l.next = a.Next()
	l.begin.ProducerID, l.begin.ProducerEpoch = a.ProducerID, a.ProducerEpoch
	l.begin.NextSequence, l.begin.LastTime = e.sequence, e.time
	l.begin.Fenced, l.begin.Shut, l.begin.Counted = l.barrier.continues(a), e.shut, e.end
	if e.records > 0 {
		l.skip = &skip{left: e.records, last: e.last, records: e.records, from: a.TargetEnd, to: l.begin.TargetEnd, writers: e.writers}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.anchored = a.Next()
	l.ack = sink.Ack{
		SourceNext: a.Next(), SourceEpoch: a.LeaderEpoch, TargetEnd: a.TargetEnd,
		ProducerID: a.ProducerID, ProducerEpoch: a.ProducerEpoch, NextSequence: a.NextSequence,
	}
}

// beginAs says that a lane begins a stream of its own.
func (l *lane) beginAs(pid int64, epoch int16) {
	l.counted()
	l.begin.ProducerID, l.begin.ProducerEpoch, l.begin.NextSequence, l.begin.LastTime = pid, epoch, 0, 0
	l.begin.Fenced, l.begin.Shut = false, false
	l.mu.Lock()
	defer l.mu.Unlock()
	l.anchored = -1
	l.ack.ProducerID, l.ack.ProducerEpoch, l.ack.NextSequence = pid, epoch, 0
	l.ack.TargetEnd = l.begin.TargetEnd
}
