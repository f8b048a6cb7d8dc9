package mirror

import (
	"context"
	"crypto/sha256"
	"encoding/binary"

	"github.com/strait-mirror/strait/flows/internal/batch"
	"github.com/strait-mirror/strait/flows/internal/wire"
)

// tail is the last batch that a producer appended to a target partition.
type tail struct {
	next     int64 // target offset behind it
	sequence int32 // of its last record
	time     int64 // its max timestamp, ms
	last     digest
}

// digest stands for the key, value and headers of one record. The zero digest
// stands for none: the record is not there any more.
type digest [sha256.Size]byte

// digestOf digests a record. Timestamps are left out: a topic with
// LogAppendTime has its own.
func digestOf(r *batch.Record) digest {
	h := sha256.New()
	var length [binary.MaxVarintLen64]byte
	for _, part := range [][]byte{r.Key, r.Value, r.Headers} {
		n := int64(len(part))
		if part == nil {
			n = -1
		}
		h.Write(binary.AppendVarint(length[:0], n))
		h.Write(part)
	}
	return digest(h.Sum(nil))
}

// writer names who wrote a batch.
type writer struct {
	id    int64
	epoch int16
}

// wrote reports whether b holds data of w.
func (w writer) wrote(b batch.Batch) bool {
	return b.Magic() >= 2 && !b.Control() && b.ProducerID() == w.id && b.ProducerEpoch() == w.epoch
}

// lastSequence is that of the last record of a batch. A batch that was compacted
// keeps its last offset, and so this.
func lastSequence(b batch.Batch) int32 { return (b.BaseSequence() + b.LastOffsetDelta()) & 0x7fffffff }

// lastBatch finds the last batch of a writer at or above an offset; end is the
// true and replicated end of the log. It looks at the last batch of all first,
// which is nearly always the one.
func (t *targetLog) lastBatch(ctx context.Context, key wire.PartitionKey, from, end int64, w writer, rc *batch.Recoder) (tail, bool, error) {
	const one = 1 // byte: brokers answer with one batch at least
	var found tail
	ok := false
	look := func(b batch.Batch) {
		if !w.wrote(b) || b.NextOffset() <= from {
			return
		}
		found, ok = tail{next: b.NextOffset(), sequence: lastSequence(b), time: b.MaxTimestamp(), last: lastRecord(rc, b)}, true
	}
	if _, err := t.scan(ctx, key, end-1, one, look); err != nil || ok {
		return found, ok, err
	}
	at := int64(-1)
	if err := t.walk(ctx, key, from, end, func(b batch.Batch) {
		if w.wrote(b) && b.NextOffset() > from {
			at = b.NextOffset() - 1
		}
	}); err != nil || at < 0 {
		return tail{}, false, err
	}
	_, err := t.scan(ctx, key, at, one, look)
	return found, ok, err
}

// lastRecord digests the last record of a batch, if it is still there.
func lastRecord(rc *batch.Recoder, b batch.Batch) digest {
	var d digest
	for r, err := range rc.Records(b) {
		if err != nil {
			return digest{}
		}
		if r.Offset == b.LastOffset() {
			d = digestOf(r)
		}
	}
	return d
}
