// Package fence owns producer ids whose late requests can be shut out of a target
// partition. A broker recognises a request that comes late by what it remembers of
// its producer, and forgets producers by the age of their records
// (producer.id.expiration.ms): of old data a late request would be appended once
// more. A marker of a transaction, though, carries the clock's time and raises the
// epoch of its producer in the partition, so that the broker refuses what is older
// for as long as it would remember a producer of new data, if only nothing is
// appended under that producer id again. Each id is therefore used until it is
// shut out, and never after. docs/adr/0012 has the argument.
//
// The records themselves are in no transaction: a producer id that a transactional
// id gave out may also write without one.
package fence

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/transaction"
	"github.com/strait-mirror/strait/flows/internal/wire"
	"github.com/strait-mirror/strait/flows/sink"
)

// Params is what New needs; all of it is required.
type Params struct {
	Client *kgo.Client      // for requests to coordinators, of the versions before transaction.version 2
	On     *cluster.Cluster // the target
	Name   string           // the transactional ids are this, a dash and a number; no other lane has it
	Target cluster.TopicPartition
}

// Lane is the succession of producer ids of one lane. Its methods are called by one
// goroutine at a time, but for Number.
type Lane struct {
	p     Params
	last  int32                 // number of the last transactional id that was taken, or found in use; 0: none
	spare *transaction.Producer // taken by TakeOver, for the next Next; nil: none

	mu      sync.Mutex      // guards the rest
	numbers map[int64]int32 // of the producer ids that were taken
}

// New returns a lane that has no producer id.
func New(p Params) *Lane { return &Lane{p: p, numbers: map[int64]int32{}} }

// ErrUnknown says that the coordinator knows the transactional id of a producer no
// longer (transactional.id.expiration.ms, a week by default), or has given it to
// another producer: its requests cannot be shut out.
var ErrUnknown = errors.New("the transactional id of the partition's producer has expired")

// Number returns which of the lane's ids a producer id is, as an anchor says it; 0:
// it is none. It is safe for concurrent use.
func (l *Lane) Number(id int64) int32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.numbers[id]
}

// Is says which of the lane's ids a producer id is, that an anchor told of.
func (l *Lane) Is(id int64, number int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.numbers[id] = number
	l.last = max(l.last, number)
}

// timeout of a transaction that holds one marker, and is ended at once.
const timeout = time.Minute

func (l *Lane) id(number int32) *transaction.ID {
	return &transaction.ID{Client: l.p.Client, Name: fmt.Sprintf("%s-%d", l.p.Name, number), Timeout: timeout}
}

// Next takes a producer id that nobody has had. Of several that take at the same
// time each gets another: its coordinator gives epoch 0 of an id to one only.
func (l *Lane) Next(ctx context.Context) (id int64, epoch int16, err error) {
	for l.spare == nil {
		p, err := l.id(l.last + 1).Begin(ctx)
		if err != nil {
			return 0, 0, err
		}
		l.last++
		if p.Epoch == 0 { // else it is somebody's
			l.spare = &p
		}
	}
	p := l.spare
	l.spare = nil
	l.Is(p.ID, l.last)
	return p.ID, p.Epoch, nil
}

// Shut has the target partition refuse what is under way of a producer id that Next
// returned, from its return on. The lane's next id must have been taken before: who
// takes the lane over begins by shutting out all that were taken, so that either he
// finds the next one, or it is found here that he has come (sink.ErrTaken).
func (l *Lane) Shut(ctx context.Context, id int64, epoch int16) error {
	t := l.id(l.Number(id))
	p, err := t.Renew(ctx, transaction.Producer{ID: id, Epoch: epoch})
	switch {
	case transaction.Fenced(err):
		return fmt.Errorf("%w: %w", sink.ErrTaken, err)
	case errors.Is(err, kerr.InvalidProducerIDMapping):
		return fmt.Errorf("%w: %w", ErrUnknown, err)
	case err != nil:
		return err
	}
	return l.mark(ctx, t, p)
}

// TakeOver shuts out whoever may write as the lane, of whom is known that he began
// with the producer id that number stands for: that one and all that were taken
// after it; number 0: all that ever were. It returns their ids in this order; records
// of theirs have epoch 0 except where an anchor says otherwise. The next id that Next
// returns was nobody's when the last of them had been shut out.
func (l *Lane) TakeOver(ctx context.Context, number int32, id int64) (shut []int64, err error) {
	for n := max(number, 1); ; n++ {
		t := l.id(n)
		p, err := t.Begin(ctx)
		switch {
		case err != nil:
			return nil, err
		case n == number && p.ID != id:
			return nil, ErrUnknown
		case n > number && p.Epoch == 0:
			l.last, l.spare = n, &p
			return shut, nil
		}
		if err := l.mark(ctx, t, p); err != nil {
			return nil, err
		}
		shut = append(shut, p.ID)
	}
}

// mark writes a marker of an aborted transaction to the target partition and returns
// when it is there for good.
func (l *Lane) mark(ctx context.Context, t *transaction.ID, p transaction.Producer) error {
	key := wire.PartitionKey{Topic: l.p.Target.Topic, Partition: l.p.Target.Partition}
	err := t.Add(ctx, p, []wire.PartitionKey{key})
	if err == nil {
		_, err = t.End(ctx, p, false)
	}
	switch {
	case transaction.Fenced(err):
		return fmt.Errorf("%w: %w", sink.ErrTaken, err)
	case err != nil:
		return err
	}
	known, err := l.settled(ctx, t)
	if err != nil {
		return err
	}
	return l.arrived(ctx, p, known)
}

// Pause between looks, and how many of a coordinator that fail are enough.
const (
	pause = 5 * time.Millisecond
	looks = 10
)

// settled waits until the coordinator has written the marker: before, one that
// fails over would write it once more. It reports whether that is known:
// coordinators before Kafka 3.0 cannot be asked.
func (l *Lane) settled(ctx context.Context, t *transaction.ID) (known bool, err error) {
	for failed := 0; failed < looks; {
		g, err := t.Look(ctx)
		switch {
		case err == nil && g.Settled():
			return true, nil
		case err != nil:
			failed++
		}
		if err := sleep(ctx); err != nil {
			return false, err
		}
	}
	return false, nil
}

// arrived waits until the partition's leader knows the producer by its new epoch. Who
// may not ask it takes the coordinator's word.
func (l *Lane) arrived(ctx context.Context, p transaction.Producer, known bool) error {
	for {
		at := l.p.On.DescribeProducers(ctx, []cluster.TopicPartition{l.p.Target})[l.p.Target]
		switch {
		case at.Err == nil && at.ByID[p.ID].Epoch >= p.Epoch:
			return nil
		case errors.Is(at.Err, kerr.TopicAuthorizationFailed) && known:
			return nil
		case errors.Is(at.Err, kerr.TopicAuthorizationFailed), errors.Is(at.Err, kerr.UnsupportedVersion):
			return fmt.Errorf("looking for the marker of producer id %d in %s/%d: %w", p.ID, l.p.Target.Topic, l.p.Target.Partition, at.Err)
		}
		if err := sleep(ctx); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context) error {
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
