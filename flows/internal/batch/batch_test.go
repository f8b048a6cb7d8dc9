package batch

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func sample(t testing.TB) Batch {
	t.Helper()
	return spec{
		base: 100, baseTS: 1000, pid: 42, epoch: 3, seq: 17, attributes: bitTransactional | bitDeleteHorizon,
		records: []rec{{delta: 0, ts: 1000, value: []byte("a")}, {delta: 1, ts: 1007, key: []byte("k")}},
	}.build(t)
}

func TestAccessorsAgreeWithKmsg(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		b := randomBatch(t, rng)
		var k kmsg.RecordBatch
		if err := k.ReadFrom(b); err != nil {
			t.Fatal(err)
		}
		got := kmsg.RecordBatch{
			FirstOffset: b.BaseOffset(), Length: b.Length(), PartitionLeaderEpoch: b.LeaderEpoch(), Magic: b.Magic(),
			CRC: int32(b.CRC()), Attributes: b.Attributes(), LastOffsetDelta: b.LastOffsetDelta(),
			FirstTimestamp: b.BaseTimestamp(), MaxTimestamp: b.MaxTimestamp(),
			ProducerID: b.ProducerID(), ProducerEpoch: b.ProducerEpoch(), FirstSequence: b.BaseSequence(),
			NumRecords: b.Count(), Records: b.Payload(),
		}
		if diff := cmp.Diff(k, got); diff != "" {
			t.Fatalf("accessors (-kmsg +ours):\n%s", diff)
		}
		if b.Codec() != Codec(k.Attributes&7) || b.NextOffset() != k.FirstOffset+int64(k.LastOffsetDelta)+1 ||
			b.Transactional() != (k.Attributes&0x10 != 0) || b.LogAppendTime() != (k.Attributes&0x08 != 0) ||
			b.DeleteHorizon() != (k.Attributes&0x40 != 0) || b.Control() {
			t.Fatalf("flags of %#x are wrong", k.Attributes)
		}
		if err := Verify(b); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNextSplitsEntries(t *testing.T) {
	a, b := sample(t), sample(t)
	all := append(append([]byte{}, a...), b...)
	one, rest, err := Next(all)
	if err != nil || len(one) != len(a) || len(rest) != len(b) {
		t.Fatalf("got %d and %d bytes, %v", len(one), len(rest), err)
	}
	if two, rest, err := Next(rest); err != nil || len(two) != len(b) || len(rest) != 0 {
		t.Fatalf("got %d and %d bytes, %v", len(two), len(rest), err)
	}
	for cut := range len(a) {
		_, rest, err := Next(a[:cut])
		partial, ok := errors.AsType[*PartialError](err)
		if !ok || !errors.Is(err, ErrPartial) || len(rest) != cut {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		want := int64(len(a))
		if cut < 12 {
			want = 0
		}
		if partial.Size != want {
			t.Fatalf("cut at %d: size %d, want %d", cut, partial.Size, want)
		}
	}
}

func TestNextAndVerifyFindDamage(t *testing.T) {
	tests := map[string]struct {
		damage func(b Batch)
		next   bool // found by Next, else by Verify
		reseal bool // with a right CRC
	}{
		"negative length":         {func(b Batch) { b[8] = 0x80 }, true, false},
		"length of less than v0":  {func(b Batch) { binary.BigEndian.PutUint32(b[8:], 13) }, true, false},
		"length of less than v2":  {func(b Batch) { binary.BigEndian.PutUint32(b[8:], 48) }, true, false},
		"magic 3":                 {func(b Batch) { b[16] = 3 }, true, false},
		"magic 255":               {func(b Batch) { b[16] = 255 }, true, false},
		"flipped payload bit":     {func(b Batch) { b[len(b)-1] ^= 1 }, false, false},
		"flipped header bit":      {func(b Batch) { b[22] ^= 1 }, false, false},
		"negative base offset":    {func(b Batch) { b[0] = 0x80 }, false, true},
		"huge base offset":        {func(b Batch) { binary.BigEndian.PutUint64(b, math.MaxInt64) }, false, true},
		"negative delta":          {func(b Batch) { b[23] = 0x80 }, false, true},
		"negative count":          {func(b Batch) { b[57] = 0x80 }, false, true},
		"more records than delta": {func(b Batch) { b[60] = 3 }, false, true},
		"codec 5":                 {func(b Batch) { b[22] |= 5 }, false, true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			b := sample(t)
			tc.damage(b)
			if tc.reseal {
				binary.BigEndian.PutUint32(b[17:], Checksum(b[21:]))
			}
			_, _, err := Next(b)
			if tc.next != (err != nil) {
				t.Fatalf("Next: %v", err)
			}
			if err == nil {
				err = Verify(b)
			}
			if _, ok := errors.AsType[*CorruptError](err); !ok {
				t.Fatalf("got %v, want a CorruptError", err)
			}
		})
	}
}

func TestStampEqualsAFullRecompute(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 3))
	for _, size := range []int{61, 62, 100, 255, 256, 257, 317, 4096, 65535 + 61, 65536 + 61, 1 << 20, 1<<24 + 61 + 5} {
		for range 3 {
			b := make(Batch, size)
			for i := range b {
				b[i] = byte(rng.Uint32())
			}
			b[16] = 2
			checkStamp(t, b, rng.Int64(), int16(rng.Uint32()), rng.Int32(), rng.IntN(2) == 0)
		}
	}
	for range 300 {
		checkStamp(t, randomBatch(t, rng), rng.Int64(), int16(rng.Uint32()), rng.Int32(), rng.IntN(2) == 0)
	}
}

// checkStamp stamps b and compares with an edit by hand and a whole new CRC.
func checkStamp(t *testing.T, b Batch, pid int64, epoch int16, seq int32, tx bool) {
	t.Helper()
	binary.BigEndian.PutUint32(b[17:], Checksum(b[21:]))
	want := append(Batch{}, b...)
	binary.BigEndian.PutUint64(want, 0)
	binary.BigEndian.PutUint32(want[12:], math.MaxUint32)
	want[22] &^= 0x08 | 0x10 | 0x40
	if tx {
		want[22] |= 0x10
	}
	binary.BigEndian.PutUint64(want[43:], uint64(pid))
	binary.BigEndian.PutUint16(want[51:], uint16(epoch))
	binary.BigEndian.PutUint32(want[53:], uint32(seq))
	binary.BigEndian.PutUint32(want[17:], Checksum(want[21:]))
	Stamp(b, pid, epoch, seq, tx)
	if diff := cmp.Diff([]byte(want[:61]), []byte(b[:61])); diff != "" {
		t.Fatalf("%d bytes (-want +got):\n%s", len(b), diff)
	}
}

func TestStampKeepsDamageVisible(t *testing.T) {
	b := sample(t)
	b[len(b)-1] ^= 0x10
	Stamp(b, 1, 0, 0, false)
	if Verify(b) == nil {
		t.Fatal("a damaged payload got a valid CRC")
	}
}
