package supervisor

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
)

// TestUnexpectedTargetGetsNoHeartbeats runs a flow and a pair that only sends
// heartbeats to a cluster that is not the one that was meant, and to one that is.
func TestUnexpectedTargetGetsNoHeartbeats(t *testing.T) {
	for name, expected := range map[string]string{"as expected": "the-id", "another": "another-id"} {
		t.Run(name, func(t *testing.T) {
			fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ClusterID("the-id"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(fake.Close)
			cfg := &model.Config{}
			for alias, id := range map[string]string{"a": "", "b": expected} {
				c := model.NewCluster(field.HCL)
				c.Alias, c.BootstrapServers, c.ExpectClusterID = alias, fake.ListenAddrs(), id
				cfg.Clusters = append(cfg.Clusters, c)
			}
			f := model.NewFlow(field.HCL)
			f.Name, f.From, f.To, f.Topics = "a->b", "a", "b", []string{"nothing"}
			cfg.Flows = append(cfg.Flows, f)
			s, err := New(Params{Config: cfg, Log: slog.New(slog.DiscardHandler), DrainTimeout: time.Second})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- s.Run(ctx) }()
			heartbeats := func() bool { return fake.TopicInfo("heartbeats") != nil }
			tick := time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
			deadline := time.After(20 * time.Second)
			for waiting := true; waiting; {
				select {
				case <-deadline:
					t.Fatal("nothing happened")
				case <-tick.C:
				}
				if expected == "the-id" {
					waiting = !heartbeats()
				} else {
					waiting = s.Status().Flows[0].Cause == ""
				}
			}
			if expected != "the-id" && heartbeats() {
				t.Error("heartbeats were sent")
			}
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}
