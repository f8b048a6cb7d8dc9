package fidelity_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/mirror"
	"github.com/strait-mirror/strait/integration/compare"
	"github.com/strait-mirror/strait/integration/kafka"
)

// testMirrorMaker hands a topic over to real MirrorMaker 2 and back: neither
// copies anything that the other has copied.
func testMirrorMaker(ctx context.Context, t *testing.T, s *stage) {
	const name, from, records = "relay", "relay", 200
	create(ctx, t, s.source, name, 3)
	produce := func() {
		t.Helper()
		rs := make([]*kgo.Record, records)
		for i := range rs {
			rs[i] = &kgo.Record{Topic: name, Key: fmt.Append(nil, i), Value: make([]byte, 50)}
		}
		if err := s.source.Client().ProduceSync(ctx, rs...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	same := func(who string) {
		t.Helper()
		identical(t, read(ctx, t, s.source, name, true), read(ctx, t, s.target, from+"."+name, false), compare.Options{})
		anchoredAtEnds(ctx, t, s.pair, from, true, name)
		if t.Failed() {
			t.Fatalf("after the turn of %s", who)
		}
	}
	c := s.config(flow(from, "t", []string{name}, nil))
	for turn := range 2 {
		produce()
		if got := once(ctx, t, c)[from].Records; got != records {
			t.Errorf("turn %d: Strait copied %d records, want %d", turn, got, records)
		}
		same("Strait")
		if turn > 0 {
			break
		}
		produce()
		mirrorMaker(ctx, t, s, from, name, 3*int64(records)-int64(records))
		same("MirrorMaker 2")
	}
}

// mirrorMaker runs MirrorMaker 2 until the target topic holds some number of
// records.
func mirrorMaker(ctx context.Context, t *testing.T, s *stage, from, name string, want int64) {
	t.Helper()
	config := map[string]string{
		"clusters": from + ", t", from + "->t.enabled": "true", "topics": name,
		from + ".bootstrap.servers": s.source.Bootstrap()[0], "t.bootstrap.servers": s.target.Bootstrap()[0],
		"emit.heartbeats.enabled": "false", "tasks.max": "1",
	}
	for _, k := range []string{
		"replication.factor", "checkpoints.topic.replication.factor", "offset-syncs.topic.replication.factor",
		"offset.storage.replication.factor", "status.storage.replication.factor", "config.storage.replication.factor",
	} {
		config[k] = "1"
	}
	m := kafka.StartMirrorMaker(t, kafka.MirrorMakerOptions{Properties: kafka.Properties(config)})
	await(ctx, t, func() (string, bool) {
		var held int64
		for _, end := range ends(ctx, t, s.target, from+"."+name, false) {
			held += end
		}
		return fmt.Sprintf("MirrorMaker 2: the target holds %d records, want %d", held, want), held >= want
	})
	if err := m.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	<-m.Exited()
}

// testSeal hands a topic that was written in transactions over to MirrorMaker 2
// without exactly once, which takes aborted positions for true: sealed ones are
// the last.
func testSeal(ctx context.Context, t *testing.T, s *stage) {
	const name, from, records, partitions = "sealed", "sealed", 200, 3
	create(ctx, t, s.source, name, partitions)
	produce := func() {
		t.Helper()
		rs := make([]*kgo.Record, records)
		for i := range rs {
			rs[i] = &kgo.Record{Topic: name, Key: fmt.Append(nil, i), Value: make([]byte, 50)}
		}
		if err := s.source.Client().ProduceSync(ctx, rs...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	produce()
	c := s.config(flow(from, "t", []string{name}, func(f *model.Flow) { f.Delivery = model.Transactional }))
	if got := once(ctx, t, c)[from].Records; got != records {
		t.Errorf("Strait copied %d records, want %d", got, records)
	}
	abortPositions(ctx, t, s, from, name, partitions)
	target, err := cluster.New(cluster.Params{Config: c.Cluster("t"), Log: logTo(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	if n, err := mirror.Seal(ctx, mirror.SealParams{Flow: c.Flows[0], Target: target, Log: logTo(t)}); err != nil || n != partitions {
		t.Fatalf("sealed %d positions with %v, want %d", n, err, partitions)
	}
	var held int64
	for _, end := range ends(ctx, t, s.target, from+"."+name, false) {
		held += end
	}
	produce()
	mirrorMaker(ctx, t, s, from, name, held+records)
	identical(t, read(ctx, t, s.source, name, true), read(ctx, t, s.target, from+"."+name, true), compare.Options{})
}

// abortPositions writes positions far beyond what is there in a transaction, and
// aborts it.
func abortPositions(ctx context.Context, t *testing.T, s *stage, from, topic string, partitions int) {
	t.Helper()
	cl, err := kgo.NewClient(append(s.target.AdminOpts(), kgo.TransactionalID("a zombie"))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	for p := range partitions {
		key := fmt.Appendf(nil, `["MirrorSourceConnector",{"cluster":%q,"partition":%d,"topic":%q}]`, from, p, topic)
		r := &kgo.Record{Topic: "mm2-offsets." + from + ".internal", Key: key, Value: []byte(`{"offset":100}`)}
		if err := cl.ProduceSync(ctx, r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	if err := cl.EndTransaction(ctx, kgo.TryAbort); err != nil {
		t.Fatal(err)
	}
}
