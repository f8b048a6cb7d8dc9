package source

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	"github.com/strait-mirror/strait/flows/internal/wire"
)

const (
	refreshTimeout = 5 * time.Second  // then what is known is used
	lookupTimeout  = 10 * time.Second // of one partition's log ends
	lookupsAtOnce  = 8                // each is two small requests
)

// keeper decides which loop fetches which partition. It is one goroutine, which
// never waits for the cluster itself: refreshes and lookups are its children, as
// are the loops.
type keeper struct {
	f        *Fetcher
	children sync.WaitGroup

	waiting    []ticket // for a refresh that begins after they failed
	batch      []ticket // for the refresh under way
	refreshing bool
	refreshed  chan error

	lookups []ticket // to be made
	looking int      // under way
	found   chan ends
}

// ticket is a partition that waits for something; it is void once the partition
// has another version.
type ticket struct {
	p       *Partition
	version uint64
}

// ends is what a lookup found.
type ends struct {
	ticket
	start, end           int64
	startEpoch, endEpoch int32
	err                  error
}

func newKeeper(f *Fetcher) *keeper {
	return &keeper{f: f, refreshed: make(chan error), found: make(chan ends)}
}

// run keeps until ctx ends and every child has ended.
func (k *keeper) run(ctx context.Context) {
	defer k.children.Wait()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		for _, t := range k.due(timer) {
			if t.stale {
				k.waiting = append(k.waiting, t.ticket)
			} else {
				k.route(ctx, t.ticket, nil)
			}
		}
		k.refresh(ctx)
		k.look(ctx)

		select {
		case <-ctx.Done():
			return
		case <-k.f.poke:
		case <-timer.C:
		case err := <-k.refreshed:
			k.refreshing = false
			batch := k.batch
			k.batch = nil
			for _, t := range batch {
				k.route(ctx, t, &outcome{err})
			}
		case e := <-k.found:
			k.looking--
			k.settle(e)
		}
	}
}

// outcome is how a refresh ended.
type outcome struct{ err error }

// dueTicket is a partition whose alarm went off.
type dueTicket struct {
	ticket
	stale bool
}

// due returns the partitions whose alarm went off and sets timer to the next.
func (k *keeper) due(timer *time.Timer) []dueTicket {
	f := k.f
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	var list []dueTicket
	for p := f.alarms.due(now); p != nil; p = f.alarms.due(now) {
		if p.state == fetching { // the lease of a follower ended
			f.detachLocked(p)
			p.replica = -1
		}
		p.state = awaiting
		list = append(list, dueTicket{ticket{p, p.version}, p.stale})
	}
	timer.Stop()
	if at, ok := f.alarms.next(); ok {
		timer.Reset(time.Until(at))
	}
	return list
}

// refresh begins a refresh if somebody waits for one and none is under way.
func (k *keeper) refresh(ctx context.Context) {
	if k.refreshing || len(k.waiting) == 0 {
		return
	}
	k.refreshing, k.batch, k.waiting = true, k.waiting, nil
	k.f.counters.refreshes.Add(1)
	k.children.Go(func() {
		limited, cancel := context.WithTimeoutCause(ctx, refreshTimeout, errors.New("the source's brokers gave no metadata in time"))
		defer cancel()
		err := k.f.p.Leaders.Refresh(limited)
		select {
		case k.refreshed <- err:
		case <-ctx.Done():
		}
	})
}

// route puts a partition into the loop of its leader. refreshed is nil when the
// metadata in use may be old.
func (k *keeper) route(ctx context.Context, t ticket, refreshed *outcome) {
	f, p := k.f, t.p
	broker, epoch, id, ok := f.p.Leaders.Leader(p.name.topic, p.name.partition)

	p.calls.Lock()
	defer p.calls.Unlock()
	var fl failure
	tell := false
	f.mu.Lock()
	switch {
	case p.version != t.version:
	case ok && differ(p.id, id):
		fl = failure{err: &RecreatedError{Old: p.id, New: id}, label: "recreated", tell: true, park: true}
		tell = f.failLocked(p, fl, time.Now())
	case ok && p.ranged:
		p.ranged = false
		k.lookups = append(k.lookups, t)
	case ok:
		if (p.id == wire.TopicID{}) {
			p.id = id
		}
		k.assignLocked(ctx, p, broker, epoch)
	case refreshed == nil:
		p.stale = true
		k.waiting = append(k.waiting, t)
	default:
		fl = leaderless(p, refreshed.err)
		tell = f.failLocked(p, fl, time.Now())
	}
	f.mu.Unlock()
	if tell {
		f.tell(p, fl.err)
	}
}

// leaderless says why a partition has no leader although metadata is fresh. A
// broker's word that it does not know the topic is then believed.
func leaderless(p *Partition, refreshErr error) failure {
	if refreshErr != nil {
		return unavailable(-1, fmt.Errorf("refreshing metadata: %w", refreshErr))
	}
	if gone, ok := errors.AsType[*GoneError](p.trouble); ok {
		return failure{err: gone, label: "gone"}
	}
	return unavailable(-1, errNoLeader)
}

var errNoLeader = errors.New("the partition does not exist or has no leader")

// assignLocked puts p into the loop of its leader, or of the follower it reads
// from. f.mu is held.
func (k *keeper) assignLocked(ctx context.Context, p *Partition, broker, epoch int32) {
	f := k.f
	if p.replica >= 0 {
		broker = p.replica
		f.alarms.set(p, p.replicaUntil)
		f.wakeKeeper() // its timer was set before
	}
	key := loopKey{broker, laneOf(p.name, len(f.p.Clients))}
	l := f.loops[key]
	if l == nil {
		l = newLoop(f, key)
		f.loops[key] = l
		k.children.Go(func() { l.run(ctx) })
	}
	p.version++
	p.state, p.loop, p.leaderEpoch = fetching, l, epoch
	l.members++
	l.changeLocked(p)
}

// laneOf spreads the partitions of a topic evenly over a broker's loops.
func laneOf(name nameKey, lanes int) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name.topic)) // a hash does not fail
	return int((h.Sum32() + uint32(name.partition)) % uint32(lanes))
}

// look begins lookups that wait while few enough are under way.
func (k *keeper) look(ctx context.Context) {
	for k.looking < lookupsAtOnce && len(k.lookups) > 0 {
		t := k.lookups[0]
		k.lookups = k.lookups[1:]
		k.looking++
		k.children.Go(func() {
			e := k.lookup(ctx, t)
			select {
			case k.found <- e:
			case <-ctx.Done():
			}
		})
	}
}

func (k *keeper) lookup(ctx context.Context, t ticket) ends {
	ctx, cancel := context.WithTimeoutCause(ctx, lookupTimeout, errors.New("the source gave no offsets in time"))
	defer cancel()
	e := ends{ticket: t}
	name := t.p.name
	if e.end, e.endEpoch, e.err = k.f.p.Offsets.Latest(ctx, name.topic, name.partition); e.err != nil {
		e.err = fmt.Errorf("asking for the log's end: %w", e.err)
		return e
	}
	if e.start, e.startEpoch, e.err = k.f.p.Offsets.Earliest(ctx, name.topic, name.partition); e.err != nil {
		e.err = fmt.Errorf("asking for the log's start: %w", e.err)
	}
	return e
}

// settle decides what OFFSET_OUT_OF_RANGE meant.
func (k *keeper) settle(e ends) {
	f, p := k.f, e.p
	p.calls.Lock()
	defer p.calls.Unlock()
	f.mu.Lock()
	if p.version != e.version {
		f.mu.Unlock()
		return
	}
	out := &OutOfRangeError{
		Requested: p.offset, Start: e.start, End: e.end, StartEpoch: e.startEpoch, EndEpoch: e.endEpoch,
	}
	fl := failure{err: out, label: "range", tell: true, park: true}
	switch {
	case e.err != nil:
		fl = unavailable(-1, e.err)
	case p.offset < e.start:
		out.Side = Below
	case p.offset > e.end:
		out.Side = Above
	default:
		// The offset is in range (again). Where a broker insists, it cannot place
		// the last epoch (UNDEFINED_EPOCH is answered so): go on without it.
		if p.raced++; p.raced > 1 {
			p.epoch = wire.NoEpoch
		}
		fl = unavailable(-1, errors.New("the source refused an offset that is in its log"))
	}
	tell := f.failLocked(p, fl, time.Now())
	if e.err != nil {
		p.ranged = true
	}
	f.mu.Unlock()
	if tell {
		f.tell(p, fl.err)
	}
}
