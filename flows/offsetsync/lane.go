package offsetsync

import "sync"

// Partition is one side of a lane.
type Partition struct {
	Topic  string
	ID     [16]byte // of the topic; zero: the broker has none
	Number int32
}

// Lane is what is known of the places of one source partition on its way to one
// target partition. Its methods are safe for concurrent use, and may be called on
// a nil Lane, of which nothing is kept.
type Lane struct {
	syncs *Syncs
	topic string
	part  int32

	mu       sync.Mutex // guards the rest
	source   [16]byte   // id of the topic; zero: not known
	target   end
	placed   bool   // newest is where the lane is
	newest   place  // acknowledged
	known    places // ascending; what is stored
	found    places // more, counted by a translator
	changed  bool   // known is not what is stored
	skipped  int64  // offsets of the source without a record at the target, since the last that has one
	records  int64  // since the last of known
	bytes    int64
	rule     rule
	pending  syncSlot       // to be sent
	delayed  syncSlot       // to be sent when the lane is idle
	queued   bool           // in the list of lanes with something to send
	hopeless map[place]bool // known places from which to the next counting gave another number than the target has
}

// end is where a lane ends.
type end struct {
	topic string
	part  int32
	id    [16]byte
}

// syncSlot holds a sync or none.
type syncSlot struct {
	pair
	full bool
}

// begin forgets what was known of another lane between other topics. l.mu is held.
func (l *Lane) begin(source [16]byte, target end) {
	none := [16]byte{}
	same := l.target == end{} || l.target.topic == target.topic && l.target.part == target.part &&
		(l.target.id == target.id || l.target.id == none)
	if !same || l.source != source && l.source != none {
		l.known, l.found, l.hopeless = nil, nil, nil
		l.pending, l.delayed = syncSlot{}, syncSlot{}
		l.placed = false
	}
	l.source, l.target = source, target
}

// Placed says that the lane goes on where the records of the source below
// sourceNext are on the target below targetEnd; -1: that is not known.
func (l *Lane) Placed(sourceNext, targetEnd int64) {
	if l == nil || targetEnd < 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rule = rule{prev: place{sourceNext, targetEnd}}
	l.placed, l.newest = true, place{sourceNext, targetEnd}
	l.found = nil
	l.remember()
}

// Stored says that a lane was once where the records of the source below sourceNext
// are on the target below targetEnd, for readers of what another process does. The
// target is where such a lane ends unless more is known.
func (s *Syncs) Stored(source, target Partition, sourceNext, targetEnd int64) {
	l := s.lane(source.Topic, source.Number)
	l.mu.Lock()
	to := end{target.Topic, target.Number, target.ID}
	if l.target != (end{}) {
		to.topic, to.part = l.target.topic, l.target.part
	}
	l.begin(source.ID, to)
	l.mu.Unlock()
	l.Placed(sourceNext, targetEnd)
}

// Left says that the lane is another process's from now on, which writes of it.
func (l *Lane) Left() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.placed = false
	l.pending, l.delayed = syncSlot{}, syncSlot{}
}

// Acked says the same of a lane that moved by so many records and bytes. It does
// not allocate in general.
func (l *Lane) Acked(sourceNext, targetEnd, records, bytes int64) {
	if l == nil || targetEnd < 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	was := l.newest
	l.newest = place{sourceNext, targetEnd}
	if sourceNext < was.source { // its log was cut: what was known behind is of other records
		l.found = nil
		l.remember()
	}
	if l.skipped += max(0, sourceNext-was.source-records); records == 0 {
		return // dropped by rules: the target is where it was
	}
	l.records += records
	l.bytes += bytes
	if l.records >= placeRecords || l.bytes >= placeBytes || l.skipped >= placeSkipped {
		l.remember()
	}
	l.skipped = 0
	if !l.syncs.emits || l.target.part != l.part {
		return // readers take the partition of a sync for that of the target
	}
	last := pair{sourceNext - 1, targetEnd - 1}
	if l.rule.due(l.newest, records, l.syncs.p.LagMax) || l.pending.full {
		l.enqueue(last)
		return
	}
	l.delayed = syncSlot{last, true}
}

// enqueue has a sync sent, in the place of an older one. l.mu is held.
func (l *Lane) enqueue(p pair) {
	l.pending, l.delayed = syncSlot{p, true}, syncSlot{}
	if !l.queued {
		l.queued = true
		l.syncs.enqueue(l)
	}
}

// remember makes the newest place a known one. l.mu is held.
func (l *Lane) remember() {
	l.known.add(l.newest)
	l.hopeless = nil
	l.records, l.bytes = 0, 0
	if !l.changed {
		l.changed = true
		l.syncs.index(l)
	}
}

// take returns what is to be sent; false: nothing.
func (l *Lane) take() (pair, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queued = false
	out := l.pending
	l.pending = syncSlot{}
	return out.pair, out.full
}

// giveBack has a sync sent again that was not, unless a newer one is to be.
func (l *Lane) giveBack(p pair) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.pending.full {
		l.enqueue(p)
	}
}

// promote has what was delayed sent.
func (l *Lane) promote() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.delayed.full {
		l.enqueue(l.delayed.pair)
	}
}
