package faults

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/integration/kafka"
)

// testDown starts the mirror while one of its clusters cannot be reached: it
// waits, says so, and mirrors as soon as the cluster is there.
func testDown(t *testing.T, b *Bed, strait string) {
	for i, down := range []*Side{b.B, b.A} {
		t.Run([]string{"target", "source"}[i], func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), catchUp)
			defer cancel()
			prefix := "down-" + down.Alias + "-"
			l := loadOnce(ctx, t, b.A, prefix)
			m := NewMirror(t, MirrorParams{Strait: strait, From: b.A, To: b.B, Topics: prefix + ".*"})
			once := NewMirror(t, MirrorParams{
				Strait: strait, From: b.A, To: b.B, Topics: prefix + ".*", Args: []string{"--once", "--timeout", "2s"},
			})
			down.Unplug()
			if err := m.Start(); err != nil {
				t.Fatal(err)
			}
			if err := once.Start(); err != nil {
				t.Fatal(err)
			}
			// On stdout for people who look, in the log for those who come later.
			for _, text := range []string{"a->b waiting: ", "cluster not usable yet, waiting", "127.0.0.1:"} {
				if err := m.WaitOutput(ctx, text); err != nil {
					t.Fatal(err)
				}
			}
			code, err := once.Program().Wait(ctx)
			if err != nil {
				t.Fatal(err)
			}
			last := once.Program().Log(1)
			t.Logf("--once --timeout 2s ended with %d: %s", code, last)
			if code != 1 || !strings.Contains(last, "error: ") || !strings.Contains(last, fmt.Sprintf("cluster %q at 127.0.0.1:", down.Alias)) {
				t.Errorf("--once ended with %d and %q, want 1 and an error that names the cluster", code, last)
			}
			if !m.Program().Running() {
				t.Fatal("strait ended instead of waiting")
			}
			if err := down.Plug(); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			if err := AwaitEnd(ctx, b.B, []string{"a." + l.Topics()[0]}, 1); err != nil {
				t.Fatal(err)
			}
			t.Logf("mirrored %s after the cluster came up", time.Since(began).Round(time.Millisecond))
			end(t, m)
		})
	}
}

// loadOnce creates a topic with one record in its one partition.
func loadOnce(ctx context.Context, t *testing.T, on *Side, prefix string) *Load {
	t.Helper()
	l, err := NewLoad(ctx, LoadParams{To: on, Topics: prefix, Plain: 1, Tx: -1, Partitions: 1})
	if err == nil {
		err = l.Finish(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// end asks a mirror to end, which must go well.
func end(t *testing.T, m *Mirror) {
	t.Helper()
	code, took, err := m.Terminate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if code != 0 {
		t.Errorf("strait ended with %d %s after SIGTERM", code, took)
	}
}

// discovered is five times what design §5 promises for new topics and partitions.
const discovered = 5 * 5 * time.Second

// testDiscovery adds topics and partitions while the mirror runs.
func testDiscovery(t *testing.T, b *Bed, strait string) {
	ctx, cancel := context.WithTimeout(t.Context(), catchUp)
	defer cancel()
	first := loadOnce(ctx, t, b.A, "found-early-")
	m := NewMirror(t, MirrorParams{Strait: strait, From: b.A, To: b.B, Topics: "found-.*"})
	began := time.Now()
	if err := m.Start(); err != nil {
		t.Fatal(err)
	}
	arrived := func(what string, topic string, partitions int) {
		t.Helper()
		if err := AwaitEnd(ctx, b.B, []string{"a." + topic}, partitions); err != nil {
			t.Fatal(err)
		}
		took := time.Since(began)
		t.Logf("%s: first record after %s", what, took.Round(time.Millisecond))
		if took > discovered {
			t.Errorf("%s took %s, more than %s", what, took, discovered)
		}
	}
	arrived("start of the process", first.Topics()[0], 1)

	began = time.Now()
	late := loadOnce(ctx, t, b.A, "found-late-")
	arrived("new topic", late.Topics()[0], 1)

	began = time.Now()
	if err := b.A.GrowTopic(ctx, late.Topics()[0], 3); err != nil {
		t.Fatal(err)
	}
	late.p.Partitions = 3
	if err := late.Finish(ctx); err != nil {
		t.Fatal(err)
	}
	arrived("added partitions", late.Topics()[0], 3)
	end(t, m)
}

// patience is how long a record may take that shares a flow with others which
// cannot be mirrored.
const patience = 10 * time.Second

// testPoison has partitions that cannot be mirrored, each for another reason and
// with more data than the byte budget: a target partition without a leader, a
// record the target refuses, and a damaged source log. All others flow on.
func testPoison(t *testing.T, b *Bed, strait string) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*catchUp)
	defer cancel()
	const dead, large, corrupt, well = "poison-dead", "poison-large", "poison-corrupt", "poison-well"
	big := new("5000000")
	for _, topic := range []kafka.Topic{
		{Name: dead, Partitions: 3},
		{Name: corrupt, Partitions: 2},
		{Name: well, Partitions: 2},
		{Name: large, Partitions: 2, Config: map[string]*string{"max.message.bytes": big}},
	} {
		if err := b.A.CreateTopic(ctx, topic); err != nil {
			t.Fatal(err)
		}
	}
	// One replica each, so that a broker takes its partition with it.
	if err := b.B.CreateTopic(ctx, kafka.Topic{Name: "a." + dead, Partitions: 3, Replication: 1}); err != nil {
		t.Fatal(err)
	}
	small := map[string]*string{"max.message.bytes": new("100000")}
	if err := b.B.CreateTopic(ctx, kafka.Topic{Name: "a." + large, Partitions: 2, Config: small}); err != nil {
		t.Fatal(err)
	}
	deadPartition := ledBy(ctx, t, b.B, "a."+dead, 3)
	w := newPoisoner(t, b)
	w.write(ctx, large, 0, 400_000)
	w.write(ctx, corrupt, 0, 1000)
	damage(t, b.A, corrupt, 0)
	inSync(ctx, t, b.B) // else a topic of other tests might go with the broker, too
	if err := b.B.Crash(3); err != nil {
		t.Fatal(err)
	}
	for range 48 { // three times the budget below
		w.write(ctx, dead, deadPartition, 500_000)
	}
	healthy := []place{{corrupt, 1}, {large, 1}, {well, 0}, {well, 1}}
	for p := range int32(3) {
		if p != deadPartition {
			healthy = append(healthy, place{dead, p})
		}
	}
	m := NewMirror(t, MirrorParams{
		Strait: strait, From: b.A, To: b.B, Topics: "poison-.*", Flow: "  buffer_memory = \"8MiB\"\n  sync_topic_configs_enabled = false", // else the small topic would grow
	})
	if err := m.Start(); err != nil {
		t.Fatal(err)
	}
	var took []time.Duration
	for range 10 {
		for _, at := range healthy {
			took = append(took, w.roundTrip(ctx, at))
		}
	}
	slices.Sort(took[len(healthy):]) // the first ones wait for the start
	t.Logf("healthy partitions: median %s, slowest %s", took[len(took)/2].Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond))
	if slowest := took[len(took)-1]; slowest > patience {
		t.Errorf("a record of a healthy partition took %s", slowest)
	}
	// Each has its name in the log.
	for _, text := range []string{
		fmt.Sprintf("topic=%s partition=%d", dead, deadPartition), "topic=" + large + " partition=0", "topic=" + corrupt + " partition=0",
	} {
		if err := m.WaitOutput(ctx, text); err != nil {
			t.Error(err)
		}
	}
	// Nothing is on its way to a partition without a leader, so the end is clean.
	end(t, m)
	if err := m.Start(); err != nil {
		t.Fatal(err)
	}
	if err := b.B.Revive(ctx, 3); err != nil {
		t.Fatal(err)
	}
	t.Logf("the dead partition went on %s after its broker", w.roundTrip(ctx, place{dead, deadPartition}).Round(time.Millisecond))
	end(t, m)
	_, err := Judge(ctx, JudgeParams{
		From: b.A, To: b.B, Topics: []string{dead, well}, Name: func(topic string) string { return "a." + topic },
	})
	if err != nil {
		t.Error(err)
	}
}

// ledBy returns a partition that a broker leads.
func ledBy(ctx context.Context, t *testing.T, s *Side, topic string, broker int32) int32 {
	t.Helper()
	topics, err := s.Admin().ListTopics(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range topics[topic].Partitions {
		if p.Leader == broker {
			return p.Partition
		}
	}
	t.Fatalf("broker %d leads no partition of %s", broker, topic)
	return 0
}

// damage changes a byte in a partition's log behind its broker's back. Brokers
// do not look at what they serve.
func damage(t *testing.T, s *Side, topic string, partition int) {
	t.Helper()
	path := filepath.Join(s.LogDir(1), fmt.Sprintf("%s-%d", topic, partition), "00000000000000000000.log")
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err == nil {
		_, err = f.WriteAt([]byte("rot"), info.Size()-20)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// poisoner writes single records and waits for their copies.
type poisoner struct {
	t    *testing.T
	b    *Bed
	cl   *kgo.Client
	made int
}

func newPoisoner(t *testing.T, b *Bed) *poisoner {
	t.Helper()
	cl, err := kgo.NewClient(append(b.A.AdminOpts(), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerBatchMaxBytes(5_000_000))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return &poisoner{t: t, b: b, cl: cl}
}

// write writes one record of n bytes and returns its key.
func (w *poisoner) write(ctx context.Context, topic string, partition int32, n int) string {
	w.t.Helper()
	w.made++
	key := fmt.Sprintf("poison-%d", w.made)
	r := &kgo.Record{Topic: topic, Partition: partition, Key: []byte(key), Value: bytes.Repeat([]byte{'x'}, n)}
	if err := w.cl.ProduceSync(ctx, r).FirstErr(); err != nil {
		w.t.Fatalf("writing to %s/%d: %v", topic, partition, err)
	}
	return key
}

// roundTrip writes a record and returns how long its copy took.
func (w *poisoner) roundTrip(ctx context.Context, at place) time.Duration {
	w.t.Helper()
	began := time.Now()
	key := w.write(ctx, at.topic, at.partition, 100)
	cl, err := kgo.NewClient(append(w.b.B.AdminOpts(), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{
		"a." + at.topic: {at.partition: kgo.NewOffset().AtEnd().Relative(-1)},
	}))...)
	if err != nil {
		w.t.Fatal(err)
	}
	defer cl.Close()
	for {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			w.t.Fatalf("a record of %s/%d has not arrived in %s", at.topic, at.partition, time.Since(began))
		}
		for _, r := range fetches.Records() {
			if string(r.Key) == key {
				return time.Since(began)
			}
		}
	}
}

// inSync waits until the replicas of all topics that the mirror and the brokers keep
// for themselves are in sync.
func inSync(ctx context.Context, t *testing.T, s *Side) {
	t.Helper()
	topics, err := s.Admin().ListTopicsWithInternal(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for name, topic := range topics {
		if !strings.HasPrefix(name, "mm2-") && !strings.HasPrefix(name, "__") {
			continue
		}
		if err := s.WaitISR(ctx, name, topic.Partitions.NumReplicas()); err != nil {
			t.Fatal(err)
		}
	}
}
