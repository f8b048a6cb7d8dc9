package control_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/position"
	"github.com/strait-mirror/strait/integration/compare"
	"github.com/strait-mirror/strait/integration/kafka"
	"github.com/strait-mirror/strait/pipeline/supervisor"
)

// TestPositionsOfConnect takes a flow over from a connector on Kafka Connect: not
// while that has tasks, and then from where it stopped, each record once.
func TestPositionsOfConnect(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	a, b := kafka.Start(t, kafka.Options{}), kafka.Start(t, kafka.Options{})
	create(ctx, t, a, "t", 3)
	write := func(from, to int) {
		t.Helper()
		var records []*kgo.Record
		for n := from; n < to; n++ {
			records = append(records, &kgo.Record{Topic: "t", Key: fmt.Append(nil, n), Value: fmt.Append(nil, n)})
		}
		if err := a.Client().ProduceSync(ctx, records...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	write(0, 300)
	const name = "a->b.MirrorSourceConnector"
	c := kafka.StartConnect(t, kafka.ConnectOptions{Bootstrap: b.Bootstrap()[0], Group: "workers"})
	if err := c.Put(ctx, name, map[string]string{
		"connector.class": "org.apache.kafka.connect.mirror.MirrorSourceConnector", "name": name,
		"source.cluster.alias": "a", "target.cluster.alias": "b",
		"source.cluster.bootstrap.servers": a.Bootstrap()[0], "target.cluster.bootstrap.servers": b.Bootstrap()[0],
		"topics": "t", "replication.factor": "1", "offset-syncs.topic.replication.factor": "1", "sync.topic.acls.enabled": "false",
		"key.converter": "org.apache.kafka.connect.converters.ByteArrayConverter", "value.converter": "org.apache.kafka.connect.converters.ByteArrayConverter",
	}); err != nil {
		t.Fatal(err)
	}
	theirs, err := position.NewStore(position.Params{Client: b.Client(), SourceAlias: "a", Log: logTo(t), Topic: "workers-offsets", Owner: name, KeepSettings: true})
	if err != nil {
		t.Fatal(err)
	}
	until := func(what string, done func() error) {
		t.Helper()
		if err := until(ctx, done, func(err error) bool { return err == nil }); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	until("the connector has copied all", func() error {
		if err := theirs.Refresh(ctx); err != nil {
			return err
		}
		var n int64
		for _, at := range theirs.All() {
			n += at.Next()
		}
		if n != 300 {
			return fmt.Errorf("positions are at %d", n)
		}
		return nil
	})

	f := model.NewFlow(field.HCL)
	f.Name, f.From, f.To, f.Topics = "a->b", "a", "b", []string{"t"}
	f.Positions = &model.Positions{Topic: "workers-offsets", Connector: name}
	cfg := &model.Config{
		Clusters: []*model.Cluster{{Alias: "a", BootstrapServers: a.Bootstrap()}, {Alias: "b", BootstrapServers: b.Bootstrap()}},
		Flows:    []*model.Flow{f},
	}
	pass := func() error {
		t.Helper()
		s, err := supervisor.New(supervisor.Params{Config: cfg, Log: slog.New(slog.DiscardHandler), Once: true, Timeout: 10 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		return s.Run(ctx)
	}
	err = pass()
	if live, ok := errors.AsType[*position.LiveMirrorMakerError](err); !ok && (err == nil || !strings.Contains(err.Error(), name)) {
		t.Errorf("beside the connector: %v, %v", live, err)
	}
	if err := c.Suspend(ctx, name); err != nil {
		t.Fatal(err)
	}
	ours, err := position.NewStore(position.Params{Client: b.Client(), SourceAlias: "a", Log: logTo(t), Import: &position.Import{Topic: "workers-offsets", Connector: name}})
	if err != nil {
		t.Fatal(err)
	}
	until("the connector has no tasks", func() error {
		short, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		return ours.Open(short)
	})
	write(300, 400)
	if err := pass(); err != nil {
		t.Fatal(err)
	}
	write(400, 450) // another pass imports nothing again
	if err := pass(); err != nil {
		t.Fatal(err)
	}
	source, err := compare.Read(ctx, a.AdminOpts(), "t", compare.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	target, err := compare.Read(ctx, b.AdminOpts(), "a.t", compare.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if r := compare.Diff(source, target, compare.Options{}); r.Err() != nil || r.Source != 450 {
		t.Errorf("%d records: %v", r.Source, r.Err())
	}

	f.Positions = &model.Positions{Topic: "workers-offsets", Connector: "other"}
	f.From, f.Name, cfg.Clusters[0].Alias = "z", "z->b", "z"
	if err := pass(); err == nil || !strings.Contains(err.Error(), `no positions of connector "other" from cluster "z"`) {
		t.Errorf("from a connector that is not there: %v", err)
	}
}
