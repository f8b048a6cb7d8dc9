// Package topologies_test proves on fake clusters, and once on real ones, what is a
// matter of names and of who wrote a record: that whole topologies copy every record to every
// cluster that shall have it, once, and nothing in circles.
package topologies_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/load"
	"github.com/strait-mirror/strait/flows/internaltopic"
	"github.com/strait-mirror/strait/pipeline/supervisor"
)

const (
	identity = "replication.policy.class = org.apache.kafka.connect.mirror.IdentityReplicationPolicy\n"
	written  = 20 // records on each cluster
)

// shape is a topology and what becomes of the topic t, which each cluster has.
type shape struct {
	clusters string // aliases of one letter
	flows    []string
	more     string

	topics     map[string][]string // by cluster: the copies of t, t itself left out
	heartbeats map[string][]string // by cluster: the copies of heartbeats
	together   bool                // t has the records of all clusters
}

// shapes are the topologies.
func shapes() map[string]shape {
	return map[string]shape{
		"active/active": {
			clusters: "ab", flows: []string{"a->b", "b->a"},
			topics:     map[string][]string{"a": {"b.t"}, "b": {"a.t"}},
			heartbeats: map[string][]string{"a": {"b.heartbeats"}, "b": {"a.heartbeats"}},
		},
		"ring of three": {
			clusters: "abc", flows: []string{"a->b", "b->c", "c->a"},
			topics: map[string][]string{"a": {"c.b.t", "c.t"}, "b": {"a.c.t", "a.t"}, "c": {"b.a.t", "b.t"}},
			heartbeats: map[string][]string{
				"a": {"c.b.heartbeats", "c.heartbeats"}, "b": {"a.c.heartbeats", "a.heartbeats"}, "c": {"b.a.heartbeats", "b.heartbeats"},
			},
		},
		"hub and spokes": {
			clusters: "habcde", flows: spokes("h", "abcde"), topics: hub(".t"), heartbeats: hub(".heartbeats"),
		},
		"active/active, unchanged names": {
			clusters: "ab", flows: []string{"a->b", "b->a"}, more: identity, together: true,
			heartbeats: map[string][]string{"a": {"b.heartbeats"}, "b": {"a.heartbeats"}},
		},
		"hub and spokes, unchanged names": {
			clusters: "habcde", flows: spokes("h", "abcde"), more: identity, together: true, heartbeats: hub(".heartbeats"),
		},
	}
}

// spokes are the flows between a hub and each spoke, both ways.
func spokes(center, around string) (flows []string) {
	for _, s := range around {
		flows = append(flows, center+"->"+string(s), string(s)+"->"+center)
	}
	return flows
}

// hub is what a topic is called: on the hub that of each spoke, on a spoke that of
// the hub and, over it, those of the other spokes.
func hub(suffix string) map[string][]string {
	names := map[string][]string{}
	for _, s := range "abcde" {
		names["h"] = append(names["h"], string(s)+suffix)
		mine := []string{"h" + suffix}
		for _, other := range "abcde" {
			if other != s {
				mine = append(mine, "h."+string(other)+suffix)
			}
		}
		slices.Sort(mine)
		names[string(s)] = mine
	}
	return names
}

// lab is a topology that runs.
type lab struct {
	t        *testing.T
	shape    shape
	clusters map[string]*kgo.Client
}

// TestTopologies is conformance items 98 and 107: records and heartbeats reach every
// cluster over any number of hops, and none comes back.
func TestTopologies(t *testing.T) {
	t.Parallel()
	for name, shape := range shapes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := start(t, shape)
			l.judge()
		})
	}
}

// judge runs the topology and waits until everything is where it shall be, and what
// is written meanwhile, too.
func (l *lab) judge() {
	l.t.Helper()
	l.run()
	l.await(l.check)
	l.write(written, 2*written) // what is new goes the same ways, and only those
	whole := *l
	whole.shape.heartbeats = nil
	whole.await(whole.check)
}

// start starts clusters and writes the first records.
func start(t *testing.T, shape shape) *lab {
	t.Helper()
	l := &lab{t: t, shape: shape, clusters: map[string]*kgo.Client{}}
	for alias := range strings.SplitSeq(shape.clusters, "") {
		c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ClusterID("cluster-"+alias), kfake.SeedTopics(2, "t"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cl.Close)
		l.clusters[alias] = cl
	}
	l.write(0, written)
	return l
}

// write writes records to t on every cluster, which say whose they are.
func (l *lab) write(from, to int) {
	l.t.Helper()
	for alias, cl := range l.clusters {
		for i := from; i < to; i++ {
			r := &kgo.Record{Topic: "t", Partition: int32(i % 2), Value: fmt.Appendf(nil, "%s-%03d", alias, i)}
			if err := cl.ProduceSync(l.t.Context(), r).FirstErr(); err != nil {
				l.t.Fatal(err)
			}
		}
	}
}

// run runs the topology until the test ends.
func (l *lab) run() {
	l.t.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, "clusters = %s\n%sreplication.factor = 1\nrefresh.topics.interval.seconds = 1\n",
		strings.Join(slices.Sorted(maps.Keys(l.clusters)), ","), l.shape.more)
	for alias, cl := range l.clusters {
		fmt.Fprintf(&text, "%s.bootstrap.servers = %s\n", alias, cl.OptValue(kgo.SeedBrokers).([]string)[0])
	}
	for _, f := range l.shape.flows {
		fmt.Fprintf(&text, "%s.enabled = true\n", f)
	}
	cfg, problems := load.Load([]string{"mm2.properties"}, load.Options{
		Env:      func(string) (string, bool) { return "", false },
		ReadFile: func(string) ([]byte, error) { return []byte(text.String()), nil },
	})
	if problems.HasErrors() {
		l.t.Fatal(problems.Err())
	}
	s, err := supervisor.New(supervisor.Params{Config: cfg, Log: slog.New(slog.NewTextHandler(l.t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))})
	if err != nil {
		l.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(l.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	l.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			l.t.Errorf("stopping: %v", err)
		}
	})
}

// await polls a check until it finds nothing missing.
func (l *lab) await(check func(ctx context.Context) string) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), 3*time.Minute)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		missing := check(ctx)
		if missing == "" {
			return
		}
		select {
		case <-ctx.Done():
			l.t.Fatal(missing)
		case <-tick.C:
		}
	}
}

// check says what is missing, the first of it, and fails where there is something that
// must not be.
func (l *lab) check(ctx context.Context) (missing string) {
	for alias, cl := range l.clusters {
		if missing != "" {
			return missing
		}
		listed, err := kadm.NewClient(cl).ListTopics(ctx)
		if err != nil {
			return err.Error()
		}
		var copies, beats []string
		for _, name := range listed.Names() {
			if strings.HasSuffix(name, ".t") {
				copies = append(copies, name)
			}
			if strings.HasSuffix(name, ".heartbeats") {
				beats = append(beats, name)
			}
		}
		missing += l.names(alias, copies, l.shape.topics[alias])
		if l.shape.heartbeats != nil {
			missing += l.names(alias, beats, l.shape.heartbeats[alias])
			for _, topic := range beats {
				missing += l.beaten(ctx, alias, topic)
			}
		}
		for _, topic := range append(copies, "t") {
			missing += l.records(ctx, alias, topic)
		}
	}
	return missing
}

// names compares the topics of a cluster.
func (l *lab) names(alias string, got, want []string) (missing string) {
	for _, name := range got {
		if !slices.Contains(want, name) {
			l.t.Fatalf("%s has %s, which came round", alias, name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		return fmt.Sprintf("topics of %s (-want +got):\n%s", alias, diff)
	}
	return ""
}

// records compares a topic with what was written to where it is from.
func (l *lab) records(ctx context.Context, alias, topic string) (missing string) {
	from := []string{alias}
	if chain := strings.Split(topic, "."); len(chain) > 1 {
		from = []string{chain[len(chain)-2]}
	} else if l.shape.together {
		from = slices.Collect(maps.Keys(l.clusters))
	}
	seen := map[string]int{}
	for _, r := range l.read(ctx, alias, topic) {
		value := string(r.Value)
		if seen[value]++; seen[value] > 1 || !slices.Contains(from, value[:1]) {
			l.t.Fatalf("%s of %s has %s %d times, which is of %v", topic, alias, value, seen[value], from)
		}
	}
	most := 0
	for _, r := range l.read(ctx, from[0], "t") { // what there is to have
		if strings.HasPrefix(string(r.Value), from[0]) {
			most++
		}
	}
	if len(seen) != most*len(from) {
		return fmt.Sprintf("%s of %s has %d of %d records\n", topic, alias, len(seen), most*len(from))
	}
	return ""
}

// beaten looks for heartbeats in a copy, all of which must have been written on the
// cluster where its name begins.
func (l *lab) beaten(ctx context.Context, alias, topic string) (missing string) {
	chain := strings.Split(topic, ".")
	records := l.read(ctx, alias, topic)
	for _, r := range records {
		fields, err := internaltopic.Decode(internaltopic.Heartbeats, r.Key, r.Value)
		if err != nil || fields[1].Value != chain[len(chain)-2] {
			l.t.Fatalf("%s of %s has a heartbeat %+v, %v", topic, alias, fields, err)
		}
	}
	if len(records) == 0 {
		return fmt.Sprintf("%s of %s is empty\n", topic, alias)
	}
	return ""
}

// read reads a topic to its present end.
func (l *lab) read(ctx context.Context, alias, topic string) (records []*kgo.Record) {
	l.t.Helper()
	ends, err := kadm.NewClient(l.clusters[alias]).ListEndOffsets(ctx, topic)
	if err != nil {
		l.t.Fatal(err)
	}
	from, left := map[int32]kgo.Offset{}, map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			from[o.Partition], left[o.Partition] = kgo.NewOffset().AtStart(), o.Offset
		}
	})
	seeds := l.clusters[alias].OptValue(kgo.SeedBrokers).([]string)
	cl, err := kgo.NewClient(kgo.SeedBrokers(seeds...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}))
	if err != nil {
		l.t.Fatal(err)
	}
	defer cl.Close()
	for len(left) > 0 {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			l.t.Fatalf("reading %s of %s: %v", topic, alias, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if records = append(records, r); r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
		})
	}
	return records
}
