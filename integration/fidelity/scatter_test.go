package fidelity_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/integration/compare"
)

// testKeyed sends records where Kafka's producers send their keys, in two passes.
func testKeyed(ctx context.Context, t *testing.T, p pair) {
	const sources, targets = 3, 5
	create(ctx, t, p.source, "keyed", sources)
	mark := model.NewStage(model.StageHeaders)
	mark.Name, mark.Headers.Provenance = "mark", "from."
	c := p.config(flow("keys", "t", []string{"keyed"}, func(f *model.Flow) {
		staged(mark, placed(model.MappingKey, targets))(f)
		f.Delivery = model.Transactional
	}))
	for pass := range 2 {
		tellKeys(ctx, t, p, sources, pass*300, 300)
		once(ctx, t, c)
	}
	held := read(ctx, t, p.target, "keys.keyed", true)
	if len(held) != targets {
		t.Errorf("the target has %d partitions, want %d", len(held), targets)
	}
	kafkas := kgo.StickyKeyPartitioner(nil).ForTopic("keyed")
	identical(t, read(ctx, t, p.source, "keyed", true), gathered(t, held, func(r compare.Record, from int32) int32 {
		if r.Key == nil {
			return from % targets
		}
		return int32(kafkas.Partition(&kgo.Record{Key: r.Key}, targets))
	}), compare.Options{})
}

// tellKeys writes records with and without keys to every partition.
func tellKeys(ctx context.Context, t *testing.T, p pair, partitions int32, from, count int) {
	t.Helper()
	cl, err := kgo.NewClient(append(p.source.AdminOpts(), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for n := from; n < from+count; {
		var rs []*kgo.Record
		for range 1 + n%17 {
			for at := range partitions {
				r := &kgo.Record{Topic: "keyed", Partition: at, Value: fmt.Append(nil, n)}
				if n%7 > 0 {
					r.Key = []byte(strings.Repeat("k", n%13)) // also an empty one
				}
				rs = append(rs, r)
			}
			n++
		}
		if err := cl.ProduceSync(ctx, rs...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// gathered puts the records of a target back together by the headers that say where
// they came from, in the order of the source, without those headers. It fails the test
// where one is not where belongs says, or where records of one source partition are in
// another order than there.
func gathered(t *testing.T, target topic, belongs func(r compare.Record, from int32) int32) topic {
	t.Helper()
	type placed struct {
		offset int64
		compare.Record
	}
	found := map[int32][]placed{}
	for at, rs := range target {
		last := map[int32]int64{}
		for _, r := range rs {
			var from int32
			var offset int64
			for _, h := range r.Headers {
				switch h.Key {
				case "from.partition":
					if _, err := fmt.Sscan(string(h.Value), &from); err != nil {
						t.Fatalf("the header %s says %q: %v", h.Key, h.Value, err)
					}
				case "from.offset":
					if _, err := fmt.Sscan(string(h.Value), &offset); err != nil {
						t.Fatalf("the header %s says %q: %v", h.Key, h.Value, err)
					}
				}
			}
			r.Headers = slices.DeleteFunc(r.Headers, func(h compare.Header) bool { return strings.HasPrefix(h.Key, "from.") })
			if want := belongs(r, from); at != want {
				t.Fatalf("a record with key %q of partition %d is in partition %d, want %d", r.Key, from, at, want)
			}
			if before, ok := last[from]; ok && offset <= before {
				t.Fatalf("offset %d of partition %d is behind %d in partition %d", offset, from, before, at)
			}
			last[from] = offset
			found[from] = append(found[from], placed{offset, r})
		}
	}
	sources := topic{}
	for from, rs := range found {
		slices.SortFunc(rs, func(a, b placed) int { return cmp.Compare(a.offset, b.offset) })
		for _, r := range rs {
			sources[from] = append(sources[from], r.Record)
		}
	}
	return sources
}
