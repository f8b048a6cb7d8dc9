package sink

import (
	"testing"
	"time"
)

// TestDistance has brokers answer: a busy one next door is not far, however many
// late answers it gives, and one whose way became longer is after minutes.
func TestDistance(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var d distance
	say := func(took, every time.Duration, times int, want bool, when string) {
		t.Helper()
		for range times {
			now = now.Add(every)
			d.answered(now, took)
		}
		if got := d.far(); got != want {
			t.Errorf("%s: far is %v, want %v", when, got, want)
		}
	}
	if d.far() {
		t.Error("a broker that has not answered is far")
	}
	say(40*time.Millisecond, 10*time.Millisecond, knownAfter-1, false, "after its first answers")
	say(40*time.Millisecond, 10*time.Millisecond, 1, true, "once it is known")
	say(time.Millisecond, 10*time.Millisecond, 1, false, "after one early answer")
	say(20*time.Millisecond, 10*time.Millisecond, 5000, false, "after many late answers in a minute")
	say(20*time.Millisecond, time.Second, 600, true, "ten minutes after the way became longer")
	say(2*time.Millisecond, time.Second, 1, false, "when it is short again")
}
