package sink

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/flows/internal/batch"
	"github.com/strait-mirror/strait/flows/internal/memory"
)

// plainBatch returns an uncompressed batch of one record with a random value.
func plainBatch(r *rand.Rand, size int) batch.Batch {
	value := make([]byte, size)
	for i := range value {
		value[i] = byte(r.IntN(4)) // compresses a little
	}
	record := []byte{0, 0, 0, 1} // attributes, deltas, no key
	record = binary.AppendVarint(record, int64(len(value)))
	record = append(record, value...)
	record = append(record, 0) // no headers
	payload := append(binary.AppendVarint(nil, int64(len(record))), record...)
	b := append(make([]byte, 61), payload...)
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-12))
	b[16] = 2
	binary.BigEndian.PutUint32(b[57:], 1)
	binary.BigEndian.PutUint32(b[17:], batch.Checksum(b[21:]))
	return b
}

func values(t *testing.T, rc *batch.Recoder, batches ...batch.Batch) (all []string) {
	t.Helper()
	for _, b := range batches {
		if err := batch.Verify(b); err != nil {
			t.Fatal(err)
		}
		for r, err := range rc.Records(b) {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, string(r.Value))
		}
	}
	return all
}

// TestMergedBatchesHoldTheirRecords runs every codec, since compressors may
// return memory of their own.
func TestMergedBatchesHoldTheirRecords(t *testing.T) {
	rc := batch.NewRecoder(batch.Params{})
	for _, codec := range []batch.Codec{batch.None, batch.Gzip, batch.Snappy, batch.LZ4, batch.Zstd} {
		for _, size := range []int{1, 100, 3000} {
			t.Run(fmt.Sprint(codec, " ", size), func(t *testing.T) {
				r := rand.New(rand.NewPCG(uint64(size), uint64(codec)))
				budget := memory.NewBudget(1 << 20)
				s := &Sink{p: Params{Coalesce: rc, Budget: budget}}
				var parts []batch.Batch
				var queue []Batch
				for range 20 {
					made, err := rc.Recode(nil, plainBatch(r, size), batch.Edit{Codec: &codec})
					if err != nil {
						t.Fatal(err)
					}
					b := made.Parts[0].Batch
					buf := budget.Get(len(b))
					copy(buf.Bytes(), b)
					parts = append(parts, b)
					queue = append(queue, Batch{Data: buf.Bytes(), Buffer: buf, Records: 1})
				}
				merged, n := s.merge(queue, 0)
				if n < 2 {
					t.Fatalf("%d batches were merged", n)
				}
				if diff := cmp.Diff(values(t, rc, parts[:n]...), values(t, rc, merged.Data)); diff != "" {
					t.Errorf("records (-parts +merged):\n%s", diff)
				}
				merged.Buffer.Release()
				for _, b := range queue[n:] {
					b.Buffer.Release()
				}
				if budget.Free() != budget.Limit() {
					t.Errorf("%d bytes were not given back", budget.Limit()-budget.Free())
				}
			})
		}
	}
}
