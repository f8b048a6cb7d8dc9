// Package offsets_test proves on real brokers what is said of offsets: that
// consumers fail over to the target and back without missing a record, that
// MirrorMaker 2's own classes read what Strait writes of it, and that either
// program goes on from the other's.
package offsets_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/integration/kafka"
	"github.com/strait-mirror/strait/pipeline/supervisor"
)

// limit bounds each test: several times what it takes on a busy machine.
const limit = 2 * time.Minute

// pollEvery is how often a condition is looked at.
const pollEvery = 50 * time.Millisecond

// pair is a source and a target.
type pair struct{ source, target *kafka.Cluster }

func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

func startPair(t *testing.T) pair {
	t.Helper()
	o := kafka.Options{Config: map[string]string{"log.cleaner.backoff.ms": "200"}}
	return pair{kafka.Start(t, o), kafka.Start(t, o)}
}

// flow is a flow whose control plane is quick.
func flow(from, to string, topics []string) *model.Flow {
	f := model.NewFlow(field.HCL)
	f.Name, f.From, f.To = from+"->"+to, from, to
	f.Topics = nil
	for _, t := range topics {
		f.Topics = append(f.Topics, regexp.QuoteMeta(t))
	}
	f.RefreshTopicsInterval = time.Second
	c := &f.Control
	c.EmitCheckpointsInterval, c.SyncGroupOffsetsInterval, c.RefreshGroupsInterval = time.Second, time.Second, time.Second
	c.OffsetFlushInterval, c.SyncGroupOffsetsEnabled = time.Second, true
	return f
}

// config joins flows from a to b and back.
func (p pair) config(flows ...*model.Flow) *model.Config {
	c := &model.Config{Flows: flows}
	for name, of := range map[string]*kafka.Cluster{"a": p.source, "b": p.target} {
		m := model.NewCluster(field.HCL)
		m.Alias, m.BootstrapServers = name, of.Bootstrap()
		c.Clusters = append(c.Clusters, m)
	}
	return c
}

// run starts a topology; stop drains it.
func run(ctx context.Context, t *testing.T, c *model.Config) (stop func()) {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	s, err := supervisor.New(supervisor.Params{Config: c, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("stopping: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

// await polls a condition, which says what it still waits for.
func await(ctx context.Context, t *testing.T, ok func() (string, bool)) {
	t.Helper()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		missing, done := ok()
		if done {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("gave up waiting: %s", missing)
		case <-tick.C:
		}
	}
}

// read returns the keys of a partition's records from an offset to its end, as
// consumers of committed records see them, and the offset of each.
func read(ctx context.Context, t *testing.T, c *kafka.Cluster, topic string, partition int32, from int64) (keys []string, offsets []int64) {
	t.Helper()
	end := ends(ctx, t, c, topic)[partition]
	at := kgo.NewOffset().At(from)
	cl, err := kgo.NewClient(append(c.AdminOpts(), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: at}}))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for next := from; next < end; {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("reading %s/%d: %v", topic, partition, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			next = r.Offset + 1
			if !r.Attrs.IsControl() {
				keys, offsets = append(keys, string(r.Key)), append(offsets, r.Offset)
			}
		})
	}
	return keys, offsets
}

// ends returns where consumers of committed records end.
func ends(ctx context.Context, t *testing.T, c *kafka.Cluster, topic string) map[int32]int64 {
	t.Helper()
	listed, err := c.Admin().ListCommittedOffsets(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	out := map[int32]int64{}
	listed.Each(func(o kadm.ListedOffset) { out[o.Partition] = o.Offset })
	return out
}

// commit sets the offsets of a group that nobody is in.
func commit(ctx context.Context, t *testing.T, c *kafka.Cluster, group, topic string, at map[int32]int64) {
	t.Helper()
	offsets := kadm.Offsets{}
	for p, o := range at {
		offsets.Add(kadm.Offset{Topic: topic, Partition: p, At: o, LeaderEpoch: -1, Metadata: "m"})
	}
	await(ctx, t, func() (string, bool) {
		err := c.Admin().CommitAllOffsets(ctx, group, offsets) // fails while the first coordinator ever is being made
		return "committing: " + fmt.Sprint(err), err == nil
	})
}

// committed returns the offsets of a group on one topic; none while its first
// coordinator ever is being made.
func committed(ctx context.Context, t *testing.T, c *kafka.Cluster, group, topic string) map[int32]int64 {
	t.Helper()
	answer, err := c.Admin().FetchOffsets(ctx, group)
	if err != nil {
		t.Logf("asking for the offsets of %s: %v", group, err)
	}
	out := map[int32]int64{}
	for p, o := range answer[topic] {
		if o.At >= 0 {
			out[p] = o.At
			if o.LeaderEpoch != -1 {
				t.Errorf("group %s has leader epoch %d at %s/%d", group, o.LeaderEpoch, topic, p)
			}
		}
	}
	return out
}

// awaitOffsets waits until a group has some offsets.
func awaitOffsets(ctx context.Context, t *testing.T, c *kafka.Cluster, group, topic string, want map[int32]int64) {
	t.Helper()
	await(ctx, t, func() (string, bool) {
		got := committed(ctx, t, c, group, topic)
		return fmt.Sprintf("group %s has %v at %s, want %v", group, got, topic, want), maps.Equal(got, want)
	})
}

// produce writes records with keys prefix-from … prefix-to, spread over partitions.
func produce(ctx context.Context, t *testing.T, c *kafka.Cluster, topic, prefix string, from, to, partitions int) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.Bootstrap()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(4096))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	var records []*kgo.Record
	for i := from; i < to; i++ {
		records = append(records, &kgo.Record{
			Topic: topic, Partition: int32(i % partitions), Key: fmt.Appendf(nil, "%s-%06d", prefix, i), Value: make([]byte, 40),
		})
	}
	if err := cl.ProduceSync(ctx, records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// transact writes records in transactions of n each, every third of which is
// aborted.
func transact(ctx context.Context, t *testing.T, c *kafka.Cluster, topic, prefix string, from, to, n int) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.Bootstrap()...), kgo.TransactionalID(prefix), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for i := from; i < to; i += n {
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		var records []*kgo.Record
		for j := i; j < min(i+n, to); j++ {
			records = append(records, &kgo.Record{Topic: topic, Key: fmt.Appendf(nil, "%s-%06d", prefix, j), Value: make([]byte, 40)})
		}
		if err := cl.ProduceSync(ctx, records...).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := cl.EndTransaction(ctx, kgo.TransactionEndTry((i/n)%3 != 1)); err != nil {
			t.Fatal(err)
		}
	}
}

func create(ctx context.Context, t *testing.T, c *kafka.Cluster, name string, partitions int, configs ...string) {
	t.Helper()
	topic := kafka.Topic{Name: name, Partitions: partitions, Config: make(map[string]*string)}
	for i := 0; i < len(configs); i += 2 {
		topic.Config[configs[i]] = new(configs[i+1])
	}
	if err := c.CreateTopic(ctx, topic); err != nil {
		t.Fatal(err)
	}
}
