package compare

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
)

// old encodes a message of format 0 or 1.
func old(offset int64, magic, attributes byte, timestamp int64, key, value []byte) []byte {
	body := []byte{magic, attributes}
	if magic == 1 {
		body = binary.BigEndian.AppendUint64(body, uint64(timestamp))
	}
	for _, b := range [][]byte{key, value} {
		n := int32(len(b))
		if b == nil {
			n = -1
		}
		body = append(binary.BigEndian.AppendUint32(body, uint32(n)), b...)
	}
	out := binary.BigEndian.AppendUint64(nil, uint64(offset))
	out = binary.BigEndian.AppendUint32(out, uint32(len(body)+4))
	return append(binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(body)), body...)
}

// zipped compresses messages.
func zipped(t *testing.T, messages ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(bytes.Join(messages, nil)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestLegacyRecords(t *testing.T) {
	a, b := []byte("a"), []byte("b")
	for name, c := range map[string]struct {
		in   []byte
		want []Record
	}{
		"format 0": {in: old(7, 0, 0, 0, nil, a), want: []Record{{Offset: 7, Timestamp: -1, TimestampType: NoTimestamp, Value: a}}},
		"format 1": {in: old(7, 1, 0, 99, []byte{}, nil), want: []Record{{Offset: 7, Timestamp: 99, Key: []byte{}}}},
		"broker's time": {
			in:   old(7, 1, 8, 99, a, b),
			want: []Record{{Offset: 7, Timestamp: 99, TimestampType: LogAppendTime, Key: a, Value: b}},
		},
		"set of format 0": {
			in:   old(8, 0, 1, 0, nil, zipped(t, old(7, 0, 0, 0, a, a), old(8, 0, 0, 0, b, nil))),
			want: []Record{{Offset: 7, Timestamp: -1, TimestampType: NoTimestamp, Key: a, Value: a}, {Offset: 8, Timestamp: -1, TimestampType: NoTimestamp, Key: b}},
		},
		"compacted set of format 1": {
			in:   old(9, 1, 1, 5, nil, zipped(t, old(0, 1, 0, 3, a, a), old(2, 1, 0, 5, b, nil))),
			want: []Record{{Offset: 7, Timestamp: 3, Key: a, Value: a}, {Offset: 9, Timestamp: 5, Key: b}},
		},
		"set with the broker's time": {
			in:   old(1, 1, 9, 50, nil, zipped(t, old(0, 1, 0, 3, a, a), old(1, 1, 0, 5, b, nil))),
			want: []Record{{Offset: 0, Timestamp: 50, TimestampType: LogAppendTime, Key: a, Value: a}, {Offset: 1, Timestamp: 50, TimestampType: LogAppendTime, Key: b}},
		},
	} {
		n, ok := isLegacy(append(c.in, "next"...))
		if !ok || n != len(c.in) {
			t.Errorf("%s: not seen as an old message: %d, %v", name, n, ok)
		}
		got, err := legacyRecords(c.in, kgo.DefaultDecompressor())
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestLegacyDamage(t *testing.T) {
	whole := old(1, 1, 1, 5, nil, zipped(t, old(0, 1, 0, 3, []byte("a"), []byte("a"))))
	if _, ok := isLegacy(whole[:len(whole)-1]); ok {
		t.Error("a cut message was seen as whole")
	}
	for i := 16; i < len(whole); i++ {
		bad := bytes.Clone(whole)
		bad[i] ^= 0x40
		if _, err := legacyRecords(bad, kgo.DefaultDecompressor()); !errors.Is(err, errLegacy) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
	}
	nested := old(1, 1, 1, 5, nil, zipped(t, whole))
	if _, err := legacyRecords(nested, kgo.DefaultDecompressor()); !errors.Is(err, errLegacy) {
		t.Errorf("a set within a set: %v", err)
	}
	if _, err := legacyRecords(old(1, 1, 1, 5, nil, zipped(t)), kgo.DefaultDecompressor()); !errors.Is(err, errLegacy) {
		t.Errorf("an empty set: %v", err)
	}
}
