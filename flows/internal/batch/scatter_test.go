package batch

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestScatterKeepsEveryRecordInItsPlace compares with a reading of the batch by
// another decoder: each record is in its place, in order, and what is put is as
// brokers want it.
func TestScatterKeepsEveryRecordInItsPlace(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	rc := NewRecoder(Params{})
	split := 0
	for i := range 300 {
		b := randomBatch(t, rng)
		places := int32(1 + rng.IntN(4))
		e := Edit{AppendTime: true, From: b.BaseOffset()}
		if rng.IntN(3) == 0 {
			e.From += rng.Int64N(int64(b.LastOffsetDelta()) + 1)
		}
		if rng.IntN(2) == 0 {
			c := Codec(rng.IntN(5))
			e.Codec = &c
		}
		if rng.IntN(2) == 0 {
			e.MaxBytes = 3000 + rng.IntN(3000)
		}
		if rng.IntN(2) == 0 {
			e.Keep = func(r *Record) bool { return len(r.Value)%3 != 0 }
		}
		want, dropped := map[int32][]seen{}, 0
		of := func(key []byte) int32 { return int32(len(key)) % places }
		for _, r := range consume(t, b, e.From) {
			if e.Keep != nil && len(r.Value)%3 == 0 {
				dropped++
				continue
			}
			want[of(r.Key)] = append(want[of(r.Key)], r)
		}
		got, batches := map[int32][]seen{}, 0
		gone, err := rc.Scatter(b, e, func(r *Record) int32 { return of(r.Key) }, func(place int32, made Batch) {
			batches++
			checkAsBroker(t, made)
			if e.MaxBytes > 0 && len(made) > e.MaxBytes {
				t.Errorf("batch %d: %d bytes of at most %d", i, len(made), e.MaxBytes)
			}
			got[place] = append(got[place], consume(t, slices.Clone(made), 0)...)
		})
		if large, ok := errors.AsType[*RecordTooLargeError](err); ok && large.Max == e.MaxBytes {
			continue // a record that fits nowhere
		}
		if err != nil || gone != dropped {
			t.Fatalf("batch %d: dropped %d, want %d: %v", i, gone, dropped, err)
		}
		if batches > len(want) {
			split++
		}
		if len(got) != len(want) {
			t.Fatalf("batch %d: %d places, want %d", i, len(got), len(want))
		}
		for place := range want {
			diffSeen(t, unnumbered(want[place]), unnumbered(got[place]))
		}
	}
	if split == 0 {
		t.Error("no batch had to be split")
	}
}

func TestScatterReportsARecordThatFitsNowhere(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	rc := NewRecoder(Params{})
	for {
		b := randomBatch(t, rng)
		if b.Count() == 0 {
			continue
		}
		_, err := rc.Scatter(b, Edit{MaxBytes: headerSize + 4}, func(*Record) int32 { return 0 }, func(int32, Batch) { t.Error("put") })
		if _, ok := errors.AsType[*RecordTooLargeError](err); !ok {
			t.Fatal(err)
		}
		return
	}
}
