package batch

import (
	"cmp"
	"math"
)

// Defaults of CoalesceLimits.
const (
	defaultCoalesceBytes   = 1048588 // Kafka's default of max.message.bytes
	defaultCoalesceDecoded = 1 << 20
)

// CoalesceLimits bound what Coalesce makes. A zero field means its default.
type CoalesceLimits struct {
	MaxBytes   int   // most bytes of the batch, compressed and with its header; default 1048588
	MaxDecoded int   // most bytes of its records uncompressed; default 1 MiB
	MaxRecords int32 // default no limit
}

// Mergeable says by their headers whether b may follow a in one batch: both are
// dense data of magic 2 with equal codec and kind of timestamp. Classify's Pass
// implies the density.
func Mergeable(a, b Batch) bool {
	const same = codecMask | bitLogAppendTime | bitControl
	return a.Magic() == 2 && b.Magic() == 2 && (a.Attributes()^b.Attributes())&same == 0 &&
		!a.Control() && a.Count() > 0 && b.Count() > 0 && a.Dense() && b.Dense()
}

// Coalesce appends to dst one batch of the records of the first n batches, as
// many neighbours as are Mergeable and fit the limits. n is 1, and out is dst,
// when there is nothing to gain or the first batch is malformed: send it as it
// is. n is 0 only without batches. The new batch is as Recode's are: codec kept,
// timestamps exact, no flags and no producer. The caller knows which source
// offsets it stands for.
func (rc *Recoder) Coalesce(dst []byte, batches []Batch, l CoalesceLimits) (out []byte, n int) {
	l.MaxBytes = cmp.Or(l.MaxBytes, defaultCoalesceBytes)
	l.MaxDecoded = min(cmp.Or(l.MaxDecoded, defaultCoalesceDecoded), rc.p.MaxDecoded)
	l.MaxRecords = cmp.Or(l.MaxRecords, math.MaxInt32)
	n = l.run(batches)
	if n < 2 {
		return dst, n
	}
	s := rc.borrow()
	defer rc.giveBack(s)
	for n > 1 {
		w := builder{rc: rc, dst: dst, raw: s.raw}
		w.begin(batches[0].Codec(), batches[0].BaseTimestamp())
		n = w.merge(batches[:n], l, s)
		s.raw = w.raw
		if n < 2 || w.finish() != nil {
			break
		}
		if len(w.dst)-len(dst) <= l.MaxBytes {
			return w.dst, n
		}
		n /= 2 // together they compress worse than alone: rare
	}
	return dst, 1
}

// run is how many of the first batches may go together by their headers. Their
// sizes as they are stand for the size of the whole: records grow by a few bytes
// of deltas at most, which the header saved per batch outweighs.
func (l *CoalesceLimits) run(batches []Batch) int {
	if len(batches) == 0 {
		return 0
	}
	first := batches[0]
	if first.Magic() < 2 {
		return 1
	}
	size, records := len(first), int64(first.Count())
	for i, b := range batches[1:] {
		if !Mergeable(first, b) {
			return i + 1
		}
		size += len(b.Payload())
		records += int64(b.Count())
		if size > l.MaxBytes || records > int64(l.MaxRecords) {
			return i + 1
		}
	}
	return len(batches)
}

// merge adds the records of batches and returns of how many: it stops before one
// that is malformed or passes a limit.
func (w *builder) merge(batches []Batch, l CoalesceLimits, s *scratch) int {
	for i, b := range batches {
		p, err := w.rc.payload(b, s, w.codec, b.Payload())
		if err != nil {
			return i
		}
		before := *w
		if !w.addAll(b, p) || w.size() > l.MaxDecoded || w.codec == None && w.size() > l.MaxBytes-headerSize {
			w.dst, w.raw, w.count, w.maxTime = w.dst[:len(before.dst)], w.raw[:len(before.raw)], before.count, before.maxTime
			return i
		}
	}
	return len(batches)
}

// addAll adds the records p of batch b, and says whether they were well formed.
func (w *builder) addAll(b Batch, p []byte) bool {
	out := w.raw
	if w.codec == None {
		out = w.dst
	}
	shift := b.BaseTimestamp() - w.baseTime
	var r Record
	var ok bool
	for i := range b.Count() {
		if p, ok = r.cut(p); !ok || r.OffsetDelta != i {
			return false
		}
		delta := r.TimestampDelta + shift
		out = appendRecord(out, &r, delta, w.count)
		w.maxTime = max(w.maxTime, w.baseTime+delta)
		w.count++
	}
	if w.codec == None {
		w.dst = out
	} else {
		w.raw = out
	}
	return len(p) == 0
}
