package mirror

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/batch"
	"github.com/strait-mirror/strait/flows/internal/wire"
	"github.com/strait-mirror/strait/flows/position"
	"github.com/strait-mirror/strait/flows/sink"
	"github.com/strait-mirror/strait/flows/source"
)

// lane joins one source partition to one target partition: it is told what was
// fetched, decides batch by batch what becomes of it, and hands the result on.
// It is the fetcher's Handler and the sink's Events.
type lane struct {
	session *session
	topic   *topic
	source  wire.PartitionKey
	target  wire.PartitionKey
	until   int64 // with Once: the readable end seen at start; -1: go on
	in      *source.Partition
	out     outlet

	begin sink.LaneParams // where it begins on the target

	// next is the source offset that is wanted next, skip what is to be counted
	// before. Only the worker that processes the lane touches them.
	next   int64
	skip   *skip // nil: nothing
	judged judgement

	mu        sync.Mutex // guards the rest; the sink holds its lane's while calling Acked and Trouble
	inbox     []arrival
	scheduled bool     // in the run queue, or being processed
	placed    bool     // ack says where it is
	closed    bool     // takes nothing more
	finished  bool     // until was reached and acknowledged, or the lane gave up
	ack       sink.Ack // where the lane is
	bytes     int64    // acknowledged since takeMoved
	anchored  int64    // source offset of the stored anchor
	bounds    bounds
	problems  [sides]*Problem // nil while healthy
	recreated bool            // the source topic is another one by now
	held      bool            // not to be started: a person must look first
}

// arrival is what a lane has to deal with next: data, or a new place to go on at
// after what came before it.
type arrival struct {
	data  source.Fetched // Records is nil for a jump
	jump  int64
	epoch int32
}

// bounds are the ends of the source partition as last seen; -1: not known.
type bounds struct{ readable, start int64 }

// newLane joins a partition of a source topic to one of its target's.
func newLane(s *session, t *topic, from, to int32) *lane {
	p := t.pair()
	return &lane{
		session: s, topic: t, until: -1, anchored: -1,
		source: wire.PartitionKey{Topic: p.Source, ID: p.SourceID, Partition: from},
		target: wire.PartitionKey{Topic: p.Target, ID: p.TargetID, Partition: to},
		bounds: bounds{-1, -1},
	}
}

func (l *lane) name() position.Lane {
	return position.Lane{Topic: l.source.Topic, Partition: l.source.Partition}
}

// place says where the lane begins on both sides, and how far it can read if that
// is known. The anchor loop may look at it already, and so may status: a lane is
// behind from its first moment on, not only once it has fetched something.
func (l *lane) place(start, end, readable cluster.Offset) {
	l.next = start.Offset
	l.begin = sink.LaneParams{
		Target: l.target, TargetEnd: end.Offset, MaxBytes: int(l.topic.limits().MaxMessageBytes), Events: l,
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.placed = true
	if readable.Err == nil {
		l.bounds.readable = readable.Offset
	}
	l.ack = sink.Ack{SourceNext: start.Offset, SourceEpoch: start.Epoch, TargetEnd: end.Offset}
}

// share is the part of a partition's fetched bytes that one response brought.
// It is given back to the fetcher when the last batch of it has left.
type share struct {
	in    *source.Partition
	bytes int64
	refs  atomic.Int32
}

// Release drops one reference.
func (s *share) Release() {
	if s.refs.Add(-1) == 0 {
		s.in.Done(s.bytes)
	}
}

// Fetched takes what a fetch brought. It is called by a fetch loop and only
// queues the work, so that no partition waits for another's decoding.
func (l *lane) Fetched(f source.Fetched) {
	if !l.arrive(arrival{data: f}) {
		l.discard(f)
	}
}

// jump goes on at another offset, after what has arrived before.
func (l *lane) jump(to int64, epoch int32) { l.arrive(arrival{jump: to, epoch: epoch}) }

// arrive queues what came, unless the lane is closed.
func (l *lane) arrive(a arrival) bool {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return false
	}
	l.inbox = append(l.inbox, a)
	wake := !l.scheduled
	l.scheduled = true
	l.mu.Unlock()
	if wake {
		l.session.queue.push(l)
	}
	return true
}

// discard gives back what came too late.
func (l *lane) discard(f source.Fetched) {
	size := f.Records.Size()
	f.Records.Release()
	l.in.Done(size)
}

// Progress notes the partition's bounds.
func (l *lane) Progress(high, stable, start int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bounds = bounds{readable: high, start: start}
	if l.session.flow.readCommitted && stable >= 0 {
		l.bounds.readable = stable
	}
}

// work processes what the lane was given. One worker runs a lane at a time.
func (l *lane) work(ctx context.Context) {
	for {
		l.mu.Lock()
		if len(l.inbox) == 0 || ctx.Err() != nil {
			l.scheduled = false
			closed := l.closed
			l.mu.Unlock()
			if closed && l.in != nil {
				l.in.Remove() // gave up: nothing more is to come
			}
			return
		}
		a := l.inbox[0]
		l.inbox[0] = arrival{}
		l.inbox = l.inbox[1:]
		l.mu.Unlock()
		switch {
		case a.data.Records == nil:
			l.goOnAt(ctx, a)
		case a.data.Offset > l.next:
			l.discard(a.data) // asked for before a Seek
		default:
			l.process(ctx, a.data)
		}
	}
}

// goOnAt goes on behind what the source lost.
func (l *lane) goOnAt(ctx context.Context, a arrival) {
	if l.skip != nil {
		l.disproved(ctx, &UnprovenError{Why: "the source lost records that had to be counted"})
		return // the fetcher will find them missing again
	}
	l.next = a.jump
	l.out.Advance(a.jump, a.epoch)
	if l.complete() {
		l.session.retire(l)
	}
}

// process walks the batches of one response.
func (l *lane) process(ctx context.Context, f source.Fetched) {
	s := &share{in: l.in, bytes: f.Records.Size()}
	s.refs.Store(1)
	defer s.Release()
	defer f.Records.Release()

	var aborted *batch.AbortedFilter
	if l.session.flow.readCommitted {
		aborted = batch.NewAbortedFilter(abortedOf(f.Aborted))
	}
	rest := f.Data()
	for len(rest) > 0 && !l.complete() {
		b, tail, err := batch.Next(rest)
		if err == nil {
			err = batch.Verify(b)
		}
		if err != nil {
			// What was damaged on the way comes right when it is fetched again;
			// what is damaged on the source's disk stays, and stays visible.
			l.blame(reading, Problem{Err: fmt.Errorf("reading the source's log: %w", err), untilMoved: true})
			l.session.retry(l, l.next)
			return
		}
		rest = tail
		if err := l.handle(ctx, b, f, s, aborted); err != nil {
			if ctx.Err() != nil {
				return
			}
			if unproven, ok := errors.AsType[*UnprovenError](err); ok {
				l.disproved(ctx, unproven)
			} else {
				l.giveUp(err)
			}
			return
		}
	}
	switch {
	case !l.complete():
	case l.skip != nil:
		l.disproved(ctx, &UnprovenError{Why: "the target holds more records than the source"})
	default:
		l.session.retire(l)
	}
}

func abortedOf(list []wire.AbortedTransaction) []batch.AbortedTransaction {
	out := make([]batch.AbortedTransaction, len(list))
	for i, a := range list {
		out[i] = batch.AbortedTransaction(a)
	}
	return out
}

// handle decides what becomes of one batch and hands it on.
func (l *lane) handle(ctx context.Context, b batch.Batch, f source.Fetched, s *share, aborted *batch.AbortedFilter) error {
	limits := l.limits()
	d := batch.Classify(b, l.next, aborted, limits)
	if d.Action != batch.Drop {
		returned, err := l.returned(ctx, b, f.HighWatermark)
		if err != nil {
			return fmt.Errorf("judging the batch at offset %d: %w", b.BaseOffset(), err)
		}
		if returned {
			d = batch.Decision{Action: batch.Drop, Reason: batch.Returned}
		}
	}
	after, epoch := b.NextOffset(), wire.NoEpoch
	if b.Magic() >= 2 {
		epoch = b.LeaderEpoch()
	}
	switch {
	case d.Reason == batch.Behind:
		return nil
	case l.skip != nil && d.Action == batch.Drop: // the sink is told once all is counted
	case l.skip != nil:
		return l.passOver(b, d, s, epoch)
	case d.Action == batch.Pass:
		if l.session.spread != nil {
			l.session.flow.countRecoded(byKey)
		}
		f.Records.Retain()
		s.refs.Add(1)
		l.out.Add(sink.Batch{
			Data: b, Buffer: f.Records, Owner: s, Records: b.Count(),
			SourceNext: after, SourceEpoch: epoch, MaxTimestamp: b.MaxTimestamp(),
		})
	case d.Action == batch.Drop:
		l.out.Advance(after, epoch)
	default:
		l.session.flow.countRecoded(d.Reason)
		if err := l.recode(b, limits.Edit(l.next), s, epoch); err != nil {
			if alone, ok := errors.AsType[*batch.RecordTooLargeError](err); ok {
				return l.tooLarge(alone, true, fmt.Sprintf("the record at offset %d", alone.Offset))
			}
			return fmt.Errorf("re-encoding the batch at offset %d (%s): %w", b.BaseOffset(), d.Reason, err)
		}
		l.out.Advance(after, epoch)
	}
	l.next = after
	return nil
}

// recode hands on what an edit makes of a batch.
func (l *lane) recode(b batch.Batch, e batch.Edit, s *share, epoch int32) error {
	made, err := l.session.fit(b, e, true)
	if err != nil {
		return err
	}
	defer made.free()
	l.session.skipped(l, made.Dropped, kerr.MessageTooLarge.Code, "")
	for _, part := range made.Parts {
		s.refs.Add(1)
		l.out.Add(l.session.own(part, s, epoch))
	}
	return nil
}

// complete reports whether the lane has read all that a single pass wants.
func (l *lane) complete() bool { return l.until >= 0 && l.next >= l.until }

// Refused makes a batch that the target will not take into one that it does:
// smaller ones, where it was too large.
func (l *lane) Refused(_ context.Context, b sink.Batch, code int16, message string) ([]sink.Batch, error) {
	return l.session.replace(l, b, code, message)
}

// Acked takes the sink's word on how far the target is.
func (l *lane) Acked(a sink.Ack) {
	l.mu.Lock()
	l.ack = a
	l.bytes += a.Bytes
	finished := l.until >= 0 && a.SourceNext >= l.until && !l.finished
	l.finished = l.finished || finished
	l.mu.Unlock()
	l.session.flow.count(a.Records, a.Bytes)
	if a.Records > 0 {
		l.hasMoved()
	}
	if finished {
		l.session.laneFinished()
	}
}

// Trouble takes the sink's word on why the lane does not move.
func (l *lane) Trouble(err error, stopped bool) {
	if err == nil {
		l.recovered(writing)
		return
	}
	l.trouble(writing, l.refusalOf(err), stopped)
	if stopped {
		l.session.gaveUp(l)
	}
}

// Problem takes the fetcher's word on why nothing is read.
func (l *lane) Problem(err error) { l.session.sourceProblem(l, err) }

// Recovered ends the lane's problem with the source.
func (l *lane) Recovered() { l.recovered(reading) }

// giveUp stops the lane and says why.
func (l *lane) giveUp(err error) {
	l.blame(writing, Problem{Err: err, Stopped: true})
	l.session.retire(l)
	l.session.gaveUp(l)
}

// close ends the lane: nothing more is read, what is in flight is waited for
// until ctx ends. It reports whether everything came to rest, as it has where
// the lane had given up before.
func (l *lane) close(ctx context.Context) bool {
	l.shut()
	if l.in != nil {
		l.in.Remove()
	}
	if l.out == nil || l.out.Close(ctx) {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.problems[writing]
	return p != nil && p.Stopped && !p.untilMoved
}

// shut refuses new data and discards what waits.
func (l *lane) shut() {
	l.mu.Lock()
	l.closed = true
	waiting := l.inbox
	l.inbox = nil
	l.mu.Unlock()
	for _, a := range waiting {
		if a.data.Records != nil {
			l.discard(a.data)
		}
	}
}

// acknowledged returns where the lane is.
func (l *lane) acknowledged() sink.Ack {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ack
}

// makeAnchor returns the lane's acknowledged position.
func (l *lane) makeAnchor() position.Anchor {
	l.mu.Lock()
	defer l.mu.Unlock()
	return position.Anchor{
		Topic: l.source.Topic, Partition: l.source.Partition, Offset: l.ack.SourceNext - 1,
		TargetEnd: l.ack.TargetEnd, ProducerID: l.ack.ProducerID, ProducerEpoch: l.ack.ProducerEpoch,
		NextSequence: l.ack.NextSequence, LeaderEpoch: l.ack.SourceEpoch,
		SourceTopicID: l.source.ID, TargetTopicID: l.target.ID, Chain: l.chain(),
	}
}

func (l *lane) wasAnchored(next int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.anchored = next
}

// unanchored reports whether the lane moved beyond its stored anchor.
func (l *lane) unanchored() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.placed && l.ack.SourceNext != l.anchored
}

// takeMoved returns the bytes acknowledged since the last call, and whether the
// position moved beyond the stored one.
func (l *lane) takeMoved() (bytes int64, moved bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	bytes, l.bytes = l.bytes, 0
	return bytes, l.placed && l.ack.SourceNext != l.anchored
}

// lag returns the readable records that are not on the target yet, by offsets;
// -1 while the source's end is not known, and whether the lane has its place.
func (l *lane) lag() (lag int64, placed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.placed || l.bounds.readable < 0 {
		return -1, l.placed
	}
	return max(0, l.bounds.readable-l.ack.SourceNext), true
}
