package groupsync

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/mm2fmt"
	"github.com/strait-mirror/strait/flows/offsetsync"
	"github.com/strait-mirror/strait/flows/reconcile"
	"github.com/strait-mirror/strait/transforms/chain"
)

// bench is a flow from a to b that mirrors "t2", and syncs that MirrorMaker 2 wrote.
type bench struct {
	a, b   *kfake.Cluster
	writer map[*kfake.Cluster]*kgo.Client
	loop   *reconcile.Loop // of checkpoints
	sync   *reconcile.Loop // of the groups' own offsets
}

func newBench(t *testing.T) *bench {
	t.Helper()
	n := &bench{writer: map[*kfake.Cluster]*kgo.Client{}}
	open := func(alias string, partitions int32, topics ...string) (*kfake.Cluster, *cluster.Cluster) {
		broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, topics...))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(broker.Close)
		def := model.NewCluster(field.HCL)
		def.Alias, def.BootstrapServers = alias, broker.ListenAddrs()
		c, err := cluster.New(cluster.Params{Config: def, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		cl, err := kgo.NewClient(kgo.SeedBrokers(broker.ListenAddrs()...))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cl.Close)
		n.writer[broker] = cl
		return broker, c
	}
	var from, to *cluster.Cluster
	n.a, from = open("a", 2, "t1", "t2", "t3")
	n.b, to = open("b", 1, "a.t2", "a.checkpoints.internal")
	f := model.NewFlow(field.HCL)
	f.Name, f.From, f.To, f.Topics = "a->b", "a", "b", []string{"t2"}
	f.Control.GroupsExclude, f.Control.OffsetSyncsTopicLocation = []string{"g4"}, "source"
	p, err := offsetsync.ForFlow(f, from, to, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	syncs, err := offsetsync.New(p)
	if err != nil {
		t.Fatal(err)
	}
	syncs.Begun()
	groups, err := New(Params{Flow: f, Source: from, Target: to, Offsets: syncs, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	loop := func(name string, do func(context.Context, *reconcile.Pass) error) *reconcile.Loop {
		l, err := reconcile.New(reconcile.Params{Name: name, Interval: time.Hour, Do: do, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	n.loop, n.sync = loop("checkpoints", groups.Checkpoint), loop("group offsets", groups.Sync)
	key, value, err := mm2fmt.OffsetSync{Topic: "t2", Partition: 0, Upstream: 99, Downstream: 199}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	n.write(t, n.a, "mm2-offset-syncs.b.internal", key, value)
	return n
}

func (n *bench) write(t *testing.T, c *kfake.Cluster, topic string, key, value []byte) {
	t.Helper()
	if c.TopicInfo(topic) == nil {
		if _, err := kadm.NewClient(n.writer[c]).CreateTopic(t.Context(), 1, 1, nil, topic); err != nil {
			t.Fatal(err)
		}
	}
	if err := n.writer[c].ProduceSync(t.Context(), &kgo.Record{Topic: topic, Key: key, Value: value}).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func (n *bench) checkpoint(t *testing.T, group string, upstream, downstream int64) {
	t.Helper()
	key, value, err := mm2fmt.Checkpoint{Group: group, Topic: "a.t2", Upstream: upstream, Downstream: downstream}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	n.write(t, n.b, "a.checkpoints.internal", key, value)
}

// commit sets offsets of a group in the topics' partitions 0, and in partition 1 of
// "t2", of which nothing is known at the target.
func (n *bench) commit(t *testing.T, group string, at int64, topics ...string) {
	t.Helper()
	offsets := kadm.Offsets{}
	for _, topic := range topics {
		offsets.AddOffset(topic, 0, at, -1)
		offsets.AddOffset(topic, 1, at, -1)
	}
	if err := kadm.NewClient(n.writer[n.a]).CommitAllOffsets(t.Context(), group, offsets); err != nil {
		t.Fatal(err)
	}
}

// pass runs one pass and returns the checkpoints that it added to the topic.
func (n *bench) pass(t *testing.T, want error) []mm2fmt.Checkpoint {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	end := func() (at int64) {
		ends, err := kadm.NewClient(n.writer[n.b]).ListEndOffsets(ctx, "a.checkpoints.internal")
		if err != nil {
			t.Fatal(err)
		}
		if o, ok := ends.Lookup("a.checkpoints.internal", 0); ok && o.Err == nil {
			at = o.Offset
		}
		return at
	}
	was := end()
	if err := n.loop.Once(ctx); !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
	is := end()
	cl, err := kgo.NewClient(kgo.SeedBrokers(n.b.ListenAddrs()...),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{"a.checkpoints.internal": {0: kgo.NewOffset().At(was)}}))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	var all []mm2fmt.Checkpoint
	for was < is {
		cl.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			c, err := mm2fmt.ParseCheckpoint(r.Key, r.Value)
			if err != nil {
				t.Error(err)
			}
			all, was = append(all, c), r.Offset+1
		})
		if ctx.Err() != nil {
			t.Fatal(ctx.Err())
		}
	}
	return all
}

// TestCheckpointsOfGroups is conformance items 75, 76 and 83: groups that are selected
// and have an offset in a mirrored topic get checkpoints of it, where the place at the
// target is known. Without groups there is nothing to do, and a list that was refused
// is asked for again.
func TestCheckpointsOfGroups(t *testing.T) {
	n := newBench(t)
	fault := n.a.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListGroups}, Err: kerr.ClusterAuthorizationFailed, Count: -1})
	n.pass(t, kerr.ClusterAuthorizationFailed)
	fault.Remove()
	n.commit(t, "g1", 100, "t1", "t2")
	n.commit(t, "g2", 100, "t2", "t3")
	n.commit(t, "g3", 100, "t3")
	n.commit(t, "g4", 100, "t2")
	want := []mm2fmt.Checkpoint{
		{Group: "g1", Topic: "a.t2", Upstream: 100, Downstream: 200},
		{Group: "g2", Topic: "a.t2", Upstream: 100, Downstream: 200},
	}
	if diff := cmp.Diff(want, n.pass(t, nil)); diff != "" {
		t.Errorf("checkpoints differ (-want +got):\n%s", diff)
	}
	if more := n.pass(t, nil); len(more) > 0 {
		t.Errorf("nothing is new, and %+v was written", more)
	}
	if more := newBench(t).pass(t, nil); len(more) > 0 {
		t.Errorf("there is no group, and %+v was written", more)
	}
}

// TestCheckpointsThatAreThere is conformance items 86 and 87: nothing is written before
// those that are there were read. The last of a group counts, others and what is no
// checkpoint do not.
func TestCheckpointsThatAreThere(t *testing.T) {
	n := newBench(t)
	n.commit(t, "g1", 100, "t2")
	n.commit(t, "g2", 100, "t2")
	n.checkpoint(t, "g1", 50, 300)
	n.checkpoint(t, "g1", 90, 200)
	n.checkpoint(t, "g2", 90, 150)
	n.checkpoint(t, "g2", 90, 180)
	n.checkpoint(t, "other", 100, 400)
	n.write(t, n.b, "a.checkpoints.internal", []byte{0, 1}, []byte("no checkpoint"))
	n.write(t, n.b, "a.checkpoints.internal", nil, nil)
	fault := n.b.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: "a.checkpoints.internal", Err: kerr.TopicAuthorizationFailed, Count: -1})
	if got := n.pass(t, kerr.TopicAuthorizationFailed); len(got) > 0 {
		t.Errorf("%+v was written before the topic was read", got)
	}
	fault.Remove()
	want := []mm2fmt.Checkpoint{{Group: "g2", Topic: "a.t2", Upstream: 100, Downstream: 200}}
	if diff := cmp.Diff(want, n.pass(t, nil)); diff != "" {
		t.Errorf("checkpoints differ (-want +got):\n%s", diff)
	}
}

// TestCheckpointsNameCopies is conformance item 79 in the names of topics. What came
// from the target does not go back there: there is nothing to translate.
func TestCheckpointsNameCopies(t *testing.T) {
	f := model.NewFlow(field.HCL)
	f.Name, f.From, f.To, f.Topics = "source1->target2", "source1", "target2", []string{".*"}
	names, problems := chain.ForFlow(f)
	if problems.HasErrors() {
		t.Fatal(problems.Err())
	}
	for topic, want := range map[string]string{"topic3": "source1.topic3", "source6.t": "source1.source6.t"} {
		if got := names.Name(topic); got != want || !names.Selected(topic) {
			t.Errorf("%s is %s, want %s", topic, got, want)
		}
	}
	if names.Selected("target2.topic3") {
		t.Error("a topic goes back to where it is from")
	}
}
