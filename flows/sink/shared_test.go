package sink

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/strait-mirror/strait/flows/internal/wire"
)

// apart gives the lanes of a rig producer ids of their own, as lanes that meet in
// a partition need them.
func (r *rig) apart() {
	for i, l := range r.lanes {
		l.mu.Lock()
		l.pid = int64(10_000 + i)
		l.acked.ProducerID = l.pid
		l.mu.Unlock()
	}
}

// checkInterleaved compares a log that several lanes wrote: each one's batches
// are there once and in order. A batch's id is lane*1000 + number.
func (k *fakeKafka) checkInterleaved(key wire.PartitionKey, lanes, batches uint64) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	next := map[uint64]uint64{}
	for _, e := range k.partitions[key].log {
		lane, n := e.id/1000, e.id%1000
		if next[lane]++; next[lane] != n {
			return fmt.Errorf("lane %d has batch %d in place %d", lane, n, next[lane])
		}
	}
	for lane := range lanes {
		if next[lane+1] != batches {
			return fmt.Errorf("lane %d has %d batches, want %d", lane+1, next[lane+1], batches)
		}
	}
	return nil
}

// TestLanesThatMeetStayExactUnderFaults has several lanes write to one partition
// beside a lane that is alone in its own.
func TestLanesThatMeetStayExactUnderFaults(t *testing.T) {
	const batches, meeting = 200, 3
	for seed := range uint64(40) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ks := keys(2)
				k := newFakeKafka(seed, 3, ks...)
				k.faults = true
				r := start(t, k, 0, ks[0], ks[0], ks[0], ks[1])
				r.apart()
				for n := uint64(1); n <= batches; n++ {
					for lane := range r.lanes {
						r.add(lane, uint64(lane+1)*1000+n, int32(n%7)+1, time.Now().UnixMilli())
					}
					if n%20 == 0 {
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
				if err := k.checkInterleaved(ks[0], meeting, batches); err != nil {
					t.Error(err)
				}
				for i := range r.lanes {
					if got := r.seen[i].foreign(); got != 0 {
						t.Errorf("%d offsets of lanes of ours count as foreign to lane %d", got, i)
					}
				}
				if r.owner.left != 0 {
					t.Errorf("%d batches were not given back", r.owner.left)
				}
			})
		})
	}
}

// TestOldDataOfLanesThatMeetStaysExact has brokers forget producers as well.
func TestOldDataOfLanesThatMeetStaysExact(t *testing.T) {
	const batches = 60
	for seed := range uint64(15) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ks := keys(1)
				k := newFakeKafka(seed, 3, ks...)
				k.faults, k.forget = true, true
				r := start(t, k, 0, ks[0], ks[0])
				r.apart()
				old := time.Now().Add(-48 * time.Hour).UnixMilli()
				for n := uint64(1); n <= batches; n++ {
					for lane := range r.lanes {
						r.add(lane, uint64(lane+1)*1000+n, int32(n%7)+1, old)
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
				if err := k.checkInterleaved(ks[0], 2, batches); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
