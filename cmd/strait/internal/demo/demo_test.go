package demo

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/cmd/strait/internal/engine"
	"github.com/strait-mirror/strait/cmd/strait/internal/view"
	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
)

// activeActive is the topology of the shipped example, without reading it.
func activeActive(_ []string, env func(string) (string, bool), _ *diag.Sources) (*model.Config, diag.List) {
	west, _ := env("WEST_BROKERS")
	east, _ := env("EAST_BROKERS")
	flow := func(from, to string, topics ...string) *model.Flow {
		return &model.Flow{
			Name: from + "->" + to, From: from, To: to, Enabled: true, Topics: topics,
			ReplicationPolicy: model.PolicyDefault, ReplicationPolicySeparator: ".",
		}
	}
	return &model.Config{
		Clusters: []*model.Cluster{
			{Alias: "west", BootstrapServers: []string{west}},
			{Alias: "east", BootstrapServers: []string{east}},
		},
		Flows: []*model.Flow{
			flow("west", "east", "orders", "payments", "customers"),
			flow("east", "west", "orders", "clicks"),
		},
	}, nil
}

func intact(*model.Flow, *kgo.Record) bool { return true }

// play runs the demo with a copier and returns what it printed.
func play(t *testing.T, ctx context.Context, p Params, damage func(*model.Flow, *kgo.Record) bool) (string, error) {
	t.Helper()
	var out bytes.Buffer
	p.Load = activeActive
	p.anyCodec = true
	p.Make = func(ep engine.Params) (engine.Engine, error) {
		createTargets(t, ep.Config)
		return &copier{p: ep, damage: damage}, nil
	}
	p.Log = slog.New(slog.DiscardHandler)
	p.View = view.New(view.Params{Out: &out, Err: &out})
	err := Run(ctx, p)
	return out.String(), err
}

// createTargets makes the topics that a real engine would make.
func createTargets(t *testing.T, cfg *model.Config) {
	t.Helper()
	west, east := workload()
	streams := map[string][]stream{"west": west, "east": east}
	for _, f := range cfg.Flows {
		client, err := kgo.NewClient(kgo.SeedBrokers(cfg.Cluster(f.To).BootstrapServers...))
		if err != nil {
			t.Fatal(err)
		}
		for _, st := range streams[f.From] {
			if _, err := kadm.NewClient(client).CreateTopic(t.Context(), st.partitions, 1, nil, f.From+"."+st.topic); err != nil {
				t.Fatal(err)
			}
		}
		client.Close()
	}
}

func TestDemoOnceFindsIdenticalTopics(t *testing.T) {
	out, err := play(t, t.Context(), Params{Records: 400, Once: true}, intact)
	if err != nil {
		t.Fatalf("err = %v\n%s", err, out)
	}
	for _, want := range []string{"Wrote 400 records", "west/payments", "east/west.payments", "Identical. 392 records", "8 records of aborted"} {
		if !strings.Contains(out, want) {
			t.Errorf("output lacks %q:\n%s", want, out)
		}
	}
}

func TestDemoLiveStopsWhenInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var seen atomic.Int64
	out, err := play(t, ctx, Params{Duration: time.Hour}, func(*model.Flow, *kgo.Record) bool {
		if seen.Add(1) == 300 {
			cancel()
		}
		return true
	})
	if err != nil {
		t.Fatalf("err = %v\n%s", err, out)
	}
	if !strings.Contains(out, "Identical.") {
		t.Errorf("no verdict after an interrupt:\n%s", out)
	}
}

func TestDemoFindsDamage(t *testing.T) {
	tests := map[string]struct {
		damage func(r *kgo.Record) (keep bool)
		want   string
	}{
		"lost":             {func(r *kgo.Record) bool { return r.Offset != 3 }, "key differs\n    source \"order-"},
		"lost at the end":  {func(r *kgo.Record) bool { return r.Offset < 3 }, "missing from source offset 3"},
		"value":            {func(r *kgo.Record) bool { r.Value = []byte("x"); return true }, "    target \"x\"\n"},
		"null not empty":   {func(r *kgo.Record) bool { r.Headers[0].Value = nil; return true }, "    target [trace-id=null"},
		"header order":     {func(r *kgo.Record) bool { slices.Reverse(r.Headers); return true }, "    target [hop="},
		"time":             {func(r *kgo.Record) bool { r.Timestamp = r.Timestamp.Add(time.Millisecond); return true }, "timestamp differs\n"},
		"nothing at all":   {func(*kgo.Record) bool { return false }, "ends after 0 records"},
		"unchanged fields": {func(r *kgo.Record) bool { r.Key = append([]byte{}, r.Key...); return true }, "Identical."},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := play(t, t.Context(), Params{Records: 300, Once: true}, func(f *model.Flow, r *kgo.Record) bool {
				return f.From != "west" || r.Topic != "orders" || test.damage(r)
			})
			if !strings.Contains(out, test.want) {
				t.Errorf("output lacks %q:\n%s", test.want, out)
			}
			if identical := strings.Contains(out, "Identical."); identical == errors.Is(err, ErrDifferent) {
				t.Errorf("err = %v with the verdict\n%s", err, out)
			}
		})
	}
}

func TestDifferSeesCompression(t *testing.T) {
	record := func(codec kgo.CompressionCodecType) *kgo.Record {
		return &kgo.Record{Attrs: kgo.NewRecordAttrs(kgo.RecordAttrsOpts{Codec: codec})}
	}
	if d := differ(record(3), record(0), false); d != "compression differs\n    source lz4\n    target none" {
		t.Errorf("difference = %q", d)
	}
	if d := differ(record(4), record(4), false); d != "" {
		t.Errorf("difference = %q for equal records", d)
	}
}

func TestQuotasAddUp(t *testing.T) {
	west, east := workload()
	sides := []*side{{streams: west}, {streams: east}}
	for _, records := range []int64{1, 7, 99, 200, 12_345} {
		sum := int64(0)
		for i, s := range sides {
			for j := range s.streams {
				sum += quota(records, i, j, sides)
			}
		}
		if sum != records {
			t.Errorf("quotas of %d records add up to %d", records, sum)
		}
	}
}
