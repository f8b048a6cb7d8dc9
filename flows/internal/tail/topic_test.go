package tail_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/tail"
	"github.com/strait-mirror/strait/flows/reconcile"
)

// TestEnsure is conformance items 70 and 71: a topic that is there, or that this user
// may not create, is taken to be there; any other refusal is an error with its cause.
func TestEnsure(t *testing.T) {
	tests := map[string]struct{ refused, want *kerr.Error }{
		"created":              {},
		"there":                {refused: kerr.TopicAlreadyExists},
		"not by this user":     {refused: kerr.ClusterAuthorizationFailed},
		"not under this name":  {refused: kerr.TopicAuthorizationFailed},
		"not by this broker":   {refused: kerr.UnsupportedVersion},
		"not with its setting": {refused: kerr.InvalidConfig, want: kerr.InvalidConfig},
		"not in time":          {refused: kerr.RequestTimedOut, want: kerr.RequestTimedOut},
		"not by a policy":      {refused: kerr.PolicyViolation, want: kerr.PolicyViolation},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broker, err := kfake.NewCluster(kfake.NumBrokers(1))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(broker.Close)
			if tt.refused != nil {
				broker.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Err: tt.refused, Count: -1})
			}
			def := model.NewCluster(field.HCL)
			def.Alias, def.BootstrapServers = "b", broker.ListenAddrs()
			on, err := cluster.New(cluster.Params{Config: def, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(on.Close)
			topic := tail.NewTopic(on, "known.internal", "what is known", -1)
			l, err := reconcile.New(reconcile.Params{
				Name: "test", Interval: time.Hour, Log: slog.New(slog.DiscardHandler),
				Do: func(ctx context.Context, pass *reconcile.Pass) error { return topic.Ensure(ctx, pass) },
			})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := l.Once(ctx); (err != nil) != (tt.want != nil) || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if there := broker.TopicInfo("known.internal") != nil; tt.refused == nil && !there {
				t.Error("the topic is not there")
			}
		})
	}
}
