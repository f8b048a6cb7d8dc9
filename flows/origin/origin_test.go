package origin

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/admin"
)

// rig is one cluster: the target of a flow from cluster id "X", and the source of
// one to it.
type rig struct {
	fake    *kfake.Cluster
	cluster *cluster.Cluster
	log     *slog.Logger
}

func newRig(t *testing.T) *rig {
	t.Helper()
	fake, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	m := model.NewCluster(field.HCL)
	m.Alias, m.BootstrapServers = "y", fake.ListenAddrs()
	c, err := cluster.New(cluster.Params{Config: m, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return &rig{fake, c, log}
}

// registry returns the open registry of flows from a cluster.
func (r *rig) registry(t *testing.T, id, alias string) *Registry {
	t.Helper()
	registry, err := NewRegistry(RegistryParams{Target: r.cluster, Log: r.log, SourceID: id, SourceAlias: alias, ReplicationFactor: -1})
	if err == nil {
		err = registry.Open(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return registry
}

// guard returns the guard of a flow to cluster id "X".
func (r *rig) guard(t *testing.T) *Guard {
	t.Helper()
	g, err := NewGuard(GuardParams{Source: r.cluster, Log: r.log, TargetID: "X", TargetAlias: "x"})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func wantJudgement(t *testing.T, g *Guard, id int64, returned, known bool) {
	t.Helper()
	if r, k := g.Judge(id); r != returned || k != known {
		t.Errorf("producer id %d: returned %t, known %t, want %t, %t", id, r, k, returned, known)
	}
}

// TestGuardKnowsWhatIsEntered under any alias.
func TestGuardKnowsWhatIsEntered(t *testing.T) {
	r := newRig(t)
	g := r.guard(t)
	if err := g.Look(t.Context()); err != nil { // there is no topic at all
		t.Fatal(err)
	}
	mine, other := r.registry(t, "X", "called-otherwise"), r.registry(t, "Z", "x")
	if err := errors.Join(mine.Enter(t.Context(), 1, 2), other.Enter(t.Context(), 3)); err != nil {
		t.Fatal(err)
	}
	wantJudgement(t, g, 1, false, false)
	if err := g.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantJudgement(t, g, 1, true, true)
	wantJudgement(t, g, 2, true, true)
	wantJudgement(t, g, 3, false, true)
	wantJudgement(t, g, 4, false, false)
	if g.Conclude(4) || !g.Conclude(2) {
		t.Error("concluded otherwise than the entries say")
	}
	wantJudgement(t, g, 4, false, true)
	if err := mine.Enter(t.Context(), 5); err != nil {
		t.Fatal(err)
	}
	if err := g.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantJudgement(t, g, 5, true, true)
}

// TestEntriesAreWrittenOnce however often they are asked for.
func TestEntriesAreWrittenOnce(t *testing.T) {
	r := newRig(t)
	for range 2 {
		registry := r.registry(t, "X", "x")
		for range 3 {
			if err := registry.Enter(t.Context(), 7, 7, 8); err != nil {
				t.Fatal(err)
			}
		}
	}
	ends, err := r.cluster.Admin().ListEndOffsets(t.Context(), Topic("x"))
	if err != nil || ends[Topic("x")][0].Offset != 2 {
		t.Errorf("the topic ends at %v, %v, want 2", ends, err)
	}
}

// TestLooksAreShared by those who wait for the same.
func TestLooksAreShared(t *testing.T) {
	r := newRig(t)
	g := r.guard(t)
	const waiters = 20
	g.turn <- struct{}{} // somebody looks
	var wait sync.WaitGroup
	for range waiters {
		wait.Go(func() {
			if err := g.Look(context.WithoutCancel(t.Context())); err != nil {
				t.Error(err)
			}
		})
	}
	deadline := time.After(10 * time.Second)
	<-g.turn
	done := make(chan struct{})
	go func() { wait.Wait(); close(done) }()
	select {
	case <-done:
	case <-deadline:
		t.Fatal("looks hang")
	}
	if g.begun > waiters || g.begun != g.ended {
		t.Errorf("%d looks begun, %d ended", g.begun, g.ended)
	}
}

// TestNoAnswerWithoutPermission: a topic that may not be described may be there.
func TestNoAnswerWithoutPermission(t *testing.T) {
	r := newRig(t)
	r.fake.ControlKey(int16(kmsg.Metadata), func(req kmsg.Request) (kmsg.Response, error, bool) {
		r.fake.KeepControl()
		asked := req.(*kmsg.MetadataRequest)
		if len(asked.Topics) != 1 || asked.Topics[0].Topic == nil || *asked.Topics[0].Topic != Topic("x") {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.MetadataResponse)
		topic := kmsg.NewMetadataResponseTopic()
		topic.Topic, topic.ErrorCode = asked.Topics[0].Topic, kerr.TopicAuthorizationFailed.Code
		resp.Topics = append(resp.Topics, topic)
		return resp, nil, true
	})
	err := r.guard(t).Look(t.Context())
	denied, ok := errors.AsType[*admin.MissingPermissionError](err)
	if !ok || denied.Operation != "READ" || denied.Topic() != Topic("x") {
		t.Errorf("got %v", err)
	}
}

// TestTopicThatForgetsIsRefused since copies would look like local records.
func TestTopicThatForgetsIsRefused(t *testing.T) {
	r := newRig(t)
	settings := map[string]*string{"cleanup.policy": new("delete")}
	if _, err := r.cluster.Admin().CreateTopic(t.Context(), 1, 1, settings, Topic("x")); err != nil {
		t.Fatal(err)
	}
	registry, err := NewRegistry(RegistryParams{Target: r.cluster, Log: r.log, SourceID: "X", SourceAlias: "x", ReplicationFactor: -1})
	if err != nil {
		t.Fatal(err)
	}
	refused, ok := errors.AsType[*CleanupPolicyError](registry.Open(t.Context()))
	if !ok || refused.Policy != "delete" || refused.Hint() == "" {
		t.Errorf("got %v", refused)
	}
}

// TestForeignRecords are skipped.
func TestForeignRecords(t *testing.T) {
	r := newRig(t)
	registry := r.registry(t, "X", "x")
	for k, v := range map[string]string{
		"": "", "a": `{"version":1,"cluster_id":"X"}`, "-1": `{"version":1,"cluster_id":"X"}`, "10": "x",
		"11": `{"version":1}`, "12": `{"version":2,"cluster_id":"X","more":{}}`,
	} {
		record := &kgo.Record{Topic: Topic("x"), Key: []byte(k), Value: []byte(v)}
		if err := r.cluster.Control().ProduceSync(t.Context(), record).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	if err := registry.Enter(t.Context(), 13); err != nil {
		t.Fatal(err)
	}
	g := r.guard(t)
	if err := g.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[int64]bool{-1: false, 10: false, 11: false, 12: true, 13: true} {
		wantJudgement(t, g, id, want, want)
	}
}

func TestTopicNames(t *testing.T) {
	for name, want := range map[string]bool{
		Topic("x"): true, Topic("eu.west"): true, "mm2-strait-index..internal": false, "mm2-offsets.x.internal": false,
		"mm2-strait-index.internal": false, "orders": false,
	} {
		if got := isIndex(name); got != want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
