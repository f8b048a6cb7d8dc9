package survey_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/survey"
)

// fake starts a cluster and returns its addresses.
func fake(t *testing.T, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func collect(t *testing.T, c *model.Cluster) (*survey.Facts, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return survey.Collect(ctx, survey.Params{
		Config: c, Log: slog.New(slog.DiscardHandler),
		Wanted: survey.Wanted{
			Topic: func(topic string) bool { return topic == "orders" || strings.HasPrefix(topic, "many") },
			Group: func(group string) bool { return group == "reader" },
		},
	})
}

func TestCollect(t *testing.T) {
	k := fake(t, kfake.NumBrokers(2), kfake.ClusterID("the-id"), kfake.SeedTopics(3, "parts"))
	cl, err := kgo.NewClient(kgo.SeedBrokers(k.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if _, err := kadm.NewClient(cl).CreateTopic(t.Context(), 5, 2, map[string]*string{"cleanup.policy": new("compact")}, "orders"); err != nil {
		t.Fatal(err)
	}
	commits := kadm.Offsets{}
	commits.AddOffset("orders", 1, 7, -1)
	for _, group := range []string{"reader", "other"} {
		if _, err := kadm.NewClient(cl).CommitOffsets(t.Context(), group, commits); err != nil {
			t.Fatal(err)
		}
	}
	facts, err := collect(t, &model.Cluster{Alias: "a", BootstrapServers: k.ListenAddrs()})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]survey.Group{"reader": {State: "Empty", Topics: []string{"orders"}}, "other": {State: "Empty"}}
	if diff := cmp.Diff(want, facts.Groups); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	orders, parts := facts.Topics["orders"], facts.Topics["parts"]
	if facts.ID != "the-id" || facts.Brokers != 2 || len(facts.Topics) != 2 {
		t.Errorf("got %+v", facts)
	}
	if orders.Partitions != 5 || orders.Replicas != 2 || orders.Settings["cleanup.policy"] != "compact" {
		t.Errorf("orders: %+v", orders)
	}
	if parts.Partitions != 3 || parts.Settings != nil {
		t.Errorf("parts, whose settings nobody wants: %+v", parts)
	}
}

// TestRequestsAreBounded counts what a cluster with many topics is asked.
func TestRequestsAreBounded(t *testing.T) {
	names := make([]string, 3000)
	for i := range names {
		names[i] = fmt.Sprintf("many%d", i)
	}
	k := fake(t, kfake.NumBrokers(1), kfake.SeedTopics(1, names...))
	var requests atomic.Int64
	k.Control(func(r kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		if _, ok := r.(*kmsg.ApiVersionsRequest); !ok {
			requests.Add(1)
		}
		return nil, nil, false
	})
	facts, err := collect(t, &model.Cluster{Alias: "a", BootstrapServers: k.ListenAddrs()})
	if err != nil {
		t.Fatal(err)
	}
	described := 0
	for _, topic := range facts.Topics {
		if topic.Settings != nil {
			described++
		}
	}
	if len(facts.Topics) != len(names) || described != survey.MaxTopics || requests.Load() > 12 {
		t.Errorf("%d topics, %d described, %d requests", len(facts.Topics), described, requests.Load())
	}
}

// TestLogin has the fake cluster end a connection, as old brokers do; what
// brokers say today is tested in integration/badinput.
func TestLogin(t *testing.T) {
	k := fake(t, kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser("PLAIN", "ann", "right"))
	_, err := collect(t, &model.Cluster{
		Alias: "a", BootstrapServers: k.ListenAddrs(),
		SASL: &model.SASL{Mechanism: "PLAIN", Username: "ann", Password: model.NewSecret("hunter2")},
	})
	if err == nil || !strings.Contains(err.Error(), `cluster "a"`) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	_, err = collect(t, &model.Cluster{Alias: "a", BootstrapServers: []string{address}})
	if _, refused := errors.AsType[*survey.RefusedError](err); refused || err == nil || !strings.Contains(err.Error(), address) {
		t.Errorf("got %v", err)
	}
	_, err = collect(t, &model.Cluster{Alias: "a", BootstrapServers: []string{address}, SASL: &model.SASL{Mechanism: "NONE"}})
	if err == nil {
		t.Error("an unknown mechanism is no error")
	}
}
