package browser_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/pipeline/dashboard"
	"github.com/strait-mirror/strait/pipeline/events"
	"github.com/strait-mirror/strait/pipeline/graph"
	"github.com/strait-mirror/strait/pipeline/httpapi"
	"github.com/strait-mirror/strait/pipeline/status"
)

// world is a made-up topology that moves with time, behind the real API.
type world struct {
	cfg   *model.Config
	began time.Time
	base  string
	log   *slog.Logger

	mu    sync.Mutex // guards what follows
	flows []status.Flow
	edit  status.Reload
}

const token = "s3cret"

// serve answers for a world until the test ends.
func (w *world) serve(t *testing.T) {
	t.Helper()
	w.began = time.Now().Add(-3 * time.Hour)
	w.edit = status.Reload{Revision: 4, Applied: w.began, Successful: true}
	var ring events.Ring
	w.log = slog.New(ring.Handler(slog.DiscardHandler))
	w.log.Info("control plane changed", "flow", w.flows[0].Name, "kind", "topic config set", "cluster", "dr", "object", `topic "berlin.orders" retention.ms`, "before", "604800000", "after", "259200000")
	w.log.Info("control plane changed", "flow", w.flows[0].Name, "kind", "topic created", "cluster", "dr", "object", `topic "berlin.invoices"`, "before", "", "after", "partitions=12 replication_factor=3")
	w.log.Warn("cluster not usable yet, waiting", "flow", "berlin->archive", "cluster", "archive", "err", `cluster "archive" at archive-1:9092: nothing listens there`, "fix", "start the broker, or correct the port")
	w.log.Info("edit applied", "revision", "4", "plan", "update live: 1")
	s := httptest.NewServer(httpapi.API(httpapi.APIParams{
		Access: httpapi.Access{Local: true, Token: token}, Version: "1.0.0", Started: w.began, Log: w.log,
		Status: w.status, Partitions: w.partitions, Events: ring.Since, Dashboard: dashboard.Handler(),
		Graph: func() *graph.Graph { return graph.New(w.cfg, graph.NewKey()) },
		Reload: func(context.Context) (status.Reload, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.edit.Revision++
			return w.edit, nil
		},
	}))
	t.Cleanup(s.Close)
	w.base = s.URL
}

// status lets rates wave, and counts what they make.
func (w *world) status() status.Snapshot {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	flows := slices.Clone(w.flows)
	for i := range flows {
		f := &flows[i]
		f.RecordRate *= 1 + 0.2*math.Sin(float64(now.UnixMilli())/3000+float64(i))
		f.ByteRate = f.RecordRate * 412
		f.Records += int64(f.RecordRate * now.Sub(w.began).Seconds())
		f.Bytes = f.Records * 412
		if f.LagRecords > 0 {
			f.LagRecords += int64(float64(f.LagRecords) * 0.1 * math.Sin(float64(now.UnixMilli())/2000))
		}
	}
	edit := w.edit
	return status.Snapshot{FormatVersion: 1, Time: now, Flows: flows, Reload: &edit}
}

// change edits one flow.
func (w *world) change(name string, edit func(*status.Flow)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.flows {
		if w.flows[i].Name == name {
			edit(&w.flows[i])
		}
	}
}

func (w *world) partitions(want func(string) bool) []status.Partition {
	var list []status.Partition
	for _, f := range w.status().Flows {
		if !want(f.Name) || f.State == status.Waiting {
			continue
		}
		for i := range f.Partitions {
			topic := fmt.Sprintf("%s.%s", []string{"orders", "payments", "customers", "invoices", "clicks", "audit"}[i%min(f.Topics, 6)], "v1")
			p := status.Partition{
				Flow: f.Name, Topic: topic, Partition: int32(i / min(f.Topics, 6)), TargetTopic: f.From + "." + topic, TargetPartition: int32(i / min(f.Topics, 6)),
				State: status.Running, Position: f.Records / int64(f.Partitions), Target: f.Records / int64(f.Partitions), Records: f.Records / int64(f.Partitions), Bytes: f.Bytes,
				LagRecords: f.LagRecords / int64(f.Partitions) * int64(i%4), LagSeconds: f.LagSeconds * float64(i%4) / 3, Headroom: int64(900_000 - 1000*i),
			}
			p.End, p.Start = p.Position+p.LagRecords, max(0, p.Position-p.Headroom)
			if i == 3 && f.State == status.Unhealthy {
				p.State, p.Cause = status.Unhealthy, f.Problems[0].Summary
			}
			list = append(list, p)
		}
	}
	return list
}

// region is a topology of a few clusters with something wrong.
func region() *world {
	since := time.Now().Add(-7 * time.Minute)
	w := &world{cfg: &model.Config{}}
	for _, alias := range []string{"berlin", "paris", "madrid", "dr", "archive"} {
		w.cfg.Clusters = append(w.cfg.Clusters, &model.Cluster{Alias: alias, BootstrapServers: []string{alias + "-1:9092", alias + "-2:9092"}})
	}
	add := func(from, to string, rate float64, f status.Flow) {
		f.Name, f.From, f.To, f.RecordRate = from+"->"+to, from, to, rate
		if f.State == "" {
			f.State, f.Topics, f.Partitions = status.Running, 6, 48
		}
		w.flows = append(w.flows, f)
		w.cfg.Flows = append(w.cfg.Flows, &model.Flow{Name: f.Name, From: from, To: to, Enabled: true, Topics: []string{`orders.*`, "payments"}, ReplicationPolicy: model.PolicyDefault, ReplicationPolicySeparator: "."})
	}
	add("berlin", "dr", 41_200, status.Flow{LagRecords: 120, LagSeconds: 0.1})
	add("paris", "dr", 18_300, status.Flow{LagRecords: 3})
	add("madrid", "dr", 9_700, status.Flow{
		State: status.Unhealthy, Topics: 6, Partitions: 36, LagRecords: 184_000, LagSeconds: 418,
		Cause: `topic "orders.v1" partition 0: the target refuses records of 2.1 MB`,
		Problems: []status.Problem{{
			Topic: "orders.v1", Partition: 0, Summary: "the target refuses records of 2.1 MB", Since: since,
			Fix: "kafka-configs.sh --alter --entity-type topics --entity-name madrid.orders.v1 --add-config max.message.bytes=4194304",
		}},
	})
	add("dr", "berlin", 640, status.Flow{LagRecords: 0})
	add("berlin", "archive", 0, status.Flow{State: status.Waiting, LagRecords: -1, Cause: `cluster "archive" at archive-1:9092: nothing listens there (connection refused); is the broker running, and is the port right?`})
	return w
}

// hub is a thousand flows from as many clusters into one.
func hub(n int) *world {
	w := &world{cfg: &model.Config{Clusters: []*model.Cluster{{Alias: "hub", BootstrapServers: []string{"hub:9092"}}}}}
	for i := range n {
		alias := fmt.Sprintf("shop-%04d", i)
		f := status.Flow{Name: alias + "->hub", From: alias, To: "hub", State: status.Running, Topics: 4, Partitions: 12, RecordRate: float64(i % 70), LagRecords: int64(i % 9)}
		if i%250 == 7 {
			f.State, f.Cause, f.LagRecords = status.Waiting, fmt.Sprintf("cluster %q does not answer", alias), -1
		}
		w.flows = append(w.flows, f)
		w.cfg.Clusters = append(w.cfg.Clusters, &model.Cluster{Alias: alias, BootstrapServers: []string{alias + ":9092"}})
		w.cfg.Flows = append(w.cfg.Flows, &model.Flow{Name: f.Name, From: alias, To: "hub", Enabled: true, Topics: []string{".*"}, ReplicationPolicy: model.PolicyDefault, ReplicationPolicySeparator: "."})
	}
	return w
}

// local reports whether an address is of the world's server.
func (w *world) local(address string) bool {
	return strings.HasPrefix(address, w.base+"/") || address == "about:blank" || strings.HasPrefix(address, "data:")
}
