// Package recent owns what was measured lately, by the rules of Kafka's own metrics:
// in two windows of half a minute, of which the older is forgotten when the newer is
// full. It reads no clock.
package recent

import (
	"math"
	"time"
)

// window is Kafka's metrics.sample.window.ms, of which metrics.num.samples, two, are
// kept.
const window = 30 * time.Second

// Summary is what there was of a value lately; NaN where there was nothing.
type Summary struct {
	Last                 float64 // also long ago; NaN: there never was one
	Average, Least, Most float64
	PerSecond            float64 // the sum of all values by the time they came in
}

// Values are the values that one thing has. They are not safe for concurrent use.
// The zero value has none.
type Values struct {
	last        float64
	any         bool
	now, before sums
}

type sums struct {
	began            time.Time // zero: there is no window
	count            int64
	sum, least, most float64
}

// Add adds a value that count things had at a time.
func (v *Values) Add(at time.Time, value float64, count int64) {
	v.turn(at)
	if v.now.began.IsZero() {
		v.now = sums{began: at, least: math.Inf(1), most: math.Inf(-1)}
	}
	v.last, v.any = value, true
	v.now.count += count
	v.now.sum += value * float64(count)
	v.now.least, v.now.most = min(v.now.least, value), max(v.now.most, value)
}

// turn forgets what is no longer recent.
func (v *Values) turn(at time.Time) {
	if v.now.began.IsZero() || at.Sub(v.now.began) < window {
		return
	}
	v.before, v.now = v.now, sums{}
	if at.Sub(v.before.began) >= 2*window {
		v.before = sums{}
	}
}

// At sums up what there was lately.
func (v *Values) At(at time.Time) Summary {
	v.turn(at)
	if !v.before.began.IsZero() && at.Sub(v.before.began) >= 2*window {
		v.before = sums{}
	}
	s := Summary{Last: math.NaN(), Average: math.NaN(), Least: math.NaN(), Most: math.NaN()}
	if v.any {
		s.Last = v.last
	}
	var count int64
	var sum float64
	began := at
	for _, w := range []sums{v.before, v.now} {
		if w.count == 0 {
			continue
		}
		if count == 0 {
			s.Least, s.Most, began = w.least, w.most, w.began
		}
		count += w.count
		sum += w.sum
		s.Least, s.Most = min(s.Least, w.least), max(s.Most, w.most)
	}
	if count > 0 {
		s.Average = sum / float64(count)
	}
	// As in Kafka, the first values of all are no burst.
	s.PerSecond = sum / max(at.Sub(began), window).Seconds()
	return s
}
