package mm2fmt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// The records of this file are structs in Kafka's own encoding: big-endian
// integers, and strings as two bytes of length and UTF-8. MirrorMaker 2 writes
// them to partition 0 of their topics and never deletes one: its readers fail
// with a NullPointerException where a record has no value (seen in 4.2.0).

// OffsetSync says that a record has been copied: the one at Upstream of a source
// partition is at Downstream of the target's partition of the same number. Its
// value has no version.
type OffsetSync struct {
	Topic      string // on the source
	Partition  int32
	Upstream   int64
	Downstream int64
}

// Checkpoint says where a consumer group is to go on reading the target.
type Checkpoint struct {
	Group      string
	Topic      string // on the target
	Partition  int32
	Upstream   int64  // the group's committed offset on the source
	Downstream int64  // the same on the target
	Metadata   string // of the committed offset; "": none
}

// Heartbeat says that records of one cluster reached another.
type Heartbeat struct {
	Source    string // alias
	Target    string // alias
	Timestamp int64  // ms
}

// structVersion is the version of the values of checkpoints and heartbeats.
const structVersion = 0

// ErrTooLong says that a text does not fit into a record.
var ErrTooLong = errors.New("it has more than 32767 bytes")

// errShort says that a record ends within a field.
var errShort = errors.New("it is too short")

// errTombstone says that a record has no value.
var errTombstone = errors.New("it has no value")

// Encode returns the record's key and value. It fails for a text of more than
// 32767 bytes.
func (s OffsetSync) Encode() (key, value []byte, err error) {
	w := encoder{}
	w.text("topic", s.Topic)
	key = binary.BigEndian.AppendUint32(w.b, uint32(s.Partition))
	value = binary.BigEndian.AppendUint64(nil, uint64(s.Upstream))
	return key, binary.BigEndian.AppendUint64(value, uint64(s.Downstream)), w.err
}

// ParseOffsetSync reads a record; like MirrorMaker 2 it ignores what follows the
// fields it knows.
func ParseOffsetSync(key, value []byte) (OffsetSync, error) {
	k, v := parser{b: key}, parser{b: value, tombstone: value == nil}
	s := OffsetSync{Topic: k.text(), Partition: k.int32(), Upstream: v.int64(), Downstream: v.int64()}
	return s, wrap("offset sync", k.err, v.err)
}

// Encode returns the record's key and value. It fails for a text of more than
// 32767 bytes.
func (c Checkpoint) Encode() (key, value []byte, err error) {
	k := encoder{}
	k.text("group", c.Group)
	k.text("topic", c.Topic)
	key = binary.BigEndian.AppendUint32(k.b, uint32(c.Partition))
	v := encoder{b: binary.BigEndian.AppendUint16(nil, structVersion)}
	v.b = binary.BigEndian.AppendUint64(v.b, uint64(c.Upstream))
	v.b = binary.BigEndian.AppendUint64(v.b, uint64(c.Downstream))
	v.text("metadata", c.Metadata)
	return key, v.b, errors.Join(k.err, v.err)
}

// ParseCheckpoint reads a record; like MirrorMaker 2 it takes any version and
// ignores what follows the fields it knows.
func ParseCheckpoint(key, value []byte) (Checkpoint, error) {
	k, v := parser{b: key}, parser{b: value, tombstone: value == nil}
	c := Checkpoint{Group: k.text(), Topic: k.text(), Partition: k.int32()}
	v.take(2) // the version
	c.Upstream, c.Downstream, c.Metadata = v.int64(), v.int64(), v.text()
	return c, wrap("checkpoint", k.err, v.err)
}

// Encode returns the record's key and value. It fails for a text of more than
// 32767 bytes.
func (h Heartbeat) Encode() (key, value []byte, err error) {
	k := encoder{}
	k.text("source", h.Source)
	k.text("target", h.Target)
	value = binary.BigEndian.AppendUint16(nil, structVersion)
	return k.b, binary.BigEndian.AppendUint64(value, uint64(h.Timestamp)), k.err
}

// ParseHeartbeat reads a record; like MirrorMaker 2 it takes any version and
// ignores what follows the fields it knows.
func ParseHeartbeat(key, value []byte) (Heartbeat, error) {
	k, v := parser{b: key}, parser{b: value, tombstone: value == nil}
	h := Heartbeat{Source: k.text(), Target: k.text()}
	v.take(2) // the version
	h.Timestamp = v.int64()
	return h, wrap("heartbeat", k.err, v.err)
}

// wrap names what could not be read.
func wrap(what string, key, value error) error {
	switch {
	case key != nil:
		return fmt.Errorf("reading %s key: %w", what, key)
	case value != nil:
		return fmt.Errorf("reading %s value: %w", what, value)
	}
	return nil
}

// encoder writes fields; err is the first that did not fit.
type encoder struct {
	b   []byte
	err error
}

func (e *encoder) text(name, s string) {
	if len(s) > math.MaxInt16 {
		if e.err == nil {
			e.err = fmt.Errorf("writing %s: %w", name, ErrTooLong)
		}
		return
	}
	e.b = binary.BigEndian.AppendUint16(e.b, uint16(len(s)))
	e.b = append(e.b, s...)
}

// parser reads fields from the front; err is the first that was not there.
type parser struct {
	b         []byte
	tombstone bool
	err       error
}

// take returns the next n bytes, or nil.
func (p *parser) take(n int) []byte {
	if p.tombstone && p.err == nil {
		p.err = errTombstone
	}
	if p.err == nil && len(p.b) < n {
		p.err = errShort
	}
	if p.err != nil {
		return nil
	}
	head := p.b[:n]
	p.b = p.b[n:]
	return head
}

func (p *parser) int32() int32 {
	if b := p.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (p *parser) int64() int64 {
	if b := p.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

func (p *parser) text() string {
	b := p.take(2)
	if b == nil {
		return ""
	}
	n := int16(binary.BigEndian.Uint16(b))
	if n < 0 {
		p.err = fmt.Errorf("a text has the length %d", n)
		return ""
	}
	return string(p.take(int(n)))
}
