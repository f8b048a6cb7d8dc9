package batch

import (
	"encoding/binary"
	"hash/crc32"
)

// Positions in an entry of magic 0 or 1 (KIP-32): prefix, CRC, magic, attributes,
// for magic 1 a timestamp, then key and value, each behind an int32 length.
const (
	atLegacyCRC        = 12
	atLegacyAttributes = 17
	atLegacyTimestamp  = 18

	noTimestamp = -1 // what Kafka says where there is none
)

// openLegacy returns a cursor over the message, or over the messages of a
// compressed entry: its value is a compressed sequence of entries of the same
// magic, none of them compressed again.
func (rc *Recoder) openLegacy(b Batch, s *scratch) (cursor, error) {
	c := cursor{batch: b, rest: b, left: 1, prev: -1}
	codec := b.Codec()
	if codec == None {
		return c, nil
	}
	outer, _, err := cutLegacy(b, b)
	if err != nil {
		return cursor{}, err
	}
	if b.Magic() == 1 && b[atLegacyAttributes]&bitLogAppendTime != 0 {
		// The outer message has the time of the append, the inner ones keep
		// their producers' (KIP-32).
		c.appendTime, c.time = true, outer.time
	}
	if c.rest, err = rc.payload(b, s, codec, outer.value); err != nil {
		return cursor{}, err
	}
	return c, c.scan(outer.offset)
}

// scan counts and checks the messages of a compressed entry and finds what to
// add to their offsets: those of magic 0 are absolute; those of magic 1 count
// from the first one ever in the entry (some may be compacted away), and the
// outer message has the last one's (KIP-31). An outer offset of 0 leaves them as
// they are, as Kafka's consumer does for the sake of some librdkafka versions.
func (c *cursor) scan(outer int64) error {
	c.left = 0
	var last int64
	for rest := c.rest; len(rest) > 0; c.left++ {
		m, after, err := cutLegacy(c.batch, rest)
		switch {
		case err != nil:
			return err
		case m.magic != c.batch.Magic():
			return corrupt(c.batch, "compressed messages of another magic")
		case m.attributes&codecMask != 0:
			return corrupt(c.batch, "compressed messages within compressed messages")
		case crc32.ChecksumIEEE(rest[atMagic:len(rest)-len(after)]) != binary.BigEndian.Uint32(rest[atLegacyCRC:]):
			return corrupt(c.batch, "CRC mismatch in a compressed message")
		}
		last, rest = m.offset, after
	}
	if c.left == 0 {
		return corrupt(c.batch, "no messages in a compressed entry")
	}
	if c.batch.Magic() == 1 && outer != 0 {
		if c.relative = outer - last; c.relative < 0 {
			return corrupt(c.batch, "offset below that of its last message")
		}
	}
	return nil
}

// nextLegacy is next for magic 0 and 1.
func (c *cursor) nextLegacy(r *Record) (bool, error) {
	m, rest, err := cutLegacy(c.batch, c.rest)
	if err != nil {
		return false, err
	}
	c.rest = rest
	c.left--
	*r = Record{Offset: m.offset + c.relative, Timestamp: m.time, Key: m.key, Value: m.value}
	if c.appendTime {
		r.Timestamp = c.time
	}
	if r.Offset <= c.prev {
		return false, corrupt(c.batch, "record offsets out of order")
	}
	c.prev = r.Offset
	return true, nil
}

// legacyMessage is one entry of magic 0 or 1.
type legacyMessage struct {
	offset     int64
	time       int64 // noTimestamp for magic 0
	magic      int8
	attributes byte
	key, value []byte
}

// cutLegacy splits the first message off p, which is of batch b.
func cutLegacy(b Batch, p []byte) (m legacyMessage, rest []byte, err error) {
	entry, rest, err := Next(p)
	if err != nil || entry.Magic() > 1 {
		return m, p, corrupt(b, "malformed message")
	}
	m = legacyMessage{
		offset: entry.BaseOffset(), time: noTimestamp,
		magic: entry.Magic(), attributes: entry[atLegacyAttributes],
	}
	fields := []byte(entry[atLegacyTimestamp:])
	if m.magic == 1 {
		m.time = int64(binary.BigEndian.Uint64(fields))
		fields = fields[8:]
	}
	var ok bool
	if m.key, fields, ok = cutNullable(fields); !ok {
		return m, p, corrupt(b, "malformed message key")
	}
	if m.value, fields, ok = cutNullable(fields); !ok || len(fields) > 0 {
		return m, p, corrupt(b, "malformed message value")
	}
	return m, rest, nil
}

// cutNullable splits an int32 length and that many bytes off p; a length of -1
// stands for nil.
func cutNullable(p []byte) (value, rest []byte, ok bool) {
	if len(p) < 4 {
		return nil, p, false
	}
	length := int32(binary.BigEndian.Uint32(p))
	p = p[4:]
	switch {
	case length == -1:
		return nil, p, true
	case length < 0 || int(length) > len(p):
		return nil, p, false
	default:
		return p[:length:length], p[length:], true
	}
}
