package txn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/strait-mirror/strait/flows/internal/transaction"
)

// FencedError says that another process has taken a bucket over.
type FencedError struct{ ID string }

func (e *FencedError) Error() string {
	return fmt.Sprintf("another process took transactional id %q over and writes these partitions", e.ID)
}

// bucket is the lanes that share a transactional id.
type bucket struct {
	set  *Set
	c    transaction.ID
	wake chan struct{} // holds one token when its goroutine has something to look at

	ctx  context.Context //nolint:containedctx // of its goroutine, whose lanes wait for what it does
	stop context.CancelFunc
	done chan struct{} // closed when its goroutine has ended

	who      transaction.Producer // of its goroutine, and of Open before that
	entered  int64                // producer id that was told to Enter last
	attempts int                  // failures since the last commit; of its goroutine
	halvings int                  // of what may be under way, by how long transactions take; of its goroutine
	began    time.Time            // of the last transaction; of its goroutine

	mu       sync.Mutex // guards the rest; never held while calling a lane of package sink, or Events
	lanes    []*Lane
	waiting  []*Lane       // lanes with a queue, each once
	hurry    bool          // commit without waiting for the interval
	down     bool          // between a failure and Restart: lanes take nothing
	failed   error         // why the present transactions cannot go on
	troubled bool          // lanes were told of trouble
	changed  chan struct{} // closed and replaced when something was committed or failed
}

func newBucket(s *Set, id string) *bucket {
	b := &bucket{
		set: s, wake: make(chan struct{}, 1), done: make(chan struct{}), changed: make(chan struct{}), entered: -1, halvings: atFirst,
	}
	b.ctx, b.stop = context.WithCancel(s.ctx)
	b.c = transaction.ID{Client: s.p.Coordinator, Name: id, Timeout: s.p.Timeout, Worry: b.complain}
	return b
}

func (b *bucket) number() int {
	n, _ := strconv.Atoi(b.c.Name[strings.LastIndexByte(b.c.Name, '-')+1:]) // made of it
	return n
}

func (b *bucket) signal() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// open takes the bucket over.
func (b *bucket) open(ctx context.Context) error {
	who, err := b.c.Begin(ctx)
	if err != nil {
		return err
	}
	return b.become(ctx, who)
}

// become goes on as another producer.
func (b *bucket) become(ctx context.Context, who transaction.Producer) error {
	if who.ID != b.entered {
		if err := b.set.p.Enter(ctx, who.ID); err != nil {
			return fmt.Errorf("entering producer id %d: %w", who.ID, err)
		}
		b.entered = who.ID
	}
	b.who = who
	return nil
}

// run writes transactions until ctx ends.
func (b *bucket) run(ctx context.Context) {
	for {
		err := b.round(ctx)
		if ctx.Err() != nil {
			return
		}
		b.recover(ctx, err)
	}
}

// errLane says that lanes that had to leave spoilt the transaction.
var errLane = errors.New("a partition stopped")

// recover takes the bucket over anew after a failure: the coordinator aborts
// what was open, and the lanes go back to what was committed.
func (b *bucket) recover(ctx context.Context, err error) {
	b.halvings = min(b.halvings+1, least)
	b.reset()
	for ctx.Err() == nil {
		b.attempts++
		switch {
		case errors.Is(err, errLane):
		case b.taken(ctx, err):
			b.standBy(ctx)
		default:
			b.set.p.Log.Info("transaction given up, going back to what is committed", "transactional_id", b.c.Name, "err", err)
			if b.attempts > 3 {
				b.complain(err)
			}
			pause(ctx, min(time.Duration(b.attempts*b.attempts)*10*time.Millisecond, 5*time.Second))
		}
		if err = b.open(ctx); err == nil {
			err = b.set.p.Positions.Refresh(ctx)
		}
		if err == nil {
			b.restart()
			return
		}
	}
}

// taken reports whether another process has the bucket now. The error alone does
// not tell: who is late may get others than those of a fence.
func (b *bucket) taken(ctx context.Context, err error) bool {
	if _, answered := errors.AsType[*kerr.Error](err); !answered {
		return false
	}
	now, lookErr := b.c.Look(ctx)
	if lookErr != nil {
		return transaction.Fenced(err)
	}
	if now.Owner == b.who {
		return false
	}
	if now.Ours(b.who) && time.Since(b.began) >= b.set.p.Timeout {
		b.set.p.Log.Warn("transaction was aborted for its age", "transactional_id", b.c.Name, "timeout", b.set.p.Timeout)
		return false
	}
	return true
}

// standBy waits while another owner of the id is at work. One that is gone cannot
// be told from one that has nothing to do; a bucket that is taken from such a one
// costs it nothing but that it will take it back.
func (b *bucket) standBy(ctx context.Context) {
	const every = time.Second
	b.complain(&FencedError{ID: b.c.Name})
	var last transaction.Glance
	for still := time.Now(); time.Since(still) < b.set.p.StandBy && ctx.Err() == nil; pause(ctx, every) {
		if now, err := b.c.Look(ctx); err == nil && now != last {
			last, still = now, time.Now()
		}
	}
}

// reset makes everything void that is not committed.
func (b *bucket) reset() {
	b.mu.Lock()
	b.down, b.failed, b.waiting = true, nil, nil
	for _, l := range b.lanes {
		for _, q := range l.queue {
			release(q.Batch)
		}
		l.queue, l.records, l.aside, l.bytes = nil, 0, 0, 0
		l.lost, l.moved = true, false
	}
	b.broadcastLocked()
	b.mu.Unlock()
}

// restart lets the lanes go on from what is committed.
func (b *bucket) restart() {
	b.mu.Lock()
	b.down = false
	lanes := slices.Clone(b.lanes)
	b.mu.Unlock()
	for _, l := range lanes {
		l.p.Events.Restart()
	}
}

// complain tells all lanes why they do not move; with nil, that they do again.
func (b *bucket) complain(err error) {
	b.mu.Lock()
	b.troubled = err != nil
	lanes := slices.Clone(b.lanes)
	b.mu.Unlock()
	for _, l := range lanes {
		l.p.Events.Trouble(err, false)
	}
}

// end takes lanes out that cannot go on, and tells them why. What they have in the
// open transaction must not be committed without their positions, so it fails.
func (b *bucket) end(lanes []*Lane, err error) {
	b.fail(errLane)
	b.mu.Lock()
	for _, l := range lanes {
		for _, q := range l.queue {
			release(q.Batch)
		}
		l.queue, l.closed, l.moved = nil, true, false
	}
	b.mu.Unlock()
	for _, l := range lanes {
		b.forget(l)
		l.p.Events.Trouble(err, true)
	}
}

// forget drops a lane of which nothing is left to commit.
func (b *bucket) forget(l *Lane) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lanes = slices.DeleteFunc(b.lanes, func(o *Lane) bool { return o == l })
	b.waiting = slices.DeleteFunc(b.waiting, func(o *Lane) bool { return o == l })
}

// fail ends the present transactions.
func (b *bucket) fail(err error) {
	b.mu.Lock()
	if b.failed == nil || errors.Is(b.failed, errLane) {
		b.failed = err
	}
	b.mu.Unlock()
	b.signal()
}

func (b *bucket) failure() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failed
}

// rest waits until nothing of a lane is left to commit.
func (b *bucket) rest(ctx context.Context, l *Lane) bool {
	for {
		b.mu.Lock()
		rested, changed := !l.moved || l.lost, b.changed
		b.mu.Unlock()
		if rested {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		case <-b.ctx.Done():
			return false
		}
	}
}

func (b *bucket) broadcastLocked() {
	close(b.changed)
	b.changed = make(chan struct{})
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
