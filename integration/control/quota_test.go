package control_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/integration/kafka"
	"github.com/strait-mirror/strait/pipeline/status"
	"github.com/strait-mirror/strait/pipeline/supervisor"
)

// TestQuotas has either cluster hold the flow back by a quota of its client: all is
// copied, and as long as it lasts the status says which cluster, and whose quota.
func TestQuotas(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	a, b := kafka.Start(t, kafka.Options{}), kafka.Start(t, kafka.Options{})
	clusters := map[string]*kafka.Cluster{"a": a, "b": b}
	for _, tt := range []struct {
		topic, cluster, client, quota, does string
		throttled                           func(status.Flow) float64
	}{
		{"written", "b", "strait-produce-a->b", "producer_byte_rate", "writing to", func(f status.Flow) float64 { return f.ProduceThrottledSeconds }},
		{"read", "a", "strait-fetch-a->b", "consumer_byte_rate", "reading from", func(f status.Flow) float64 { return f.FetchThrottledSeconds }},
	} {
		create(ctx, t, a, tt.topic, 1)
		const records = 40 // two megabytes
		for range records {
			value := make([]byte, 50_000)
			_, _ = rand.Read(value) // never fails; such bytes cannot be compressed
			if err := a.Client().ProduceSync(ctx, &kgo.Record{Topic: tt.topic, Value: value}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		limit := func(remove bool) {
			t.Helper()
			entry := kmsg.NewAlterClientQuotasRequestEntry()
			entity := kmsg.NewAlterClientQuotasRequestEntryEntity()
			entity.Type, entity.Name = "client-id", new(tt.client)
			op := kmsg.NewAlterClientQuotasRequestEntryOp()
			op.Key, op.Value, op.Remove = tt.quota, 60_000, remove // over eleven seconds, as brokers count
			entry.Entity, entry.Ops = append(entry.Entity, entity), append(entry.Ops, op)
			req := kmsg.NewPtrAlterClientQuotasRequest()
			req.Entries = append(req.Entries, entry)
			resp, err := req.RequestWith(ctx, clusters[tt.cluster].Client())
			if err != nil || resp.Entries[0].ErrorCode != 0 {
				t.Fatal(err, resp)
			}
		}
		limit(false)
		cfg := properties(t, "a->b.enabled = true\nemit.heartbeats.enabled = false\nreplication.factor = 1\ntopics = "+tt.topic+"\n", clusters)
		s := strait(t, cfg)
		flow := func(s *supervisor.Supervisor) status.Flow { return s.Status().Flows[0] }
		named := func() bool {
			for _, p := range flow(s).Problems {
				if strings.Contains(p.Summary, `a quota of cluster "`+tt.cluster+`" (`+tt.quota) && strings.Contains(p.Summary, tt.does) &&
					strings.Contains(p.Fix, "--entity-name '"+tt.client+"' --add-config "+tt.quota) {
					return true
				}
			}
			return false
		}
		if !wait(ctx, named) {
			t.Fatalf("%s: problems are\n%s", tt.topic, problems(s))
		}
		if n := tt.throttled(flow(s)); n <= 0 {
			t.Errorf("%s: %v seconds are counted", tt.topic, n)
		}
		limit(true)
		if !wait(ctx, func() bool { st := flow(s); return st.Records == records && len(st.Problems) == 0 }) {
			t.Fatalf("%s: %d records; problems are\n%s", tt.topic, flow(s).Records, problems(s))
		}
		values(ctx, t, a, b, tt.topic, 0)
	}
}
