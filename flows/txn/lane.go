package txn

import (
	"context"

	"github.com/strait-mirror/strait/flows/internal/wire"
	"github.com/strait-mirror/strait/flows/sink"
)

// Events is told what becomes of a lane. Calls may come from several goroutines;
// they must be short and must not call the lane.
type Events interface {
	// Acked says that everything up to a source offset, and that this is so, has
	// been committed.
	Acked(ack sink.Ack)
	// Trouble says why the lane does not move. It is being retried, unless
	// stopped. A nil error says that it moves again.
	Trouble(err error, stopped bool)
	// Refused is as in package sink.
	Refused(ctx context.Context, b sink.Batch, code int16, message string) ([]sink.Batch, error)
	// Restart says that what was added since the last commit is void. The lane
	// takes nothing until its owner has called Resume and then adds from the
	// last committed position on, which may be later than the last Acked.
	Restart()
}

// LaneParams is what AddLane needs. All of it is required.
type LaneParams struct {
	Bucket   int32             // of the lane: Bucket; it is open
	Target   wire.PartitionKey // several lanes may have the same
	MaxBytes int               // the target topic's max.message.bytes, for merging; 0: Kafka's default
	Next     int64             // source offset at which it begins
	Epoch    int32             // leader epoch there
	Events   Events
}

// Lane carries one source partition to a target partition, or to several, in the
// transactions of its bucket. Add and AddParts are called by one goroutine at a time,
// the other methods by any.
type Lane struct {
	p LaneParams
	b *bucket

	// Guarded by b.mu.
	queue []queued // not yet part of a transaction
	// others are the target partitions beside p.Target that it writes to, without
	// their topics' ids; true: copies of records go there.
	others  map[wire.PartitionKey]bool
	next    int64 // where the lane is once what was handed out is committed
	epoch   int32
	moved   bool  // next is not committed
	records int64 // handed out since the last commit
	aside   int64 // the same, of what is no copy
	bytes   int64 // handed out since the last commit
	lost    bool  // waits for Resume
	closed  bool  // takes nothing more
}

// Part is a batch on its way to one of several target partitions.
type Part struct {
	sink.Batch
	Target   wire.PartitionKey
	MaxBytes int  // as in LaneParams
	Aside    bool // not one of the copies that are counted
}

// queued is a part that waits.
type queued struct {
	Part
	joined bool // is in one transaction with what is behind it in the queue
}

// writesLocked reports whether the lane may have something in a target partition.
func (l *Lane) writesLocked(target wire.PartitionKey) bool {
	_, ok := l.others[plain(target)]
	return ok || plain(target) == plain(l.p.Target)
}

// aloneLocked reports whether all copies go to p.Target.
func (l *Lane) aloneLocked() bool {
	for _, copies := range l.others {
		if copies {
			return false
		}
	}
	return true
}

// AddLane returns a lane that waits for its first batch. Its position is stored
// with the next commit.
func (s *Set) AddLane(p LaneParams) *Lane {
	b := s.buckets[p.Bucket]
	l := &Lane{p: p, b: b, next: p.Next, epoch: p.Epoch, moved: true}
	b.mu.Lock()
	b.lanes = append(b.lanes, l)
	l.lost = b.down
	b.mu.Unlock()
	b.signal()
	return l
}

// Add queues a batch for the next transaction that has room; it never blocks. The
// caller bounds what it adds by the budget. What is added between the end of a
// transaction and Resume is dropped, and so is everything after Close.
func (l *Lane) Add(b sink.Batch) {
	l.AddParts([]Part{{Batch: b, Target: l.p.Target, MaxBytes: l.p.MaxBytes}})
}

// AddParts is Add for what was made of one batch of the source: all of it is in one
// transaction, so that no position is between its parts. The last one says where the
// source goes on.
func (l *Lane) AddParts(parts []Part) {
	if len(parts) == 0 {
		return
	}
	l.b.mu.Lock()
	if l.closed || l.lost {
		l.b.mu.Unlock()
		for _, p := range parts {
			release(p.Batch)
		}
		return
	}
	if len(l.queue) == 0 {
		l.b.waiting = append(l.b.waiting, l)
	}
	for i, p := range parts {
		l.queue = append(l.queue, queued{Part: p, joined: i < len(parts)-1})
		if key := plain(p.Target); key != plain(l.p.Target) {
			if l.others == nil {
				l.others = map[wire.PartitionKey]bool{}
			}
			l.others[key] = l.others[key] || !p.Aside
		}
	}
	l.b.mu.Unlock()
	l.b.signal()
}

// Advance says that the source has nothing to mirror up to next after what was
// added.
func (l *Lane) Advance(next int64, epoch int32) {
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	switch {
	case l.closed, l.lost:
		return
	case len(l.queue) > 0:
		last := &l.queue[len(l.queue)-1]
		last.SourceNext, last.SourceEpoch = next, epoch
	default:
		l.next, l.epoch, l.moved = next, epoch, true
	}
	l.b.signal()
}

// Resume ends what Restart began: the lane goes on at a source offset.
func (l *Lane) Resume(next int64, epoch int32) {
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	if !l.closed {
		l.lost, l.next, l.epoch, l.moved = false, next, epoch, true
		l.b.signal()
	}
}

// Close stops the lane: what is not part of a transaction yet is dropped, for the
// commit of what is, it waits until ctx ends. It reports whether nothing is left
// to commit.
func (l *Lane) Close(ctx context.Context) bool {
	b := l.b
	b.mu.Lock()
	l.closed = true
	dropped := l.queue
	l.queue = nil
	b.hurry = b.hurry || l.moved
	b.mu.Unlock()
	b.signal()
	for _, d := range dropped {
		release(d.Batch)
	}
	if !b.rest(ctx, l) {
		return false // its position still belongs to what it has in the transaction
	}
	b.forget(l)
	return true
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
