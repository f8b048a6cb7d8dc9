package fidelity_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

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
