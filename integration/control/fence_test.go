package control_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/fence"
	"github.com/strait-mirror/strait/flows/position"
	"github.com/strait-mirror/strait/flows/sink"
	"github.com/strait-mirror/strait/integration/compare"
	"github.com/strait-mirror/strait/integration/kafka"
	"github.com/strait-mirror/strait/pipeline/status"
	"github.com/strait-mirror/strait/pipeline/supervisor"
)

// testFence holds brokers to what ADR 0012 rests on: an id is new to one only, and
// from the end of a Shut or a TakeOver on nothing under the ids before it is
// appended, whatever its sequence is.
func testFence(ctx context.Context, t *testing.T, c *kafka.Cluster, topic string) {
	t.Helper()
	m := model.NewCluster(field.HCL)
	m.Alias, m.BootstrapServers = "a", c.Bootstrap()
	target, err := cluster.New(cluster.Params{Config: m, Log: logTo(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	client, err := target.Coordinator("fences", false)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	versions := kversion.Stable()
	versions.SetMaxKeyVersion(int16(kmsg.Produce), 11) // later ones name topics by their ids
	writer, err := kgo.NewClient(append(c.AdminOpts(), kgo.MaxVersions(versions))...)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	owner := func() *fence.Lane {
		return fence.New(fence.Params{Client: client, On: target, Name: "strait-a->b-fence-" + topic + "-0", Target: cluster.TopicPartition{Topic: topic}})
	}
	next := func(l *fence.Lane) int64 {
		id, epoch, err := l.Next(ctx)
		if err != nil || epoch != 0 {
			t.Fatalf("an id with epoch %d, %v", epoch, err)
		}
		return id
	}
	sent := func(id int64, sequence int32, want error) {
		t.Helper()
		if err := oldRecord(ctx, t, writer, topic, id, sequence); !errors.Is(err, want) {
			t.Errorf("sequence %d of %d got %v, want %v", sequence, id, err, want)
		}
	}

	one := owner()
	first := next(one)
	sent(first, 0, nil)
	sent(first, 1, nil)
	second := next(one) // before the first is shut out
	if err := one.Shut(ctx, first, 0); err != nil {
		t.Fatal(err)
	}
	for _, sequence := range []int32{0, 1, 2, 7} { // late, once more, next and any
		sent(first, sequence, kerr.InvalidProducerEpoch)
	}
	sent(second, 0, nil)

	two := owner() // knows of the second only, by its anchor
	shut, err := two.TakeOver(ctx, one.Number(second), second)
	if err != nil || !slices.Equal(shut, []int64{second}) {
		t.Fatalf("took over %d with %v, want %d", shut, err, second)
	}
	sent(second, 1, kerr.InvalidProducerEpoch)
	third := next(two)
	sent(third, 0, nil)
	fourth := next(one) // who was taken over does not know it yet
	if err := one.Shut(ctx, second, 0); !errors.Is(err, sink.ErrTaken) {
		t.Errorf("shutting out after a takeover: %v, want %v", err, sink.ErrTaken)
	}

	three := owner() // by the same anchor, which is out of date
	shut, err = three.TakeOver(ctx, one.Number(second), second)
	if want := []int64{second, third, fourth}; err != nil || !slices.Equal(shut, want) {
		t.Fatalf("took over %d with %v, want %d", shut, err, want)
	}
	sent(third, 1, kerr.InvalidProducerEpoch)
	sent(fourth, 0, kerr.InvalidProducerEpoch)
	sent(next(three), 0, nil)
	if _, err := owner().TakeOver(ctx, 1, first+1000); !errors.Is(err, fence.ErrUnknown) {
		t.Errorf("taking over from another producer: %v, want %v", err, fence.ErrUnknown)
	}
}

// TestOldRecordsWithoutAFence has targets that give out no transactional ids: copying
// goes on all the same, and a person is told what is missing.
func TestOldRecordsWithoutAFence(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	a := kafka.Start(t, kafka.Options{})
	create(ctx, t, a, "t", 1)
	old := func(values ...string) {
		t.Helper()
		for _, v := range values {
			r := &kgo.Record{Topic: "t", Value: []byte(v), Timestamp: time.Now().Add(-48 * time.Hour)}
			if err := a.Client().ProduceSync(ctx, r).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	old("1", "2", "3")
	start := func(t *testing.T, b *kafka.Cluster, more string) *supervisor.Supervisor {
		t.Helper()
		cfg := properties(t, `
a->b.enabled = true
emit.heartbeats.enabled = false
topics = t
replication.factor = 1
refresh.topics.interval.seconds = 1
sync.topic.acls.enabled = false
`+more, map[string]*kafka.Cluster{"a": a, "b": b})
		for _, f := range cfg.Flows {
			f.Delivery = model.ExactlyOnce
		}
		return strait(t, cfg)
	}
	reach := func(t *testing.T, s *supervisor.Supervisor, until func(status.Flow) bool) {
		t.Helper()
		if !wait(ctx, func() bool { return until(s.Status().Flows[0]) }) {
			t.Fatalf("gave up; problems are\n%s", problems(s))
		}
	}
	told := func(f status.Flow, what string) bool {
		return slices.ContainsFunc(f.Problems, func(p status.Problem) bool {
			return strings.Contains(p.Summary, "cannot be shut out") && strings.Contains(p.Summary+p.Fix, what)
		})
	}
	t.Run("no coordinator", func(t *testing.T) {
		b := kafka.Start(t, kafka.Options{Config: map[string]string{"transaction.state.log.replication.factor": "3"}}) // of one broker
		s := start(t, b, "")
		reach(t, s, func(f status.Flow) bool { return f.Records == 3 })
	})
	t.Run("no permission", func(t *testing.T) {
		b := secured(t)
		allow := func(acl *kadm.ACLBuilder) {
			acl = acl.ResourcePatternType(kadm.ACLPatternLiteral).Operations(kadm.OpAll).Allow("User:bob").AllowHosts("*")
			if _, err := b.Admin().CreateACLs(ctx, acl); err != nil {
				t.Fatal(err)
			}
		}
		allow(kadm.NewACLs().Topics("*").Groups("*").Clusters())
		s := start(t, b, login("b", "bob", "b"))
		reach(t, s, func(f status.Flow) bool { return f.Records == 3 && told(f, "--operation Write --transactional-id") })
		allow(kadm.NewACLs().TransactionalIDs("*"))
		reach(t, s, func(f status.Flow) bool { return !told(f, "") })
		store, err := position.NewStore(position.Params{Client: b.Client(), SourceAlias: "a", Log: logTo(t), KeepSettings: true})
		if err != nil {
			t.Fatal(err)
		}
		fenced := func() bool {
			old("another")
			if err := store.Open(ctx); err != nil {
				t.Fatal(err)
			}
			at, _ := store.Get("t", 0)
			return at.Fence == 1
		}
		if !wait(ctx, fenced) {
			t.Error("the position names no fence")
		}
	})
}

// TestOldRecordsAfterACrash has positions that are behind what is on the target: one
// that names the id which wrote that, and one from before the lane had any.
func TestOldRecordsAfterACrash(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	a, b := kafka.Start(t, kafka.Options{}), kafka.Start(t, kafka.Options{})
	create(ctx, t, a, "t", 1)
	cfg := properties(t, `
a->b.enabled = true
emit.heartbeats.enabled = false
topics = t
replication.factor = 1
refresh.topics.interval.seconds = 1
sync.topic.acls.enabled = false
`, map[string]*kafka.Cluster{"a": a, "b": b})
	for _, f := range cfg.Flows {
		f.Delivery = model.ExactlyOnce
	}
	const each = 50
	written := 0
	// more writes old records, and mirrors until they are there.
	more := func() {
		t.Helper()
		var records []*kgo.Record
		for range each {
			records = append(records, &kgo.Record{Topic: "t", Value: fmt.Append(nil, written), Timestamp: time.Now().Add(-48 * time.Hour)})
			written++
		}
		if err := a.Client().ProduceSync(ctx, records...).FirstErr(); err != nil {
			t.Fatal(err)
		}
		s, err := supervisor.New(supervisor.Params{Config: cfg, Log: logTo(t)})
		if err != nil {
			t.Fatal(err)
		}
		lasting, stop := context.WithCancel(ctx)
		var running sync.WaitGroup
		running.Go(func() {
			if err := s.Run(lasting); err != nil {
				t.Errorf("stopping: %v", err)
			}
		})
		reached := wait(ctx, func() bool { f := s.Status().Flows[0]; return f.Records == each })
		unproven := s.Status().Flows[0].Unproven
		stop()
		running.Wait()
		if !reached || unproven > 0 {
			t.Fatalf("copied %d of %d new records, %d places unproven; problems are\n%s", s.Status().Flows[0].Records, each, unproven, problems(s))
		}
		source, err := compare.Read(ctx, a.AdminOpts(), "t", compare.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		target, err := compare.Read(ctx, b.AdminOpts(), "a.t", compare.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := compare.Diff(source, target, compare.Options{}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	more()
	crashed(ctx, t, b, func(*position.Anchor) {})
	more()
	crashed(ctx, t, b, func(at *position.Anchor) {
		id, _, err := b.Client().ProducerID(ctx) // of nobody who writes to the topic
		if err != nil {
			t.Fatal(err)
		}
		at.ProducerID, at.Fence = id, 0
	})
	more()
}

// oldRecord appends a record of two days ago to partition 0 and returns the broker's
// answer.
func oldRecord(ctx context.Context, t *testing.T, cl *kgo.Client, topic string, id int64, sequence int32) error {
	t.Helper()
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, 5000
	part := kmsg.NewProduceRequestTopicPartition()
	part.Records = oldBatch(id, sequence)
	rt := kmsg.NewProduceRequestTopic()
	rt.Topic, rt.Partitions = topic, []kmsg.ProduceRequestTopicPartition{part}
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		t.Fatal(err)
	}
	return kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode)
}

// oldBatch is a batch of one record of two days ago.
func oldBatch(id int64, sequence int32) []byte {
	r := kmsg.Record{Key: []byte("k"), Value: []byte("v")}
	r.Length = int32(len(r.AppendTo(nil)) - 1) // the length itself is one byte while it is zero
	old := time.Now().Add(-48 * time.Hour).UnixMilli()
	b := kmsg.RecordBatch{
		PartitionLeaderEpoch: -1, Magic: 2, FirstTimestamp: old, MaxTimestamp: old,
		ProducerID: id, FirstSequence: sequence, NumRecords: 1, Records: r.AppendTo(nil),
	}
	b.Length = int32(len(b.AppendTo(nil)) - 12)
	raw := b.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	return raw
}
