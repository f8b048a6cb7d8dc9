package control_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/load"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/integration/kafka"
	"github.com/strait-mirror/strait/pipeline/supervisor"
)

// properties reads an mm2.properties between clusters by alias.
func properties(t *testing.T, text string, clusters map[string]*kafka.Cluster) *model.Config {
	t.Helper()
	aliases := slices.Sorted(maps.Keys(clusters))
	var b strings.Builder
	fmt.Fprintf(&b, "clusters = %s\n", strings.Join(aliases, ", "))
	for _, alias := range aliases {
		fmt.Fprintf(&b, "%s.bootstrap.servers = %s\n", alias, clusters[alias].Bootstrap()[0])
	}
	b.WriteString(text)
	cfg, problems := load.Load([]string{"mm2.properties"}, load.Options{
		Env:      func(string) (string, bool) { return "", false },
		ReadFile: func(string) ([]byte, error) { return []byte(b.String()), nil },
	})
	if problems.HasErrors() {
		t.Fatalf("%v in\n%s", problems, b.String())
	}
	return cfg
}

// strait runs a topology until the test ends.
func strait(t *testing.T, cfg *model.Config) *supervisor.Supervisor {
	t.Helper()
	s, err := supervisor.New(supervisor.Params{Config: cfg, Log: logTo(t)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	wait.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Errorf("stopping: %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		wait.Wait()
	})
	return s
}

// beats reads a heartbeats topic until it has seen every wanted key, given as
// "a->b", and fails on any other.
func beats(ctx context.Context, t *testing.T, c *kafka.Cluster, topic string, want ...string) {
	t.Helper()
	cl, err := kgo.NewClient(append(c.AdminOpts(), kgo.ConsumeTopics(topic), kgo.MetadataMaxAge(time.Second), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	seen := map[string]bool{}
	for len(seen) < len(want) {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("%s has heartbeats of %v, want %v", topic, slices.Sorted(maps.Keys(seen)), want)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			key := string(r.Key) // aliases of one letter: two lengths and two letters
			if len(r.Key) != 6 || len(r.Value) != 10 || r.Partition != 0 {
				t.Fatalf("%s/%d has key %x, value %x", topic, r.Partition, r.Key, r.Value)
			}
			seen[key[2:3]+"->"+key[5:6]] = true
		})
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(maps.Keys(seen))); diff != "" {
		t.Errorf("%s (-want +got):\n%s", topic, diff)
	}
}

// TestHeartbeatsAsInMirrorMaker2 is conformance items 72 and 98: a file that
// mirrors one way has heartbeats on both clusters, and those of the source reach
// the target over one hop and a third cluster over two.
func TestHeartbeatsAsInMirrorMaker2(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	a, b, c := kafka.Start(t, kafka.Options{}), kafka.Start(t, kafka.Options{}), kafka.Start(t, kafka.Options{})
	cfg := properties(t, `
a->b.enabled = true
b->c.enabled = true
topics = nothing-matches-this
replication.factor = 1
heartbeats.topic.replication.factor = 1
c->a.emit.heartbeats.enabled = false
a->c.emit.heartbeats.enabled = false
refresh.topics.interval.seconds = 1
`, map[string]*kafka.Cluster{"a": a, "b": b, "c": c})
	s := strait(t, cfg)
	beats(ctx, t, a, "heartbeats", "b->a")
	beats(ctx, t, b, "heartbeats", "a->b", "c->b")
	beats(ctx, t, b, "a.heartbeats", "b->a")
	beats(ctx, t, c, "heartbeats", "b->c")
	beats(ctx, t, c, "b.heartbeats", "a->b", "c->b")
	beats(ctx, t, c, "b.a.heartbeats", "b->a")
	for _, c := range []*kafka.Cluster{a, b, c} {
		if diff := cmp.Diff(map[string]string{"cleanup.policy": "compact"}, explicit(ctx, t, c, "heartbeats")); diff != "" {
			t.Errorf("settings (-want +got):\n%s", diff)
		}
	}
	for _, f := range s.Status().Flows {
		if len(f.Problems) > 0 {
			t.Errorf("flow %s has problems: %+v", f.Name, f.Problems)
		}
	}
}

// TestHeartbeatsKeepTheirPrefixUnderTheIdentityPolicy is conformance items 31
// and 37.
func TestHeartbeatsKeepTheirPrefixUnderTheIdentityPolicy(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	a, b := kafka.Start(t, kafka.Options{}), kafka.Start(t, kafka.Options{})
	cfg := properties(t, `
a->b.enabled = true
b->a.enabled = true
replication.policy.class = org.apache.kafka.connect.mirror.IdentityReplicationPolicy
topics = nothing-matches-this
replication.factor = 1
refresh.topics.interval.seconds = 1
`, map[string]*kafka.Cluster{"a": a, "b": b})
	strait(t, cfg)
	beats(ctx, t, b, "a.heartbeats", "b->a")
	beats(ctx, t, a, "b.heartbeats", "a->b")
	for cluster, has := range map[*kafka.Cluster]string{a: "b.a.heartbeats", b: "a.b.heartbeats"} {
		topics, err := cluster.Admin().ListTopics(ctx)
		if err != nil || topics.Has(has) {
			t.Errorf("%s goes round: %v, %v", has, topics.Names(), err)
		}
	}
}

// TestHeartbeatsLikeAnyTopic is conformance items 33 and 35: with
// heartbeats.replication.enabled=false they obey the filter.
func TestHeartbeatsLikeAnyTopic(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	a, b := kafka.Start(t, kafka.Options{}), kafka.Start(t, kafka.Options{})
	create(ctx, t, a, "heartbeats", 1)
	create(ctx, t, a, "t", 1)
	strait(t, properties(t, `
a->b.enabled = true
emit.heartbeats.enabled = false
heartbeats.replication.enabled = false
topics = t
replication.factor = 1
`, map[string]*kafka.Cluster{"a": a, "b": b}))
	for {
		topics, err := b.Admin().ListTopics(ctx)
		if err != nil || ctx.Err() != nil {
			t.Fatal(err, ctx.Err())
		}
		if topics.Has("a.heartbeats") || topics.Has("heartbeats") {
			t.Fatalf("the target has %v", topics.Names())
		}
		if topics.Has("a.t") {
			return
		}
	}
}
