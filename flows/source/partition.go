package source

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/strait-mirror/strait/flows/internal/wire"
)

// PartitionParams says what to fetch and who takes it.
type PartitionParams struct {
	Key         wire.PartitionKey // a zero ID: whatever id the topic has first
	Offset      int64             // the next one wanted
	LeaderEpoch int32             // of the batch before Offset, finds a cut log; NoEpoch: not known
	Handler     Handler           // required
}

// state is what a partition waits for.
type state uint8

const (
	queued    state = iota // another partition of its name, still to be removed
	scheduled              // its alarm, then its leader
	awaiting               // the keeper: a refresh or a lookup is under way
	fetching               // data: it is in a loop
	parked                 // SeekTo
	removed                // nothing
)

// String returns the state's name as status shows it.
func (s state) String() string {
	return [...]string{"queued", "waiting", "resolving", "fetching", "parked", "removed"}[s]
}

// Partition is one partition that is being fetched. All methods are safe for
// concurrent use.
type Partition struct {
	f       *Fetcher
	name    nameKey
	handler Handler
	held    atomic.Int64 // bytes delivered and not yet done

	calls sync.Mutex // held during calls of handler; taken before f.mu

	// Guarded by f.mu.
	id          wire.TopicID
	state       state
	version     uint64 // changes whenever answers to earlier fetches become void
	offset      int64
	epoch       int32
	leaderEpoch int32
	need        int32 // bytes of a batch larger than MaxPartitionFetchBytes; 0: none
	loop        *loop // nil unless fetching

	replica         int32     // follower to read from (KIP-392); -1: the leader
	replicaUntil    time.Time // and for how long
	replicaNotUntil time.Time // a follower failed: no rack is sent before

	failures int       // in a row
	since    time.Time // the first of them
	reported string    // label of the problem the handler knows of; empty: none
	trouble  error     // the last failure; nil when healthy
	stale    bool      // the leader known may be the wrong one: refresh first
	ranged   bool      // the leader said OFFSET_OUT_OF_RANGE: look up the log's ends
	raced    int       // lookups in a row that found the offset in range

	alarmAt   time.Time
	alarmSlot int // in f.alarms; -1: none
}

// Remove ends fetching. No method of the handler runs or is called after it has
// returned, so it must not be called by the handler itself. It may be called
// more than once.
func (p *Partition) Remove() {
	p.f.remove(p)
	p.calls.Lock() // wait for the call under way; later ones see the new version
	defer p.calls.Unlock()
}

func (f *Fetcher) remove(p *Partition) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p.state == removed {
		return
	}
	f.detachLocked(p)
	p.state = removed
	same := f.byName[p.name]
	for i, other := range same {
		if other == p {
			same = append(same[:i], same[i+1:]...)
			break
		}
	}
	if len(same) == 0 {
		delete(f.byName, p.name)
		return
	}
	f.byName[p.name] = same
	if next := same[0]; next.state == queued {
		f.scheduleLocked(next, time.Now())
	}
}

// SeekTo goes on at offset, after a batch of leader epoch epoch (NoEpoch: not
// known), with whatever the partition is at. Data that is being handed over
// while SeekTo is called may still arrive; Fetched.Offset tells it apart.
func (p *Partition) SeekTo(offset int64, epoch int32) {
	f := p.f
	f.mu.Lock()
	defer f.mu.Unlock()
	p.offset, p.epoch, p.need = offset, epoch, 0
	p.ranged, p.raced = false, 0
	switch p.state {
	case removed, queued:
	case fetching:
		p.version++
		p.loop.changeLocked(p)
	case scheduled, awaiting, parked:
		f.detachLocked(p)
		p.failures = 0
		f.scheduleLocked(p, time.Now())
	}
}

// Done says that n bytes (Buffer.Size) of what was delivered were released. It
// is cheap, and must be called after the release, not before.
func (p *Partition) Done(n int64) {
	p.held.Add(-n)
	if p.f.starving.Load() > 0 {
		p.f.feed()
	}
}

// PartitionStatus is a partition's condition at one moment.
type PartitionStatus struct {
	State  string // queued, waiting, resolving, fetching, parked or removed
	Broker int32  // that is being asked; -1: none
	Offset int64  // wanted next
	Epoch  int32  // leader epoch before Offset; NoEpoch: not known
	Held   int64  // bytes delivered and not yet done
	Err    error  // the last failure; nil when healthy
}

// Status returns the partition's condition.
func (p *Partition) Status() PartitionStatus {
	p.f.mu.Lock()
	defer p.f.mu.Unlock()
	s := PartitionStatus{
		State: p.state.String(), Broker: -1, Offset: p.offset, Epoch: p.epoch, Held: p.held.Load(), Err: p.trouble,
	}
	if p.loop != nil {
		s.Broker = p.loop.broker
	}
	return s
}

// String returns topic/partition.
func (p *Partition) String() string { return fmt.Sprintf("%s/%d", p.name.topic, p.name.partition) }

// detachLocked takes p out of its loop and off its alarm and voids what is under
// way for it. f.mu is held.
func (f *Fetcher) detachLocked(p *Partition) {
	p.version++
	f.alarms.drop(p)
	if l := p.loop; l != nil {
		p.loop = nil
		l.members--
		l.changeLocked(p)
	}
}

// scheduleLocked has the keeper look for p's leader at a given time. p is not in
// a loop; f.mu is held.
func (f *Fetcher) scheduleLocked(p *Partition, at time.Time) {
	p.state = scheduled
	f.alarms.set(p, at)
	f.wakeKeeper()
}
