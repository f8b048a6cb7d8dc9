package heartbeat_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/heartbeat"
	"github.com/strait-mirror/strait/flows/internal/mm2fmt"
	"github.com/strait-mirror/strait/flows/reconcile"
	"github.com/strait-mirror/strait/transforms/rename"
)

// fake starts one broker and opens it as cluster b.
func fake(t *testing.T) (*cluster.Cluster, *kgo.Client) {
	t.Helper()
	broker, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	def := model.NewCluster(field.HCL)
	def.Alias, def.BootstrapServers = "b", broker.ListenAddrs()
	c, err := cluster.New(cluster.Params{Config: def, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	cl, err := kgo.NewClient(kgo.SeedBrokers(broker.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return c, cl
}

// beating returns a loop of heartbeats and what it logs.
func beating(t *testing.T, on *cluster.Cluster, replicas int16) (*reconcile.Loop, *strings.Builder) {
	t.Helper()
	h, err := heartbeat.New(heartbeat.Params{On: on, Source: "a", Target: "b", ReplicationFactor: replicas})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	l, err := reconcile.New(reconcile.Params{
		Name: "heartbeats", Interval: time.Second, Do: h.Beat, Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return l, &log
}

func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// read returns the heartbeats of the topic.
func read(ctx context.Context, t *testing.T, cl *kgo.Client, want int) []mm2fmt.Heartbeat {
	t.Helper()
	cl.AddConsumePartitions(map[string]map[int32]kgo.Offset{rename.Heartbeats: {0: kgo.NewOffset().AtStart()}})
	var beats []mm2fmt.Heartbeat
	for len(beats) < want {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("only %+v", beats)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			h, err := mm2fmt.ParseHeartbeat(r.Key, r.Value)
			if err != nil || h.Timestamp != r.Timestamp.UnixMilli() {
				t.Errorf("record at %v is %+v, %v", r.Timestamp, h, err)
			}
			beats = append(beats, h)
		})
	}
	return beats
}

// TestBeat is conformance item 73: a record per pass with the pair as its key,
// in a topic that is created once, and again after somebody deleted it.
func TestBeat(t *testing.T) {
	ctx := bounded(t)
	on, cl := fake(t)
	l, log := beating(t, on, -1)
	for range 2 {
		if err := l.Once(ctx); err != nil {
			t.Fatal(err)
		}
	}
	for _, h := range read(ctx, t, cl, 2) {
		if h.Source != "a" || h.Target != "b" || time.Since(time.UnixMilli(h.Timestamp)).Abs() > time.Minute {
			t.Errorf("heartbeat is %+v", h)
		}
	}
	adm := kadm.NewClient(cl)
	if _, err := adm.DeleteTopic(ctx, rename.Heartbeats); err != nil {
		t.Fatal(err)
	}
	for l.Once(ctx) != nil { // the first pass finds that the topic is gone
		if ctx.Err() != nil {
			t.Fatal("the topic does not come back")
		}
	}
	topics, err := adm.ListTopics(ctx, rename.Heartbeats)
	if err != nil || len(topics[rename.Heartbeats].Partitions) != 1 {
		t.Errorf("topics are %v, %v", topics, err)
	}
	if n := strings.Count(log.String(), `kind="topic created"`); n != 2 {
		t.Errorf("%d events, want 2:\n%s", n, log.String())
	}
}

// TestFewBrokers has a cluster with fewer brokers than the topic is to have
// replicas: it creates the topic as it does others.
func TestFewBrokers(t *testing.T) {
	ctx := bounded(t)
	on, cl := fake(t)
	l, log := beating(t, on, 3)
	if err := l.Once(ctx); err != nil {
		t.Fatal(err)
	}
	read(ctx, t, cl, 1)
	if want := "partitions=1 replication_factor=-1 cleanup.policy=compact"; !strings.Contains(log.String(), want) {
		t.Errorf("no %q in\n%s", want, log.String())
	}
}
