package source

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/strait-mirror/strait/flows/internal/memory"
)

// How much is asked for at once.
const (
	// firstAsk is what a loop reserves for an answer until answers prove larger,
	// so that idle loops keep little of the budget from busy ones.
	firstAsk = 256 << 10
	// leastAsk is the smallest reservation; an answer holds at least one whole
	// batch whatever the limit (KIP-74).
	leastAsk = 4 << 10
	// smallestBuffer is the least a buffer counts for in the budget, and
	// buffers may count a quarter more than they hold (package memory).
	smallestBuffer = 1 << 10
	// smallestSize is the least to ask for of a partition when there is room.
	smallestSize = 16 << 10
	// gatherTime is how long a loop waits for more than the least to be free.
	gatherTime = 5 * time.Millisecond
)

// lastSize returns the most bytes to ask for of one partition.
func (f *Fetcher) lastSize() int64 {
	return max(1, min(int64(f.p.MaxPartitionFetchBytes), f.p.Budget.Limit()/4))
}

// firstSize returns the bytes to ask for of a partition that has not proved to
// deliver more: were they all to stall, they would fill a quarter of the budget.
// f.mu is held.
func (f *Fetcher) firstSizeLocked() int64 {
	return min(f.lastSize(), max(smallestSize, f.p.Budget.Limit()/int64(4*max(1, len(f.byName)))))
}

// resize sizes the next request for e by what the last one brought. A partition
// grows while its data is being processed, so that a stalled one goes up to its
// threshold in small steps, and does not pass it by much.
func (l *loop) resize(e *entry, got int64) {
	held := e.p.held.Load()
	switch asked := int64(e.sent.maxBytes); {
	case got >= asked/2 && (held <= 0 || held < e.peak):
		e.size = min(e.size*2, l.f.lastSize())
	case got < asked/8:
		e.size = max(e.size/2, min(smallestSize, l.f.lastSize()))
	}
}

// free returns the bytes of the budget that hold no data. What fetches have
// reserved counts as free, since most of it comes back.
func (f *Fetcher) free() int64 { return f.p.Budget.Free() + f.reserved.Load() }

// weigh decides which partitions may be asked for, and for how much.
//
// The rule is the dynamic threshold of shared-memory switches (Choudhury and
// Hahne, 1998): a queue may grow while it is shorter than what is free. One
// stalled queue then ends at half the budget, n of them leave 1/(n+1) to the
// others, and nobody has to count who is stalled. Only a partition that holds
// bytes can be over the threshold, so idle ones are not looked at. Between the
// room at which one pauses and the share at which it goes on lies a gap, lest
// each batch given back be fetched singly.
func (l *loop) weigh() {
	f := l.f
	free, limit := f.free(), f.lastSize()
	least := min(limit, max(1, f.p.Budget.Limit()/64))
	l.draining = false
	l.busy = slices.DeleteFunc(l.busy, func(e *entry) bool {
		held := e.p.held.Load()
		if e.dropped || held <= 0 {
			e.busy, e.held = false, 0
			if !e.dropped {
				l.admit(e, false, limit)
			}
			return true
		}
		paused := held >= free/2 && (e.paused || (free-held)/2 < least)
		if paused && held < e.held {
			l.draining = true
		}
		e.held = held
		l.admit(e, paused, min(limit, (free-held)/2))
		return false
	})
}

// admit pauses e, or asks for about room bytes of it.
func (l *loop) admit(e *entry, paused bool, room int64) {
	if paused != e.paused {
		l.session.set(e, func() { e.paused = paused })
	}
	if paused {
		return
	}
	// In steps of two, so that a small change needs no word to the broker.
	bytes := e.size
	for bytes > room && bytes > leastAsk {
		bytes /= 2
	}
	bytes = min(max(bytes, int64(e.need)), math.MaxInt32)
	if int32(bytes) != e.want.maxBytes {
		e.want.maxBytes = int32(bytes)
		l.session.touch(e)
	}
}

// share returns the most one loop may reserve: half the budget for all of them,
// the other half for data that waits.
func (f *Fetcher) share() int64 {
	f.mu.Lock()
	loops := int64(len(f.loops))
	f.mu.Unlock()
	most := f.p.Budget.Limit() / (2 * max(1, loops))
	return max(leastAsk, min(int64(f.p.FetchMaxBytes), most))
}

// amounts returns the bounds of the next reservation.
func (l *loop) amounts() (lowest, most int64) {
	free := l.f.free()
	overhead := 2 * smallestBuffer * int64(l.session.active)
	// A quarter of what is free, so that partitions which grow together, each
	// within its own threshold, do not overshoot it together.
	most = min(l.f.share(), max(l.ask, firstAsk, overhead), max(free/4, leastAsk), max(int64(l.f.p.Pacer.Most()), leastAsk))
	lowest = min(most, max(most/4, leastAsk))
	if need := min(l.need(), l.f.p.Budget.Limit()/2); need > lowest {
		// What is not free now is overdrawn rather than waited for: those who
		// hold it may be stalled.
		lowest, most = min(need, max(free, lowest)), max(most, need)
	}
	return lowest, most
}

// reserve takes from the budget for one answer. Where little is free it waits a
// moment for more, lest each batch given back cost a request, but not for long,
// since those who hold the rest may be stalled.
func (l *loop) reserve(ctx context.Context) (*memory.Reservation, error) {
	f := l.f
	lowest, most := l.amounts()
	if worth := f.p.Budget.Limit() / 64; f.free() < worth && worth > lowest {
		short, cancel := context.WithTimeout(ctx, gatherTime)
		r, err := f.p.Budget.Reserve(short, worth, max(worth, most))
		cancel()
		if err == nil || ctx.Err() != nil {
			return r, err
		}
	}
	return f.p.Budget.Reserve(ctx, lowest, most)
}

// need returns the bytes of the largest batch known not to fit the usual limit.
func (l *loop) need() (bytes int64) {
	for e := range l.large {
		if e.asked() {
			bytes = max(bytes, int64(e.need))
		}
	}
	return bytes
}

// responseBytes returns what to ask for under a reservation, so that the
// buffers' own overhead fits it too.
func (l *loop) responseBytes(reserved int64) int32 {
	bytes := max((reserved-smallestBuffer*int64(l.session.active))*4/5, reserved/4)
	return int32(min(max(bytes, l.need()), math.MaxInt32))
}

// learn sizes the next reservation by an answer of so many bytes.
func (l *loop) learn(asked, got int64) {
	switch {
	case got >= asked/2:
		l.ask = min(max(l.ask, firstAsk)*4, int64(l.f.p.FetchMaxBytes))
	case got < asked/8:
		l.ask = max(l.ask/2, firstAsk)
	}
}
