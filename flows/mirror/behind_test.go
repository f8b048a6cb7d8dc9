package mirror

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/model"
)

// TestBehindAgainstEveryEnd compares with a calculation that remembers all.
func TestBehindAgainstEveryEnd(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		var b behind
		type seen struct {
			end int64
			at  time.Time
		}
		var all []seen
		now := time.Unix(0, 0)
		var high, next int64
		var peak time.Duration // since nothing was left to copy
		for range 2000 {
			now = now.Add(time.Duration(r.Int64N(int64(20 * time.Second))))
			if r.IntN(3) > 0 {
				high += r.Int64N(1000)
				b.saw(high, now)
				all = append(all, seen{high, now})
			}
			if r.IntN(4) == 0 {
				next = min(high, next+r.Int64N(2500))
				b.reached(next)
			}
			var want time.Duration
			for _, s := range all {
				if s.end > next {
					want = now.Sub(s.at)
					break
				}
			}
			if peak = max(peak, want); high == next {
				peak = 0
			}
			got := b.span(now)
			// Never too little; too much by what was forgotten, at most.
			if got < want || got > want+peak/8+2*endsApart+40*time.Second {
				t.Fatalf("seed %d: behind for %v, want %v", seed, got, want)
			}
			if high == next && got != 0 {
				t.Fatalf("seed %d: behind for %v with nothing to copy", seed, got)
			}
			if len(b.ends) > maxEnds {
				t.Fatalf("%d ends are held", len(b.ends))
			}
		}
	}
}

func TestBehind(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	var b behind
	if got := b.span(at(100)); got != 0 {
		t.Errorf("nothing seen: behind for %v", got)
	}
	b.saw(10, at(0))
	b.saw(20, at(60))
	b.saw(20, at(90)) // idle
	if got := b.span(at(100)); got != 100*time.Second {
		t.Errorf("nothing copied: behind for %v, want 100s", got)
	}
	b.reached(10)
	if got := b.span(at(100)); got != 40*time.Second {
		t.Errorf("the first part copied: behind for %v, want 40s", got)
	}
	b.reached(20)
	if got := b.span(at(5000)); got != 0 {
		t.Errorf("all copied: behind for %v", got)
	}
}

// TestLagTime holds the target back, and compares with the clock of whoever wrote
// the records.
func TestLagTime(t *testing.T) {
	w := newTwo(t)
	w.create(t, "t", 1)
	w.produce(t, "t", "first")
	f := w.flow(t, false, func(*model.Flow) {})
	stop := start(t, f)
	defer stop()
	caughtUp := func() bool { st := f.Status(); return st.LagRecords == 0 && st.LagTime == 0 }
	until(t, "the first record", caughtUp)

	allow := w.refuse(0, kerr.NotEnoughReplicas.Code)
	before := time.Now()
	w.produce(t, "t", "second")
	after := time.Now()
	until(t, "a lag", func() bool { return f.Status().LagRecords == 1 })
	first := f.Status()
	until(t, "a lag that grows", func() bool { return f.Status().LagTime > first.LagTime+50*time.Millisecond })
	st := f.Status()
	if now := time.Now(); st.LagTime > now.Sub(before) || st.LagTimeEstimated {
		t.Errorf("the lag is %v, estimated %v, and the record is %v old", st.LagTime, st.LagTimeEstimated, now.Sub(before))
	}
	if slack := 5 * time.Second; st.LagTime < time.Since(after)-slack {
		t.Errorf("the lag is %v, and the record was readable %v ago", st.LagTime, time.Since(after))
	}
	allow()
	until(t, "the second record", caughtUp)
}

// TestLagTimeOfBacklog begins behind records of long ago.
func TestLagTimeOfBacklog(t *testing.T) {
	w := newTwo(t)
	w.create(t, "t", 1)
	hour := time.Now().Add(-time.Hour)
	old := &kgo.Record{Topic: "t", Value: []byte("old"), Timestamp: hour}
	if err := w.client[w.source].ProduceSync(t.Context(), old).FirstErr(); err != nil {
		t.Fatal(err)
	}
	f := w.flow(t, false, func(*model.Flow) {})
	stop := start(t, f)
	until(t, "the first record", func() bool { return f.Status().LagRecords == 0 })
	stop()

	for range 3 {
		next := &kgo.Record{Topic: "t", Value: []byte("later"), Timestamp: hour}
		if err := w.client[w.source].ProduceSync(t.Context(), next).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	allow := w.refuse(0, kerr.NotEnoughReplicas.Code)
	f = w.flow(t, false, func(*model.Flow) {})
	stop = start(t, f)
	defer stop()
	until(t, "the backlog", func() bool { st := f.Status(); return st.LagRecords == 3 && st.LagTimeEstimated })
	allow()
	until(t, "the end of the backlog", func() bool { st := f.Status(); return st.LagRecords == 0 && st.LagTime == 0 })
}
