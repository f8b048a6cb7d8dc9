package batch

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kbin"
)

// message is one entry of magic 0 or 1 to build by hand.
type message struct {
	magic      int8
	offset     int64
	attributes int8
	time       int64
	key, value []byte
}

func (m message) build() Batch {
	body := []byte{byte(m.magic), byte(m.attributes)}
	if m.magic == 1 {
		body = kbin.AppendInt64(body, m.time)
	}
	body = kbin.AppendNullableBytes(body, m.key)
	body = kbin.AppendNullableBytes(body, m.value)
	entry := kbin.AppendInt64(nil, m.offset)
	entry = kbin.AppendInt32(entry, int32(4+len(body)))
	entry = kbin.AppendUint32(entry, crc32.ChecksumIEEE(body))
	return append(entry, body...)
}

// wrap compresses messages into an entry of the same magic.
func wrap(t testing.TB, codec Codec, outer message, inner ...message) Batch {
	t.Helper()
	var raw []byte
	for _, m := range inner {
		raw = append(raw, m.build()...)
	}
	outer.attributes |= int8(codec)
	outer.value = oracleCompress(t, codec, raw)
	return outer.build()
}

func legacyCodecs() []Codec { return []Codec{Gzip, Snappy, LZ4} }

// legacyEntry is a random entry as brokers store them; compacted if sparse.
func legacyEntry(t testing.TB, rng *rand.Rand) Batch {
	t.Helper()
	magic := int8(rng.IntN(2))
	base := rng.Int64N(1<<40) + 1
	one := func(offset int64) message {
		return message{magic: magic, offset: offset, time: rng.Int64N(1 << 41), key: randomBytes(rng, 9), value: randomBytes(rng, 90)}
	}
	if rng.IntN(4) == 0 {
		return one(base).build()
	}
	var inner []message
	offset := int64(0)
	for range 1 + rng.IntN(9) {
		inner = append(inner, one(offset))
		offset += 1 + rng.Int64N(2)*rng.Int64N(9)
	}
	last := base + inner[len(inner)-1].offset
	if magic == 0 {
		for i := range inner {
			inner[i].offset += base
		}
	}
	return wrap(t, legacyCodecs()[rng.IntN(3)], message{magic: magic, offset: last, time: rng.Int64N(1 << 41)}, inner...)
}

func TestLegacyAgreesWithKgo(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 1))
	rc := NewRecoder(Params{})
	for range 500 {
		b := legacyEntry(t, rng)
		if err := Verify(b); err != nil {
			t.Fatal(err)
		}
		if next, rest, err := Next(b); err != nil || len(rest) > 0 || len(next) != len(b) {
			t.Fatalf("Next: %d bytes left, %v", len(rest), err)
		}
		want := consume(t, b, 0)
		if b.Magic() == 0 {
			for i := range want {
				want[i].Time = -1 // kgo says year 1 where Kafka says -1
			}
		}
		diffSeen(t, want, walk(t, rc, b))
		if last := want[len(want)-1].Offset; last != b.LastOffset() {
			t.Fatalf("last offset %d, want %d", b.LastOffset(), last)
		}

		from := want[rng.IntN(len(want))].Offset
		if got := Classify(b, from, nil, Limits{}); got != (Decision{Recode, Legacy}) {
			t.Fatalf("classified as %v", got)
		}
		if got := Classify(b, b.LastOffset()+1, nil, Limits{}); got != (Decision{Drop, Behind}) {
			t.Fatalf("classified as %v", got)
		}
		out, err := rc.Recode(nil, b, Edit{From: from})
		if err != nil {
			t.Fatal(err)
		}
		want = slices.DeleteFunc(want, func(s seen) bool { return s.Offset < from })
		diffSeen(t, unnumbered(want), consumeParts(t, out.Parts))
		if p := out.Parts[0]; len(out.Parts) != 1 || p.Next != b.NextOffset() || p.Batch.Codec() != b.Codec() {
			t.Fatalf("%d parts, next %d, codec %v", len(out.Parts), p.Next, p.Batch.Codec())
		}
	}
}

func TestLegacyAppendTimeIsThatOfTheOuterMessage(t *testing.T) {
	rc := NewRecoder(Params{})
	b := wrap(t, Gzip, message{magic: 1, offset: 11, attributes: 8, time: 77},
		message{magic: 1, offset: 0, time: 5, value: []byte("a")}, message{magic: 1, offset: 1, time: 6, value: []byte("b")})
	got := walk(t, rc, b)
	if len(got) != 2 || got[0].Time != 77 || got[1].Time != 77 || got[0].Offset != 10 || got[1].Offset != 11 {
		t.Fatalf("got %+v", got)
	}
}

func TestLegacyOuterOffsetZeroKeepsInnerOffsets(t *testing.T) {
	b := wrap(t, Gzip, message{magic: 1}, message{magic: 1, offset: 0}, message{magic: 1, offset: 1})
	got := walk(t, NewRecoder(Params{}), b)
	if len(got) != 2 || got[0].Offset != 0 || got[1].Offset != 1 {
		t.Fatalf("got %+v", got)
	}
	out, err := NewRecoder(Params{}).Recode(nil, b, Edit{})
	if err != nil || out.Parts[0].Next != 2 {
		t.Fatalf("got %+v, %v", out.Parts, err)
	}
}

func TestLegacyLZ4WithTheOldHeaderChecksum(t *testing.T) {
	b := wrap(t, LZ4, message{magic: 0, offset: 3}, message{magic: 0, offset: 3, value: []byte("a")})
	b[26+6] ^= 0xff // behind the value's length: the frame's header checksum
	binary.BigEndian.PutUint32(b[12:], crc32.ChecksumIEEE(b[16:]))
	if got := walk(t, NewRecoder(Params{}), b); len(got) != 1 || string(got[0].Value) != "a" {
		t.Fatalf("got %+v", got)
	}
}

func TestCorruptLegacyEntriesAreErrors(t *testing.T) {
	inner := message{magic: 1, offset: 2, value: []byte("a")}
	reseal := func(b Batch) Batch {
		binary.BigEndian.PutUint32(b[12:], crc32.ChecksumIEEE(b[16:]))
		return b
	}
	tests := map[string]Batch{
		"outer offset below the last inner": wrap(t, Gzip, message{magic: 1, offset: 1}, inner),
		"other magic within":                wrap(t, Gzip, message{magic: 1, offset: 9}, message{magic: 0}),
		"compressed within compressed":      wrap(t, Gzip, message{magic: 1, offset: 9}, message{magic: 1, attributes: 1}),
		"nothing within":                    wrap(t, Gzip, message{magic: 1, offset: 9}),
		"offsets repeat":                    wrap(t, Gzip, message{magic: 1, offset: 9}, inner, inner),
		"key too long":                      reseal(func() Batch { b := inner.build(); b[26] = 1; return b }()),
		"key of length -2":                  reseal(func() Batch { b := inner.build(); copy(b[26:], "\xff\xff\xff\xfe"); return b }()),
		"bytes behind the value":            reseal(func() Batch { b := inner.build(); b[33] = 0; return b }()),
		"no value compressed":               message{magic: 1, offset: 3, attributes: 1}.build(),
		"unknown codec":                     message{magic: 1, offset: 3, attributes: 5}.build(),
	}
	damaged := wrap(t, None, message{magic: 1, offset: 9}, inner)
	damaged[len(damaged)-1] ^= 1 // the inner CRC no longer fits
	damaged[17] = byte(Gzip)
	raw := message{magic: 1, offset: 9, attributes: int8(Gzip)}
	raw.value = oracleCompress(t, Gzip, damaged[34:])
	tests["damage within"] = raw.build()

	rc := NewRecoder(Params{})
	for name, b := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := rc.Recode(nil, b, Edit{})
			if _, ok := errors.AsType[*CorruptError](err); !ok {
				t.Fatalf("got %v", err)
			}
		})
	}
	if b := inner.build(); Verify(b) != nil {
		t.Fatal("a sound message is refused")
	} else if b[len(b)-1] ^= 1; Verify(b) == nil {
		t.Fatal("damage passes")
	}
}
