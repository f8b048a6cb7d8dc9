package batch

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// AbortedTransaction is a producer whose transactional batches from FirstOffset
// up to its next abort marker never happened.
type AbortedTransaction struct {
	ProducerID  int64
	FirstOffset int64
}

// AbortedFilter tells the batches of aborted transactions in one partition of one
// read_committed fetch response, by headers and markers alone. Its list is
// complete for that response, so nothing is carried over to the next.
// A nil filter tells that nothing is aborted. It is not safe for concurrent use.
type AbortedFilter struct {
	pending []AbortedTransaction // not reached yet, by first offset
	open    map[int64]struct{}   // producers whose aborted transaction was reached
}

// NewAbortedFilter returns the filter for a response's list, which it copies and
// sorts (Redpanda has sent them unsorted), or nil when the list is empty.
func NewAbortedFilter(list []AbortedTransaction) *AbortedFilter {
	if len(list) == 0 {
		return nil
	}
	pending := slices.Clone(list)
	slices.SortFunc(pending, func(a, b AbortedTransaction) int {
		return cmp.Compare(a.FirstOffset, b.FirstOffset)
	})
	return &AbortedFilter{pending: pending, open: make(map[int64]struct{}, 1)}
}

// Aborted says whether b is data of an aborted transaction. It must be shown
// every batch of the response in order, markers included. The rules are those of
// Kafka's own consumer: a transaction opens when a batch reaches its first
// offset, and its producer's abort marker closes it.
func (f *AbortedFilter) Aborted(b Batch) bool {
	if f == nil || b.Magic() < 2 || b.ProducerID() < 0 {
		return false
	}
	last := b.LastOffset()
	for len(f.pending) > 0 && f.pending[0].FirstOffset <= last {
		f.open[f.pending[0].ProducerID] = struct{}{}
		f.pending = f.pending[1:]
	}
	if len(f.open) == 0 || !b.Transactional() {
		return false
	}
	if b.Control() {
		if MarkerOf(b) == MarkerAbort {
			delete(f.open, b.ProducerID())
		}
		return false
	}
	_, aborted := f.open[b.ProducerID()]
	return aborted
}

// Marker is what a control batch says.
type Marker int16

// The markers that end transactions (KIP-98), as in the key of the record.
const (
	MarkerNone   Marker = -1 // not a marker, or one without a readable record
	MarkerAbort  Marker = 0
	MarkerCommit Marker = 1
)

// MarkerOf reads the type of a control batch: version and type, two int16, are
// the first record's key. A control batch whose record was compacted away has
// none. Brokers never compress control batches.
func MarkerOf(b Batch) Marker {
	if b.Magic() < 2 || !b.Control() || b.Codec() != None || b.Count() < 1 {
		return MarkerNone
	}
	var r Record
	if _, ok := r.cut(b.Payload()); !ok || !r.parseBody() || len(r.Key) < 4 {
		return MarkerNone
	}
	return Marker(int16(binary.BigEndian.Uint16(r.Key[2:])))
}
