package control_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/integration/compare"
	"github.com/strait-mirror/strait/integration/kafka"
	"github.com/strait-mirror/strait/pipeline/supervisor"
)

// nodes are processes that share a file, as MirrorMaker 2's dedicated nodes do.
type nodes struct {
	clusters map[string]*kafka.Cluster
	running  map[int]func() // stops it
}

// start starts a node, in the place of the one before.
func (n *nodes) start(t *testing.T, id int, text string) {
	t.Helper()
	if stop := n.running[id]; stop != nil {
		stop()
	}
	s, err := supervisor.New(supervisor.Params{
		Config: properties(t, text, n.clusters), Log: logTo(t), Instance: new(fmt.Sprintf("node-%d", id)),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	n.running[id] = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("stopping node %d: %v", id, err)
		}
	}
}

// write creates a topic with records.
func (n *nodes) write(ctx context.Context, t *testing.T, name string) {
	t.Helper()
	from := n.clusters["a_1"]
	create(ctx, t, from, name, 3)
	cl, err := kgo.NewClient(append(from.AdminOpts(), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for i := range 30 {
		if err := cl.ProduceSync(ctx, &kgo.Record{Topic: name, Partition: int32(i % 3), Value: fmt.Append(nil, i)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// wantCopy waits until the nodes have copied a topic.
func (n *nodes) wantCopy(ctx context.Context, t *testing.T, name string) {
	t.Helper()
	if !wait(ctx, func() bool { return n.copied(ctx, name) == nil }) {
		t.Fatalf("%s: %v", name, n.copied(context.WithoutCancel(ctx), name))
	}
	if topics, err := n.clusters["b-2"].Admin().ListTopics(ctx); err != nil || len(topics["a_1."+name].Partitions) != 3 {
		t.Errorf("%s has %d partitions, %v", name, len(topics["a_1."+name].Partitions), err)
	}
}

// copied says what the copy of a topic lacks.
func (n *nodes) copied(ctx context.Context, name string) error {
	source, err := compare.Read(ctx, n.clusters["a_1"].AdminOpts(), name, compare.ReadOptions{})
	if err != nil {
		return err
	}
	target, err := compare.Read(ctx, n.clusters["b-2"].AdminOpts(), "a_1."+name, compare.ReadOptions{})
	if err != nil {
		return err
	}
	return compare.Diff(source, target, compare.Options{}).Err()
}

// TestNodes is conformance items 124 and 125: three nodes copy every topic that
// appears, and those that a file selects which is rolled out node by node.
func TestNodes(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	n := &nodes{
		clusters: map[string]*kafka.Cluster{"a_1": kafka.Start(t, kafka.Options{}), "b-2": kafka.Start(t, kafka.Options{})},
		running:  map[int]func(){},
	}
	t.Cleanup(func() {
		for _, stop := range n.running {
			stop()
		}
	})
	const text = "a_1->b-2.enabled = true\nreplication.factor = 1\nrefresh.topics.interval.seconds = 1\n" +
		"b-2.exactly.once.source.support = enabled\ndedicated.mode.enable.internal.rest = true\nlisteners = http://localhost:0\ntopics = "
	for id := range 3 {
		n.start(t, id, text+"one-.*\n")
	}
	n.write(ctx, t, "two-0") // not selected yet
	for i := range 3 {
		n.write(ctx, t, fmt.Sprintf("one-%d", i))
		n.wantCopy(ctx, t, fmt.Sprintf("one-%d", i))
	}
	if topics, err := n.clusters["b-2"].Admin().ListTopics(ctx); err != nil || topics.Has("a_1.two-0") {
		t.Errorf("the target has %v, %v", topics.Names(), err)
	}
	for id := range 3 {
		n.start(t, id, text+"one-.*, two-.*\n")
	}
	n.wantCopy(ctx, t, "two-0")
	for _, name := range []string{"one-3", "two-1"} {
		n.write(ctx, t, name)
		n.wantCopy(ctx, t, name)
	}
	for i := range 3 {
		if err := n.copied(ctx, fmt.Sprintf("one-%d", i)); err != nil {
			t.Errorf("after all nodes were started again: %v", err)
		}
	}
}
