package source

import (
	"cmp"
	"math"
	"slices"

	"github.com/strait-mirror/strait/flows/internal/wire"
)

// point is where and how a partition is asked for.
type point struct {
	offset   int64
	maxBytes int32
	current  int32 // leader epoch
	last     int32 // last fetched epoch
}

// entry is one partition in a session. It belongs to the loop's goroutine.
type entry struct {
	p       *Partition
	key     wire.PartitionKey
	version uint64 // of p as of want.offset
	want    point
	paused  bool // not to be asked for
	dropped bool // no longer the loop's

	open    bool  // the broker's session has it, as of the last request
	sent    point // as the broker's session has it; valid while open
	changed bool  // in session.changes
	ailing  bool  // had failed: its first answer counts
	round   uint64
	fed     uint64 // round that last brought data

	busy bool  // in loop.busy
	held int64 // bytes it held when it was weighed last
	peak int64 // bytes it held after the last delivery
	size int64 // bytes to ask for where there is room
	need int32 // bytes of a batch that is larger than firstSize; 0: none
}

// asked returns whether the broker is to answer for e.
func (e *entry) asked() bool { return !e.paused && !e.dropped }

// idKey is a partition's name for brokers that answer by topic id.
type idKey struct {
	id        wire.TopicID
	partition int32
}

// session is a fetch session (KIP-227) as its client sees it: the broker
// remembers the partitions and their offsets, requests carry what changed, and
// answers carry what is new. Session ids and epochs say whether both sides speak
// of the same request. Without a session every request carries everything.
type session struct {
	id      int32 // 0: none
	epoch   int32 // of the next request; 0: it opens a session, in place of id if that is set
	entries map[nameKey]*entry
	byID    map[idKey]*entry
	changes []*entry // to be looked at for the next request
	active  int      // entries that are asked for
	round   uint64   // number of the last request
	fresh   []*entry // ailing ones the last request opened
}

func newSession() session {
	return session{entries: map[nameKey]*entry{}, byID: map[idKey]*entry{}}
}

// touch has the next request look at e.
func (s *session) touch(e *entry) {
	if !e.changed {
		e.changed = true
		s.changes = append(s.changes, e)
	}
}

// set runs change on e and keeps the count of active entries.
func (s *session) set(e *entry, change func()) {
	before := e.asked()
	change()
	switch after := e.asked(); {
	case after && !before:
		s.active++
	case before && !after:
		s.active--
	}
	s.touch(e)
}

// add returns the entry of a partition, new or as it was, asked for from now on.
func (s *session) add(p *Partition, key wire.PartitionKey) *entry {
	e := s.entries[p.name]
	if e == nil {
		e = &entry{p: p, key: key, dropped: true}
		s.entries[p.name] = e
		s.byID[idKey{key.ID, key.Partition}] = e
	}
	if e.key.ID != key.ID {
		// A broker that fetches by name could not tell the old one, which must be
		// forgotten, from the new one in the same request.
		delete(s.byID, idKey{e.key.ID, key.Partition})
		e.key = key
		s.byID[idKey{key.ID, key.Partition}] = e
		s.reset()
	}
	s.set(e, func() {
		if e.p != p {
			e.p, e.held = p, 0
		}
		e.dropped, e.paused = false, false
	})
	return e
}

// find returns the entry an answer speaks of; nil if there is none.
func (s *session) find(key wire.PartitionKey) *entry {
	if key.Topic != "" {
		return s.entries[nameKey{key.Topic, key.Partition}]
	}
	return s.byID[idKey{key.ID, key.Partition}]
}

// reset has the next request open a session in place of the one there is.
func (s *session) reset() { s.epoch = 0 }

// lost forgets a session that the broker does not know.
func (s *session) lost() { s.id, s.epoch = 0, 0 }

// opening returns whether the next request carries everything.
func (s *session) opening() bool { return s.epoch == 0 }

// request returns what the next request must say, and notes it as said.
func (s *session) request() (ask []wire.FetchPartition, forgotten []wire.PartitionKey) {
	s.round++
	clear(s.fresh)
	s.fresh = s.fresh[:0]
	list := s.changes
	if s.opening() {
		list = make([]*entry, 0, len(s.entries))
		for _, e := range s.entries {
			e.open = false
			list = append(list, e)
		}
		// Without a session the order is ours to rotate: a broker fills its
		// answer from the front, so who was fed last waits longest.
		slices.SortFunc(list, func(a, b *entry) int {
			return cmp.Or(cmp.Compare(a.fed, b.fed), cmp.Compare(a.key.Topic, b.key.Topic), cmp.Compare(a.key.Partition, b.key.Partition))
		})
	}
	for _, e := range list {
		e.changed = false
		switch {
		case e.asked():
			if e.open && e.sent == e.want {
				continue
			}
			if !e.open && e.ailing {
				s.fresh = append(s.fresh, e)
			}
			e.open, e.sent = true, e.want
			ask = append(ask, wire.FetchPartition{
				PartitionKey: e.key, Offset: e.want.offset, MaxBytes: e.want.maxBytes,
				CurrentEpoch: e.want.current, LastFetchedEpoch: e.want.last,
			})
		case e.open:
			e.open = false
			forgotten = append(forgotten, e.key)
		}
		if e.dropped {
			delete(s.entries, nameKey{e.key.Topic, e.key.Partition})
			delete(s.byID, idKey{e.key.ID, e.key.Partition})
		}
	}
	clear(s.changes)
	s.changes = s.changes[:0]
	return ask, forgotten
}

// answered notes an answer that carried no error of the session.
func (s *session) answered(id int32) {
	switch {
	case s.opening():
		s.id = id
		if id != 0 {
			s.epoch = 1
		}
	case id == 0: // the broker closed it
		s.lost()
	case s.epoch == math.MaxInt32:
		s.epoch = 1
	default:
		s.epoch++
	}
}
