package control_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/integration/compare"
	"github.com/strait-mirror/strait/integration/kafka"
	"github.com/strait-mirror/strait/pipeline/supervisor"
)

// TestStart begins at a time, and where a consumer group of the source is once its
// last member has left.
func TestStart(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	a, b := kafka.Start(t, kafka.Options{}), kafka.Start(t, kafka.Options{})
	create(ctx, t, a, "timed", 2, "retention.ms", "-1")
	create(ctx, t, a, "grouped", 2)
	began := time.Date(2026, 1, 31, 6, 0, 0, 0, time.UTC)
	const each = 20
	client := func(opts ...kgo.Opt) *kgo.Client {
		t.Helper()
		cl, err := kgo.NewClient(append(opts, kgo.SeedBrokers(a.Bootstrap()...))...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cl.Close)
		return cl
	}
	producer := client(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	for i := range each {
		for p := range int32(2) {
			for _, topic := range []string{"timed", "grouped"} {
				r := &kgo.Record{Topic: topic, Partition: p, Value: fmt.Append(nil, i), Timestamp: began.Add(time.Duration(i) * time.Minute)}
				if topic == "grouped" {
					r.Timestamp = time.Now()
				}
				if err := producer.ProduceSync(ctx, r).FirstErr(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	var offsets kadm.Offsets
	offsets.AddOffset("grouped", 0, 5, -1)
	offsets.AddOffset("grouped", 1, 7, -1)
	if err := a.Admin().CommitAllOffsets(ctx, "mm1", offsets); err != nil {
		t.Fatal(err)
	}
	member := client(kgo.ConsumerGroup("mm1"), kgo.ConsumeTopics("grouped"), kgo.DisableAutoCommit())
	if err := member.PollRecords(ctx, 1).Err(); err != nil {
		t.Fatal(err)
	}
	run := func(topic string, start model.Start) *supervisor.Supervisor {
		cfg := properties(t, "a->b.enabled = true\nemit.heartbeats.enabled = false\nreplication.factor = 1\ntopics = "+topic+"\n",
			map[string]*kafka.Cluster{"a": a, "b": b})
		cfg.Flows[0].Start = start
		return strait(t, cfg)
	}
	run("timed", model.Start(began.Add(12*time.Minute).Format(time.RFC3339)))
	grouped := run("grouped", model.StartGroup("mm1"))
	values(ctx, t, a, b, "timed", 12, 12)
	if !wait(ctx, func() bool { return strings.Contains(problems(grouped), `consumer group "mm1" has 1 members`) }) {
		t.Fatalf("problems are\n%s", problems(grouped))
	}
	if err := member.LeaveGroupContext(ctx); err != nil {
		t.Fatal(err)
	}
	values(ctx, t, a, b, "grouped", 5, 7)
}

// values waits until the copy of a topic holds what its source does from an offset
// of each partition on, and no more.
func values(ctx context.Context, t *testing.T, a, b *kafka.Cluster, topic string, from ...int) {
	t.Helper()
	read := func(c *kafka.Cluster, topic string) map[int32][]compare.Record {
		rs, err := compare.Read(ctx, []kgo.Opt{kgo.SeedBrokers(c.Bootstrap()...)}, topic, compare.ReadOptions{})
		if err != nil && ctx.Err() != nil {
			t.Fatal(err)
		}
		return rs
	}
	source := read(a, topic)
	for p, n := range from {
		source[int32(p)] = source[int32(p)][n:]
	}
	var err error
	if !wait(ctx, func() bool {
		err = compare.Diff(source, read(b, "a."+topic), compare.Options{}).Err()
		return err == nil
	}) {
		t.Fatal(err)
	}
}

// wait looks again and again until there is what is wanted, or ctx ends.
func wait(ctx context.Context, done func() bool) bool {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
	return true
}
