package sink

import (
	"sync"
	"time"
)

const (
	// farAway is the distance from which on what is in flight bounds the rate.
	farAway = 10 * time.Millisecond
	// knownAfter is how many answers it takes to know a broker: the first ones, of
	// a cold one that opens its logs, come late from next door as well.
	knownAfter = 32
	// forgotten is after how long a distance counts twice: a way that has become
	// longer shows then.
	forgotten = time.Minute
)

// distance is how far away a broker is: the shortest time in which it answered
// lately. Most answers take longer, since requests wait for those before them, so
// that it ages with time and not by answers: a busy broker gives many.
type distance struct {
	mu      sync.Mutex // guards the rest
	nearest time.Duration
	answers int // up to knownAfter
	noted   time.Time
}

// answered notes that an answer came, and how long it took.
func (d *distance) answered(now time.Time, took time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	aged := d.nearest + time.Duration(float64(d.nearest)*float64(now.Sub(d.noted))/float64(forgotten))
	if d.answers == 0 || took < aged {
		aged = took
	}
	d.nearest, d.noted, d.answers = aged, now, min(d.answers+1, knownAfter)
}

// far reports whether the broker is so far away that what is in flight bounds
// the rate.
func (d *distance) far() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.answers == knownAfter && d.nearest > farAway
}
