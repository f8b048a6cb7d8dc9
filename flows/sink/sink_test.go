package sink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/strait-mirror/strait/flows/internal/memory"
	"github.com/strait-mirror/strait/flows/internal/wire"
)

// recorder notes what a lane was told.
type recorder struct {
	mu      sync.Mutex
	acks    []Ack
	trouble []error
	stopped bool
	refused func(b Batch) ([]Batch, error)
}

func (r *recorder) Acked(a Ack) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.acks = append(r.acks, a)
}

// foreign returns how many offsets the lane was told that others took.
func (r *recorder) foreign() (n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.acks {
		n += a.Foreign
	}
	return n
}

func (r *recorder) Trouble(err error, stopped bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.trouble = append(r.trouble, err)
	r.stopped = r.stopped || stopped
}

func (r *recorder) Renewing(context.Context, Ack) error { return nil }

func (r *recorder) Refused(_ context.Context, b Batch, _ int16, _ string) ([]Batch, error) {
	if r.refused == nil {
		return nil, errors.New("nothing else to send")
	}
	return r.refused(b)
}

func (r *recorder) isStopped() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stopped
}

func (r *recorder) last() Ack {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.acks) == 0 {
		return Ack{}
	}
	return r.acks[len(r.acks)-1]
}

// owned counts the batches that were given back.
type owned struct {
	mu   sync.Mutex
	left int
}

func (o *owned) Release() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.left--
}

type rig struct {
	kafka *fakeKafka
	sink  *Sink
	lanes []*Lane
	seen  []*recorder
	owner *owned
	stop  func()
}

func start(t *testing.T, k *fakeKafka, start int32, keys ...wire.PartitionKey) *rig {
	t.Helper()
	s, err := New(Params{
		Client: k, Leaders: k, Log: k, NewProducer: k.newProducer,
		Budget: memory.NewBudget(1 << 30), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s.Start(ctx)
	r := &rig{kafka: k, sink: s, owner: &owned{}}
	for _, key := range keys {
		rec := &recorder{}
		r.seen = append(r.seen, rec)
		r.lanes = append(r.lanes, s.AddLane(LaneParams{Target: key, ProducerID: 7, NextSequence: start, Events: rec}))
	}
	r.stop = func() {
		cancel()
		s.Wait()
		k.wait.Wait()
	}
	return r
}

func (r *rig) add(lane int, id uint64, records int32, timestamp int64) {
	r.owner.mu.Lock()
	r.owner.left++
	r.owner.mu.Unlock()
	r.lanes[lane].Add(Batch{
		Data: fakeBatch(id, records, timestamp), Owner: r.owner, Records: records,
		SourceNext: int64(id), MaxTimestamp: timestamp,
	})
}

// check compares the log of a partition with batches 1..n in order.
func (k *fakeKafka) check(key wire.PartitionKey, n uint64) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.partitions[key]
	for i, e := range p.log {
		if e.id != uint64(i)+1 {
			return fmt.Errorf("%s/%d holds batch %d in place %d", key.Topic, key.Partition, e.id, i+1)
		}
	}
	if uint64(len(p.log)) != n {
		return fmt.Errorf("%s/%d holds %d batches, want %d", key.Topic, key.Partition, len(p.log), n)
	}
	return nil
}

func keys(n int) []wire.PartitionKey {
	k := make([]wire.PartitionKey, n)
	for i := range k {
		k[i] = wire.PartitionKey{Topic: "t", Partition: int32(i)}
	}
	return k
}

// waitFor lets fake time pass until ok, at most an hour of it.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 3_600_000 {
		if ok() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("%s did not happen within an hour", what)
}

func TestLanesStayExactUnderFaults(t *testing.T) {
	const batches = 300
	for seed := range uint64(60) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ks := keys(4)
				k := newFakeKafka(seed, 3, ks...)
				k.faults = true
				first := int32(0)
				if seed%3 == 0 {
					first = 1<<31 - 1 - 200 // sequences wrap on the way
				}
				r := start(t, k, first, ks...)
				for id := uint64(1); id <= batches; id++ {
					for lane := range ks {
						r.add(lane, id, int32(id%7)+1, time.Now().UnixMilli())
					}
					if id%20 == 0 {
						k.pause(time.Second)
						k.moveLeader()
					}
				}
				waitFor(t, "the last acknowledgement", func() bool {
					for i, l := range r.lanes {
						if r.seen[i].isStopped() {
							t.Fatalf("lane %d stopped: %v", i, r.seen[i].trouble)
						}
						if l.Pending() > 0 {
							return false
						}
					}
					return true
				})
				k.mu.Lock()
				k.faults = false
				k.mu.Unlock()
				time.Sleep(10 * time.Second) // what was delayed arrives
				r.stop()
				for i, key := range ks {
					if err := k.check(key, batches); err != nil {
						t.Error(err)
					}
					if a := r.seen[i].last(); a.SourceNext != batches || a.TargetEnd != k.partitions[key].end {
						t.Errorf("lane %d acknowledged source %d, target %d; want %d, %d", i, a.SourceNext, a.TargetEnd, batches, k.partitions[key].end)
					}
				}
				if r.owner.left != 0 {
					t.Errorf("%d batches were not given back", r.owner.left)
				}
			})
		})
	}
}

func TestOldDataGoesOneBatchAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ks := keys(1)
		k := newFakeKafka(1, 1, ks...)
		k.forget = true // any batch may find its producer forgotten
		r := start(t, k, 0, ks...)
		old := time.Now().Add(-48 * time.Hour).UnixMilli()
		for id := uint64(1); id <= 200; id++ {
			r.add(0, id, 2, old)
		}
		waitFor(t, "the last acknowledgement", func() bool { return r.lanes[0].Pending() == 0 })
		r.stop()
		if err := k.check(ks[0], 200); err != nil {
			t.Error(err)
		}
	})
}

// TestOldDataStaysExactUnderFaults has brokers forget the producer at any time
// while requests arrive up to two seconds after their connection was lost.
func TestOldDataStaysExactUnderFaults(t *testing.T) {
	const batches = 100
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ks := keys(2)
				k := newFakeKafka(seed, 3, ks...)
				k.faults, k.forget = true, true
				r := start(t, k, 0, ks...)
				old := time.Now().Add(-48 * time.Hour).UnixMilli()
				for id := uint64(1); id <= batches; id++ {
					for lane := range ks {
						r.add(lane, id, int32(id%7)+1, old)
					}
				}
				waitFor(t, "the last acknowledgement", func() bool {
					return r.lanes[0].Pending() == 0 && r.lanes[1].Pending() == 0
				})
				k.mu.Lock()
				k.faults = false
				k.mu.Unlock()
				time.Sleep(10 * time.Second) // what was delayed arrives
				r.stop()
				for _, key := range ks {
					if err := k.check(key, batches); err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}

func TestForeignAppendsAreCountedAndHarmless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ks := keys(1)
		k := newFakeKafka(1, 1, ks...)
		r := start(t, k, 0, ks...)
		for id := uint64(1); id <= 10; id++ {
			r.add(0, id, 3, time.Now().UnixMilli())
			waitFor(t, "an acknowledgement", func() bool { return r.lanes[0].Pending() == 0 })
			k.mu.Lock()
			k.partitions[ks[0]].end += 2
			k.mu.Unlock()
		}
		r.stop()
		if got := r.seen[0].foreign(); got != 18 {
			t.Errorf("counted %d foreign offsets, want 18", got)
		}
		if got := r.seen[0].last().TargetEnd; got != 48 {
			t.Errorf("target end %d, want 48", got)
		}
	})
}

func TestALostTailOfTheTargetStopsTheLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ks := keys(1)
		k := newFakeKafka(1, 1, ks...)
		r := start(t, k, 0, ks...)
		r.add(0, 1, 5, time.Now().UnixMilli())
		waitFor(t, "an acknowledgement", func() bool { return r.lanes[0].Pending() == 0 })
		k.mu.Lock()
		p := k.partitions[ks[0]]
		p.end, p.log = 0, nil // state is kept, as after an unclean election between equals
		k.mu.Unlock()
		r.add(0, 2, 5, time.Now().UnixMilli())
		waitFor(t, "the stop", func() bool { return r.seen[0].isStopped() })
		r.stop()
		if _, ok := errors.AsType[*TruncatedError](r.seen[0].trouble[len(r.seen[0].trouble)-1]); !ok {
			t.Errorf("stopped with %v", r.seen[0].trouble)
		}
	})
}

func TestARefusedBatchIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ks := keys(1)
		k := newFakeKafka(1, 1, ks...)
		k.maxBytes = 69
		r := start(t, k, 0, ks...)
		now := time.Now().UnixMilli()
		r.seen[0].refused = func(b Batch) ([]Batch, error) {
			return []Batch{
				{Data: fakeBatch(3, 1, now), Records: 1, SourceNext: 2, Owner: b.Owner, MaxTimestamp: now},
				{Data: fakeBatch(4, 3, now), Records: 3, SourceNext: b.SourceNext, MaxTimestamp: now},
			}, nil
		}
		r.add(0, 1, 1, now)
		r.add(0, 2, 1, now)
		big := append(fakeBatch(99, 4, now), 0) // one byte too many
		r.owner.left++
		r.lanes[0].Add(Batch{Data: big, Owner: r.owner, Records: 4, SourceNext: 50, MaxTimestamp: now})
		for id := uint64(5); id <= 9; id++ {
			r.add(0, id, 2, now)
		}
		waitFor(t, "the last acknowledgement", func() bool { return r.lanes[0].Pending() == 0 })
		r.stop()
		if err := k.check(ks[0], 9); err != nil {
			t.Error(err)
		}
		if r.owner.left != 0 {
			t.Errorf("%d batches were not given back", r.owner.left)
		}
	})
}

func TestARefusedBatchWithoutReplacementStopsOnlyItsLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ks := keys(2)
		k := newFakeKafka(1, 1, ks...)
		k.maxBytes = 69
		r := start(t, k, 0, ks...)
		now := time.Now().UnixMilli()
		r.owner.left++
		r.lanes[0].Add(Batch{Data: append(fakeBatch(1, 1, now), 0), Owner: r.owner, Records: 1, MaxTimestamp: now})
		for id := uint64(1); id <= 20; id++ {
			r.add(1, id, 1, now)
		}
		waitFor(t, "the stop", func() bool { return r.seen[0].isStopped() && r.lanes[1].Pending() == 0 })
		if got := r.seen[0].trouble; len(got) != 1 || got[0].Error() != "nothing else to send" {
			t.Errorf("trouble is %v, want what Refused said", got)
		}
		if r.lanes[0].Close(t.Context()) {
			t.Error("a stopped lane with a batch left came to rest")
		}
		r.stop()
		if err := k.check(ks[1], 20); err != nil {
			t.Error(err)
		}
		if r.owner.left != 0 {
			t.Errorf("%d batches were not given back", r.owner.left)
		}
	})
}

func TestCloseWaitsForWhatIsInFlightAndDropsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ks := keys(1)
		k := newFakeKafka(1, 1, ks...)
		r := start(t, k, 0, ks...)
		for id := uint64(1); id <= 100; id++ {
			r.add(0, id, 1, time.Now().UnixMilli())
		}
		waitFor(t, "a full window", func() bool {
			r.lanes[0].mu.Lock()
			defer r.lanes[0].mu.Unlock()
			return r.lanes[0].out == maxWindow
		})
		if !r.lanes[0].Close(t.Context()) {
			t.Error("the lane did not come to rest")
		}
		r.stop()
		got := r.seen[0].last().SourceNext
		if err := k.check(ks[0], uint64(got)); err != nil {
			t.Errorf("acknowledged up to %d: %v", got, err)
		}
		if got == 100 {
			t.Error("nothing was dropped, the test shows nothing")
		}
		if r.owner.left != 0 {
			t.Errorf("%d batches were not given back", r.owner.left)
		}
	})
}

func TestAdvanceMovesThePosition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ks := keys(1)
		k := newFakeKafka(1, 1, ks...)
		r := start(t, k, 0, ks...)
		r.lanes[0].Advance(5, 1)
		if got := r.seen[0].last().SourceNext; got != 5 {
			t.Errorf("position %d after dropping to 5", got)
		}
		r.add(0, 10, 1, time.Now().UnixMilli())
		r.lanes[0].Advance(20, 1)
		waitFor(t, "the acknowledgement", func() bool { return r.lanes[0].Pending() == 0 })
		r.stop()
		if got := r.seen[0].last().SourceNext; got != 20 {
			t.Errorf("position %d, want 20", got)
		}
	})
}

func TestCloseWhileARefusedBatchIsBeingReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ks := keys(1)
		k := newFakeKafka(1, 1, ks...)
		k.maxBytes = 69
		r := start(t, k, 0, ks...)
		now := time.Now().UnixMilli()
		asked, answer := make(chan struct{}), make(chan struct{})
		r.seen[0].refused = func(b Batch) ([]Batch, error) {
			close(asked)
			<-answer
			return []Batch{{Data: fakeBatch(1, 1, now), Records: 1, SourceNext: 1, Owner: b.Owner, MaxTimestamp: now}}, nil
		}
		r.owner.left++
		r.lanes[0].Add(Batch{Data: append(fakeBatch(9, 1, now), 0), Owner: r.owner, Records: 1, MaxTimestamp: now})
		r.add(0, 2, 1, now)
		<-asked
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if r.lanes[0].Close(ctx) {
			t.Error("a lane with batches left came to rest")
		}
		close(answer)
		r.stop()
		if r.owner.left != 0 {
			t.Errorf("%d batches were not given back exactly once", r.owner.left)
		}
	})
}

// TestALateRequestIsAwaitedBeforeTheProducerChanges has a request arrive a second
// after its connection was lost, when the broker has meanwhile refused the
// sequence of the next one: under another producer id it would be appended twice.
func TestALateRequestIsAwaitedBeforeTheProducerChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ks := keys(1)
		k := newFakeKafka(1, 1, ks...)
		k.script = []fakeFate{arrivesLate, outOfOrder}
		r := start(t, k, 0, ks...)
		r.add(0, 1, 3, time.Now().UnixMilli())
		waitFor(t, "the acknowledgement", func() bool { return r.lanes[0].Pending() == 0 })
		time.Sleep(10 * time.Second)
		r.stop()
		if err := k.check(ks[0], 1); err != nil {
			t.Error(err)
		}
	})
}
