package mirror

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
)

// TestUnexpectedClusterIsLeftAlone starts a flow one of whose clusters is not the
// one that was meant.
func TestUnexpectedClusterIsLeftAlone(t *testing.T) {
	tests := map[string]struct {
		source, target string // expect_cluster_id
		want           string // of the error
	}{
		"both as expected": {"cluster-0", "cluster-1", ""},
		"another source":   {"cluster-9", "cluster-1", `cluster "a"`},
		"another target":   {"", "cluster-0", `cluster "b"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newTwo(t)
			w.create(t, "t", 1)
			w.produce(t, "t", "1")
			log := slog.New(slog.DiscardHandler)
			connect := func(alias, expected string, k *kfake.Cluster) *cluster.Cluster {
				m := model.NewCluster(field.HCL)
				m.Alias, m.BootstrapServers, m.ExpectClusterID = alias, k.ListenAddrs(), expected
				c, err := cluster.New(cluster.Params{Config: m, Log: log})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(c.Close)
				return c
			}
			def := model.NewFlow(field.HCL)
			def.Name, def.From, def.To = "a->b", "a", "b"
			def.ReplicationPolicy = model.PolicyIdentity // guarded: it writes to the target before any record
			timeout := 10 * time.Second
			if tt.want != "" {
				timeout = 300 * time.Millisecond
			}
			f, err := New(Params{
				Flow: def, Source: connect("a", tt.source, w.source), Target: connect("b", tt.target, w.target),
				Budget: NewBudget(8 << 20), Log: log, Once: true, Timeout: timeout, DrainTimeout: 10 * time.Second,
			})
			if err != nil {
				t.Fatal(err)
			}
			err = f.Run(t.Context())
			topics, asked := kadm.NewClient(w.client[w.target]).ListTopics(t.Context())
			if asked != nil {
				t.Fatal(asked)
			}
			if tt.want == "" {
				if err != nil || len(topics) == 0 {
					t.Errorf("%v, topics of the target: %v", err, topics.Names())
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "expect_cluster_id") {
				t.Errorf("the flow ended with %v", err)
			}
			if len(topics) > 0 {
				t.Errorf("the target has topics: %v", topics.Names())
			}
		})
	}
}
