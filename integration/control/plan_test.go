package control_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/integration/kafka"
	"github.com/strait-mirror/strait/pipeline/events"
	"github.com/strait-mirror/strait/pipeline/plan"
	"github.com/strait-mirror/strait/pipeline/supervisor"
)

// everything is all that a plan could have changed on a cluster, one line each:
// topics with their ids, sizes and ends, what is set on them, ACLs, and groups with
// their offsets.
func everything(ctx context.Context, t *testing.T, c *kafka.Cluster) []string {
	t.Helper()
	topics, err := c.Admin().ListTopicsWithInternal(ctx)
	if err != nil {
		t.Fatal(err)
	}
	ends, err := c.Admin().ListEndOffsets(ctx, topics.Names()...)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for name, topic := range topics {
		if strings.HasPrefix(name, "__") {
			continue // of the brokers' own, whom any look at a group moves
		}
		lines = append(lines, fmt.Sprintf("topic %s %s %d %v", name, topic.ID, len(topic.Partitions), explicit(ctx, t, c, name)))
		for _, o := range ends[name] {
			lines = append(lines, fmt.Sprintf("end %s/%d %d", name, o.Partition, o.Offset))
		}
	}
	groups, err := c.Admin().ListGroups(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range groups.Groups() {
		for at, offset := range committedBy(ctx, t, c, group) {
			lines = append(lines, fmt.Sprintf("group %s %s %d", group, at, offset))
		}
	}
	lines = append(lines, aclsOf(ctx, t, c)...)
	slices.Sort(lines)
	return lines
}

// committedBy returns the offsets of a group by topic/partition.
func committedBy(ctx context.Context, t *testing.T, c *kafka.Cluster, group string) map[string]int64 {
	t.Helper()
	offsets, err := c.Admin().FetchOffsets(ctx, group)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int64{}
	offsets.Each(func(o kadm.OffsetResponse) { out[fmt.Sprintf("%s/%d", o.Topic, o.Partition)] = o.At })
	return out
}

// foreseen asks what the only flow, and who sends heartbeats alone, would write, and fails
// if anything was.
func foreseen(ctx context.Context, t *testing.T, cfg *model.Config, clusters map[string]*kafka.Cluster) plan.OnFlow {
	t.Helper()
	before := map[string][]string{}
	for alias, c := range clusters {
		before[alias] = everything(ctx, t, c)
	}
	var got plan.OnFlow
	for _, f := range cfg.Flows {
		if !f.Enabled && !f.HeartbeatsOnly {
			continue
		}
		one, err := supervisor.Foresee(ctx, supervisor.Params{Config: cfg, Log: logTo(t)}, f)
		if err != nil {
			t.Fatal(err)
		}
		got.Add(one.Writes...)
		got.Problems = append(got.Problems, one.Problems...)
	}
	for alias, c := range clusters {
		if diff := cmp.Diff(before[alias], everything(ctx, t, c)); diff != "" {
			t.Fatalf("the plan wrote to cluster %s (-before +after):\n%s", alias, diff)
		}
	}
	return got
}

// line is a write as a test compares it.
func line(kind, cluster, object, before, after string) string {
	return fmt.Sprintf("%s: %s %s %q -> %q", kind, cluster, object, before, after)
}

// planned are the writes of a plan that the log tells of, and those of group offsets,
// by what they are to be.
func planned(of plan.OnFlow) (told []string, offsets map[string]string) {
	offsets = map[string]string{}
	for _, w := range of.Writes {
		if w.Kind == "group offset written" {
			offsets[w.Object] = w.After
			continue
		}
		told = append(told, line(w.Kind, w.Cluster, w.Object, w.Before, w.After))
	}
	slices.Sort(told)
	return told, offsets
}

// done runs a topology until it has told of all that was planned and reached is true,
// and returns all that it told of.
func done(ctx context.Context, t *testing.T, cfg *model.Config, want []string, reached func() bool) []string {
	t.Helper()
	var ring events.Ring
	s, err := supervisor.New(supervisor.Params{Config: cfg, Log: slog.New(ring.Handler(logTo(t).Handler()))})
	if err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(ctx)
	var wait sync.WaitGroup
	wait.Go(func() {
		if err := s.Run(running); err != nil {
			t.Errorf("stopping: %v", err)
		}
	})
	defer wait.Wait()
	defer stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		got := told(ring.Since(0, 1000))
		missing := slices.DeleteFunc(slices.Clone(want), func(l string) bool { return slices.Contains(got, l) })
		if len(missing) == 0 && reached() {
			stop()
			wait.Wait() // what it does last counts as well
			return told(ring.Since(0, 1000))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("what was planned is not done:\n%s\nwhat was:\n%s", strings.Join(missing, "\n"), strings.Join(got, "\n"))
		}
	}
}

// told are the writes that a log tells of, in order.
func told(list []events.Event) []string {
	var lines []string
	for _, e := range list {
		switch a := e.Attrs; e.Message {
		case "control plane changed":
			lines = append(lines, line(a["kind"], a["cluster"], a["object"], a["before"], a["after"]))
		case "positions topic created":
			const settings = "cleanup.policy=compact compression.type=producer max.compaction.lag.ms=600000 min.cleanable.dirty.ratio=0.01 min.compaction.lag.ms=0 segment.bytes=1048576 segment.ms=600000"
			lines = append(lines, line("topic created", "b", fmt.Sprintf("topic %q", a["topic"]), "",
				fmt.Sprintf("partitions=%s replication_factor=%s %s", a["partitions"], a["replication_factor"], settings)))
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

const planning = `
a->b.enabled = true
topics = t.*
groups = readers
replication.factor = 1
checkpoints.topic.replication.factor = 1
heartbeats.topic.replication.factor = 1
offset-syncs.topic.replication.factor = 1
sync.group.offsets.enabled = true
sync.group.offsets.interval.seconds = 1
emit.checkpoints.interval.seconds = 1
`

// TestPlanIsWhatRunDoes asks twice what a topology would create and change, before its
// first start and when there is something new after it: neither writes anything, and
// what runs then does exactly what was foreseen.
func TestPlanIsWhatRunDoes(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	a, b := secured(t), secured(t)
	clusters := map[string]*kafka.Cluster{"a": a, "b": b}
	cfg := properties(t, planning+login("a", "mirror", "m")+login("b", "mirror", "m"), clusters)
	create(ctx, t, a, "t-new", 3, "retention.ms", "12345")
	create(ctx, t, a, "t-short", 3)
	create(ctx, t, b, "a.t-short", 1, "retention.ms", "1")
	create(ctx, t, a, "other", 1)
	permit(ctx, t, a,
		acl{false, "User:ann", kadm.OpRead, kadm.ACLPatternLiteral, "t-new"},
		acl{false, "User:ann", kadm.OpRead, kadm.ACLPatternLiteral, "other"},
	)
	writer, err := kgo.NewClient(append(a.AdminOpts(), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	for i := range 5 {
		if err := writer.ProduceSync(ctx, &kgo.Record{Topic: "t-new", Partition: 0, Value: fmt.Append(nil, i)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	first := foreseen(ctx, t, cfg, clusters)
	if len(first.Problems) > 0 {
		t.Errorf("problems: %+v", first.Problems)
	}
	want, offsets := planned(first)
	for _, part := range []string{
		`topic created: b topic "a.t-new"`, `partitions added: b topic "a.t-short" "1" -> "3"`, `topic config deleted: b topic "a.t-short" retention.ms "1"`,
		`acl created: b topic "a.t-new"`, `topic created: b topic "heartbeats"`, `topic created: b topic "mm2-offsets.a.internal"`, `topic created: b topic "a.checkpoints.internal"`,
		`topic created: a topic "mm2-offset-syncs.b.internal"`, `topic config set: b topic "a.t-short" message.timestamp.after.max.ms`,
	} {
		if !slices.ContainsFunc(want, func(l string) bool { return strings.HasPrefix(l, part) }) {
			t.Errorf("%s is not foreseen", part)
		}
	}
	if len(offsets) > 0 {
		t.Errorf("offsets of groups are foreseen that nobody can know: %v", offsets)
	}
	got := done(ctx, t, cfg, want, func() bool {
		ends, err := b.Admin().ListEndOffsets(ctx, "a.t-new")
		return err == nil && sum(ends) == 5
	})
	// What one creates another copies: that is known only then.
	got = slices.DeleteFunc(got, func(l string) bool { return strings.HasPrefix(l, `topic created: b topic "a.heartbeats"`) })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what ran did something else (-foreseen +done):\n%s", diff)
	}

	create(ctx, t, a, "t-later", 2)
	alter(ctx, t, a, "t-new", "retention.ms", "54321")
	var at kadm.Offsets
	at.AddOffset("t-new", 0, 3, -1)
	if err := a.Admin().CommitAllOffsets(ctx, "readers", at); err != nil {
		t.Fatal(err)
	}
	second := foreseen(ctx, t, cfg, clusters)
	want, offsets = planned(second)
	if len(want) != 2 || !strings.HasPrefix(want[0], `topic config set: b topic "a.t-new" retention.ms "12345" -> "54321"`) || !strings.HasPrefix(want[1], `topic created: b topic "a.t-later"`) {
		t.Errorf("foreseen the second time: %v", want)
	}
	if expect := map[string]string{`group "readers" topic "a.t-new" partition 0`: "3"}; !maps.Equal(offsets, expect) {
		t.Errorf("offsets of groups that are foreseen: %v", offsets)
	}
	got = done(ctx, t, cfg, want, func() bool { return committedBy(ctx, t, b, "readers")["a.t-new/0"] == 3 })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what ran the second time did something else (-foreseen +done):\n%s", diff)
	}
	if third := foreseen(ctx, t, cfg, clusters); len(third.Writes) > 0 {
		t.Errorf("there is something left to do: %+v", third.Writes)
	}
}

func sum(ends kadm.ListedOffsets) (n int64) {
	ends.Each(func(o kadm.ListedOffset) { n += o.Offset })
	return n
}

// TestPlanWithoutAuthorizer asks clusters that have no ACLs: that is no problem of the
// topology.
func TestPlanWithoutAuthorizer(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	a, b := kafka.Start(t, kafka.Options{}), kafka.Start(t, kafka.Options{})
	clusters := map[string]*kafka.Cluster{"a": a, "b": b}
	cfg := properties(t, planning, clusters)
	create(ctx, t, a, "t-new", 3)
	got := foreseen(ctx, t, cfg, clusters)
	if len(got.Problems) > 0 {
		t.Errorf("problems: %+v", got.Problems)
	}
	want, _ := planned(got)
	if !slices.ContainsFunc(want, func(l string) bool { return strings.HasPrefix(l, `topic created: b topic "a.t-new"`) }) {
		t.Errorf("the copy is not foreseen: %v", want)
	}
}
