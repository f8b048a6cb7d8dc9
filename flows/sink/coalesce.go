package sink

import (
	"github.com/strait-mirror/strait/flows/internal/batch"
)

// mergedBatch is how large a merged batch may become. Larger ones gain nothing
// that their copying does not cost.
const mergedBatch = 256 << 10

// smallBatch returns below which size batches of a codec are merged. Merging
// uncompressed records is little more than a copy, and cheaper than a batch of
// its own for each. Compressed ones must be decompressed and compressed again,
// which only pays for the very small, unless the way to the broker is long: then
// five batches per round trip are too few whatever the rest costs.
func smallBatch(c batch.Codec, far bool) int {
	switch {
	case c == batch.None, far:
		return 32 << 10
	case c == batch.LZ4, c == batch.Snappy:
		return 4 << 10
	default:
		return 1 << 10
	}
}

// nextBatchLocked removes the next batch from the queue. While others are in
// flight, or only one may be, and more are waiting, neighbouring small ones are
// merged: with one batch per partition and request, a lane of tiny batches would
// otherwise move no more than five of them per round trip.
func (l *Lane) nextBatchLocked() Batch {
	if l.sink.p.Coalesce != nil && (l.out > 0 || l.oldLocked(l.queue[0].MaxTimestamp)) {
		if n := l.mergeableLocked(); n > 1 {
			if merged, n := l.sink.merge(l.queue[:n], l.maxBytes); n > 1 {
				l.dequeueLocked(n)
				return merged
			}
		}
	}
	b := l.queue[0]
	l.dequeueLocked(1)
	return b
}

// dequeueLocked drops the first n batches of the queue.
func (l *Lane) dequeueLocked(n int) {
	clear(l.queue[:n])
	l.queue = l.queue[n:]
	if len(l.queue) == 0 {
		l.queue = nil
	}
}

// mergeableLocked returns how many batches at the head of the queue are small
// enough to become one.
func (l *Lane) mergeableLocked() int {
	small := smallBatch(l.queue[0].Data.Codec(), l.sink.broker(l.broker).way.far())
	size := 0
	for n := range l.queue {
		b := &l.queue[n]
		if size += len(b.Data); len(b.Data) >= small || size > mergedBatch {
			return n
		}
	}
	return len(l.queue)
}

// merge makes one batch of the first n of several; n is 1 when they must stay
// apart.
func (s *Sink) merge(batches []Batch, maxBytes int) (merged Batch, n int) {
	parts := make([]batch.Batch, len(batches))
	size := 0
	for i := range batches {
		parts[i] = batches[i].Data
		size += len(parts[i])
	}
	buf := s.p.Budget.Get(size)
	data, n := s.p.Coalesce.Coalesce(buf.Bytes()[:0], parts, batch.CoalesceLimits{MaxBytes: maxBytes})
	if n < 2 {
		buf.Release()
		return Batch{}, n
	}
	if &data[0] != &buf.Bytes()[0] { // a codec asked for room for its worst case
		if len(data) > size { // deltas grew by more than the headers saved: rare
			buf.Release()
			buf = s.p.Budget.Get(len(data))
		}
		copy(buf.Bytes(), data)
	}
	merged = batches[n-1] // its source position
	merged.Buffer, merged.Data = buf, buf.Bytes()[:len(data)]
	merged.Records = merged.Data.Count()
	merged.MaxTimestamp = merged.Data.MaxTimestamp()
	var held owners
	for i := range batches[:n] {
		b := &batches[i]
		if b.Buffer != nil {
			b.Buffer.Release()
		}
		held = held.add(b.Owner)
	}
	merged.Owner = &held
	s.stats.Coalesced.Add(int64(n))
	return merged, n
}

// owners are the distinct owners of a merged batch's parts.
type owners []Owner

// add takes over a reference to o. Neighbouring parts mostly have the same
// owner, and one reference to it is enough.
func (h owners) add(o Owner) owners {
	if o == nil {
		return h
	}
	if n := len(h); n > 0 && h[n-1] == o {
		o.Release()
		return h
	}
	return append(h, o)
}

// Release tells all of them.
func (h *owners) Release() {
	for _, o := range *h {
		o.Release()
	}
}
