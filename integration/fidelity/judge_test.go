package fidelity_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/integration/compare"
	"github.com/strait-mirror/strait/integration/kafka"
)

// topic is what a topic holds, by partition.
type topic = map[int32][]compare.Record

// read returns what a topic holds at an isolation level.
func read(ctx context.Context, t *testing.T, c *kafka.Cluster, name string, committed bool) topic {
	t.Helper()
	got, err := compare.Read(ctx, c.AdminOpts(), name, compare.ReadOptions{ReadCommitted: committed})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// library reads topics of a source that no longer change, each once.
type library struct {
	cluster *kafka.Cluster
	mu      sync.Mutex // guards topics
	topics  map[string]topic
}

func newLibrary(c *kafka.Cluster) *library { return &library{cluster: c, topics: map[string]topic{}} }

// read is read, remembered.
func (l *library) read(ctx context.Context, t *testing.T, name string, committed bool) topic {
	t.Helper()
	key := fmt.Sprint(name, committed)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.topics[key] == nil {
		l.topics[key] = read(ctx, t, l.cluster, name, committed)
	}
	return l.topics[key]
}

// identical fails the test unless target holds what source holds.
func identical(t *testing.T, source, target topic, o compare.Options) {
	t.Helper()
	if len(source) != len(target) {
		t.Errorf("the target has %d partitions, the source %d", len(target), len(source))
	}
	r := compare.Diff(source, target, o)
	if err := r.Err(); err != nil {
		t.Error(err)
	}
}

// behind returns the records behind an offset of each partition.
func behind(all topic, last map[int32]int64) topic {
	rest := topic{}
	for p, rs := range all {
		rest[p] = slices.Clone(rs)
		if n, ok := last[p]; ok {
			rest[p] = slices.DeleteFunc(rest[p], func(r compare.Record) bool { return r.Offset <= n })
		}
	}
	return rest
}

// count returns how many records there are.
func count(all topic) int {
	n := 0
	for _, rs := range all {
		n += len(rs)
	}
	return n
}

// ends returns the offsets at which reading ends, by partition.
func ends(ctx context.Context, t *testing.T, c *kafka.Cluster, name string, committed bool) map[int32]int64 {
	t.Helper()
	list := c.Admin().ListEndOffsets
	if committed {
		list = c.Admin().ListCommittedOffsets
	}
	listed, err := list(ctx, name)
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
	at := map[int32]int64{}
	for p, o := range listed[name] {
		at[p] = o.Offset
	}
	return at
}

// place is a partition of a source.
type place struct {
	topic     string
	partition int32
}

// positionKey is the key of a position, in the bytes that MirrorMaker 2 looks
// for.
func positionKey(from, topic string, partition int32) []byte {
	return fmt.Appendf(nil, `["MirrorSourceConnector",{"cluster":%q,"partition":%d,"topic":%q}]`, from, partition, topic)
}

// positions reads the stored position of every partition of a source as
// MirrorMaker 2 does: the last record of a key counts, and of it offset alone.
func positions(ctx context.Context, t *testing.T, c *kafka.Cluster, from string) map[place]int64 {
	t.Helper()
	at := map[place]int64{}
	for _, rs := range read(ctx, t, c, "mm2-offsets."+from+".internal", true) {
		for _, r := range rs {
			var key []json.RawMessage
			var name string
			var where struct {
				Cluster, Topic string
				Partition      int32
			}
			if err := json.Unmarshal(r.Key, &key); err != nil || len(key) != 2 {
				t.Fatalf("position has key %s: %v", r.Key, err)
			}
			if err := json.Unmarshal(key[0], &name); err != nil {
				t.Fatalf("position has key %s: %v", r.Key, err)
			}
			if name != "MirrorSourceConnector" {
				continue
			}
			var value struct{ Offset int64 }
			if err := json.Unmarshal(key[1], &where); err != nil {
				t.Fatalf("position has key %s: %v", r.Key, err)
			}
			if string(positionKey(from, where.Topic, where.Partition)) != string(r.Key) {
				t.Errorf("MirrorMaker 2 would not find the position with key %s", r.Key)
			}
			if err := json.Unmarshal(r.Value, &value); err != nil {
				t.Fatalf("position of %s has value %s: %v", r.Key, r.Value, err)
			}
			at[place{where.Topic, where.Partition}] = value.Offset
		}
	}
	return at
}

// anchoredAtEnds fails the test unless the positions of topics are right
// before the ends of the source.
func anchoredAtEnds(ctx context.Context, t *testing.T, p pair, from string, committed bool, topics ...string) {
	t.Helper()
	at := positions(ctx, t, p.target, from)
	for _, name := range topics {
		for n, end := range ends(ctx, t, p.source, name, committed) {
			if last, ok := at[place{name, n}]; !ok || last+1 != end {
				t.Errorf("position of %s/%d is %d (stored: %v), the source ends at %d", name, n, last, ok, end)
			}
		}
	}
}

// setPositions stores bare positions as MirrorMaker 2 does.
func setPositions(ctx context.Context, t *testing.T, c *kafka.Cluster, from string, at map[place]int64) {
	t.Helper()
	name := "mm2-offsets." + from + ".internal"
	create(ctx, t, c, name, 25, "cleanup.policy", "compact")
	var rs []*kgo.Record
	for where, last := range at {
		rs = append(rs, &kgo.Record{
			Topic: name, Key: positionKey(from, where.topic, where.partition), Value: fmt.Appendf(nil, `{"offset":%d}`, last),
		})
	}
	if err := c.Client().ProduceSync(ctx, rs...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// create creates a topic with settings given as names and values.
func create(ctx context.Context, t *testing.T, c *kafka.Cluster, name string, partitions int, settings ...string) {
	t.Helper()
	topic := kafka.Topic{Name: name, Partitions: partitions, Config: map[string]*string{}}
	for i := 0; i < len(settings); i += 2 {
		topic.Config[settings[i]] = &settings[i+1]
	}
	if err := c.CreateTopic(ctx, topic); err != nil {
		t.Fatal(err)
	}
}

// alter sets one setting of a topic; an empty value removes it.
func alter(ctx context.Context, t *testing.T, c *kafka.Cluster, topic, name, value string) {
	t.Helper()
	change := kadm.AlterConfig{Op: kadm.SetConfig, Name: name, Value: &value}
	if value == "" {
		change = kadm.AlterConfig{Op: kadm.DeleteConfig, Name: name}
	}
	done, err := c.Admin().AlterTopicConfigs(ctx, []kadm.AlterConfig{change}, topic)
	for _, r := range done {
		if err == nil {
			err = r.Err
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// explicit returns the settings that were set on a topic itself, but for the
// one that Kafka 4.2 adds to every new topic (KIP-966).
func explicit(ctx context.Context, t *testing.T, c *kafka.Cluster, topic string) map[string]string {
	t.Helper()
	configs, err := c.Admin().DescribeTopicConfigs(ctx, topic)
	if err == nil {
		err = configs[0].Err
	}
	if err != nil {
		t.Fatal(err)
	}
	set := map[string]string{}
	for _, entry := range configs[0].Configs {
		if entry.Source == kmsg.ConfigSourceDynamicTopicConfig && entry.Key != "min.insync.replicas" {
			set[entry.Key] = entry.MaybeValue()
		}
	}
	return set
}

// topicNames returns the names of a cluster's own topics, sorted.
func topicNames(ctx context.Context, t *testing.T, c *kafka.Cluster) []string {
	t.Helper()
	listed, err := c.Admin().ListTopics(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return sorted(listed.Names())
}
