package offsets_test

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/integration/kafka"
)

// TestFailover is conformance items 100, 104 to 106 and 112: groups
// anywhere in plain, transactional and compacted topics go on at the target with
// exactly the record that they would have read next, and drained ones with none.
func TestFailover(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	p := startPair(t)
	create(ctx, t, p.source, "plain", 3)
	create(ctx, t, p.source, "tx", 1)
	create(ctx, t, p.source, "empty", 2)
	create(ctx, t, p.source, "compact", 1, "cleanup.policy", "compact", "segment.bytes", "1048576", "min.cleanable.dirty.ratio", "0.001", "segment.ms", "1000")
	produce(ctx, t, p.source, "plain", "early", 0, 3000, 3)
	transact(ctx, t, p.source, "tx", "early", 0, 900, 10)
	compacted(ctx, t, p.source, "compact")
	topics := []string{"plain", "tx", "compact", "empty"}

	random := rand.New(rand.NewPCG(7, 7))
	var groups []string
	for i := range 12 {
		group := "g" + strconv.Itoa(i)
		groups = append(groups, group)
		for _, topic := range topics {
			at := ends(ctx, t, p.source, topic)
			for partition, end := range at {
				if i > 0 && end > 0 { // g0 is drained
					at[partition] = random.Int64N(end + 1)
				}
			}
			commit(ctx, t, p.source, group, topic, at)
		}
	}
	stop := run(ctx, t, p.config(flow("a", "b", topics)))
	exact(ctx, t, p, groups, topics)

	// Half of the groups move on while more arrives, and all of it happens anew
	// behind a restart, when what is known is what was stored.
	produce(ctx, t, p.source, "plain", "late", 3000, 6000, 3)
	transact(ctx, t, p.source, "tx", "late", 900, 1500, 7)
	stop()
	for i, group := range groups[:6] {
		for _, topic := range topics {
			at := ends(ctx, t, p.source, topic)
			was := committed(ctx, t, p.source, group, topic)
			for partition, end := range at {
				if i > 0 {
					at[partition] = was[partition] + random.Int64N(end-was[partition]+1)
				}
			}
			commit(ctx, t, p.source, group, topic, at)
		}
	}
	stop = run(ctx, t, p.config(flow("a", "b", topics)))
	exact(ctx, t, p, groups, topics)
	stop()
}

// compacted fills a topic with keys that repeat, and waits until the cleaner has
// made holes in the first segments.
func compacted(ctx context.Context, t *testing.T, c *kafka.Cluster, topic string) {
	t.Helper()
	for round := range 4 {
		produce(ctx, t, c, topic, "key", 0, 300, 1)
		produce(ctx, t, c, topic, "round-"+strconv.Itoa(round), 0, 50, 1)
	}
	await(ctx, t, func() (string, bool) {
		produce(ctx, t, c, topic, "roll", 0, 1, 1)
		keys, _ := read(ctx, t, c, topic, 0, 0)
		return "the cleaner has removed nothing", len(keys) < 700
	})
}

// exact waits until every group is, at the target, in front of the record that it
// would read next at the source.
func exact(ctx context.Context, t *testing.T, p pair, groups, topics []string) {
	t.Helper()
	for _, topic := range topics {
		remote := "a." + topic
		for partition := range ends(ctx, t, p.source, topic) {
			keys, offsets := read(ctx, t, p.source, topic, partition, 0)
			await(ctx, t, func() (string, bool) {
				copied, _ := read(ctx, t, p.target, remote, partition, 0)
				return "not everything has arrived in " + remote, len(copied) == len(keys)
			})
			copied, places := read(ctx, t, p.target, remote, partition, 0)
			if diff := cmp.Diff(keys, copied); diff != "" {
				t.Fatalf("%s is not the same at the target (-want +got):\n%s", topic, diff)
			}
			end := ends(ctx, t, p.target, remote)[partition]
			for _, group := range groups {
				at := committed(ctx, t, p.source, group, topic)[partition]
				want := end
				if i := slices.IndexFunc(offsets, func(o int64) bool { return o >= at }); i >= 0 {
					want = places[i]
				}
				awaitOne(ctx, t, p.target, group, remote, partition, want)
			}
		}
	}
}

// awaitOne waits until a group has an offset.
func awaitOne(ctx context.Context, t *testing.T, c *kafka.Cluster, group, topic string, partition int32, want int64) {
	t.Helper()
	await(ctx, t, func() (string, bool) {
		got, ok := committed(ctx, t, c, group, topic)[partition]
		if ok && got > want {
			t.Fatalf("group %s is at %d of %s/%d, beyond %d: it would miss records", group, got, topic, partition, want)
		}
		return "group " + group + " is at " + strconv.FormatInt(got, 10) + " of " + topic + "/" + strconv.Itoa(int(partition)) +
			", want " + strconv.FormatInt(want, 10), ok && got == want
	})
}

// TestGroupsAreNeverTakenBack is conformance items 81 and 82, with rewinds on: what a group has read
// at the target stands.
func TestGroupsAreNeverTakenBack(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	p := startPair(t)
	create(ctx, t, p.source, "t", 1)
	produce(ctx, t, p.source, "t", "k", 0, 1000, 1)
	commit(ctx, t, p.source, "ahead", "t", map[int32]int64{0: 500})
	commit(ctx, t, p.source, "back", "t", map[int32]int64{0: 500})
	commit(ctx, t, p.source, "done", "t", map[int32]int64{0: 1000})
	f := flow("a", "b", []string{"t"})
	f.Control.SyncGroupOffsetsRewindsEnabled = true
	run(ctx, t, p.config(f))
	for group, at := range map[string]int64{"ahead": 500, "back": 500, "done": 1000} {
		awaitOffsets(ctx, t, p.target, group, "a.t", map[int32]int64{0: at})
	}
	commit(ctx, t, p.target, "ahead", "a.t", map[int32]int64{0: 700}) // read there
	commit(ctx, t, p.source, "ahead", "t", map[int32]int64{0: 600})
	commit(ctx, t, p.source, "back", "t", map[int32]int64{0: 100}) // read again at the source
	produce(ctx, t, p.source, "t", "k", 1000, 1100, 1)
	commit(ctx, t, p.source, "done", "t", map[int32]int64{0: 1100})
	awaitOffsets(ctx, t, p.target, "done", "a.t", map[int32]int64{0: 1100})
	awaitOffsets(ctx, t, p.target, "back", "a.t", map[int32]int64{0: 100})
	if got := committed(ctx, t, p.target, "ahead", "a.t"); !maps.Equal(got, map[int32]int64{0: 700}) {
		t.Errorf("a group that read at the target was set to %v", got)
	}
}
