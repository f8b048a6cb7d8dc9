// Package control_test proves on real brokers what packages topicsync and
// position claim of them, and that real MirrorMaker 2 goes on from an anchor.
package control_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/strait-mirror/strait/flows/position"
	"github.com/strait-mirror/strait/flows/topicsync"
	"github.com/strait-mirror/strait/integration/kafka"
)

// byPrefix selects the topics t… and names them as MirrorMaker 2 does.
type byPrefix struct{}

func (byPrefix) Selected(topic string) bool      { return strings.HasPrefix(topic, "t") }
func (byPrefix) RemoteTopic(topic string) string { return "a." + topic }

func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func logTo(t *testing.T) *slog.Logger {
	t.Helper()
	return slog.New(slog.NewTextHandler(t.Output(), nil))
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

// explicit returns the settings that were set on a topic itself, but for the
// one that Kafka 4.2 adds to every new topic by itself (KIP-966).
func explicit(ctx context.Context, t *testing.T, c *kafka.Cluster, topic string) map[string]string {
	t.Helper()
	configs, err := c.Admin().DescribeTopicConfigs(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	set := make(map[string]string)
	for _, entry := range configs[0].Configs {
		if entry.Source == kmsg.ConfigSourceDynamicTopicConfig && entry.Key != "min.insync.replicas" {
			set[entry.Key] = entry.MaybeValue()
		}
	}
	return set
}

func TestTopicsTakeBatchesAsTheyAre(t *testing.T) {
	const unlimited = "9223372036854775807"
	for version, timestamps := range map[string]map[string]string{
		kafka.Version42: {"message.timestamp.after.max.ms": unlimited},
		kafka.Version39: {},
	} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			ctx := bounded(t)
			a := kafka.Start(t, kafka.Options{Version: version, Config: unverified()})
			b := kafka.Start(t, kafka.Options{Version: version, Config: map[string]string{"compression.type": "gzip"}})
			create(ctx, t, a, "t-new", 3, "max.message.bytes", "5000000", "retention.ms", "12345")
			create(ctx, t, a, "t-old", 2)
			create(ctx, t, b, "a.t-old", 1)
			s, err := topicsync.New(topicsync.Params{
				Source: a.Client(), Target: b.Client(), Selector: byPrefix{}, Namer: byPrefix{}, Log: logTo(t),
			})
			if err != nil {
				t.Fatal(err)
			}
			pairs, problems, err := s.Sync(ctx)
			if err != nil || len(problems) != 0 || len(pairs) != 2 {
				t.Fatalf("got %+v, %+v, %v; want two pairs and no problem", pairs, problems, err)
			}
			for i, partitions := range []int32{3, 2} {
				p := pairs[i]
				if p.Partitions != partitions || p.TargetPartitions != partitions || p.TargetFacts.CompressionType != "producer" {
					t.Errorf("got %+v, want %d partitions", p, partitions)
				}
			}
			want := map[string]string{"compression.type": "producer"}
			maps.Copy(want, timestamps)
			if diff := cmp.Diff(want, explicit(ctx, t, b, "a.t-old")); diff != "" {
				t.Errorf("settings of the topic that was there differ (-want +got):\n%s", diff)
			}
			want["max.message.bytes"], want["retention.ms"] = "5000000", "12345"
			if diff := cmp.Diff(want, explicit(ctx, t, b, "a.t-new")); diff != "" {
				t.Errorf("settings of the new topic differ (-want +got):\n%s", diff)
			}
			future := &kgo.Record{Topic: "a.t-new", Value: []byte("x"), Timestamp: time.Now().Add(999 * time.Hour)}
			if err := b.Client().ProduceSync(ctx, future).FirstErr(); err != nil {
				t.Errorf("a record of the future was refused: %v", err)
			}
			testOpenTransactions(ctx, t, a, "t-old")
			testFence(ctx, t, b, "a.t-new")
		})
	}
}

func TestAnchorsAreReadBackFromRealBrokers(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	b := kafka.Start(t, kafka.Options{})
	open := func() *position.Store {
		s, err := position.NewStore(position.Params{Client: b.Client(), SourceAlias: "a", Log: logTo(t)})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := s.Open(ctx); err != nil {
			t.Fatal(err)
		}
		t.Logf("opened in %v with %d anchors", time.Since(began), len(s.All()))
		return s
	}
	s := open()
	anchors := make([]position.Anchor, 1000)
	for round := range int64(100) {
		for i := range anchors {
			anchors[i] = position.Anchor{
				Topic: "t-" + strconv.Itoa(i/50), Partition: int32(i % 50), Offset: round*5000 + int64(i), Version: 1,
				TargetEnd: round * 5000, ProducerID: 4711, NextSequence: int32(round) * 5000, LeaderEpoch: 12,
				SourceTopicID: [16]byte{byte(i / 50), 3}, TargetTopicID: [16]byte{byte(i / 50), 8}, Chain: "0123456789abcdef",
			}
		}
		if err := s.Write(ctx, anchors); err != nil {
			t.Fatal(err)
		}
	}
	again := open()
	for _, want := range anchors {
		got, ok := again.Get(want.Topic, want.Partition)
		if diff := cmp.Diff(want, got); !ok || diff != "" {
			t.Fatalf("anchor differs (-want +got):\n%s", diff)
		}
		if previous, ok := again.Previous(want.Topic, want.Partition); !ok || previous.Offset >= got.Offset-12*5000 {
			t.Fatalf("previous anchor is %+v, %v", previous, ok)
		}
	}
}

// TestStoreNamesEachMissingPermission grants what the store asks for until it
// asks for nothing more.
func TestStoreNamesEachMissingPermission(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	b := kafka.Start(t, kafka.Options{SASL: kafka.Plain, Users: map[string]string{"u": "p"}, Authorizer: true})
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.Bootstrap()...), kgo.SASL(plain.Auth{User: "u", Pass: "p"}.AsMechanism()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	s, err := position.NewStore(position.Params{Client: cl, SourceAlias: "a", Log: logTo(t)})
	if err != nil {
		t.Fatal(err)
	}
	operations := map[string]kadm.ACLOperation{
		"DESCRIBE": kadm.OpDescribe, "CREATE": kadm.OpCreate, "READ": kadm.OpRead, "WRITE": kadm.OpWrite,
	}
	var asked []string
	for ctx.Err() == nil {
		err := s.Open(ctx)
		if err == nil {
			err = s.Write(ctx, []position.Anchor{{Topic: "t"}})
		}
		if err == nil {
			break
		}
		denied, ok := errors.AsType[*position.PermissionError](err)
		if !ok || !strings.HasPrefix(denied.Resource, `topic "mm2-offsets.a.internal"`) {
			t.Fatalf("got %v, want a missing permission", err)
		}
		if len(asked) > 0 && asked[len(asked)-1] == denied.Operation {
			continue // granted and not yet known to the broker
		}
		asked = append(asked, denied.Operation)
		acl := kadm.NewACLs().Topics("mm2-offsets.a.internal").ResourcePatternType(kadm.ACLPatternLiteral).
			Operations(operations[denied.Operation]).Allow("User:u").AllowHosts("*")
		if _, err := b.Admin().CreateACLs(ctx, acl); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"DESCRIBE", "CREATE", "READ", "WRITE"}, asked); diff != "" {
		t.Errorf("permissions asked for differ (-want +got):\n%s", diff)
	}
}

// TestMirrorMakerGoesOnFromAnchors lets MirrorMaker 2 copy some records, moves
// its positions by anchors, and has it go on. Partition 0 is anchored in the
// middle, partition 1 before its first record.
// It is conformance item 57.
func TestMirrorMakerGoesOnFromAnchors(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	a, b := kafka.Start(t, kafka.Options{}), kafka.Start(t, kafka.Options{})
	create(ctx, t, a, "t", 3)
	produce := func(partition int32, from, to int) {
		producer, err := kgo.NewClient(append(a.AdminOpts(), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
		if err != nil {
			t.Fatal(err)
		}
		defer producer.Close()
		for i := from; i < to; i++ {
			r := &kgo.Record{Topic: "t", Partition: partition, Value: fmt.Appendf(nil, "%d/%d", partition, i)}
			if err := producer.ProduceSync(ctx, r).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	produce(0, 0, 20)
	produce(1, 0, 5)
	produce(2, 0, 5)

	store, err := position.NewStore(position.Params{Client: b.Client(), SourceAlias: "a", Log: logTo(t)})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Open(ctx); err != nil {
		t.Fatal(err)
	}
	for _, offset := range []int64{3, 9} { // the second write also writes the previous anchor
		if err := store.Write(ctx, []position.Anchor{{Topic: "t", Offset: offset}, {Topic: "t", Partition: 1, Offset: -1}}); err != nil {
			t.Fatal(err)
		}
	}

	m := kafka.StartMirrorMaker(t, kafka.MirrorMakerOptions{Properties: fmt.Sprintf(`
clusters = a, b
a.bootstrap.servers = %s
b.bootstrap.servers = %s
a->b.enabled = true
emit.heartbeats.enabled = false
topics = t
replication.factor = 1
checkpoints.topic.replication.factor = 1
offset-syncs.topic.replication.factor = 1
offset.storage.replication.factor = 1
status.storage.replication.factor = 1
config.storage.replication.factor = 1
`, a.Bootstrap()[0], b.Bootstrap()[0])})
	want := map[int32]string{0: "0/10", 1: "1/0", 2: "2/0"}
	got := make(map[int32]string)
	reader, err := kgo.NewClient(append(b.AdminOpts(), kgo.ConsumeTopics("a.t"), kgo.MetadataMaxAge(time.Second))...)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for len(got) < len(want) {
		fetches := reader.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("only %v arrived\n%s", got, m.Log(40))
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if _, ok := got[r.Partition]; !ok {
				got[r.Partition] = string(r.Value)
			}
		})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("first records differ (-want +got):\n%s", diff)
	}
	if err := m.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	<-m.Exited()
	if log := m.Log(2000); strings.Contains(log, "Strait") {
		t.Errorf("MirrorMaker 2 speaks of us:\n%s", log)
	}

	if err := store.Refresh(ctx); err != nil {
		t.Fatal(err)
	}
	for partition, last := range []int64{19, 4, 4} {
		anchor, ok := store.Get("t", int32(partition))
		if !ok || !anchor.Bare() || anchor.Offset != last {
			t.Errorf("position of partition %d is %+v, %v; want a bare one at %d", partition, anchor, ok, last)
		}
	}
}
