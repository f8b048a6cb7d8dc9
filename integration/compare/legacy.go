package compare

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/twmb/franz-go/pkg/kgo"
)

// The old message formats are decoded here and not by kgo, which leaves out
// that the timestamp of a compressed set may be the broker's (LogAppendTime on
// the outer message counts for all inner ones).

const (
	legacyPrefix        = 12 // offset and size
	legacyLeast         = legacyPrefix + 4 + 1 + 1 + 4 + 4
	legacyCodec         = 7
	legacyLogAppendTime = 8
)

// errLegacy means bytes that are no message of format 0 or 1.
var errLegacy = errors.New("malformed message of an old format")

// isLegacy reports whether bytes begin with a whole message of format 0 or 1,
// and how long it is.
func isLegacy(in []byte) (int, bool) {
	if len(in) < legacyLeast || in[16] > 1 {
		return 0, false
	}
	n := int64(binary.BigEndian.Uint32(in[8:])) + legacyPrefix
	return int(n), n >= legacyLeast && n <= int64(len(in))
}

// legacyRecords decodes one message of format 0 or 1, or the set in it.
func legacyRecords(in []byte, unpack kgo.Decompressor) ([]Record, error) {
	r, attributes, err := legacyMessage(in)
	if err != nil {
		return nil, err
	}
	codec := attributes & legacyCodec
	if codec == 0 {
		return []Record{r}, nil
	}
	set, err := unpack.Decompress(r.Value, kgo.CompressionCodecType(codec))
	if err != nil {
		return nil, fmt.Errorf("decompressing a set of old messages: %w", err)
	}
	var rs []Record
	for len(set) > 0 {
		n, ok := isLegacy(set)
		if !ok {
			return nil, fmt.Errorf("reading a set of old messages: %w", errLegacy)
		}
		inner, a, err := legacyMessage(set[:n])
		if err != nil {
			return nil, err
		}
		if a&legacyCodec != 0 {
			return nil, fmt.Errorf("reading a set of old messages: a set within a set: %w", errLegacy)
		}
		if attributes&legacyLogAppendTime != 0 {
			inner.Timestamp, inner.TimestampType = r.Timestamp, LogAppendTime
		}
		rs, set = append(rs, inner), set[n:]
	}
	if len(rs) == 0 {
		return nil, fmt.Errorf("reading a set of old messages: it is empty: %w", errLegacy)
	}
	// Format 1 counts from the start of the set; the outer message has the
	// offset of the last inner one. In format 0 the shift is 0.
	shift := r.Offset - rs[len(rs)-1].Offset
	for i := range rs {
		rs[i].Offset += shift
	}
	return rs, nil
}

// legacyMessage decodes one message without looking into its value.
func legacyMessage(in []byte) (Record, byte, error) {
	if crc32.ChecksumIEEE(in[16:]) != binary.BigEndian.Uint32(in[12:]) {
		return Record{}, 0, fmt.Errorf("checking an old message: wrong checksum: %w", errLegacy)
	}
	r := Record{Offset: int64(binary.BigEndian.Uint64(in)), Timestamp: -1, TimestampType: NoTimestamp}
	magic, attributes, rest := in[16], in[17], in[18:]
	if magic == 1 {
		if len(rest) < 8 {
			return Record{}, 0, fmt.Errorf("reading a timestamp: %w", errLegacy)
		}
		r.Timestamp, rest = int64(binary.BigEndian.Uint64(rest)), rest[8:]
		r.TimestampType = CreateTime
		if attributes&legacyLogAppendTime != 0 {
			r.TimestampType = LogAppendTime
		}
	}
	var err error
	if r.Key, rest, err = legacyBytes(rest); err != nil {
		return Record{}, 0, fmt.Errorf("reading a key: %w", err)
	}
	if r.Value, rest, err = legacyBytes(rest); err != nil || len(rest) > 0 {
		return Record{}, 0, fmt.Errorf("reading a value: %w", errLegacy)
	}
	return r, attributes, nil
}

// legacyBytes reads a length and that many bytes; −1 means null.
func legacyBytes(in []byte) (b, rest []byte, err error) {
	if len(in) < 4 {
		return nil, nil, errLegacy
	}
	n, in := int32(binary.BigEndian.Uint32(in)), in[4:]
	switch {
	case n == -1:
		return nil, in, nil
	case n < 0 || int64(n) > int64(len(in)):
		return nil, nil, errLegacy
	default:
		return in[:n:n], in[n:], nil
	}
}
