package mirror

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/strait-mirror/strait/flows/source"
)

// arrival is what a lane has to deal with next: data, or a new place to go on at
// after what came before it.
type arrival struct {
	data  source.Fetched // Records is nil for a jump
	at    time.Time
	jump  int64
	epoch int32
	again bool // go on from what is committed
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
	l.session.flow.readSize.Add(int64(len(f.Data())))
	if !l.arrive(arrival{data: f, at: time.Now()}) {
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
		case a.again:
			l.goBack()
		case a.data.Records == nil:
			l.goOnAt(ctx, a)
		case a.data.Offset > l.next:
			l.discard(a.data) // asked for before a Seek
		default:
			l.arrived = a.at
			l.process(ctx, a.data)
		}
	}
}

// countOn goes on counting behind what the source lost.
func (l *lane) countOn(ctx context.Context, a arrival) {
	if l.skip.compared == nil {
		if err := l.session.align(ctx, l, comparePatience); err != nil {
			if ctx.Err() == nil { // the fetcher will find them missing again
				l.unproven(ctx, &UnprovenError{Why: "the source lost records that had to be counted", Err: err})
			}
			return
		}
	}
	l.skip.compared.jumped(sourcePlace{a.jump, a.epoch})
	l.next = a.jump
	l.ended(ctx)
}

// goOnAt goes on behind what the source lost.
func (l *lane) goOnAt(ctx context.Context, a arrival) {
	if l.skip != nil {
		l.countOn(ctx, a)
		return
	}
	l.next = a.jump
	l.out.Advance(a.jump, a.epoch)
	if l.complete() {
		l.session.satisfied(l)
	}
}
