package offsets_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/load"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/internaltopic"
	"github.com/strait-mirror/strait/integration/kafka"
)

// oneWay is a cluster a that is mirrored to b under unchanged names and to c, which
// wants TLS, under MirrorMaker 2's.
type oneWay map[string]*kafka.Cluster

// copies are the targets, and what begins the names of copies there.
func (w oneWay) copies() map[string]string { return map[string]string{"b": "", "c": "a."} }

// config reads an mm2.properties between the clusters.
func (w oneWay) config(t *testing.T, text string) *model.Config {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, `clusters = a, b, c
a->b.enabled = true
a->c.enabled = true
b->c.emit.heartbeats.enabled = false
c->b.emit.heartbeats.enabled = false
a->b.replication.policy.class = org.apache.kafka.connect.mirror.IdentityReplicationPolicy
replication.factor = 1
refresh.topics.interval.seconds = 1
refresh.groups.interval.seconds = 1
sync.group.offsets.interval.seconds = 1
emit.checkpoints.interval.seconds = 1
offset.flush.interval.ms = 1000
%s`, text)
	for alias, c := range w {
		fmt.Fprintf(&b, "%s.bootstrap.servers = %s\n", alias, c.Bootstrap()[0])
		for key, value := range c.ClientConfig("") {
			fmt.Fprintf(&b, "%s.%s = %s\n", alias, key, value)
		}
	}
	cfg, problems := load.Load([]string{"mm2.properties"}, load.Options{
		Env: func(string) (string, bool) { return "", false },
		ReadFile: func(name string) ([]byte, error) {
			if name == "mm2.properties" {
				return []byte(b.String()), nil
			}
			return os.ReadFile(name)
		},
	})
	if problems.HasErrors() {
		t.Fatalf("%v in\n%s", problems, b.String())
	}
	return cfg
}

// arrive waits until both copies of topics hold what a does.
func (w oneWay) arrive(ctx context.Context, t *testing.T, topics ...string) {
	t.Helper()
	for _, topic := range topics {
		for partition := range ends(ctx, t, w["a"], topic) {
			want, _ := read(ctx, t, w["a"], topic, partition, 0)
			for alias, prefix := range w.copies() {
				name := prefix + topic
				await(ctx, t, func() (string, bool) {
					listed, err := w[alias].Admin().ListTopics(ctx, name)
					if err != nil || listed[name].Err != nil || len(listed[name].Partitions) <= int(partition) {
						return "there is no " + name + " on " + alias, false
					}
					got, _ := read(ctx, t, w[alias], name, partition, 0)
					return fmt.Sprintf("%s/%d of %s differs", name, partition, alias), cmp.Equal(want, got)
				})
			}
		}
	}
}

// has lists the topics of a cluster that hold what a mirror knows, and copies that
// came back.
func (w oneWay) has(ctx context.Context, t *testing.T, alias, suffix string) (names []string) {
	t.Helper()
	listed, err := w[alias].Admin().ListTopicsWithInternal(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range listed.Names() {
		if strings.Contains(name, suffix) {
			names = append(names, name)
		}
	}
	return names
}

// monotonic reads a topic of checkpoints: no group goes back in any partition, but for
// those that did on the source. It returns the last of each, as "group topic/partition".
func monotonic(ctx context.Context, t *testing.T, c *kafka.Cluster, topic string) map[string]int64 {
	t.Helper()
	cl, err := kgo.NewClient(append(c.AdminOpts(), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	last, upstream := map[string]int64{}, map[string]int64{}
	for next, end := int64(0), ends(ctx, t, c, topic)[0]; next < end; {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			next = r.Offset + 1
			fields, err := internaltopic.Decode(internaltopic.Checkpoints, r.Key, r.Value)
			if err != nil {
				t.Fatal(err)
			}
			of := map[string]any{}
			for _, f := range fields {
				of[f.Name] = f.Value
			}
			key := fmt.Sprintf("%s %s/%d", of["group"], of["topic"], of["partition"])
			up, down := of["upstream"].(int64), of["downstream"].(int64)
			if down < last[key] && up >= upstream[key] {
				t.Errorf("%s went from %d to %d", key, last[key], down)
			}
			last[key], upstream[key] = down, up
		})
	}
	return last
}

// TestOneWay is conformance items 56, 74, 101, 102, 107 to 109, 111, 116, 117, 122 and
// 123: one process as MirrorMaker 2's file has it, started three times, to a cluster
// with unchanged names and to one with TLS, from producers with transactions.
func TestOneWay(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	w := oneWay{"a": kafka.Start(t, kafka.Options{}), "b": kafka.Start(t, kafka.Options{}), "c": kafka.Start(t, kafka.Options{TLS: true})}
	create(ctx, t, w["a"], "tx", 1)
	create(ctx, t, w["a"], "plain", 2)
	transact(ctx, t, w["a"], "tx", "early", 0, 300, 10)
	produce(ctx, t, w["a"], "plain", "early", 0, 300, 2)

	t.Log("without offset syncs and checkpoints")
	stop := run(ctx, t, w.config(t, "topics = tx, plain, later\nemit.offset-syncs.enabled = false\nemit.checkpoints.enabled = false\n"))
	w.arrive(ctx, t, "tx", "plain")
	create(ctx, t, w["a"], "later", 3)
	produce(ctx, t, w["a"], "later", "one", 0, 50, 1) // in one partition of three
	w.arrive(ctx, t, "later")
	for alias := range w.copies() { // heartbeats keep their prefix with unchanged names
		await(ctx, t, func() (string, bool) {
			listed, err := w[alias].Admin().ListEndOffsets(ctx, "a.heartbeats")
			at, there := listed.Lookup("a.heartbeats", 0)
			return "the heartbeats of a have not reached " + alias, err == nil && there && at.Offset > 0
		})
	}
	stop()
	for alias := range w {
		for _, suffix := range []string{"mm2-offset-syncs.", ".checkpoints.internal"} {
			if found := w.has(ctx, t, alias, suffix); len(found) > 0 {
				t.Errorf("%s has %v, which are switched off", alias, found)
			}
		}
	}

	t.Log("with offset syncs on the target")
	const groups = "sync.group.offsets.enabled = true\n"
	stop = run(ctx, t, w.config(t, "topics = tx, plain, later\noffset-syncs.topic.location = target\n"+groups))
	w.move(ctx, t, "second", 300, 500)
	w.follow(ctx, t)
	stop()
	if found := w.has(ctx, t, "a", "mm2-offset-syncs."); len(found) > 0 {
		t.Errorf("a has %v, which shall be on the targets", found)
	}
	for alias := range w.copies() {
		if found := w.has(ctx, t, alias, "mm2-offset-syncs."); !slices.Equal(found, []string{"mm2-offset-syncs.a.internal"}) {
			t.Errorf("%s has %v", alias, found)
		}
	}

	t.Log("once more, at the end of what is new")
	create(ctx, t, w["a"], "fresh", 1)
	produce(ctx, t, w["a"], "fresh", "before", 0, 10, 1)
	stop = run(ctx, t, w.config(t, "topics = tx, plain, later, fresh\na.consumer.auto.offset.reset = latest\n"+groups))
	w.move(ctx, t, "third", 500, 700)
	w.follow(ctx, t)
	w.onlyNew(ctx, t, "fresh")
	stop()
	if found := w.has(ctx, t, "a", "mm2-offset-syncs."); len(found) != 2 {
		t.Errorf("a has %v", found)
	}
	for _, prefix := range []string{"b.", "c."} {
		if found := w.has(ctx, t, "a", prefix); slices.ContainsFunc(found, func(name string) bool { return strings.HasPrefix(name, prefix) }) {
			t.Errorf("a has %v, which nobody mirrors there", found)
		}
	}
}

// move writes more records and has one group read all of them, and one a part.
func (w oneWay) move(ctx context.Context, t *testing.T, prefix string, from, to int) {
	t.Helper()
	before := map[string]int64{}
	for _, topic := range []string{"tx", "plain"} {
		before[topic] = ends(ctx, t, w["a"], topic)[0]
	}
	transact(ctx, t, w["a"], "tx", prefix, from, to, 10)
	produce(ctx, t, w["a"], "plain", prefix, from, to, 2)
	w.arrive(ctx, t, "tx", "plain")
	for topic, at := range before {
		commit(ctx, t, w["a"], "drained", topic, ends(ctx, t, w["a"], topic))
		commit(ctx, t, w["a"], "behind", topic, map[int32]int64{0: at + 37})
	}
}

// follow waits until the groups are at the targets where they are on a, and
// checkpoints say the same.
func (w oneWay) follow(ctx context.Context, t *testing.T) {
	t.Helper()
	for alias, prefix := range w.copies() {
		want := map[string]int64{}
		for _, topic := range []string{"tx", "plain"} {
			for _, group := range []string{"drained", "behind"} {
				for partition, at := range committed(ctx, t, w["a"], group, topic) {
					_, offsets := read(ctx, t, w["a"], topic, partition, 0)
					_, there := read(ctx, t, w[alias], prefix+topic, partition, 0)
					place := ends(ctx, t, w[alias], prefix+topic)[partition]
					if i, _ := slices.BinarySearch(offsets, at); i < len(offsets) {
						place = there[i]
					}
					awaitOne(ctx, t, w[alias], group, prefix+topic, partition, place)
					want[group+" "+prefix+topic+"/"+strconv.Itoa(int(partition))] = place
				}
			}
		}
		await(ctx, t, func() (string, bool) {
			got := monotonic(ctx, t, w[alias], "a.checkpoints.internal")
			maps.DeleteFunc(got, func(key string, _ int64) bool { _, known := want[key]; return !known })
			diff := cmp.Diff(want, got)
			return "checkpoints differ on " + alias + " (-want +got):\n" + diff, diff == ""
		})
	}
}

// onlyNew writes to a topic until something of it arrives, which nothing of what it
// held before may do.
func (w oneWay) onlyNew(ctx context.Context, t *testing.T, topic string) {
	t.Helper()
	n := 0
	for alias, prefix := range w.copies() {
		await(ctx, t, func() (string, bool) {
			produce(ctx, t, w["a"], topic, "after", n, n+1, 1)
			n++
			listed, err := w[alias].Admin().ListTopics(ctx, prefix+topic)
			if err != nil || listed[prefix+topic].Err != nil {
				return "there is no copy of " + topic, false
			}
			keys, _ := read(ctx, t, w[alias], prefix+topic, 0, 0)
			if slices.ContainsFunc(keys, func(key string) bool { return strings.HasPrefix(key, "before") }) {
				t.Fatalf("%s has %v of %s", alias, keys, topic)
			}
			return "nothing new has arrived", len(keys) > 0
		})
	}
}
