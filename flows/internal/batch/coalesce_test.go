package batch

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// neighbours are dense batches of equal codec, as a lane would coalesce them.
func neighbours(t testing.TB, rng *rand.Rand, codec Codec, n int) []Batch {
	t.Helper()
	var out []Batch
	offset := int64(0)
	for range n {
		s := spec{base: offset, baseTS: 1e12 + rng.Int64N(1e6), codec: codec}
		s.records = randomRecords(rng, 1+rng.IntN(3), false, s.baseTS)
		if rng.IntN(3) == 0 {
			s.pid, s.attributes = 5, bitTransactional
		}
		offset += int64(len(s.records))
		out = append(out, s.build(t))
	}
	return out
}

func TestCoalesceKeepsRecords(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 1))
	rc := NewRecoder(Params{})
	for _, codec := range codecs() {
		for range 30 {
			batches := neighbours(t, rng, codec, 1+rng.IntN(40))
			l := CoalesceLimits{}
			if rng.IntN(2) == 0 {
				l.MaxBytes = 500 + rng.IntN(4000)
			}
			if rng.IntN(3) == 0 {
				l.MaxDecoded = 500 + rng.IntN(4000)
			}
			if rng.IntN(3) == 0 {
				l.MaxRecords = 1 + rng.Int32N(20)
			}
			checkCoalesce(t, rc, batches, l)
		}
	}
}

func checkCoalesce(t *testing.T, rc *Recoder, batches []Batch, l CoalesceLimits) {
	t.Helper()
	for len(batches) > 0 {
		out, n := rc.Coalesce([]byte("dst"), batches, l)
		if n == 0 || string(out[:3]) != "dst" {
			t.Fatalf("%d of %d merged, dst %q", n, len(batches), out[:3])
		}
		if n == 1 {
			if len(out) != 3 {
				t.Fatal("a single batch was copied")
			}
			batches = batches[1:]
			continue
		}
		b := Batch(out[3:])
		want := unnumbered(consume(t, slices.Concat(sliceOf(batches[:n])...), 0))
		diffSeen(t, want, consumeParts(t, []Part{{Batch: b}}))
		if b.Codec() != batches[0].Codec() || l.MaxBytes > 0 && len(b) > l.MaxBytes || l.MaxRecords > 0 && b.Count() > l.MaxRecords {
			t.Fatalf("%d records, %d bytes, codec %v under %+v", b.Count(), len(b), b.Codec(), l)
		}
		batches = batches[n:]
	}
}

func sliceOf(batches []Batch) [][]byte {
	var out [][]byte
	for _, b := range batches {
		out = append(out, b)
	}
	return out
}

func TestCoalesceFillsItsLimits(t *testing.T) {
	var batches []Batch
	for i := range 100 {
		batches = append(batches, spec{base: int64(i), records: []rec{{value: make([]byte, 100)}}}.build(t))
	}
	rc := NewRecoder(Params{})
	for name, tc := range map[string]struct {
		l    CoalesceLimits
		want int
	}{
		"none":    {CoalesceLimits{}, 100},
		"records": {CoalesceLimits{MaxRecords: 7}, 7},
		"bytes":   {CoalesceLimits{MaxBytes: 61 + 10*109}, 10},
		"decoded": {CoalesceLimits{MaxDecoded: 10 * 109}, 10},
	} {
		if _, n := rc.Coalesce(nil, batches, tc.l); n != tc.want {
			t.Errorf("%s: merged %d, want %d", name, n, tc.want)
		}
	}
}

func TestCoalesceStopsBeforeWhatDoesNotBelong(t *testing.T) {
	rc := NewRecoder(Params{})
	plain := func() spec { return spec{records: []rec{{value: []byte("v")}}} }
	malformed := plain().build(t)
	malformed[61] = 0x7f // the record's length
	other := map[string]Batch{
		"codec":       func() Batch { s := plain(); s.codec = Snappy; return s.build(t) }(),
		"append time": func() Batch { s := plain(); s.attributes = bitLogAppendTime; return s.build(t) }(),
		"control":     func() Batch { s := plain(); s.attributes = bitControl; return s.build(t) }(),
		"sparse":      func() Batch { s := plain(); s.lastDelta = 1; return s.build(t) }(),
		"legacy":      message{magic: 1, value: []byte("v")}.build(),
		"malformed":   malformed,
	}
	for name, b := range other {
		t.Run(name, func(t *testing.T) {
			p := plain().build(t)
			if _, n := rc.Coalesce(nil, []Batch{p, p, b, p}, CoalesceLimits{}); n != 2 {
				t.Errorf("merged %d, want 2", n)
			}
			if out, n := rc.Coalesce(nil, []Batch{b, p, p}, CoalesceLimits{}); n != 1 || len(out) != 0 {
				t.Errorf("merged %d into %d bytes, want 1 and none", n, len(out))
			}
		})
	}
	if out, n := rc.Coalesce(nil, nil, CoalesceLimits{}); n != 0 || out != nil {
		t.Errorf("merged %d of none", n)
	}
}

func TestCoalesceTakesFarTimestamps(t *testing.T) {
	rc := NewRecoder(Params{})
	var batches []Batch
	for i, ts := range []int64{1e12, -1, 0, 4e12, 1e12 + 1} {
		batches = append(batches, spec{base: int64(i), baseTS: ts, records: []rec{{ts: ts, value: []byte(fmt.Sprint(i))}}}.build(t))
	}
	out, n := rc.Coalesce(nil, batches, CoalesceLimits{})
	if n != 5 || Batch(out).MaxTimestamp() != 4e12 {
		t.Fatalf("merged %d, max timestamp %d", n, Batch(out).MaxTimestamp())
	}
	diffSeen(t, consume(t, slices.Concat(sliceOf(batches)...), 0), consumeParts(t, []Part{{Batch: out}}))
}
