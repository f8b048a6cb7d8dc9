package control_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/strait-mirror/strait/integration/kafka"
	"github.com/strait-mirror/strait/pipeline/supervisor"
)

// alter changes settings of a topic; a value of "-" deletes.
func alter(ctx context.Context, t *testing.T, c *kafka.Cluster, topic string, settings ...string) {
	t.Helper()
	var changes []kadm.AlterConfig
	for i := 0; i < len(settings); i += 2 {
		change := kadm.AlterConfig{Op: kadm.SetConfig, Name: settings[i], Value: &settings[i+1]}
		if settings[i+1] == "-" {
			change.Op, change.Value = kadm.DeleteConfig, nil
		}
		changes = append(changes, change)
	}
	resp, err := c.Admin().AlterTopicConfigs(ctx, changes, topic)
	if err == nil {
		err = resp[0].Err
	}
	if err != nil {
		t.Fatal(err)
	}
}

// becomes waits until what was set on a topic is want.
func becomes(ctx context.Context, t *testing.T, c *kafka.Cluster, topic string, want map[string]string) {
	t.Helper()
	var diff string
	for ctx.Err() == nil {
		topics, err := c.Admin().ListTopics(ctx, topic)
		if err != nil || topics[topic].Err != nil {
			continue
		}
		if diff = cmp.Diff(want, explicit(ctx, t, c, topic)); diff == "" {
			return
		}
	}
	t.Fatalf("settings of %s stay (-want +got):\n%s", topic, diff)
}

// problems returns the problems of the only flow, one per line.
func problems(s *supervisor.Supervisor) string {
	var b strings.Builder
	for _, f := range s.Status().Flows {
		for _, p := range f.Problems {
			b.WriteString(p.Topic + ": " + p.Summary + "\n")
		}
	}
	return b.String()
}

const synced = `
a->b.enabled = true
emit.heartbeats.enabled = false
topics = t.*
replication.factor = 1
sync.topic.configs.interval.seconds = 1
refresh.topics.interval.seconds = 1
`

// engine is what the engine sets on every topic of a 4.2 broker.
func engine(more ...string) map[string]string {
	all := map[string]string{"message.timestamp.after.max.ms": "9223372036854775807"}
	for i := 0; i < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
}

// TestConfigsFollowTheSource is conformance items 21, 42, 44, 103, 113, 115
// and 120, with settings of brokers' files and the engine's own among them.
func TestConfigsFollowTheSource(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	a := kafka.Start(t, kafka.Options{Config: map[string]string{"log.roll.ms": "7777777"}})
	b := kafka.Start(t, kafka.Options{Config: map[string]string{"compression.type": "gzip"}})
	create(ctx, t, a, "t", 1, "retention.ms", "12345", "cleanup.policy", "compact", "retention.bytes", "5", "segment.bytes", "1048576")
	s := strait(t, properties(t, synced+"config.properties.exclude = retention\\\\.b.*\n", map[string]*kafka.Cluster{"a": a, "b": b}))
	copied := engine("compression.type", "producer", "retention.ms", "12345", "cleanup.policy", "compact", "segment.bytes", "1048576")
	becomes(ctx, t, b, "a.t", copied)

	alter(ctx, t, b, "a.t", "retention.ms", "1", "retention.bytes", "9", "segment.ms", "888888", "cleanup.policy", "-")
	copied["retention.bytes"], copied["segment.ms"] = "9", "888888" // excluded; of the source broker's file
	becomes(ctx, t, b, "a.t", copied)

	alter(ctx, t, a, "t", "retention.ms", "-", "cleanup.policy", "compact,delete", "max.message.bytes", "3000000", "compression.type", "zstd")
	delete(copied, "retention.ms")
	copied["cleanup.policy"], copied["max.message.bytes"], copied["compression.type"] = "compact,delete", "3000000", "zstd"
	becomes(ctx, t, b, "a.t", copied)

	alter(ctx, t, a, "t", "max.message.bytes", "-", "compression.type", "-")
	copied["compression.type"] = "producer" // for batches already written larger, the limit stays
	becomes(ctx, t, b, "a.t", copied)

	if err := a.GrowTopic(ctx, "t", 3); err != nil {
		t.Fatal(err)
	}
	for {
		topics, err := b.Admin().ListTopics(ctx, "a.t")
		if err != nil {
			t.Fatal(err)
		}
		if len(topics["a.t"].Partitions) == 3 {
			break
		}
	}
	if p := problems(s); p != "" {
		t.Errorf("problems:\n%s", p)
	}
}

// TestConfigsWithTheSourcesDefaults is conformance items 43 and 114.
func TestConfigsWithTheSourcesDefaults(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	a, b := kafka.Start(t, kafka.Options{}), kafka.Start(t, kafka.Options{Config: map[string]string{"log.retention.ms": "5555"}})
	create(ctx, t, a, "t", 1)
	strait(t, properties(t, synced+"a->b.use.defaults.from = source\n", map[string]*kafka.Cluster{"a": a, "b": b}))
	wait := func(want string) {
		t.Helper()
		got := ""
		for ctx.Err() == nil {
			if topics, err := b.Admin().ListTopics(ctx, "a.t"); err != nil || topics["a.t"].Err != nil {
				continue
			}
			if got = explicit(ctx, t, b, "a.t")["retention.ms"]; got == want {
				return
			}
		}
		t.Fatalf("retention.ms is %q, want %q", got, want)
	}
	wait("604800000") // the source's default, not the 5555 of the target
	alter(ctx, t, b, "a.t", "retention.ms", "-")
	wait("604800000")
}

// TestConfigsOfSingleTopics has a flow of its own for a topic that is to have other
// settings than its source and than the other topics.
func TestConfigsOfSingleTopics(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	a, b := kafka.Start(t, kafka.Options{}), kafka.Start(t, kafka.Options{})
	create(ctx, t, a, "t", 1, "retention.ms", "12345")
	create(ctx, t, a, "t-own", 1, "retention.ms", "12345", "segment.ms", "100000")
	cfg := properties(t, synced, map[string]*kafka.Cluster{"a": a, "b": b})
	own := *cfg.Flows[0]
	own.Name, own.Topics = "own", []string{"t-own"}
	own.TopicConfigs = map[string]string{"retention.ms": "5555", "cleanup.policy": "compact"}
	cfg.Flows[0].TopicsExclude = append(cfg.Flows[0].TopicsExclude, "t-own")
	cfg.Flows = append(cfg.Flows, &own)
	strait(t, cfg)
	becomes(ctx, t, b, "a.t", engine("retention.ms", "12345"))
	want := engine("retention.ms", "5555", "cleanup.policy", "compact", "segment.ms", "100000")
	becomes(ctx, t, b, "a.t-own", want)
	alter(ctx, t, a, "t-own", "retention.ms", "1", "segment.ms", "200000")
	alter(ctx, t, b, "a.t-own", "cleanup.policy", "-")
	want["segment.ms"] = "200000"
	becomes(ctx, t, b, "a.t-own", want)
}

// TestConfigsNotSynced has sync.topic.configs.enabled=false: topics are created
// with their settings, and left alone then.
func TestConfigsNotSynced(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	a, b := kafka.Start(t, kafka.Options{}), kafka.Start(t, kafka.Options{})
	create(ctx, t, a, "t", 1, "retention.ms", "12345")
	strait(t, properties(t, synced+"sync.topic.configs.enabled = false\n", map[string]*kafka.Cluster{"a": a, "b": b}))
	becomes(ctx, t, b, "a.t", engine("retention.ms", "12345"))
	alter(ctx, t, a, "t", "retention.ms", "1")
	create(ctx, t, a, "t-later", 1)
	becomes(ctx, t, b, "a.t-later", engine()) // by then a sync would have been
	becomes(ctx, t, b, "a.t", engine("retention.ms", "12345"))
}
