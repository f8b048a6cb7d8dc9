package topologies_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/integration/kafka"
)

// TestTopologiesOnBrokers is conformance items 26, 28, 29, 97 and 98 on real brokers:
// what TestTopologies shows, the settings of copies, and how far the clusters are from
// each other by MirrorMaker 2's own client.
func TestTopologiesOnBrokers(t *testing.T) {
	t.Parallel()
	all := startBrokers(t, "habcde")
	for _, name := range slices.Sorted(maps.Keys(shapes())) {
		t.Run(name, func(t *testing.T) {
			shape := shapes()[name]
			l := &lab{t: t, shape: shape, clusters: map[string]*kgo.Client{}}
			for alias := range strings.SplitSeq(shape.clusters, "") {
				l.clusters[alias] = all[alias]
				l.clear(alias)
			}
			l.write(0, written)
			l.judge()
			l.await(l.settings)
			l.await(l.hops)
		})
	}
}

// startBrokers starts a cluster of one broker for each letter.
func startBrokers(t *testing.T, aliases string) map[string]*kgo.Client {
	t.Helper()
	kafka.Require(t)
	var (
		wait sync.WaitGroup
		mu   sync.Mutex // guards all
		all  = map[string]*kgo.Client{}
	)
	for alias := range strings.SplitSeq(aliases, "") {
		wait.Go(func() {
			c := kafka.Start(t, kafka.Options{})
			cl, err := kgo.NewClient(append(c.AdminOpts(), kgo.SeedBrokers(c.Bootstrap()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			all[alias] = cl
		})
	}
	wait.Wait()
	t.Cleanup(func() {
		for _, cl := range all {
			cl.Close()
		}
	})
	if t.Failed() || len(all) != len(aliases) {
		t.FailNow()
	}
	return all
}

// clear deletes all topics of a cluster and creates those that are mirrored.
func (l *lab) clear(alias string) {
	l.t.Helper()
	admin := kadm.NewClient(l.clusters[alias])
	list := func(ctx context.Context) []string {
		listed, err := admin.ListTopics(ctx)
		if err != nil {
			l.t.Fatal(err)
		}
		return listed.Names()
	}
	if names := list(l.t.Context()); len(names) > 0 {
		if _, err := admin.DeleteTopics(l.t.Context(), names...); err != nil {
			l.t.Fatal(err)
		}
		l.clusters[alias].PurgeTopicsFromProducing(names...)
	}
	l.await(func(ctx context.Context) string { return strings.Join(list(ctx), " ") })
	for name, settings := range map[string]map[string]*string{"t": nil, "settings": {"cleanup.policy": new("compact")}} {
		if _, err := admin.CreateTopic(l.t.Context(), 2, 1, settings, name); err != nil {
			l.t.Fatal(err)
		}
	}
}

// settings says which copy is not compacted as its source is.
func (l *lab) settings(ctx context.Context) (missing string) {
	for alias, copies := range l.shape.topics {
		for _, name := range copies {
			name = strings.TrimSuffix(name, ".t") + ".settings"
			configs, err := kadm.NewClient(l.clusters[alias]).DescribeTopicConfigs(ctx, name)
			if err != nil || configs[0].Err != nil {
				return fmt.Sprintf("%s has no %s: %v", alias, name, err)
			}
			for _, entry := range configs[0].Configs {
				if entry.Key == "cleanup.policy" && entry.MaybeValue() != "compact" {
					l.t.Fatalf("%s of %s is %s", name, alias, entry.MaybeValue())
				}
			}
		}
	}
	return ""
}

// hops compares what MirrorMaker 2's client says of distances with the names of the
// topics of heartbeats.
func (l *lab) hops(ctx context.Context) (missing string) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	out := filepath.Join(l.t.TempDir(), "answer")
	policy := "org.apache.kafka.connect.mirror.DefaultReplicationPolicy"
	if l.shape.more == identity {
		policy = "org.apache.kafka.connect.mirror.IdentityReplicationPolicy"
	}
	args, want := []string{out, policy}, ""
	for _, alias := range slices.Sorted(maps.Keys(l.clusters)) {
		args = append(args, alias+"="+l.clusters[alias].OptValue(kgo.SeedBrokers).([]string)[0])
		want += alias + "\t" + distances(l.shape.heartbeats[alias]) + "\n"
	}
	if err := kafka.RunSource(ctx, kafka.SourceOptions{File: "testdata/Hops.java", Args: args}); err != nil {
		l.t.Fatal(err)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		l.t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		return "the distances differ (-want +got):\n" + diff
	}
	return ""
}

// distances are the clusters that a cluster has heartbeats of, and the hops of the
// shortest way, as Java prints a map.
func distances(heartbeats []string) string {
	hops := map[string]int{}
	for _, name := range heartbeats {
		chain := strings.Split(name, ".")
		for i, alias := range chain[:len(chain)-1] {
			if was, known := hops[alias]; !known || i+1 < was {
				hops[alias] = i + 1
			}
		}
	}
	var all []string
	for _, alias := range slices.Sorted(maps.Keys(hops)) {
		all = append(all, fmt.Sprintf("%s=%d", alias, hops[alias]))
	}
	return "{" + strings.Join(all, ", ") + "}"
}
