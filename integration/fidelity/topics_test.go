package fidelity_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/integration/compare"
)

// testTopics looks at which topics are made on the target, and how.
func testTopics(ctx context.Context, t *testing.T, s *stage) {
	create(ctx, t, s.source, "shop.orders", 4,
		"retention.ms", "123456789000", "cleanup.policy", "compact,delete", "max.message.bytes", "2000000",
		"compression.type", "gzip", "segment.bytes", "20000000",
		"message.timestamp.type", "LogAppendTime", "unclean.leader.election.enable", "true") // these two are not copied
	// Written while the source took it, and refused by the target's default.
	create(ctx, t, s.source, "shop.future", 4, "message.timestamp.after.max.ms", "9223372036854775807")
	ahead := &kgo.Record{Topic: "shop.future", Value: []byte("v"), Timestamp: time.Now().Add(1000 * time.Hour)}
	if err := s.source.Client().ProduceSync(ctx, ahead).FirstErr(); err != nil {
		t.Fatal(err)
	}
	alter(ctx, t, s.source, "shop.future", "message.timestamp.after.max.ms", "")
	create(ctx, t, s.source, "shop.secret", 1)
	create(ctx, t, s.source, "shop.new.replica", 1)
	create(ctx, t, s.source, "__shop.hidden", 1)
	create(ctx, t, s.source, "mm2-shop.internal", 1)
	edit := func(f *model.Flow) {
		f.Topics = []string{`.*shop\..*`, `mm2-shop.*`}
		f.TopicsExclude = append(f.TopicsExclude, `.*\.sec.*`)
	}
	once(ctx, t, s.config(
		flow("rules", "t", nil, edit),
		flow("same", "t", nil, func(f *model.Flow) {
			edit(f)
			f.ReplicationPolicy = model.PolicyIdentity
		}),
	))
	var made []string
	for _, name := range topicNames(ctx, t, s.target) {
		if strings.Contains(name, "shop") {
			made = append(made, name)
		}
	}
	if d := cmp.Diff([]string{"rules.shop.future", "rules.shop.orders", "shop.future", "shop.orders"}, made); d != "" {
		t.Errorf("topics on the target (-want +got):\n%s", d)
	}
	future := read(ctx, t, s.source, "shop.future", true)
	orders := map[string]string{
		"retention.ms": "123456789000", "cleanup.policy": "compact,delete", "max.message.bytes": "2000000",
		"compression.type": "gzip", "segment.bytes": "20000000",
		"message.timestamp.after.max.ms": "9223372036854775807", // an engine key: one hour by default
	}
	for _, name := range made {
		want := orders
		if strings.HasSuffix(name, "future") {
			want = map[string]string{"message.timestamp.after.max.ms": "9223372036854775807"}
			identical(t, future, read(ctx, t, s.target, name, true), compare.Options{})
		}
		if d := cmp.Diff(want, explicit(ctx, t, s.target, name)); d != "" {
			t.Errorf("settings of %s (-want +got):\n%s", name, d)
		}
		if n := len(ends(ctx, t, s.target, name, false)); n != 4 {
			t.Errorf("%s has %d partitions, want 4", name, n)
		}
	}
}

// testNullKeys mirrors a topic that was compacted only after somebody had
// written records without a key. The target refuses their batch: its partition
// stops in sight of everybody and the other one does not, until the user says
// that what is refused may be skipped. Then only the records without a key are.
func testNullKeys(ctx context.Context, t *testing.T, s *stage) {
	const name, from = "null-keys", "compacting"
	create(ctx, t, s.source, name, 2, "min.cleanable.dirty.ratio", "1")
	cl, err := kgo.NewClient(append(s.source.AdminOpts(), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for batch := range 6 {
		var rs []*kgo.Record
		for p := range int32(2) {
			for i := range 5 {
				r := &kgo.Record{Topic: name, Partition: p, Key: fmt.Append(nil, batch, i), Value: []byte("v")}
				if p == 0 && batch == 3 && i == 2 {
					r.Key = nil
				}
				rs = append(rs, r)
			}
		}
		if err := cl.ProduceSync(ctx, rs...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	alter(ctx, t, s.source, name, "cleanup.policy", "compact")
	source := read(ctx, t, s.source, name, true)
	c := s.config(flow(from, "t", []string{name}, func(f *model.Flow) { f.Coalesce = "off" }))

	_, err = tryOnce(ctx, t, c)
	if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "errors_tolerance") {
		t.Errorf("a pass that could not copy a batch ended with: %v", err)
	}
	want := topic{0: source[0][:15], 1: source[1]}
	identical(t, want, read(ctx, t, s.target, from+"."+name, false), compare.Options{})

	c.Flows[0].ErrorsTolerance = "all"
	once(ctx, t, c)
	want[0] = append(source[0][:17:17], source[0][18:]...)
	identical(t, want, read(ctx, t, s.target, from+"."+name, false), compare.Options{})
	anchoredAtEnds(ctx, t, s.pair, from, true, name)
}
