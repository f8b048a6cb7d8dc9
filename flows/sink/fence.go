package sink

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Brokers forget producers by the age of their records. A lane of old records
// therefore has one batch in flight, takes its producer ids from its fence, and has
// an id shut out whenever a request of it may still be under way and the lane goes
// on in a way that the broker would not know that request by. Where there is no
// fence a while is waited instead, which is a bet.

const (
	fencedFor = 24 * time.Hour  // coordinators forget transactional ids that nothing is asked of, by default after a week
	fenceWait = 5 * time.Second // before a fence that had no id is asked again
)

// producer is whom a lane writes as.
type producer struct {
	id     int64
	epoch  int16
	fenced bool
}

// unsafeLocked reports whether the lane needs another producer id before it may send
// what comes next. Nothing is in flight then.
func (l *Lane) unsafeLocked() bool {
	next, any := l.nextTimeLocked()
	switch {
	case !any || l.fence == nil || l.out > 0:
		return false
	case l.shut:
		return true
	case l.fenced && time.Since(l.fencedAt) < fencedFor:
		return false
	}
	return time.Since(l.unfenced) >= fenceWait && l.oldLocked(next)
}

// shutOut sees to it that nothing arrives any more of what was sent without an
// answer, in this round or an earlier one: beside other numbers or another producer
// id the broker would not know it again, and what the log says holds only then. It
// reports whether that has taken the lane's producer id from it.
func (l *Lane) shutOut(ctx context.Context) (shut bool, err error) {
	l.mu.Lock()
	late := slices.ContainsFunc(l.window, func(e entry) bool { return e.late })
	as := producer{l.pid, l.pidEpoch, l.fenced}
	l.mu.Unlock()
	if !late {
		return false, nil
	}
	if as.fenced {
		id, epoch, err := l.fence.Next(ctx) // first, see Fence
		if err == nil {
			l.spare = &producer{id, epoch, true}
			err = l.fence.Shut(ctx, as.id, as.epoch)
		}
		if err == nil || !errors.Is(err, ErrNoFence) {
			return true, err
		}
	}
	pause(ctx, l.sink.p.QuietTime)
	return l.spare != nil, nil
}

// freshProducer returns whom to go on as: one that can be shut out where the lane's
// records need that.
func (l *Lane) freshProducer(ctx context.Context) (producer, error) {
	if p := l.spare; p != nil {
		l.spare = nil
		return *p, nil
	}
	l.mu.Lock()
	next, any := l.nextTimeLocked()
	wanted := l.fence != nil && (l.fenced || l.shut || any && l.oldLocked(next))
	l.mu.Unlock()
	if wanted {
		id, epoch, err := l.fence.Next(ctx)
		if !errors.Is(err, ErrNoFence) {
			return producer{id, epoch, true}, err
		}
		l.mu.Lock()
		l.unfenced = time.Now()
		l.mu.Unlock()
	}
	id, epoch, err := l.sink.p.NewProducer(ctx)
	return producer{id, epoch, false}, err
}
