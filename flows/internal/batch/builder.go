package batch

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// builder writes one batch behind the bytes of dst. Records of a batch that is
// to be compressed gather in raw first.
type builder struct {
	rc    *Recoder
	codec Codec
	dst   []byte
	raw   []byte // used unless codec is None

	start    int   // of the batch in dst
	count    int32 // records so far
	baseTime int64
	maxTime  int64
}

// begin starts a batch whose timestamp deltas count from baseTime.
func (w *builder) begin(codec Codec, baseTime int64) {
	w.codec, w.baseTime, w.maxTime = codec, baseTime, math.MinInt64
	w.start, w.count = len(w.dst), 0
	w.raw = w.raw[:0]
	var header [headerSize]byte
	w.dst = append(w.dst, header[:]...)
}

// size is the number of uncompressed bytes of records so far.
func (w *builder) size() int {
	if w.codec == None {
		return len(w.dst) - w.start - headerSize
	}
	return len(w.raw)
}

// recordSize is how many bytes add would write for r.
func (w *builder) recordSize(r *Record) int {
	n := recordLength(r, r.Timestamp-w.baseTime, w.count)
	return varintSize(int64(n)) + n
}

// recordLength is the length that a record has written before it.
func recordLength(r *Record, timestampDelta int64, offsetDelta int32) int {
	return 1 + varintSize(timestampDelta) + varintSize(int64(offsetDelta)) + r.bodySize()
}

// add writes r as the batch's next record.
func (w *builder) add(r *Record) {
	p := &w.raw
	if w.codec == None {
		p = &w.dst
	}
	*p = appendRecord(*p, r, r.Timestamp-w.baseTime, w.count)
	w.maxTime = max(w.maxTime, r.Timestamp)
	w.count++
}

// finish completes the batch. It has neither producer nor flags: Stamp adds them.
func (w *builder) finish() (err error) {
	if w.codec != None {
		dst, err := w.rc.compress(w.dst, w.raw, w.codec)
		if err != nil {
			return err
		}
		w.dst = dst
	}
	h := w.dst[w.start:]
	clear(h[:headerSize])
	binary.BigEndian.PutUint32(h[atLastOffsetDelta:], uint32(w.count-1))
	binary.BigEndian.PutUint64(h[atBaseTimestamp:], uint64(w.baseTime))
	binary.BigEndian.PutUint64(h[atMaxTimestamp:], uint64(w.maxTime))
	binary.BigEndian.PutUint32(h[atCount:], uint32(w.count))
	seal(h, w.codec)
	return nil
}

// undo forgets the batch.
func (w *builder) undo() { w.dst = w.dst[:w.start] }

// seal fills in what does not depend on the records of a batch: length, magic,
// codec as the only attribute, no producer, base offset 0, and the CRC.
func seal(b Batch, codec Codec) {
	binary.BigEndian.PutUint64(b, 0)
	binary.BigEndian.PutUint32(b[atLength:], uint32(len(b)-prefixSize))
	binary.BigEndian.PutUint32(b[atLeaderEpoch:], ^uint32(0))
	b[atMagic] = 2
	binary.BigEndian.PutUint16(b[atAttributes:], uint16(codec))
	binary.BigEndian.PutUint64(b[atProducerID:], ^uint64(0))
	binary.BigEndian.PutUint16(b[atProducerEpoch:], ^uint16(0))
	binary.BigEndian.PutUint32(b[atBaseSequence:], ^uint32(0))
	binary.BigEndian.PutUint32(b[atCRC:], Checksum(b[atAttributes:]))
}

// appendRecord appends r with other deltas.
func appendRecord(dst []byte, r *Record, timestampDelta int64, offsetDelta int32) []byte {
	dst = binary.AppendVarint(dst, int64(recordLength(r, timestampDelta, offsetDelta)))
	dst = append(dst, byte(r.Attributes))
	dst = binary.AppendVarint(dst, timestampDelta)
	dst = binary.AppendVarint(dst, int64(offsetDelta))
	if r.body != nil {
		return append(dst, r.body...)
	}
	dst = appendNullable(dst, r.Key)
	dst = appendNullable(dst, r.Value)
	return append(dst, 0) // magic 0 and 1 have no headers
}

// bodySize is the number of bytes from the key's length on.
func (r *Record) bodySize() int {
	if r.body != nil {
		return len(r.body)
	}
	return nullableSize(r.Key) + nullableSize(r.Value) + 1
}

func appendNullable(dst, p []byte) []byte {
	if p == nil {
		return append(dst, 1) // -1
	}
	return append(binary.AppendVarint(dst, int64(len(p))), p...)
}

func nullableSize(p []byte) int {
	if p == nil {
		return 1
	}
	return varintSize(int64(len(p))) + len(p)
}

// varintSize is the number of bytes of a zigzag varint.
func varintSize(v int64) int {
	u := uint64(v)<<1 ^ uint64(v>>63)
	return (bits.Len64(u|1) + 6) / 7
}
