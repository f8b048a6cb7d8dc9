// Package memory bounds the bytes that are on their way from a source to a
// target. One Budget is shared by everything a process copies: bytes count from
// the moment a fetch reserves them until the target has acknowledged them, and
// while a budget is used up nobody fetches. The buffers themselves are pooled,
// since allocating them anew costs more CPU than copying the data does.
package memory

import (
	"context"
	"sync"
)

// Budget is a number of bytes that many fetches share. All methods are safe for
// concurrent use.
type Budget struct {
	mu      sync.Mutex // guards the rest
	limit   int64
	used    int64 // in buffers and reservations; above limit after an overdraft
	held    int64 // in buffers alone
	pooled  int64 // bytes in free; held + pooled <= limit unless overdrawn
	free    [classes][][]byte
	waiters []waiter // first come, first served
}

type waiter struct {
	min  int64
	wake chan struct{} // closed when min bytes may be free
}

// NewBudget returns a budget of limit bytes; limit must be positive.
func NewBudget(limit int64) *Budget {
	if limit <= 0 {
		panic("memory: a budget needs a positive limit")
	}
	return &Budget{limit: limit}
}

// Limit returns the budget's size in bytes.
func (b *Budget) Limit() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.limit
}

// SetLimit gives the budget another size; limit must be positive. What is held is
// not touched: where that is more than the new limit, nobody reserves until enough
// of it has been given back.
func (b *Budget) SetLimit(limit int64) {
	if limit <= 0 {
		panic("memory: a budget needs a positive limit")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limit = limit
	b.trimLocked()
	b.wakeLocked()
}

// Free returns the bytes nobody holds. It is negative after an overdraft: the
// first batch of a response may be larger than what was reserved for it.
func (b *Budget) Free() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.limit - b.used
}

// Reserve waits until at least lowest bytes are free, or until nothing is in
// use at all (so that a batch larger than the budget still passes, alone), and
// takes up to most of what is free. It returns ctx's cause when ctx ends first.
func (b *Budget) Reserve(ctx context.Context, lowest, most int64) (*Reservation, error) {
	for {
		b.mu.Lock()
		if left := b.limit - b.used; left >= lowest || b.used <= 0 {
			take := max(min(left, most), lowest)
			b.used += take
			b.mu.Unlock()
			return &Reservation{budget: b, left: take}, nil
		}
		w := waiter{min: lowest, wake: make(chan struct{})}
		b.waiters = append(b.waiters, w)
		b.mu.Unlock()

		select {
		case <-w.wake:
		case <-ctx.Done():
			b.forget(w.wake)
			return nil, context.Cause(ctx)
		}
	}
}

func (b *Budget) forget(wake chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, w := range b.waiters {
		if w.wake == wake {
			b.waiters = append(b.waiters[:i], b.waiters[i+1:]...)
			return
		}
	}
	b.wakeLocked() // woken while leaving: hand it on
}

// giveLocked returns n bytes and wakes who may go on. b.mu is held.
func (b *Budget) giveLocked(n int64) {
	b.used -= n
	b.wakeLocked()
}

func (b *Budget) wakeLocked() {
	left := b.limit - b.used
	for len(b.waiters) > 0 && (left >= b.waiters[0].min || b.used <= 0) {
		left -= b.waiters[0].min
		close(b.waiters[0].wake)
		b.waiters = b.waiters[1:]
		if left < 0 {
			return
		}
	}
}

// Get returns a buffer of n bytes, counted at once even where that overdraws
// the budget: who cannot wait (a batch must be re-encoded to make progress)
// calls it, who can wait reserves first.
func (b *Budget) Get(n int) *Buffer {
	data, size := b.allocate(n)
	b.mu.Lock()
	b.used += size
	b.mu.Unlock()
	return newBuffer(b, data[:n], size)
}

// Reservation is a share of a budget that has been taken but not yet filled.
// It is not safe for concurrent use.
type Reservation struct {
	budget *Budget
	left   int64
}

// Bytes returns what is left of the reservation.
func (r *Reservation) Bytes() int64 { return r.left }

// Get returns a buffer of n bytes that uses up the reservation first and
// overdraws the budget by the rest.
func (r *Reservation) Get(n int) *Buffer {
	data, size := r.budget.allocate(n)
	fromReservation := min(r.left, size)
	r.left -= fromReservation
	if rest := size - fromReservation; rest > 0 {
		r.budget.mu.Lock()
		r.budget.used += rest
		r.budget.mu.Unlock()
	}
	return newBuffer(r.budget, data[:n], size)
}

// Close gives back what was not used. It may be called more than once.
func (r *Reservation) Close() {
	if r.left == 0 {
		return
	}
	r.budget.mu.Lock()
	r.budget.giveLocked(r.left)
	r.budget.mu.Unlock()
	r.left = 0
}
