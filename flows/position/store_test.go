package position

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const topic = "mm2-offsets.A.internal"

func newCluster(t *testing.T, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(3)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func newClient(t *testing.T, c *kfake.Cluster, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(c.ListenAddrs()...), kgo.MetadataMinAge(10 * time.Millisecond),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

func newStore(t *testing.T, p Params) *Store {
	t.Helper()
	p.SourceAlias = "A"
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	s, err := NewStore(p)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func openStore(t *testing.T, cl *kgo.Client) *Store {
	t.Helper()
	s := newStore(t, Params{Client: cl})
	if err := s.Open(testContext(t)); err != nil {
		t.Fatal(err)
	}
	return s
}

func mustWrite(t *testing.T, s *Store, anchors ...Anchor) {
	t.Helper()
	if err := s.Write(testContext(t), anchors); err != nil {
		t.Fatal(err)
	}
}

func produce(t *testing.T, cl *kgo.Client, key, value string) {
	t.Helper()
	r := &kgo.Record{Topic: topic, Key: []byte(key), Value: []byte(value)}
	if value == "" {
		r.Value = nil
	}
	if err := cl.ProduceSync(testContext(t), r).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func anchor(partition int32, offset int64) Anchor {
	return Anchor{
		Topic: "t", Partition: partition, Offset: offset, Version: 1, TargetEnd: offset + 10, ProducerID: 4711,
		ProducerEpoch: 2, NextSequence: int32(offset) + 1, LeaderEpoch: 5, Generation: 3, Chain: "c",
		SourceTopicID: [16]byte{1}, TargetTopicID: [16]byte{2},
	}
}

func wantAnchor(t *testing.T, s *Store, want Anchor) {
	t.Helper()
	got, ok := s.Get(want.Topic, want.Partition)
	if !ok {
		t.Fatalf("no anchor of %s/%d", want.Topic, want.Partition)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("anchor differs (-want +got):\n%s", diff)
	}
}

func TestStoreReadsBackWhatItWrote(t *testing.T) {
	c := newCluster(t)
	s := openStore(t, newClient(t, c))
	var anchors []Anchor
	for p := range int32(300) {
		anchors = append(anchors, anchor(p, int64(p)-1))
	}
	mustWrite(t, s, anchors...)
	mustWrite(t, s, anchor(7, 1000))

	again := openStore(t, newClient(t, c))
	for _, a := range anchors {
		if a.Partition == 7 {
			a = anchor(7, 1000)
		}
		wantAnchor(t, s, a)
		wantAnchor(t, again, a)
	}
	if got := len(again.All()); got != len(anchors) {
		t.Errorf("all returned %d anchors, want %d", got, len(anchors))
	}
	if _, ok := again.Get("t", 300); ok {
		t.Error("there is an anchor nobody wrote")
	}
}

func TestStoreCreatesTheTopicCompactedWithSmallSegments(t *testing.T) {
	c := newCluster(t)
	openStore(t, newClient(t, c))
	info := c.TopicInfo(topic)
	if info == nil || len(c.PartitionInfos(topic)) != 25 {
		t.Fatalf("the topic is %+v with %d partitions, want 25", info, len(c.PartitionInfos(topic)))
	}
	want := settings()
	want["cleanup.policy"] = "compact"
	got := make(map[string]string)
	for k, v := range info.Configs {
		got[k] = *v
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings differ (-want +got):\n%s", diff)
	}
}

func TestStoreAndMirrorMakerReadEachOther(t *testing.T) {
	c := newCluster(t)
	cl := newClient(t, c)
	s := openStore(t, cl)
	mm2 := `["MirrorSourceConnector",{"cluster":"A","partition":3,"topic":"t"}]`
	produce(t, cl, mm2, `{"offset":41}`)
	produce(t, cl, `["MirrorSourceConnector",{"cluster":"B","partition":3,"topic":"t"}]`, `{"offset":1}`)
	produce(t, cl, `["MirrorHeartbeatConnector",{"sourceClusterAlias":"A","targetClusterAlias":"B"}]`, `{"offset":0}`)
	produce(t, cl, `no key`, `{"offset":2}`)
	produce(t, cl, `["MirrorSourceConnector",{"cluster":"A","partition":4,"topic":"t"}]`, `{"offset":null}`)
	produce(t, cl, `["MirrorSourceConnector",{"cluster":"A","partition":5,"topic":"t"}]`, `garbage`)
	if err := s.Refresh(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if got := s.All(); len(got) != 1 {
		t.Fatalf("got %+v, want one anchor", got)
	}
	got, _ := s.Get("t", 3)
	if !got.Bare() || got.Next() != 42 {
		t.Errorf("got %+v, want a bare anchor that resumes at 42", got)
	}

	mustWrite(t, s, anchor(3, 50))
	fetcher := newClient(t, c, kgo.ConsumeTopics(topic))
	var key, value string
	for value == "" {
		fetches := fetcher.PollFetches(testContext(t))
		fetches.EachRecord(func(r *kgo.Record) {
			if strings.Contains(string(r.Value), `"offset":50`) {
				key, value = string(r.Key), string(r.Value)
			}
		})
	}
	if key != mm2 || !strings.HasPrefix(value, `{"offset":50,"version":1,`) {
		t.Errorf("wrote %s = %s", key, value)
	}

	produce(t, cl, mm2, `{"offset":60}`)
	produce(t, cl, mm2, "") // a tombstone
	if err := s.Refresh(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if got, ok := s.Get("t", 3); ok {
		t.Errorf("a deleted position is %+v", got)
	}
}

func TestStoreKeepsAPreviousAnchorAtAFractionOfTheTraffic(t *testing.T) {
	c := newCluster(t)
	s := openStore(t, newClient(t, c))
	if _, ok := s.Previous("t", 0); ok {
		t.Error("a new lane has a previous anchor")
	}
	for offset := range int64(60) {
		mustWrite(t, s, anchor(0, offset))
	}
	previous := func(s *Store) int64 {
		a, ok := s.Previous("t", 0)
		if !ok {
			t.Fatal("no previous anchor")
		}
		return a.Offset
	}
	if got := previous(s); got < 60-2*12-1 || got > 60-12 {
		t.Errorf("previous anchor has offset %d of 60 writes", got)
	}
	again := openStore(t, newClient(t, c))
	if previous(again) != previous(s) {
		t.Errorf("previous anchor is %d after reading, was %d", previous(again), previous(s))
	}
	var written int64
	for _, p := range c.PartitionInfos(topic) {
		written += p.HighWatermark
	}
	if written > 66 {
		t.Errorf("60 anchors took %d records", written)
	}
	mustWrite(t, again, anchor(0, 60))
	if got := previous(again); got != previous(s) {
		t.Errorf("the first write of a new process replaced the previous anchor by %d", got)
	}
}

func TestStoresOfOtherOwnersDoNotMeet(t *testing.T) {
	c := newCluster(t)
	cl := newClient(t, c)
	s := openStore(t, cl)
	mustWrite(t, s, anchor(0, 10))
	mustWrite(t, s, anchor(0, 11))
	other := newStore(t, Params{Client: cl, Owner: "Strait:fan-out"})
	if err := other.Open(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if got := other.All(); len(got) != 0 {
		t.Errorf("another owner sees %+v", got)
	}
	if _, ok := other.Previous("t", 0); ok {
		t.Error("another owner sees a previous anchor")
	}
	mustWrite(t, other, anchor(0, 99))
	if err := s.Refresh(testContext(t)); err != nil {
		t.Fatal(err)
	}
	wantAnchor(t, s, anchor(0, 11))
}

func TestOpenWaitsForCommitAndSkipsAborted(t *testing.T) {
	c := newCluster(t)
	cl := newClient(t, c)
	openStore(t, cl)
	txn := newClient(t, c, kgo.TransactionalID("mm2"))
	key := []byte(`["MirrorSourceConnector",{"cluster":"A","partition":0,"topic":"t"}]`)
	for i, end := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort} {
		if err := txn.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		r := &kgo.Record{Topic: topic, Key: key, Value: fmt.Appendf(nil, `{"offset":%d}`, i)}
		if err := txn.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
		short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		if err := newStore(t, Params{Client: cl}).Open(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("opening below an open transaction gave %v", err)
		}
		cancel()
		if err := txn.EndTransaction(t.Context(), end); err != nil {
			t.Fatal(err)
		}
	}
	got, ok := openStore(t, cl).Get("t", 0)
	if !ok || got.Offset != 0 {
		t.Errorf("got %+v, %v; want the committed offset 0", got, ok)
	}
}

func TestOpenRefusesATopicThatDeletesPositions(t *testing.T) {
	c := newCluster(t)
	if err := c.CreateTopic(topic, 1, map[string]string{"cleanup.policy": "delete"}); err != nil {
		t.Fatal(err)
	}
	err := newStore(t, Params{Client: newClient(t, c)}).Open(testContext(t))
	policy, ok := errors.AsType[*CleanupPolicyError](err)
	if !ok || policy.Policy != "delete" || !strings.Contains(policy.Hint(), topic) {
		t.Errorf("got %v, want a CleanupPolicyError", err)
	}
}

func TestOpenImprovesWhatNobodySet(t *testing.T) {
	for name, test := range map[string]struct {
		keep    bool
		refused bool
		want    string
	}{
		"improved":     {want: "1048576"},
		"kept":         {keep: true},
		"not allowed":  {refused: true},
		"both at once": {keep: true, refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t)
			err := c.CreateTopic(topic, 3, map[string]string{"cleanup.policy": "compact", "segment.ms": "1000"})
			if err != nil {
				t.Fatal(err)
			}
			if test.refused {
				c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.IncrementalAlterConfigs}, Err: kerr.TopicAuthorizationFailed, Count: -1})
			}
			s := newStore(t, Params{Client: newClient(t, c), KeepSettings: test.keep})
			if err := s.Open(testContext(t)); err != nil {
				t.Fatal(err)
			}
			configs := c.TopicInfo(topic).Configs
			var got string
			if v := configs["segment.bytes"]; v != nil {
				got = *v
			}
			if got != test.want {
				t.Errorf("segment.bytes is %q, want %q", got, test.want)
			}
			if *configs["segment.ms"] != "1000" {
				t.Errorf("segment.ms was set by hand and is now %s", *configs["segment.ms"])
			}
		})
	}
}

func TestOperationsNameTheMissingPermission(t *testing.T) {
	open := func(s *Store, ctx context.Context) error { return s.Open(ctx) }
	write := func(s *Store, ctx context.Context) error {
		if err := s.Open(ctx); err != nil {
			return err
		}
		return s.Write(ctx, []Anchor{anchor(0, 1)})
	}
	for name, test := range map[string]struct {
		key  kmsg.Key
		err  *kerr.Error
		do   func(*Store, context.Context) error
		want string
	}{
		"describe":    {kmsg.Metadata, kerr.TopicAuthorizationFailed, open, `DESCRIBE on topic "mm2-offsets.A.internal"`},
		"create":      {kmsg.CreateTopics, kerr.TopicAuthorizationFailed, open, `CREATE on topic "mm2-offsets.A.internal" or cluster`},
		"offsets":     {kmsg.ListOffsets, kerr.TopicAuthorizationFailed, open, `DESCRIBE on topic "mm2-offsets.A.internal"`},
		"read":        {kmsg.Fetch, kerr.TopicAuthorizationFailed, open, `READ on topic "mm2-offsets.A.internal"`},
		"write":       {kmsg.Produce, kerr.TopicAuthorizationFailed, write, `WRITE on topic "mm2-offsets.A.internal"`},
		"producer id": {kmsg.InitProducerID, kerr.ClusterAuthorizationFailed, write, `WRITE on topic "mm2-offsets.A.internal"`},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t)
			s := newStore(t, Params{Client: newClient(t, c)})
			fault := c.Fault(kfake.Fault{
				Keys: []kmsg.Key{test.key}, Err: test.err, Count: -1, TopLevel: test.key == kmsg.InitProducerID,
			})
			err := test.do(s, testContext(t))
			if _, ok := errors.AsType[*PermissionError](err); !ok || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want a PermissionError with %q", err, test.want)
			}
			fault.Remove()
			if err := test.do(s, testContext(t)); err != nil {
				t.Errorf("after the permission was granted: %v", err)
			}
		})
	}
}

func TestRefreshSurvivesMovedLeaders(t *testing.T) {
	c := newCluster(t)
	s := openStore(t, newClient(t, c))
	reader := openStore(t, newClient(t, c))
	for round := range int64(5) {
		for p := range int32(25) {
			if err := c.MoveTopicPartition(topic, p, int32(round)%3); err != nil {
				t.Fatal(err)
			}
		}
		var anchors []Anchor
		for p := range int32(50) {
			anchors = append(anchors, anchor(p, round))
		}
		mustWrite(t, s, anchors...)
		if err := reader.Refresh(testContext(t)); err != nil {
			t.Fatal(err)
		}
		for _, a := range anchors {
			wantAnchor(t, reader, a)
		}
	}
}

func TestRefreshForgetsATopicThatWasCreatedAnew(t *testing.T) {
	c := newCluster(t)
	s := openStore(t, newClient(t, c))
	mustWrite(t, s, anchor(0, 10))
	if err := c.DeleteTopic(topic); err != nil {
		t.Fatal(err)
	}
	if err := s.Open(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if got := s.All(); len(got) != 0 {
		t.Errorf("after a reset there are %+v", got)
	}
	mustWrite(t, s, anchor(1, 11))
	wantAnchor(t, openStore(t, newClient(t, c)), anchor(1, 11))
}

func TestWriteEndsWithItsContext(t *testing.T) {
	c := newCluster(t)
	s := openStore(t, newClient(t, c))
	mustWrite(t, s, anchor(0, 1))
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: -1})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := s.Write(ctx, []Anchor{anchor(0, 2)}); err == nil {
		t.Error("a write that no broker took succeeded")
	}
	wantAnchor(t, s, anchor(0, 1))
}

func TestNewStoreWantsItsParams(t *testing.T) {
	if _, err := NewStore(Params{SourceAlias: "A", Log: slog.New(slog.DiscardHandler)}); err == nil {
		t.Error("a store without a client was built")
	}
	s := newStore(t, Params{Client: newClient(t, newCluster(t))})
	if !slices.Equal(s.All(), []Anchor{}) {
		t.Error("a store that was not opened holds anchors")
	}
}

// BenchmarkOpen reads 50,000 anchors of 1,000 lanes, the broker included.
func BenchmarkOpen(b *testing.B) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(c.Close)
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(cl.Close)
	open := func() *Store {
		s, err := NewStore(Params{Client: cl, SourceAlias: "A", Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Open(b.Context()); err != nil {
			b.Fatal(err)
		}
		return s
	}
	s := open()
	anchors := make([]Anchor, 1000)
	for offset := range int64(50) {
		for p := range anchors {
			anchors[p] = anchor(int32(p), offset)
		}
		if err := s.Write(b.Context(), anchors); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if got := len(open().All()); got != len(anchors) {
			b.Fatalf("read %d anchors", got)
		}
	}
}
