// Package fidelity_test proves the promise that every other one rests on: what
// real brokers hold after Strait mirrored a topic is what the source holds,
// record by record, in every shape that package shapes can write.
//
// It runs whole flows through package supervisor between real clusters and has
// package compare judge the result. Faults are the subject of package faults,
// speed that of package bench.
package fidelity_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/integration/kafka"
	"github.com/strait-mirror/strait/pipeline/status"
	"github.com/strait-mirror/strait/pipeline/supervisor"
)

// limit bounds each part: several times what it takes on a busy machine.
const limit = 3 * time.Minute

// pollEvery is how often a condition is looked at.
const pollEvery = 25 * time.Millisecond

// bounded is a context that ends before the test binary would.
func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

// soak reports whether the heavier variations are wanted.
func soak() bool { return os.Getenv("STRAIT_SOAK") == "1" }

// logTo writes what flows say into the test's output.
func logTo(t *testing.T) *slog.Logger {
	t.Helper()
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// pair is a source and a target.
type pair struct{ source, target *kafka.Cluster }

// alias describes a cluster under a name, as its options ask for it.
func alias(name string, c *kafka.Cluster, o kafka.Options) *model.Cluster {
	m := model.NewCluster(field.HCL)
	m.Alias, m.BootstrapServers = name, c.Bootstrap()
	if pem := c.PEM(); pem.CA != nil {
		m.TLS = &model.TLS{CA: model.NewSecret(string(pem.CA))}
		if o.MTLS {
			m.TLS.Certificate = model.NewSecret(string(pem.ClientCert))
			m.TLS.Key = model.NewSecret(string(pem.ClientKey))
		}
	}
	if o.SASL != "" {
		m.SASL = &model.SASL{Mechanism: o.SASL, Username: "ann", Password: model.NewSecret(o.Users["ann"])}
	}
	return m
}

// flow is a flow with an HCL file's defaults and a quick discovery. Its source
// alias names its positions on the target, so that any number of flows between
// the same two clusters know nothing of each other.
func flow(from, to string, topics []string, edit func(*model.Flow)) *model.Flow {
	f := model.NewFlow(field.HCL)
	f.Name, f.From, f.To = from+"->"+to, from, to
	f.Topics = nil
	for _, t := range topics {
		f.Topics = append(f.Topics, regexp.QuoteMeta(t))
	}
	f.RefreshTopicsInterval = time.Second
	if edit != nil {
		edit(f)
	}
	return f
}

// config joins flows of a pair; every flow's From is another name for its
// source, every To one for its target.
func (p pair) config(flows ...*model.Flow) *model.Config {
	c := &model.Config{Flows: flows}
	for _, f := range flows {
		if c.Cluster(f.From) == nil {
			c.Clusters = append(c.Clusters, alias(f.From, p.source, kafka.Options{}))
		}
		if c.Cluster(f.To) == nil {
			c.Clusters = append(c.Clusters, alias(f.To, p.target, kafka.Options{}))
		}
	}
	return c
}

// tryOnce runs a single pass and returns what became of each flow, by its
// source alias.
func tryOnce(ctx context.Context, t *testing.T, c *model.Config) (map[string]status.Flow, error) {
	t.Helper()
	s, err := supervisor.New(supervisor.Params{Config: c, Log: logTo(t), Once: true, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	err = s.Run(ctx)
	flows := map[string]status.Flow{}
	for _, f := range s.Status().Flows {
		flows[f.From] = f
		t.Logf("%s: %d topics, %d partitions, %d records, %d bytes, re-encoded %v, after %v",
			f.Name, f.Topics, f.Partitions, f.Records, f.Bytes, f.Reasons, time.Since(began).Round(time.Millisecond))
	}
	return flows, err
}

// once is tryOnce for flows that must come to their ends.
func once(ctx context.Context, t *testing.T, c *model.Config) map[string]status.Flow {
	t.Helper()
	flows, err := tryOnce(ctx, t, c)
	if err != nil {
		t.Fatalf("mirroring once: %v", err)
	}
	return flows
}

// running is a topology that runs until it is stopped.
type running struct {
	supervisor *supervisor.Supervisor
	cancel     context.CancelFunc
	ended      chan struct{}
	err        error // once ended is closed
}

// run starts a topology. The test stops it, at the latest in a cleanup.
func run(ctx context.Context, t *testing.T, c *model.Config) *running {
	t.Helper()
	s, err := supervisor.New(supervisor.Params{Config: c, Log: logTo(t)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	r := &running{supervisor: s, cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(r.ended)
		r.err = s.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-r.ended
	})
	return r
}

// stop drains the topology and fails the test if that is not clean.
func (r *running) stop(t *testing.T) {
	t.Helper()
	r.cancel()
	<-r.ended
	if r.err != nil {
		t.Errorf("stopping: %v", r.err)
	}
}

// flow returns the present state of a flow.
func (r *running) flow(from string) status.Flow {
	for _, f := range r.supervisor.Status().Flows {
		if f.From == from {
			return f
		}
	}
	return status.Flow{}
}

// caughtUp waits until a flow has some partitions and nothing left to do.
func (r *running) caughtUp(ctx context.Context, t *testing.T, from string, partitions int) {
	t.Helper()
	await(ctx, t, func() (string, bool) {
		f := r.flow(from)
		if f.Partitions == partitions && f.LagRecords == 0 {
			return "", true
		}
		return "flow " + f.Name + " is " + f.State + ": " + describe(f), false
	})
}

// describe sums a flow up for a failed wait.
func describe(f status.Flow) string {
	return fmt.Sprintf("%d partitions, %d behind, %s%s", f.Partitions, f.LagRecords, f.Cause, describeAll(f))
}

// describeAll lists a flow's problems.
func describeAll(f status.Flow) string {
	var s strings.Builder
	for _, p := range f.Problems {
		fmt.Fprintf(&s, "; %s/%d: %s", p.Topic, p.Partition, p.Summary)
	}
	return s.String()
}

// await polls a condition, which says what it still waits for.
func await(ctx context.Context, t *testing.T, ok func() (string, bool)) {
	t.Helper()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		missing, done := ok()
		if done {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("gave up waiting: %s", missing)
		case <-tick.C:
		}
	}
}

// sorted returns a sorted copy.
func sorted[T cmp.Ordered](s []T) []T { return slices.Sorted(slices.Values(s)) }
