package batch

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func BenchmarkVerifyStamp(b *testing.B) {
	for _, size := range []int{200, 16 << 10, 1 << 20} {
		s := spec{records: []rec{{value: make([]byte, size-61-20)}}}.build(b)
		b.Run(fmt.Sprintf("verify+stamp/%d", size), func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			b.ReportAllocs()
			for i := int32(0); b.Loop(); i++ {
				if err := Verify(s); err != nil {
					b.Fatal(err)
				}
				Stamp(s, 7, 1, i, false)
			}
		})
		b.Run(fmt.Sprintf("stamp/%d", size), func(b *testing.B) {
			b.ReportAllocs()
			for i := int32(0); b.Loop(); i++ {
				Stamp(s, 7, 1, i, false)
			}
		})
	}
}

// BenchmarkCoalesce merges 1,000 batches of one 100-byte record each.
func BenchmarkCoalesce(b *testing.B) {
	for _, codec := range []Codec{None, LZ4, Zstd, Snappy, Gzip} {
		b.Run(codec.String(), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 1))
			batches := make([]Batch, 1000)
			bytes := 0
			for i := range batches {
				value := make([]byte, 100)
				for j := range value {
					value[j] = 'a' + byte(rng.IntN(16))
				}
				batches[i] = spec{base: int64(i), baseTS: 1e12 + int64(i), codec: codec, records: []rec{{ts: 1e12 + int64(i), value: value}}}.build(b)
				bytes += len(batches[i])
			}
			rc := NewRecoder(Params{})
			var dst []byte
			b.SetBytes(int64(bytes))
			b.ReportAllocs()
			for b.Loop() {
				out, n := rc.Coalesce(dst[:0], batches, CoalesceLimits{})
				if n != len(batches) {
					b.Fatalf("merged %d of %d", n, len(batches))
				}
				dst = out
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(batches)), "ns/batch")
			b.ReportMetric(float64(len(dst)), "out_B")
		})
	}
}

// BenchmarkRecode makes sparse batches of 1,000 records of 100 bytes dense.
func BenchmarkRecode(b *testing.B) {
	for _, codec := range []Codec{None, LZ4, Zstd, Snappy, Gzip} {
		b.Run(codec.String(), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 1))
			records := make([]rec, 1000)
			for i := range records {
				value := make([]byte, 100)
				for j := range value {
					value[j] = 'a' + byte(rng.IntN(16))
				}
				records[i] = rec{delta: int32(2 * i), ts: 1e12 + int64(i), value: value}
			}
			s := spec{codec: codec, baseTS: 1e12, records: records}.build(b)
			rc := NewRecoder(Params{})
			var dst []byte
			b.SetBytes(110 * 1000)
			b.ReportAllocs()
			for b.Loop() {
				out, err := rc.Recode(dst[:0], s, Edit{})
				if err != nil {
					b.Fatal(err)
				}
				dst = out.Bytes
			}
		})
	}
}
