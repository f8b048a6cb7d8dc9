package parity

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/flows/internaltopic"
	"github.com/strait-mirror/strait/integration/kafka"
)

// snapshot is what two clusters hold: a value by what it is of.
type snapshot map[string]string

// set keeps a value under a path of words.
func (s snapshot) set(value any, path ...any) {
	words := make([]string, len(path))
	for i, word := range path {
		words[i] = fmt.Sprint(word)
	}
	s[strings.Join(words, " ")] = fmt.Sprint(value)
}

// look takes everything that a mirror has to do with, on both clusters.
func look(ctx context.Context, t *testing.T, clusters map[string]*kafka.Cluster) snapshot {
	t.Helper()
	s := snapshot{}
	for _, alias := range []string{"a", "b"} {
		c := clusters[alias]
		s.acls(ctx, t, alias, c)
		s.groups(ctx, t, alias, c)
		for _, topic := range s.topics(ctx, t, alias, c) {
			kind, internal := internaltopic.KindOf(topic)
			switch {
			case internal:
				s.internal(t, alias, topic, kind, readAll(ctx, t, c, topic))
			case alias == "b":
				s.records(alias, topic, readAll(ctx, t, c, topic))
			}
		}
	}
	return s
}

// topics keeps the layout and the settings of all topics, and returns their names.
func (s snapshot) topics(ctx context.Context, t *testing.T, alias string, c *kafka.Cluster) []string {
	t.Helper()
	listed, err := c.Admin().ListTopics(ctx)
	if err != nil {
		t.Fatal(err)
	}
	names := slices.DeleteFunc(listed.Names(), func(name string) bool { return strings.HasPrefix(name, "__") })
	for _, name := range names {
		s.set(len(listed[name].Partitions), alias, "topic", name, "partitions")
		s.set(listed[name].Partitions.NumReplicas(), alias, "topic", name, "replicas")
	}
	configs, err := c.Admin().DescribeTopicConfigs(ctx, names...)
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range configs {
		for _, entry := range of.Configs {
			if entry.Source == kmsg.ConfigSourceDynamicTopicConfig {
				s.set(entry.MaybeValue(), alias, "topic", of.Name, "config", entry.Key)
			}
		}
	}
	return names
}

func (s snapshot) acls(ctx context.Context, t *testing.T, alias string, c *kafka.Cluster) {
	t.Helper()
	all := kadm.NewACLs().Topics().ResourcePatternType(kadm.ACLPatternAny).Operations().Allow().AllowHosts().Deny().DenyHosts()
	described, err := c.Admin().DescribeACLs(ctx, all)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range described {
		for _, a := range d.Described {
			s.set("there", alias, "acl", a.Permission, a.Operation, a.Principal+"@"+a.Host, a.Pattern, a.Name)
		}
	}
}

// groups keeps the offsets of all groups but those of Kafka Connect itself.
func (s snapshot) groups(ctx context.Context, t *testing.T, alias string, c *kafka.Cluster) {
	t.Helper()
	listed, err := c.Admin().ListGroups(ctx)
	if err != nil {
		t.Fatal(err)
	}
	names := slices.DeleteFunc(listed.Groups(), func(name string) bool { return strings.HasSuffix(name, "-mm2") })
	for _, name := range names {
		answer, err := c.Admin().FetchOffsets(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		answer.Each(func(o kadm.OffsetResponse) {
			of := fmt.Sprintf("%s/%d", o.Topic, o.Partition)
			s.set(o.At, alias, "group", name, of, "offset")
			s.set(o.Metadata, alias, "group", name, of, "metadata")
			s.set(o.LeaderEpoch, alias, "group", name, of, "epoch")
		})
	}
}

// records keeps every record by its number in the partition, markers left out.
func (s snapshot) records(alias, topic string, records map[int32][]*kgo.Record) {
	for partition, list := range records {
		for i, r := range list {
			s.set(fmt.Sprintf("%s=%s %v %v", r.Key, r.Value, r.Headers, r.Timestamp.UnixMilli()),
				alias, "record", fmt.Sprintf("%s/%d", topic, partition), i)
		}
	}
}

// internal keeps the last record of each key, decoded; of what moves on by itself
// only that it is there.
func (s snapshot) internal(t *testing.T, alias, topic string, kind internaltopic.Kind, records map[int32][]*kgo.Record) {
	t.Helper()
	for _, list := range records {
		for _, r := range list {
			fields, err := internaltopic.Decode(kind, r.Key, r.Value)
			if err != nil {
				t.Errorf("%s of %s: %v", topic, alias, err)
			}
			of, rest := identity(kind, fields)
			for _, f := range rest {
				s.set(f.Value, append([]any{alias, topic}, append(of, f.Name)...)...)
			}
		}
	}
}

// identity splits the fields of a record into what it is of and what it says.
func identity(kind internaltopic.Kind, fields []internaltopic.Field) (of []any, says []internaltopic.Field) {
	names := map[internaltopic.Kind][]string{
		internaltopic.Heartbeats:  {"source", "target"},
		internaltopic.Checkpoints: {"group", "topic", "partition"},
		internaltopic.OffsetSyncs: {"topic", "partition"},
		internaltopic.Positions:   {"connector", "cluster", "topic", "partition", "key"},
		internaltopic.Places:      {"topic", "partition"},
		internaltopic.Producers:   {"producer_id"},
	}[kind]
	moving := kind == internaltopic.Heartbeats
	for _, f := range fields {
		switch value, _ := f.Value.(string); {
		case slices.Contains(names, f.Name):
			of = append(of, text(f.Value))
			moving = moving || f.Name == "topic" && value == "heartbeats"
		case kind == internaltopic.Status || kind == internaltopic.Configs:
		case moving:
			says = append(says, internaltopic.Field{Name: f.Name, Value: "there"})
		default:
			says = append(says, f)
		}
	}
	return of, says
}

// text has JSON be read.
func text(value any) any {
	if raw, ok := value.(json.RawMessage); ok {
		return string(raw)
	}
	return value
}

// readAll reads the committed records of a topic up to its present end.
func readAll(ctx context.Context, t *testing.T, c *kafka.Cluster, topic string) map[int32][]*kgo.Record {
	t.Helper()
	ends, err := c.Admin().ListCommittedOffsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	from, left := map[int32]kgo.Offset{}, map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if from[o.Partition] = kgo.NewOffset().AtStart(); o.Offset > 0 {
			left[o.Partition] = o.Offset
		}
	})
	cl, err := kgo.NewClient(append(c.AdminOpts(), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	out := map[int32][]*kgo.Record{}
	for len(left) > 0 {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("reading %s up to %v: %v", topic, left, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				out[r.Partition] = append(out[r.Partition], r)
			}
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
		})
	}
	return out
}
