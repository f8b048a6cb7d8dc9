// Package group owns membership: which processes share the work of flows between
// two clusters, and which partitions each of them runs. Members meet in a group
// of their own on the target, through the protocol that consumers use, so that
// Kafka's coordinator says who lives; one of them, whom the coordinator chose,
// divides the work. The package moves no records: what a process does with what
// it owns is its flows' business. docs/adr/0009 has the argument for its safety.
package group

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Defaults. Kafka's consumers beat every 3 s, since they are many; brokers take
// no session below 6 s (group.min.session.timeout.ms).
const (
	DefaultHeartbeatInterval = 500 * time.Millisecond
	DefaultSessionTimeout    = 10 * time.Second
)

// Params is what New needs. A zero optional field means its default.
type Params struct {
	Target      kmsg.Requestor // control requests to the target, which end with their context; required
	Group       string         // required
	Log         *slog.Logger   // required
	Fingerprint Fingerprint    // of what is mirrored, until Select: members with another one get nothing

	// Instance is the same for a process and whoever takes its place on this host
	// (group.instance.id); "": every process is somebody new, and a broker waits
	// for the session of one that was killed.
	Instance string

	HeartbeatInterval time.Duration // default 500 ms
	SessionTimeout    time.Duration // default 10 s

	// Changed tells flows that what is owned has changed. It returns once they
	// run nothing else, and the positions of what they gave up are stored. Calls
	// do not overlap. Required.
	Changed func(ctx context.Context)

	// Weigh tells the leader what there is: add is called with every partition
	// of the source that is mirrored, and how much work it is. While that has not
	// been measured nothing is moved from one member to another that has some. nil:
	// nothing is known.
	Weigh func(add func(topic string, partition int32, weight int64)) (measured bool)

	// Say is what this member has for the others, some kilobytes at most, and Hear
	// takes what others say: the leader hears all members, and what it says then
	// every member hears. Both are called at each joining; after Tell one is near.
	// nil: nothing.
	Say  func() []byte
	Hear func(said []byte)
}

// Member is this process in a group. Its methods are safe for concurrent use;
// Owns, Holds and Leads are cheap and ask nobody.
type Member struct {
	p     Params
	owned atomic.Pointer[Set] // what flows may run
	beat  atomic.Int64        // when the last answered heartbeat was sent, since start; 0: no session
	start time.Time

	again   chan struct{} // holds a token when the group is to be joined anew
	changed chan struct{} // holds a token when owned is another one

	mu         sync.Mutex // guards the rest
	selection  Fingerprint
	instance   string // "" once somebody else uses it
	id         string // "": not known to the coordinator
	generation int32  // -1: in none
	joining    bool   // answers to heartbeats may be of the last generation
	joined     bool   // at least once
	leader     bool
	alone      bool // no group can be had: everything is owned
	members    int  // that share the work
	held       *Set // owned, and what flows have not let go of
	heldSince  int32
	problem    error
	since      time.Time // of problem
	told       string    // the problem that was logged last
	plan       *plan     // of the leader
}

// New checks p and returns a member that owns nothing; it sends nothing.
func New(p Params) (*Member, error) {
	if p.Target == nil || p.Group == "" || p.Log == nil || p.Changed == nil {
		return nil, errors.New("building a group member: target, group, log and changed are required")
	}
	p.HeartbeatInterval = cmp.Or(p.HeartbeatInterval, DefaultHeartbeatInterval)
	p.SessionTimeout = cmp.Or(p.SessionTimeout, DefaultSessionTimeout)
	if p.Weigh == nil {
		p.Weigh = func(func(string, int32, int64)) bool { return true }
	}
	if p.Say == nil {
		p.Say = func() []byte { return nil }
	}
	if p.Hear == nil {
		p.Hear = func([]byte) {}
	}
	p.Log = p.Log.With("group", p.Group)
	m := &Member{
		p: p, start: time.Now(), selection: p.Fingerprint, instance: p.Instance, generation: -1, heldSince: -1, held: &Set{},
		again: make(chan struct{}, 1), changed: make(chan struct{}, 1),
	}
	m.owned.Store(&Set{})
	return m, nil
}

// Owns reports whether this process is to run a partition of a source topic.
func (m *Member) Owns(topic string, partition int32) bool {
	return m.owned.Load().Has(Bucket(topic, partition))
}

// Holds reports whether what is owned is certainly nobody else's: the coordinator
// does not end a session before its timeout.
func (m *Member) Holds() bool { return m.fresh(m.p.SessionTimeout) }

// Leads reports whether this process is to do what only one may do. It is so
// under a lease, since another leader is chosen no earlier than the session of
// this one ends: half of that time is left for what has begun.
func (m *Member) Leads() bool {
	m.mu.Lock()
	leads := m.leader || m.alone
	m.mu.Unlock()
	return leads && m.fresh(m.p.SessionTimeout/2)
}

// fresh reports whether the coordinator has answered a heartbeat that is younger
// than within.
func (m *Member) fresh(within time.Duration) bool {
	m.mu.Lock()
	alone := m.alone
	m.mu.Unlock()
	beat := m.beat.Load()
	return alone || beat > 0 && time.Since(m.start)-time.Duration(beat) < within
}

// Tell has the others hear what Say says now.
func (m *Member) Tell() { signal(m.again) }

// Select says that something else is mirrored from now on. The group learns of it,
// and until the others select the same, only those share the work that select what
// its leader does. What is owned until then goes on.
func (m *Member) Select(f Fingerprint) {
	m.mu.Lock()
	same := m.selection == f
	m.selection = f
	m.mu.Unlock()
	if !same {
		signal(m.again)
	}
}

func (m *Member) selects() Fingerprint {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.selection
}

// Status is the state of a member at one moment.
type Status struct {
	Group    string
	Instance string // group.instance.id; "": none
	ID       string // member id; "": not in the group
	Members  int    // that share the work; 0: not known yet
	Leader   bool
	Alone    bool    // no group can be had, everything is run here
	Share    float64 // of all there may be, 0 to 1
	Since    time.Time
	Problem  error // what keeps the process from its share; may be nil
}

// Status returns the member's state.
func (m *Member) Status() Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Status{
		Group: m.p.Group, Instance: m.instance, ID: m.id, Members: m.members, Leader: m.leader, Alone: m.alone,
		Share: float64(m.owned.Load().Len()) / Buckets, Problem: m.problem, Since: m.since,
	}
}

// signal puts a token into a channel that holds one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
