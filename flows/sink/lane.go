package sink

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/strait-mirror/strait/flows/internal/batch"
	"github.com/strait-mirror/strait/flows/internal/wire"
)

// state is where a lane is in its life.
type state int

const (
	// stateOpen: one batch in flight, since the broker may hold no state for the
	// producer and would then accept any sequence: with two in flight, a refused
	// first and an accepted second would be a reorder.
	stateOpen    state = iota
	stateRun           // several in flight
	stateDrain         // something failed: nothing is sent until every send has an outcome
	stateStopped       // gave up, or was closed: nothing is ever sent again
)

// LaneParams is what AddLane needs.
type LaneParams struct {
	Target        wire.PartitionKey // required; ID may be zero; several lanes may have the same
	ProducerID    int64             // required; no other lane may use it in the target partition, now or later
	ProducerEpoch int16
	NextSequence  int32  // of the next record
	TargetEnd     int64  // where the next record is expected to be appended
	LastTime      int64  // max timestamp of the producer's last batch in the partition, ms; 0: not known
	MaxBytes      int    // the target topic's max.message.bytes, for merging; 0: Kafka's default
	Events        Events // required

	Fence  Fence // nil: none
	Fenced bool  // ProducerID is one of Fence's
	Shut   bool  // ProducerID is shut out: another is taken before the first batch
	// Counted is, with Shut, where the lane's own records end: others who took it over
	// may have written between there and TargetEnd.
	Counted int64
}

// acked is where the lane is before anything of it is acknowledged.
func (p *LaneParams) acked() Ack {
	a := Ack{TargetEnd: p.TargetEnd, NextSequence: p.NextSequence, ProducerID: p.ProducerID, ProducerEpoch: p.ProducerEpoch}
	if p.Shut {
		a.TargetEnd = p.Counted
	}
	return a
}

// Fence gives a lane producer ids whose late requests can be shut out. They are for
// records so old that the broker may forget who wrote them, and with that
// recognise a late request no longer.
type Fence interface {
	// Next returns a producer id that nobody has had. ErrNoFence says that there is
	// none now, ErrTaken that the lane is to stop; after another error it is asked again.
	Next(ctx context.Context) (id int64, epoch int16, err error)
	// Shut has the target partition refuse, from its return on, what is under way of
	// the producer id that the call of Next before the last returned. ErrNoFence says
	// that this cannot be done; another error stops the lane.
	Shut(ctx context.Context, id int64, epoch int16) error
}

// ErrTaken says that somebody else has taken the lane over: it stops.
var ErrTaken = errors.New("another process has taken over the partition")

// ErrNoFence says that no producer id can be shut out, or none be had that could.
var ErrNoFence = errors.New("late requests cannot be shut out")

// Events is told what becomes of a lane. Calls for one lane come one at a time;
// they must be short and must not call the lane.
type Events interface {
	// Acked says that everything up to a position is on the target, replicated.
	Acked(Ack)
	// Trouble says why the lane does not move. It is being retried, unless
	// stopped. A nil error says that it moves again.
	Trouble(err error, stopped bool)
	// Refused asks for a replacement of a batch that the target will never
	// accept as it is: split, or without the records it refuses. An error
	// stops the lane. It may take its time.
	Refused(ctx context.Context, b Batch, code int16, message string) ([]Batch, error)
	// Renewing says that the lane is about to go on under another producer id,
	// from the place in its argument on; nothing was sent under it yet. It may
	// take its time. An error stops the lane.
	Renewing(context.Context, Ack) error
}

// Ack is how far a lane has come.
type Ack struct {
	SourceNext    int64 // next source offset to mirror
	SourceEpoch   int32 // leader epoch of the last batch
	TargetEnd     int64 // offset after the last batch on the target
	ProducerID    int64
	ProducerEpoch int16
	NextSequence  int32
	LastTime      int64 // max timestamp of the last batch, ms; 0: none of this lane's yet
	Records       int64 // newly acknowledged
	Bytes         int64
	Aside         int64 // records newly acknowledged elsewhere that are no copies: dead letters
	Foreign       int64 // offsets below TargetEnd that somebody else newly took, where no other lane of ours writes
}

// Lane carries one source partition to one target partition, where others may
// append as well. Its methods are safe for concurrent use.
type Lane struct {
	sink   *Sink
	events Events

	mu     sync.Mutex // guards the rest; taken before a broker's
	key    wire.PartitionKey
	state  state
	ready  bool  // in the ready list of a broker
	broker int32 // of the batches in flight

	pid      int64
	pidEpoch int16
	queue    []Batch // not yet numbered
	window   []entry // numbered, in order, not yet acknowledged
	sent     int     // entries of window sent in this round
	out      int     // sends without an outcome
	acked    Ack     // with counters unset
	next     numbering
	maxBytes int
	lastTime int64 // max timestamp of the last acknowledged batch, ms
	foreign  int64 // offsets that somebody else took since the last acknowledgement

	fence    Fence     // nil: none
	fenced   bool      // pid is one of fence's
	fencedAt time.Time // when it was taken
	shut     bool      // pid is shut out
	unfenced time.Time // when fence had none the last time
	spare    *producer // to go on as, once the window is settled; only resolve's goroutine uses it

	failure   failure       // what ended the round
	resolving bool          // a goroutine is at it
	attempts  int           // rounds without progress
	troubled  bool          // Trouble was called with an error
	quiet     chan struct{} // closed when nothing is in flight and state is stopped; nil unless somebody waits
}

// numbering is where the next new batch goes.
type numbering struct {
	sequence int32
	base     int64
}

// entry is a batch with its place in the producer's stream. Both stay the same
// however often it is sent.
type entry struct {
	Batch
	sequence int32
	base     int64 // where it is expected on the target
	late     bool  // a send of it had no answer, so that it may still arrive
}

func (e *entry) end() int32 { return addSequence(e.sequence, e.Records) }

// addSequence adds n records to a sequence, which wraps from 2^31−1 to 0.
func addSequence(seq, n int32) int32 {
	return int32((int64(seq) + int64(n)) & 0x7fffffff)
}

// AddLane returns a lane that waits for its first batch.
func (s *Sink) AddLane(p LaneParams) *Lane {
	s.addWriter(p.Target)
	return &Lane{
		sink: s, events: p.Events, key: p.Target, broker: -1, maxBytes: p.MaxBytes,
		pid: p.ProducerID, pidEpoch: p.ProducerEpoch, lastTime: p.LastTime,
		next:  numbering{p.NextSequence, p.TargetEnd},
		acked: p.acked(),
		fence: p.Fence, fenced: p.Fenced, shut: p.Shut, fencedAt: time.Now(),
	}
}

// Rebegin has a lane of which nothing is left to acknowledge begin at another
// place.
func (l *Lane) Rebegin(p LaneParams) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == stateRun {
		l.state = stateOpen
	}
	l.pid, l.pidEpoch, l.lastTime = p.ProducerID, p.ProducerEpoch, p.LastTime
	l.next = numbering{p.NextSequence, p.TargetEnd}
	l.acked = p.acked()
	l.fenced, l.shut, l.fencedAt = p.Fenced, p.Shut, time.Now()
}

// Add appends a batch to the lane's queue; it never blocks. The caller bounds
// what it adds by the budget. After Close, batches are dropped.
func (l *Lane) Add(b Batch) {
	l.mu.Lock()
	if l.state == stateStopped {
		l.mu.Unlock()
		release(b)
		return
	}
	l.queue = append(l.queue, b)
	l.scheduleLocked()
	l.mu.Unlock()
}

// Advance says that the source has nothing to mirror up to sourceNext after
// what was added: dropped batches, markers, gaps.
func (l *Lane) Advance(sourceNext int64, sourceEpoch int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.state == stateStopped:
	case len(l.queue) > 0:
		last := &l.queue[len(l.queue)-1]
		last.SourceNext, last.SourceEpoch = sourceNext, sourceEpoch
	case len(l.window) > 0:
		last := &l.window[len(l.window)-1]
		last.SourceNext, last.SourceEpoch = sourceNext, sourceEpoch
	default:
		l.acked.SourceNext, l.acked.SourceEpoch = sourceNext, sourceEpoch
		l.events.Acked(l.acked)
	}
}

// Close stops the lane: queued batches are dropped, those in flight are waited
// for until ctx ends. It reports whether all of them were acknowledged.
func (l *Lane) Close(ctx context.Context) bool {
	l.mu.Lock()
	dropped := l.queue
	l.queue = nil
	if len(l.window) == 0 || l.state == stateStopped {
		l.state = stateStopped
	} else {
		l.quiet = make(chan struct{})
	}
	quiet := l.quiet
	l.mu.Unlock()
	for _, b := range dropped {
		release(b)
	}
	if quiet != nil {
		select {
		case <-quiet:
		case <-ctx.Done():
		case <-l.sink.closed:
		}
	}
	l.mu.Lock()
	l.state = stateStopped
	rested := len(l.window) == 0
	var left []entry
	if !l.resolving { // else resolve is looking at the window, and drops it
		left = l.dropLocked()
	}
	l.mu.Unlock()
	releaseAll(left)
	return rested
}

// dropLocked empties the window and returns what was in it, for release.
func (l *Lane) dropLocked() []entry {
	left := l.window
	l.window, l.sent = nil, 0
	return left
}

// Pending returns the number of batches not yet acknowledged.
func (l *Lane) Pending() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue) + len(l.window)
}

func (l *Lane) target() wire.PartitionKey {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.key
}

func releaseAll(entries []entry) {
	for i := range entries {
		release(entries[i].Batch)
	}
}

// release gives back what a batch holds.
func release(b Batch) {
	if b.Buffer != nil {
		b.Buffer.Release()
	}
	if b.Owner != nil {
		b.Owner.Release()
	}
}

// maySendLocked reports whether a batch may be sent now.
func (l *Lane) maySendLocked() bool {
	if l.state != stateOpen && l.state != stateRun {
		return false
	}
	nextTime, any := l.nextTimeLocked()
	switch {
	case !any:
		return false
	case l.out == 0:
		return true
	}
	return l.state == stateRun && l.out < l.sink.p.Window && !l.oldLocked(nextTime)
}

// nextTimeLocked returns the max timestamp of the batch that is to be sent next.
func (l *Lane) nextTimeLocked() (ms int64, any bool) {
	switch {
	case l.sent < len(l.window):
		return l.window[l.sent].MaxTimestamp, true
	case len(l.queue) > 0:
		return l.queue[0].MaxTimestamp, true
	}
	return 0, false
}

// oldLocked reports whether the broker may forget the producer between two
// batches, because what it last saw is older than producer.id.expiration.ms:
// then only one batch may be in flight.
func (l *Lane) oldLocked(nextTime int64) bool {
	if l.sink.transactional() {
		return false // no broker forgets who has a transaction open
	}
	limit := time.Now().Add(-l.sink.p.ProducerIDExpiration * 9 / 10).UnixMilli()
	if nextTime < limit || (l.lastTime != 0 && l.lastTime < limit) {
		return true
	}
	for i := range l.window[:l.sent] {
		if l.window[i].MaxTimestamp < limit {
			return true
		}
	}
	return false
}

// scheduleLocked puts the lane into the ready list of its partition's leader, or
// starts looking for the leader.
func (l *Lane) scheduleLocked() {
	if l.ready || !l.maySendLocked() {
		return
	}
	id, _, topicID, ok := l.sink.p.Leaders.Leader(l.key.Topic, l.key.Partition)
	if !ok {
		l.failLocked(failure{kind: failLeader, err: errNoLeader})
		return
	}
	if l.key.ID != topicID && l.key.ID != (wire.TopicID{}) && topicID != (wire.TopicID{}) {
		l.failLocked(failure{kind: failRecreated, err: &RecreatedError{Topic: l.key.Topic}})
		return
	}
	if id != l.broker {
		if l.out > 0 {
			// Never two leaders at once: wait for what is out, then go over.
			l.failLocked(failure{kind: failMoved, err: errMoved})
			return
		}
		l.state = stateOpen
		l.broker = id
	}
	if l.key.ID == (wire.TopicID{}) {
		l.key.ID = topicID
	}
	if l.unsafeLocked() {
		l.failLocked(failure{kind: failUnsafe, err: errUnsafe})
		return
	}
	l.ready = true
	l.sink.broker(id).push(l)
}

type verdict int

const (
	takeNothing verdict = iota // the lane has nothing to send, now
	takeNoRoom                 // the lane's batch does not fit
	takeBatch
)

// take hands the next batch to a broker that is packing a request. A batch
// larger than the room is taken only as the first of a request.
func (l *Lane) take(b *broker, room int, first bool) (entry, verdict) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.maySendLocked() || l.broker != b.id {
		l.ready = false
		l.scheduleLocked() // its leader may have changed while it waited
		return entry{}, takeNothing
	}
	if l.sent == len(l.window) {
		size := len(l.queue[0].Data)
		if size > room && !first {
			return entry{}, takeNoRoom
		}
		l.numberLocked()
	} else {
		if len(l.window[l.sent].Data) > room && !first {
			return entry{}, takeNoRoom
		}
		l.sink.stats.Resent.Add(1)
	}
	e := l.window[l.sent]
	if e.Buffer != nil {
		e.Buffer.Retain() // until the request is made: Close may drop the window meanwhile
	}
	l.sent++
	l.out++
	l.ready = false
	return e, takeBatch
}

// requeue reports whether the lane has more to send to b, and then counts as
// ready there.
func (l *Lane) requeue(b *broker) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ready || l.broker != b.id || !l.maySendLocked() {
		return false
	}
	l.ready = true
	return true
}

// numberLocked gives the next queued batch, or several merged into one, its
// place in the stream.
func (l *Lane) numberLocked() {
	b := l.nextBatchLocked()
	batch.Stamp(b.Data, l.pid, l.pidEpoch, l.next.sequence, l.sink.transactional())
	l.window = append(l.window, entry{Batch: b, sequence: l.next.sequence, base: l.next.base})
	l.next.sequence = addSequence(l.next.sequence, b.Records)
	l.next.base += int64(b.Records)
}
