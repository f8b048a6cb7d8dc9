package control_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/integration/kafka"
	"github.com/strait-mirror/strait/pipeline/supervisor"
)

// TestDeletedTopics deletes two topics under a running flow: the copy of one goes
// when its time is over, which status says; that of the other, to which somebody has
// written, stays.
func TestDeletedTopics(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	a, b := kafka.Start(t, kafka.Options{}), kafka.Start(t, kafka.Options{})
	topics := []string{"t-gone", "t-used", "t-left"}
	for _, topic := range topics {
		create(ctx, t, a, topic, 3)
		for n := range 30 {
			if err := a.Client().ProduceSync(ctx, &kgo.Record{Topic: topic, Key: fmt.Append(nil, n), Value: []byte("v")}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	f := model.NewFlow(field.HCL)
	f.Name, f.From, f.To, f.Topics, f.RefreshTopicsInterval = "a->b", "a", "b", []string{"t-.*"}, time.Second
	f.Control.DeleteTopicsEnabled, f.Control.DeleteTopicsAfter = true, 10*time.Second
	s, err := supervisor.New(supervisor.Params{
		Config: &model.Config{
			Clusters: []*model.Cluster{{Alias: "a", BootstrapServers: a.Bootstrap()}, {Alias: "b", BootstrapServers: b.Bootstrap()}},
			Flows:    []*model.Flow{f},
		},
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(running) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("stopping: %v", err)
		}
	}()
	wait := func(what string, done func() error) {
		t.Helper()
		if err := until(ctx, done, func(err error) bool { return err == nil }); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	wait("all is copied", func() error {
		for _, topic := range topics {
			ends, err := b.Admin().ListEndOffsets(ctx, "a."+topic)
			if err != nil {
				return err
			}
			var n int64
			for _, o := range ends["a."+topic] {
				n += o.Offset
			}
			if n != 30 {
				return fmt.Errorf("%s has %d records", topic, n)
			}
		}
		return nil
	})
	says := func(text string) func() error {
		return func() error {
			var all []string
			for _, flow := range s.Status().Flows {
				for _, p := range flow.Problems {
					all = append(all, p.Summary)
				}
			}
			if !strings.Contains(strings.Join(all, "\n"), text) {
				return fmt.Errorf("status has %q", all)
			}
			return nil
		}
	}
	if err := b.Client().ProduceSync(ctx, &kgo.Record{Topic: "a.t-used", Value: []byte("somebody's")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if _, err := a.Admin().DeleteTopics(ctx, "t-gone", "t-used"); err != nil {
		t.Fatal(err)
	}
	wait("the time is shown", says(`deletion of topics: source topic "t-gone" is gone: its copy "a.t-gone" is deleted at `))
	wait("what is used is kept", says(`deletion of topics: source topic "t-used" is gone, its copy "a.t-used" is kept: partition `))
	wait("the copy is deleted", func() error {
		there, err := b.Admin().ListTopics(ctx)
		if err != nil {
			return err
		}
		if there.Has("a.t-gone") {
			return fmt.Errorf("there are %v", there.Names())
		}
		if !there.Has("a.t-used") || !there.Has("a.t-left") {
			t.Errorf("there are %v only", there.Names())
		}
		return nil
	})
	if took := time.Since(began); took < 10*time.Second {
		t.Errorf("the copy was deleted after %v", took)
	}
}
