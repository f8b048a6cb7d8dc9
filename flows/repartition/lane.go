package repartition

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/flows/sink"
)

// LaneParams is what AddLane needs. All of it is required.
type LaneParams struct {
	Topic  string // on the target
	Events Events
}

// Lane carries the records of one source partition to a target topic. Add is
// called by one goroutine at a time.
type Lane struct {
	sink   *Sink
	topic  string
	events Events

	mu       sync.Mutex // guards the rest; held while events are told
	queue    []*parcel  // not acknowledged, in order
	sent     int        // parcels of queue that were handed to the client
	flying   int        // records of those without an outcome
	busy     bool       // a goroutine hands out parcels, or mends
	broken   bool       // a record failed: nothing is sent until all that fly are down
	closed   bool       // takes nothing more
	left     bool       // Close has given up: who is busy releases what is in the queue
	troubled bool       // Trouble was called with an error
	moved    time.Time  // when something was acknowledged or the first parcel came
	acked    sink.Ack   // with counters unset
	quiet    chan struct{}
}

// parcel is a batch on its way.
type parcel struct {
	sink.Batch
	left   int  // records without an outcome
	failed bool // one of them failed
}

// AddLane returns a lane that waits for its first batch.
func (s *Sink) AddLane(p LaneParams) *Lane {
	l := &Lane{sink: s, topic: p.Topic, events: p.Events, acked: sink.Ack{TargetEnd: -1, ProducerID: -1}}
	s.mu.Lock()
	s.lanes[l] = struct{}{}
	s.mu.Unlock()
	return l
}

// Add hands the records of a batch of magic 2 to the producer. It waits while
// that holds as much as it may. After Close, batches are dropped.
func (l *Lane) Add(b sink.Batch) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		release(b)
		return
	}
	if len(l.queue) == 0 {
		l.moved = time.Now()
	}
	l.queue = append(l.queue, &parcel{Batch: b})
	if l.busy || l.broken {
		l.mu.Unlock()
		return // whoever is at it comes to this one, too
	}
	l.busy = true
	l.mu.Unlock()
	l.send()
}

// Advance says that the source has nothing to mirror up to sourceNext after
// what was added.
func (l *Lane) Advance(sourceNext int64, sourceEpoch int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
	case len(l.queue) > 0:
		last := l.queue[len(l.queue)-1]
		last.SourceNext, last.SourceEpoch = sourceNext, sourceEpoch
	default:
		l.acked.SourceNext, l.acked.SourceEpoch = sourceNext, sourceEpoch
		l.events.Acked(l.acked)
	}
}

// Close stops the lane: what was not handed out is dropped, what was is waited
// for until ctx ends. It reports whether all of that was acknowledged.
func (l *Lane) Close(ctx context.Context) bool {
	l.sink.mu.Lock()
	delete(l.sink.lanes, l)
	l.sink.mu.Unlock()

	l.mu.Lock()
	l.closed = true
	var dropped []*parcel
	if !l.broken { // else mend looks at them
		dropped, l.queue = l.queue[l.sent:], l.queue[:l.sent:l.sent]
	}
	quiet := make(chan struct{})
	l.quiet = quiet
	l.settleLocked()
	l.mu.Unlock()
	for _, p := range dropped {
		release(p.Batch)
	}
	select {
	case <-quiet:
	case <-ctx.Done():
	case <-l.sink.ctx.Done():
	}
	l.mu.Lock()
	rested := len(l.queue) == 0
	l.left = true
	var left []*parcel
	if !l.busy { // else their bytes are being read
		left = l.restLocked()
	}
	l.mu.Unlock()
	for _, p := range left {
		release(p.Batch)
	}
	return rested
}

// restLocked ends what made the lane busy. It returns what its caller has to
// release.
func (l *Lane) restLocked() (left []*parcel) {
	l.busy = false
	if l.left {
		left, l.queue, l.sent = l.queue, nil, 0
	}
	l.settleLocked()
	return left
}

// send hands out the parcels that wait, in order. Its caller has set busy.
func (l *Lane) send() {
	for {
		l.mu.Lock()
		if l.broken || l.sent == len(l.queue) || l.sink.ctx.Err() != nil {
			left := l.restLocked()
			l.mu.Unlock()
			for _, p := range left {
				release(p.Batch)
			}
			return
		}
		p := l.queue[l.sent]
		l.sent++
		p.left = int(p.Records)
		l.flying += p.left
		l.mu.Unlock()

		handed := 0
		for r, err := range l.sink.p.Recoder.Records(p.Data) {
			if err != nil {
				break // what was not handed out fails, and mend says why
			}
			handed++
			l.sink.p.Client.Produce(l.sink.ctx, l.record(r), func(_ *kgo.Record, err error) { l.landed(p, 1, err) })
		}
		if rest := int(p.Records) - handed; rest > 0 {
			l.landed(p, rest, errUnread)
		}
	}
}

// errUnread stands for the records of a batch that could not be decoded.
var errUnread = errors.New("decoding a batch")

// landed takes the outcome of n records of a parcel.
func (l *Lane) landed(p *parcel, n int, err error) {
	l.mu.Lock()
	p.left -= n
	l.flying -= n
	if err != nil {
		p.failed, l.broken = true, true
	}
	done := l.popLocked()
	l.settleLocked()
	l.mu.Unlock()
	for _, p := range done {
		release(p.Batch)
	}
}

// popLocked takes what is acknowledged off the head of the queue, and says so.
func (l *Lane) popLocked() (done []*parcel) {
	for l.sent > 0 && len(l.queue) > 0 && l.queue[0].left == 0 && !l.queue[0].failed {
		p := l.queue[0]
		l.queue, l.sent = l.queue[1:], l.sent-1
		l.ackLocked(p)
		done = append(done, p)
	}
	return done
}

func (l *Lane) ackLocked(p *parcel) {
	l.moved = time.Now()
	l.acked.SourceNext, l.acked.SourceEpoch, l.acked.LastTime = p.SourceNext, p.SourceEpoch, p.MaxTimestamp
	ack := l.acked
	ack.Records, ack.Bytes = int64(p.Records), int64(len(p.Data))
	l.events.Acked(ack)
	if l.troubled {
		l.troubled = false
		l.events.Trouble(nil, false)
	}
}

// settleLocked does what waits for all records to be down.
func (l *Lane) settleLocked() {
	if l.flying > 0 || l.busy {
		return
	}
	if l.broken && len(l.queue) > 0 && l.sink.ctx.Err() == nil {
		l.busy = true
		l.sink.wait.Go(l.mend)
		return
	}
	if l.quiet != nil {
		close(l.quiet)
		l.quiet = nil
	}
}

// stuck reports whether the lane waits for the target too long.
func (l *Lane) stuck() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue) > 0 && time.Since(l.moved) >= patience
}

// worry says why the lane may not move.
func (l *Lane) worry(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) > 0 && time.Since(l.moved) >= patience && !l.closed {
		l.troubled = true
		l.events.Trouble(err, false)
	}
}

// refused reports whether the target takes a record never.
func refused(err error) bool {
	for _, code := range []error{kerr.MessageTooLarge, kerr.RecordListTooLarge, kerr.InvalidRecord, kerr.InvalidTimestamp} {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}

// release gives back what a batch holds.
func release(b sink.Batch) {
	if b.Buffer != nil {
		b.Buffer.Release()
	}
	if b.Owner != nil {
		b.Owner.Release()
	}
}
