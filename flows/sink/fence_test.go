package sink

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/strait-mirror/strait/flows/internal/wire"
)

// fakeFence fences lanes of a fakeKafka by markers, which take an offset.
type fakeFence struct {
	kafka *fakeKafka
	key   wire.PartitionKey
	none  error        // what Next returns instead of an id
	ids   atomic.Int64 // taken
	shuts atomic.Int64 // ids that were shut out
}

func (f *fakeFence) Next(ctx context.Context) (int64, int16, error) {
	if f.none != nil {
		return 0, 0, f.none
	}
	f.ids.Add(1)
	f.kafka.pause(20 * time.Millisecond)
	return f.kafka.newProducer(ctx)
}

func (f *fakeFence) Shut(_ context.Context, id int64, _ int16) error {
	f.shuts.Add(1)
	f.kafka.pause(200 * time.Millisecond)
	f.kafka.mu.Lock()
	defer f.kafka.mu.Unlock()
	p := f.kafka.partitions[f.key]
	p.shut[id] = true
	p.end++
	return nil
}

// fence gives all lanes a fence.
func (r *rig) fence(none error) (all []*fakeFence) {
	for _, l := range r.lanes {
		f := &fakeFence{kafka: r.kafka, key: l.key, none: none}
		l.fence = f
		all = append(all, f)
	}
	return all
}

// TestFencedOldDataStaysExactUnderFaults has requests arrive up to two minutes after
// their connection was lost, long after any quiet time, while brokers forget
// producers at any time.
func TestFencedOldDataStaysExactUnderFaults(t *testing.T) {
	const batches = 100
	var shuts int64
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ks := keys(2)
				k := newFakeKafka(seed, 3, ks...)
				k.faults, k.forget, k.late = true, true, 2*time.Minute
				r := start(t, k, 0, ks...)
				fences := r.fence(nil)
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
				time.Sleep(3 * time.Minute) // what was delayed arrives
				r.stop()
				for lane, key := range ks {
					if err := k.check(key, batches); err != nil {
						t.Error(err)
					}
					if fences[lane].ids.Load() == 0 {
						t.Error("no id of the fence was taken")
					}
					shuts += fences[lane].shuts.Load()
				}
			})
		})
	}
	if shuts == 0 {
		t.Error("no producer was ever shut out")
	}
}

// TestYoungDataNeedsNoFence has new records go as whom the lane began as, and old
// ones behind them under an id of the fence.
func TestYoungDataNeedsNoFence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ks := keys(1)
		k := newFakeKafka(1, 1, ks...)
		r := start(t, k, 0, ks...)
		f := r.fence(nil)[0]
		now := time.Now()
		r.add(0, 1, 3, now.UnixMilli())
		waitFor(t, "the new records", func() bool { return r.lanes[0].Pending() == 0 })
		if n := f.ids.Load(); n != 0 {
			t.Errorf("%d ids were taken for new records", n)
		}
		r.add(0, 2, 3, now.Add(-48*time.Hour).UnixMilli())
		r.add(0, 3, 3, now.UnixMilli())
		waitFor(t, "the old records", func() bool { return r.lanes[0].Pending() == 0 })
		r.stop()
		if err := k.check(ks[0], 3); err != nil {
			t.Error(err)
		}
		if n, log := f.ids.Load(), k.partitions[ks[0]].log; n != 1 || log[0].pid == log[1].pid || log[1].pid != log[2].pid {
			t.Errorf("%d ids were taken, the log is %+v", n, log)
		}
	})
}

// TestWithoutAnIdAQuietTimeIsWaited has a target that gives out no transactional ids.
func TestWithoutAnIdAQuietTimeIsWaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ks := keys(1)
		k := newFakeKafka(1, 1, ks...)
		k.script = []fakeFate{arrivesLate}
		r := start(t, k, 0, ks...)
		r.fence(ErrNoFence)
		began := time.Now()
		r.add(0, 1, 3, began.Add(-48*time.Hour).UnixMilli())
		waitFor(t, "the acknowledgement", func() bool { return r.lanes[0].Pending() == 0 })
		if took := time.Since(began); took < 5*time.Second {
			t.Errorf("it took %s", took)
		}
		r.stop()
		if err := k.check(ks[0], 1); err != nil {
			t.Error(err)
		}
	})
}

// TestAShutOutProducerIsNotUsed has a lane begin as whom a predecessor was shut out.
func TestAShutOutProducerIsNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ks := keys(1)
		k := newFakeKafka(1, 1, ks...)
		r := start(t, k, 0, ks...)
		k.partitions[ks[0]].shut[7] = true
		r.fence(nil)
		l := r.lanes[0]
		l.Rebegin(LaneParams{ProducerID: 7, NextSequence: 5, Fenced: true, Shut: true})
		r.add(0, 1, 3, time.Now().UnixMilli())
		waitFor(t, "the acknowledgement", func() bool { return l.Pending() == 0 })
		r.stop()
		if log := k.partitions[ks[0]].log; len(log) != 1 || log[0].pid == 7 || log[0].sequence != 0 {
			t.Errorf("the log is %+v", log)
		}
	})
}

// takenFence says that the lane was taken over.
type takenFence struct{ *fakeFence }

func (takenFence) Shut(context.Context, int64, int16) error { return ErrTaken }

// TestALaneThatWasTakenOverStops has somebody else take the lane over while its
// producer is to be shut out.
func TestALaneThatWasTakenOverStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ks := keys(1)
		k := newFakeKafka(1, 1, ks...)
		k.script = []fakeFate{arrivesLate}
		r := start(t, k, 0, ks...)
		f := r.fence(nil)[0]
		r.lanes[0].fence = takenFence{f}
		r.add(0, 1, 3, time.Now().Add(-48*time.Hour).UnixMilli())
		waitFor(t, "the lane's end", r.seen[0].isStopped)
		r.stop()
	})
}
