package mirror

import (
	"slices"
	"sync"
	"time"

	"github.com/strait-mirror/strait/flows/internal/recent"
)

// Histogram is how many records took how long.
type Histogram struct {
	Bounds []float64 // seconds, ascending; each is the most that its count is of
	Counts []uint64  // one more than Bounds: the last are those above
	Sum    float64   // seconds
}

// spans is a Histogram that is being counted. It is safe for concurrent use. It is
// told once a batch, by the batch's header.
type spans struct {
	mu     sync.Mutex // guards the rest
	bounds []float64
	counts []uint64
	sum    float64
}

func newSpans() *spans {
	const minute, hour, day = 60, 60 * 60, 24 * 60 * 60
	bounds := []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, minute, 10 * minute, hour, day}
	return &spans{bounds: bounds, counts: make([]uint64, len(bounds)+1)}
}

// add counts records. Clocks of others may be ahead: nothing takes less than no time.
func (s *spans) add(took time.Duration, records int64) {
	seconds := max(0, took.Seconds())
	i, _ := slices.BinarySearch(s.bounds, seconds)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[i] += uint64(records)
	s.sum += seconds * float64(records)
}

func (s *spans) counted() Histogram {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Histogram{Bounds: s.bounds, Counts: slices.Clone(s.counts), Sum: s.sum}
}

// latency is how old records are when they come, and when the target has them. By
// the header of a batch: all of its records count with the timestamp of its newest.
type latency struct {
	age         *spans // from a record's timestamp until it was fetched
	replication *spans // from a record's timestamp until the target acknowledged it
	transfer    *spans // from when it was fetched until then
}

func newLatency() latency { return latency{newSpans(), newSpans(), newSpans()} }

// lately is what came and went in the last minute of one lane, guarded by the lane's lock.
type lately struct {
	age, replication recent.Values // seconds, as in latency
	records, bytes   recent.Values // acknowledged at once
}

// commits is how long it lately took to store positions.
type commits struct {
	mu      sync.Mutex // guards seconds
	seconds recent.Values
}

func (c *commits) took(since time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.seconds.Add(now, now.Sub(since).Seconds(), 1)
}

func (c *commits) at(now time.Time) Recent {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Recent(c.seconds.At(now))
}

// mark is a place on a lane's way whose acknowledgement tells how long records took.
type mark struct {
	next    int64 // source offset behind them
	records int64
	written time.Time // their timestamp; zero: they have none
	fetched time.Time
}

// maxMarks is how many a lane keeps: with more under way they share marks, and the
// older time counts for both, so that a long queue says too much rather than too
// little.
const maxMarks = 16

// marks are those of one lane, in the order of the log.
type marks []mark

// add notes records that are about to be handed on. Marks at or beyond their place
// are of an earlier way there, which the lane was sent back from.
func (m *marks) add(one mark) {
	for len(*m) > 0 && (*m)[len(*m)-1].next >= one.next {
		*m = (*m)[:len(*m)-1]
	}
	if len(*m) < maxMarks {
		*m = append(*m, one)
		return
	}
	last := &(*m)[maxMarks-1]
	last.next = one.next
	last.records += one.records
	if last.written.IsZero() {
		last.written = one.written
	}
}

// pending is how many records were handed on and are not acknowledged.
func (m marks) pending() (records int64) {
	for _, one := range m {
		records += one.records
	}
	return records
}

// reached removes and counts what is acknowledged.
func (m *marks) reached(offset int64, now time.Time, to latency, of *lately) {
	n := 0
	for _, one := range *m {
		if one.next > offset {
			break
		}
		if !one.written.IsZero() {
			to.replication.add(now.Sub(one.written), one.records)
			of.replication.Add(now, max(0, now.Sub(one.written).Seconds()), one.records)
		}
		to.transfer.add(now.Sub(one.fetched), one.records)
		n++
	}
	*m = slices.Delete(*m, 0, n)
}

// expect notes a batch that is about to be handed on, up to a source offset.
func (l *lane) expect(next, records, timestamp int64) {
	one := mark{next: next, records: records, fetched: l.arrived}
	if timestamp >= 0 {
		one.written = time.UnixMilli(timestamp)
		l.session.flow.latency.age.add(l.arrived.Sub(one.written), records)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !one.written.IsZero() {
		l.lately.age.Add(l.arrived, max(0, l.arrived.Sub(one.written).Seconds()), records)
	}
	l.marks.add(one)
}
