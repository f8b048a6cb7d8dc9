package txn

import (
	"fmt"
	"slices"
	"testing"

	"github.com/strait-mirror/strait/flows/internal/wire"
	"github.com/strait-mirror/strait/flows/sink"
)

// TestPartsOfABatchShareATransaction takes from a queue with room for one batch only:
// what was made of one batch of the source comes whole, sorted by where it goes, and
// the position is never between its parts.
func TestPartsOfABatchShareATransaction(t *testing.T) {
	key := func(n int32) wire.PartitionKey { return wire.PartitionKey{Topic: "t", Partition: n} }
	part := func(to int32, next int64) Part {
		return Part{Batch: sink.Batch{Records: 1, SourceNext: next}, Target: key(to)}
	}
	b := &bucket{wake: make(chan struct{}, 1)}
	l := &Lane{b: b, p: LaneParams{Target: key(0)}}
	b.lanes = []*Lane{l}
	l.AddParts([]Part{part(0, 1), part(2, 1), part(0, 5)})
	letter := part(9, 6)
	letter.Aside = true
	l.AddParts([]Part{letter, part(0, 7)})
	l.AddParts(nil)
	l.Advance(8, 3)

	var got []string
	for range 3 {
		portions, _ := b.take(1, 1)
		for _, p := range portions {
			got = append(got, fmt.Sprintf("%d×%d", p.target.Partition, len(p.batches)))
		}
		got = append(got, fmt.Sprintf("next %d records %d aside %d", l.next, l.records, l.aside))
	}
	want := []string{"0×2", "2×1", "next 5 records 3 aside 0", "9×1", "0×1", "next 8 records 4 aside 1", "next 8 records 4 aside 1"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if !l.writesLocked(key(9)) || l.writesLocked(key(1)) || l.aloneLocked() {
		t.Errorf("others: %v", l.others)
	}
}
