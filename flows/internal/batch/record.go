package batch

import "encoding/binary"

// Record is a view of one record. Its slices share memory with the batch, or
// with scratch space when that is compressed.
type Record struct {
	Offset    int64 // on the source
	Timestamp int64 // milliseconds since 1970, or -1; what consumers see

	Attributes     int8  // unused by Kafka so far
	TimestampDelta int64 // as stored: from the batch's base timestamp
	OffsetDelta    int32 // as stored: from the batch's base offset

	Key         []byte // nil and empty differ
	Value       []byte // nil is a tombstone
	Headers     []byte // HeaderCount headers as stored: key and value with varint lengths
	HeaderCount int

	body    []byte // key to last header as stored; nil for magic 0 and 1
	changed bool   // by Replace
}

// minRecordSize is that of a record without key, value and headers: length,
// attributes, two deltas, two lengths and a count, a byte each.
const minRecordSize = 7

// cut splits the first record off p into r without looking beyond its deltas: the
// rest of it is r.body.
func (r *Record) cut(p []byte) (rest []byte, ok bool) {
	length, n := readVarint32(p)
	if n <= 0 || length < minRecordSize-1 || int(length) > len(p)-n {
		return p, false
	}
	end := n + int(length)
	q, rest := p[n:end:end], p[end:]
	r.Attributes = int8(q[0])
	q = q[1:]
	if r.TimestampDelta, n = readVarint64(q); n <= 0 {
		return p, false
	}
	q = q[n:]
	if r.OffsetDelta, n = readVarint32(q); n <= 0 {
		return p, false
	}
	r.body = q[n:]
	return rest, true
}

// parseBody fills in what r.body holds, and says whether it holds nothing else.
func (r *Record) parseBody() bool {
	p := r.body
	var ok bool
	if r.Key, p, ok = cutBytes(p); !ok {
		return false
	}
	if r.Value, p, ok = cutBytes(p); !ok {
		return false
	}
	count, n := readVarint32(p)
	if n <= 0 || count < 0 {
		return false
	}
	r.HeaderCount, r.Headers = int(count), p[n:]
	p = p[n:]
	for range count {
		var key []byte
		if key, p, ok = cutBytes(p); !ok || key == nil {
			return false
		}
		if _, p, ok = cutBytes(p); !ok {
			return false
		}
	}
	return len(p) == 0
}

// cutBytes splits a varint length and that many bytes off p; a length of -1
// stands for nil.
func cutBytes(p []byte) (value, rest []byte, ok bool) {
	length, n := readVarint32(p)
	switch {
	case n <= 0 || int(length) > len(p)-n || length < -1:
		return nil, p, false
	case length == -1:
		return nil, p[n:], true
	default:
		end := n + int(length)
		return p[n:end:end], p[end:], true
	}
}

// readVarint64 is binary.Varint, faster where deltas are small.
func readVarint64(p []byte) (v int64, n int) {
	if len(p) > 0 && p[0] < 0x80 {
		return int64(p[0]>>1) ^ -int64(p[0]&1), 1
	}
	return binary.Varint(p)
}

// readVarint32 reads a zigzag varint of at most 5 bytes that fits an int32. n is
// the bytes read, or not above 0.
func readVarint32(p []byte) (v int32, n int) {
	if len(p) > 0 && p[0] < 0x80 { // nearly always
		return int32(p[0]>>1) ^ -int32(p[0]&1), 1
	}
	var u uint64
	for i, c := range p[:min(len(p), binary.MaxVarintLen32)] {
		u |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			if u > 1<<32-1 {
				return 0, -1
			}
			return int32(uint32(u)>>1) ^ -int32(uint32(u)&1), i + 1
		}
	}
	return 0, 0
}
