package security_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/load"
	"github.com/strait-mirror/strait/integration/kafka"
	"github.com/strait-mirror/strait/pipeline/supervisor"
)

// TestReauthentication has brokers of both sides, with TLS and SCRAM, end every
// session after three seconds (connections.max.reauth.ms, KIP-368) while records flow:
// connections log in anew between two requests, and none is lost over it.
func TestReauthentication(t *testing.T) {
	kafka.Require(t)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	b := &bed{files: t.TempDir()}
	options := kafka.Options{TLS: true, SASL: kafka.ScramSHA512, Users: map[string]string{"ann": password}, Config: map[string]string{
		"connections.max.reauth.ms": "3000",
	}}
	b.source, b.target = kafka.Start(t, options), kafka.Start(t, options)
	if err := b.source.CreateTopic(ctx, kafka.Topic{Name: topic, Partitions: 2}); err != nil {
		t.Fatal(err)
	}
	lines := map[string]string{"clusters": "from, to", "from->to.enabled": "true", "from->to.topics": topic, "replication.factor": "1"}
	for alias, c := range map[string]*kafka.Cluster{"from": b.source, "to": b.target} {
		for key, value := range c.ClientConfig("ann") {
			lines[alias+"."+key] = value
		}
	}
	cfg, problems := load.Load([]string{b.save(t, "reauth.properties", []byte(kafka.Properties(maps.Clone(lines))))}, load.Options{})
	if problems.HasErrors() {
		t.Fatal(problems.Err())
	}
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	s, err := supervisor.New(supervisor.Params{Config: cfg, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- s.Run(running) }()
	defer func() {
		stop()
		if err := <-done; err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	}()
	// Ten seconds of records are at least three sessions of each connection.
	const sessions = 10 * time.Second
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for i, began := 0, time.Now(); time.Since(began) < sessions; i++ {
		<-tick.C
		r := &kgo.Record{Topic: topic, Key: fmt.Append(nil, i), Value: fmt.Appendf(nil, "order %d", i)}
		if err := b.source.Client().ProduceSync(ctx, r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	b.await(ctx, t, "from")
	f := s.Status().Flows[0]
	for side, traffic := range map[string]struct{ errors, connections int64 }{
		"source": {f.Fetch.Errors, f.Fetch.Connections}, "target": {f.Produce.Errors, f.Produce.Connections},
	} {
		if traffic.errors != 0 || traffic.connections > 2 {
			t.Errorf("the %s saw %d errors and %d connections, want none and two at most", side, traffic.errors, traffic.connections)
		}
	}
}
