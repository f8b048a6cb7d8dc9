package control_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/flows/position"
	"github.com/strait-mirror/strait/integration/kafka"
)

// TestLiveMirrorMakerIsNoticed runs MirrorMaker 2 between two clusters: for the
// same flow it is in the way while it lives, for the way back, with the heartbeats
// of its default settings, it is not.
func TestLiveMirrorMakerIsNoticed(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	a, b := kafka.Start(t, kafka.Options{}), kafka.Start(t, kafka.Options{})
	create(ctx, t, a, "t", 2)
	record := &kgo.Record{Topic: "t", Value: []byte("x")}
	if err := a.Client().ProduceSync(ctx, record).FirstErr(); err != nil {
		t.Fatal(err)
	}
	positions := func(on *kafka.Cluster, source string) *position.Store {
		t.Helper()
		s, err := position.NewStore(position.Params{Client: on.Client(), SourceAlias: source, Log: logTo(t), Workers: source + "-mm2"})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	same, back := positions(b, "a"), positions(a, "b")
	for _, s := range []*position.Store{same, back} {
		if err := s.Check(ctx); err != nil {
			t.Fatalf("without a MirrorMaker 2: %v", err)
		}
	}
	m := kafka.StartMirrorMaker(t, kafka.MirrorMakerOptions{Properties: fmt.Sprintf(`
clusters = a, b
a.bootstrap.servers = %s
b.bootstrap.servers = %s
a->b.enabled = true
topics = t
replication.factor = 1
checkpoints.topic.replication.factor = 1
heartbeats.topic.replication.factor = 1
offset-syncs.topic.replication.factor = 1
offset.storage.replication.factor = 1
status.storage.replication.factor = 1
config.storage.replication.factor = 1
`, a.Bootstrap()[0], b.Bootstrap()[0])})
	err := until(ctx, func() error { return same.Check(ctx) }, func(err error) bool { return err != nil })
	live, ok := errors.AsType[*position.LiveMirrorMakerError](err)
	if !ok {
		t.Fatalf("MirrorMaker 2 for the same flow: %v", err)
	}
	if len(live.Workers) != 1 || !strings.HasSuffix(live.Workers[0], " at 127.0.0.1") || live.Group != "a-mm2" {
		t.Errorf("named as %q of group %q", live.Workers, live.Group)
	}
	if err := same.Open(ctx); err == nil {
		t.Error("positions were opened beside it")
	}
	if err := back.Check(ctx); err != nil {
		t.Errorf("its heartbeats for the way back are in the way: %v", err)
	}
	if err := m.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	<-m.Exited()
	if err := until(ctx, func() error { return same.Check(ctx) }, func(err error) bool { return err == nil }); err != nil {
		t.Errorf("after its end: %v", err)
	}
}

// until asks again and again until the answer is as wanted or ctx ends.
func until(ctx context.Context, ask func() error, wanted func(error) bool) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ask()
		if wanted(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-tick.C:
		}
	}
}
