package batch

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"testing"
)

func seedBatches(f *testing.F) []Batch {
	rng := rand.New(rand.NewPCG(31, 1))
	var out []Batch
	for range 20 {
		out = append(out, randomBatch(f, rng), legacyEntry(f, rng))
	}
	return out
}

// FuzzNext splits any bytes: entries and rest must be all of them, in order.
func FuzzNext(f *testing.F) {
	for _, b := range seedBatches(f) {
		f.Add([]byte(b))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		var again []byte
		rest := p
		filter := NewAbortedFilter([]AbortedTransaction{{1, 0}})
		for {
			b, after, err := Next(rest)
			if err != nil {
				if len(after) != len(rest) || b != nil {
					t.Fatal("an error consumed bytes")
				}
				break
			}
			again = append(again, b...)
			if len(b)+len(after) != len(rest) {
				t.Fatal("bytes were lost")
			}
			rest = after
			if Verify(b) == nil && b.NextOffset() <= 0 {
				t.Fatalf("a verified batch ends at %d", b.NextOffset())
			}
			Classify(b, 5, filter, Limits{})
		}
		if !bytes.Equal(append(again, rest...), p) {
			t.Fatal("entries and rest are not the input")
		}
	})
}

// FuzzStamp edits any header over any payload: the patched CRC must be that of a
// full pass, and wrong by the same difference if it was wrong before.
func FuzzStamp(f *testing.F) {
	for _, b := range seedBatches(f) {
		f.Add([]byte(b), int64(1), int16(2), int32(3), true, uint32(0))
	}
	f.Fuzz(func(t *testing.T, p []byte, pid int64, epoch int16, seq int32, tx bool, wrong uint32) {
		if len(p) < headerSize {
			return
		}
		b := Batch(bytes.Clone(p))
		b[atMagic] = 2
		binary.BigEndian.PutUint32(b[atCRC:], Checksum(b[atAttributes:])^wrong)
		Stamp(b, pid, epoch, seq, tx)
		if b.CRC() != Checksum(b[atAttributes:])^wrong {
			t.Fatal("the patched CRC is not that of a full pass")
		}
		if b.ProducerID() != pid || b.ProducerEpoch() != epoch || b.BaseSequence() != seq || b.Transactional() != tx ||
			b.BaseOffset() != 0 || b.LeaderEpoch() != -1 || b.LogAppendTime() || b.DeleteHorizon() {
			t.Fatal("the header is not what was asked for")
		}
		if !bytes.Equal(b.Payload(), p[headerSize:]) {
			t.Fatal("the payload changed")
		}
	})
}

// FuzzRecords decodes any payload under any attributes. What decodes must survive
// re-encoding, whole and split, and pass a broker's checks.
func FuzzRecords(f *testing.F) {
	for _, b := range seedBatches(f) {
		if b.Magic() == 2 {
			f.Add(b.Payload(), b.Attributes(), b.Count(), b.LastOffsetDelta(), b.BaseTimestamp(), uint8(0))
		}
	}
	rc := NewRecoder(Params{MaxDecoded: 1 << 20})
	f.Fuzz(func(t *testing.T, payload []byte, attributes int16, count, last int32, baseTime int64, codec uint8) {
		b := make(Batch, headerSize, headerSize+len(payload))
		b = append(b, payload...)
		seal(b, 0)
		binary.BigEndian.PutUint16(b[atAttributes:], uint16(attributes))
		binary.BigEndian.PutUint32(b[atCount:], uint32(count))
		binary.BigEndian.PutUint32(b[atLastOffsetDelta:], uint32(last))
		binary.BigEndian.PutUint64(b[atBaseTimestamp:], uint64(baseTime))
		wanted := Codec(codec % 5)
		checkReencoding(t, rc, b, &wanted)
	})
}

// FuzzLegacy does the same with entries of magic 0 and 1, and with what a
// compressed one holds.
func FuzzLegacy(f *testing.F) {
	for _, b := range seedBatches(f) {
		if b.Magic() < 2 {
			f.Add([]byte(b), false)
		}
	}
	inner := append(message{magic: 1, offset: 0, value: []byte("a")}.build(), message{magic: 1, offset: 1, key: []byte("k")}.build()...)
	f.Add([]byte(inner), true)
	rc := NewRecoder(Params{MaxDecoded: 1 << 20})
	f.Fuzz(func(t *testing.T, p []byte, within bool) {
		if within {
			value, err := rc.compress(nil, p, Snappy)
			if err != nil {
				t.Fatal(err)
			}
			p = message{magic: 1, offset: 1 << 40, attributes: int8(Snappy), value: value}.build()
		}
		b, _, err := Next(p)
		if err != nil || b.Magic() > 1 {
			return
		}
		b = bytes.Clone(b)
		binary.BigEndian.PutUint32(b[atLegacyCRC:], crc32.ChecksumIEEE(b[atMagic:]))
		checkReencoding(t, rc, b, nil)
	})
}

func checkReencoding(t *testing.T, rc *Recoder, b Batch, codec *Codec) {
	t.Helper()
	var want []seen
	for r, err := range rc.Records(b) {
		if err != nil {
			_, _ = rc.Recode(nil, b, Edit{MaxBytes: 200}) // must not panic
			return
		}
		want = append(want, seen{Time: r.Timestamp, Key: bytes.Clone(r.Key), Value: bytes.Clone(r.Value)})
	}
	for _, e := range []Edit{{AppendTime: true}, {AppendTime: true, Codec: codec}, {AppendTime: true, MaxBytes: 200}} {
		out, err := rc.Recode(nil, b, e)
		if err != nil {
			if e.MaxBytes > 0 { // a record may be larger
				continue
			}
			t.Fatal(err)
		}
		i := 0
		for _, p := range out.Parts {
			if err := Verify(p.Batch); err != nil || !p.Batch.Dense() {
				t.Fatalf("%d records of %d: %v", p.Batch.Count(), p.Batch.LastOffsetDelta(), err)
			}
			for r, err := range rc.Records(p.Batch) {
				if err != nil {
					t.Fatal(err)
				}
				if w := want[i]; w.Time != r.Timestamp || !bytes.Equal(w.Key, r.Key) || (w.Key == nil) != (r.Key == nil) ||
					!bytes.Equal(w.Value, r.Value) || (w.Value == nil) != (r.Value == nil) {
					t.Fatalf("record %d changed", i)
				}
				i++
			}
		}
		if i != len(want) {
			t.Fatalf("%d records of %d", i, len(want))
		}
	}
}
