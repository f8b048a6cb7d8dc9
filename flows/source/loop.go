package source

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/strait-mirror/strait/flows/internal/memory"
	"github.com/strait-mirror/strait/flows/internal/wire"
)

// closeTimeout bounds the request that gives a session back to its broker.
const closeTimeout = 5 * time.Second

// loopKey names a loop: a broker, and which of its loops it is.
type loopKey struct {
	broker int32
	lane   int
}

// loop fetches the partitions that one broker serves, or its share of them, with
// one request under way at a time.
type loop struct {
	f      *Fetcher
	key    loopKey
	broker int32
	client Client

	wake     chan struct{} // capacity 1: something changed
	starving atomic.Bool   // waits for a partition to give bytes back

	// Guarded by f.mu.
	members int          // partitions whose loop this is
	dirty   []*Partition // that came, went or changed since they were looked at

	// Of the loop's goroutine alone.
	session   session
	busy      []*entry            // that hold bytes
	large     map[*entry]struct{} // with a batch larger than the usual limit
	draining  bool                // a paused partition gives bytes back
	delivered bool                // the last answer brought something
	ask       int64               // bytes to reserve
	hasty     int                 // answers in a row that came early and brought nothing
	noRack    time.Time
	spare     []change
}

// change is a partition as a loop found it in dirty.
type change struct {
	p       *Partition
	mine    bool
	id      wire.TopicID
	version uint64
	want    point
	size    int64
	need    int32
	ailing  bool
	noRack  time.Time
}

func newLoop(f *Fetcher, key loopKey) *loop {
	return &loop{
		f: f, key: key, broker: key.broker, client: f.p.Clients[key.lane],
		wake: make(chan struct{}, 1), session: newSession(), large: map[*entry]struct{}{},
	}
}

// notify wakes the loop if it waits.
func (l *loop) notify() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// changeLocked has the loop look at p before its next fetch. f.mu is held.
func (l *loop) changeLocked(p *Partition) {
	l.dirty = append(l.dirty, p)
	l.notify()
}

// run fetches until ctx ends, or for as long as the loop has partitions.
func (l *loop) run(ctx context.Context) {
	for {
		l.takeChanges()
		l.weigh()
		if l.session.active == 0 {
			if !l.wait(ctx) {
				return
			}
			continue
		}
		if !l.fetch(ctx) {
			return
		}
	}
}

// takeChanges brings the session up to date with the loop's partitions.
func (l *loop) takeChanges() {
	l.f.mu.Lock()
	size := l.f.firstSizeLocked()
	for _, p := range l.dirty {
		l.spare = append(l.spare, change{
			p: p, mine: p.loop == l, id: p.id, version: p.version,
			want: point{offset: p.offset, current: p.leaderEpoch, last: p.epoch},
			size: size, need: p.need, ailing: p.failures > 0 || p.reported != "", noRack: p.replicaNotUntil,
		})
	}
	clear(l.dirty)
	l.dirty = l.dirty[:0]
	l.f.mu.Unlock()

	for _, c := range l.spare {
		l.take(c)
	}
	clear(l.spare)
	l.spare = l.spare[:0]
}

func (l *loop) take(c change) {
	s := &l.session
	if !c.mine {
		if e := s.entries[c.p.name]; e != nil && e.p == c.p && !e.dropped {
			s.set(e, func() { e.dropped = true })
			delete(l.large, e)
		}
		return
	}
	e := s.add(c.p, wire.PartitionKey{Topic: c.p.name.topic, ID: c.id, Partition: c.p.name.partition})
	e.version, e.ailing = c.version, c.ailing
	l.setNeed(e, c.need)
	c.want.maxBytes = e.want.maxBytes
	e.want = c.want
	if e.size == 0 {
		e.size = c.size
	}
	l.admit(e, false, e.size)
	l.engage(e)
	if c.noRack.After(l.noRack) {
		l.noRack = c.noRack
	}
}

// setNeed notes the size of a partition's large batches; 0: there are none.
func (l *loop) setNeed(e *entry, need int32) {
	e.need = need
	if need > 0 {
		l.large[e] = struct{}{}
	} else {
		delete(l.large, e)
	}
}

// engage has weigh look at e.
func (l *loop) engage(e *entry) {
	if !e.busy {
		e.busy = true
		l.busy = append(l.busy, e)
	}
}

// wait waits until a partition may be asked for. It returns false when the loop
// ended: its context did, or it had no partitions for a while.
func (l *loop) wait(ctx context.Context) bool {
	f := l.f
	if len(l.busy) > 0 {
		f.counters.starved.Add(1)
		l.starving.Store(true)
		f.starving.Add(1)
		defer func() {
			l.starving.Store(false)
			f.starving.Add(-1)
		}()
		l.weigh() // again: who gave back before it saw the flag did not wake us
		if l.session.active > 0 {
			return true
		}
	}

	// Other users of the budget do not wake us, so look now and then.
	timer := time.NewTimer(f.p.FetchMaxWait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-l.wake:
		return true
	case <-timer.C:
	}
	if !l.end() {
		return true
	}
	l.closeSession(ctx)
	return false
}

// end removes the loop from its fetcher if it has no partitions.
func (l *loop) end() bool {
	l.f.mu.Lock()
	defer l.f.mu.Unlock()
	if l.members > 0 || len(l.dirty) > 0 {
		return false
	}
	delete(l.f.loops, l.key)
	return true
}

// closeSession tells the broker that the session's slot is free, since it has
// few and lets others take one only after two minutes. At the end of ctx it is
// left to that: connections are being closed.
func (l *loop) closeSession(ctx context.Context) {
	if l.session.id == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	req := &wire.FetchRequest{SessionID: l.session.id, SessionEpoch: -1, MaxBytes: leastAsk}
	resp, err := l.client.Fetch(ctx, l.broker, req, l.f.p.Budget)
	if err == nil {
		release(resp.Partitions)
	}
}

// fetch sends one request and hands over what it brought. It returns false when
// ctx ended.
func (l *loop) fetch(ctx context.Context) bool {
	f := l.f
	if f.p.Pacer.Wait(ctx) != nil {
		return false
	}
	reservation, err := l.reserve(ctx)
	if err != nil {
		return false
	}
	reserved := reservation.Bytes()
	f.reserved.Add(reserved)
	l.takeChanges() // the reservation may have taken long
	if l.session.active == 0 {
		reservation.Close()
		f.reserved.Add(-reserved)
		return true
	}
	req := l.request(reserved)
	start := time.Now()
	resp, err := l.client.Fetch(ctx, l.broker, req, reservation)
	reservation.Close()
	f.reserved.Add(-reserved)

	switch {
	case ctx.Err() != nil:
		if resp != nil {
			release(resp.Partitions)
		}
		return false
	case err != nil:
		f.counters.errors.Add(1)
		l.session.reset()
		l.failAll(unavailable(l.broker, err))
		return true
	}
	f.counters.fetches.Add(1)
	got, idle := l.answered(resp)
	f.p.Pacer.Fetched(got)
	l.learn(int64(req.MaxBytes), got)
	return l.calm(ctx, idle && time.Since(start) < req.MaxWait/10)
}

// request builds the next request.
func (l *loop) request(reserved int64) *wire.FetchRequest {
	s := &l.session
	p := &l.f.p
	req := &wire.FetchRequest{
		MaxWait: p.FetchMaxWait, MinBytes: p.FetchMinBytes, MaxBytes: l.responseBytes(reserved),
		ReadCommitted: p.ReadCommitted, SessionID: s.id, SessionEpoch: s.epoch, Rack: p.Rack,
	}
	switch {
	case s.opening() && s.id == 0 && s.round == 0:
		req.MaxWait = 0 // where the logs stand is worth knowing at once
	case l.draining:
		req.MaxWait /= 10 // a paused partition may soon go on
	}
	if !l.noRack.IsZero() && time.Now().Before(l.noRack) {
		req.Rack = ""
	}
	req.Partitions, req.Forgotten = s.request()
	return req
}

// calm delays the next request while a broker answers at once with nothing, which
// would otherwise keep both sides busy. It returns false when ctx ended.
func (l *loop) calm(ctx context.Context, hasty bool) bool {
	if !hasty {
		l.hasty = 0
		return true
	}
	if l.hasty++; l.hasty <= 3 {
		return true
	}
	timer := time.NewTimer(min(time.Millisecond<<min(l.hasty, 20), l.f.p.FetchMaxWait))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// release gives back the buffers of an answer nobody wants.
func release(partitions []wire.FetchedPartition) {
	for i := range partitions {
		giveBack(&partitions[i].Records)
	}
}

func giveBack(buf **memory.Buffer) {
	if *buf != nil {
		(*buf).Release()
		*buf = nil
	}
}
