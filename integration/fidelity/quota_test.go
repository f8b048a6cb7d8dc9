package fidelity_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/integration/kafka"
	"github.com/strait-mirror/strait/pipeline/status"
)

// TestQuotas sets quotas on real brokers: status names the cluster whose quota holds
// a flow back, the time is counted for that side alone, and all of it is over with
// the quota. Records are two hours old, which their latency says, too.
func TestQuotas(t *testing.T) {
	kafka.Require(t)
	ctx := bounded(t)
	p := pair{kafka.Start(t, kafka.Options{}), kafka.Start(t, kafka.Options{})}
	for name, tt := range map[string]struct {
		on         *kafka.Cluster
		quota      string
		says       string
		fix        string
		held, free func(status.Flow) status.Traffic
	}{
		"target": {p.target, "producer_byte_rate", `a quota of cluster "target" (producer_byte_rate`, "--entity-name 'strait-produce-source->target' --add-config producer_byte_rate=", produces, fetches},
		"source": {p.source, "consumer_byte_rate", `a quota of cluster "source" (consumer_byte_rate`, "--entity-name 'strait-fetch-source->target' --add-config consumer_byte_rate=", fetches, produces},
	} {
		t.Run("on the "+name, func(t *testing.T) {
			topic := "quota-" + name
			create(ctx, t, p.source, topic, 1)
			const n, old = 4000, 2 * time.Hour
			fill(ctx, t, p.source, topic, n, time.Now().Add(-old))
			quota(ctx, t, tt.on, kadm.AlterClientQuotaOp{Key: tt.quota, Value: 200 << 10})
			c := p.config(flow("source", "target", []string{topic}, nil))
			r := run(ctx, t, c)
			await(ctx, t, func() (string, bool) {
				f := r.flow("source")
				return fmt.Sprintf("status says %v", f.Problems), slices.ContainsFunc(f.Problems, func(p status.Problem) bool {
					return strings.Contains(p.Summary, tt.says) && strings.Contains(p.Fix, tt.fix)
				})
			})
			quota(ctx, t, tt.on, kadm.AlterClientQuotaOp{Key: tt.quota, Remove: true})
			r.caughtUp(ctx, t, "source", 1)
			await(ctx, t, func() (string, bool) {
				f := r.flow("source")
				return fmt.Sprintf("the quota is gone, and status says %v", f.Problems), len(f.Problems) == 0
			})
			f := r.flow("source")
			if held, free := tt.held(f), tt.free(f); held.ThrottledSeconds < 1 || free.ThrottledSeconds > 0 {
				t.Errorf("throttled are %+v, and %+v", held, free)
			}
			if f.Fetch.Requests == 0 || f.Produce.Requests == 0 || f.Fetch.Connections == 0 || f.Produce.Connections == 0 {
				t.Errorf("counted are fetches %+v and produces %+v", f.Fetch, f.Produce)
			}
			if f.ReadRecords < n || f.ReadBytes < n<<10 || f.Records != n {
				t.Errorf("%d records of %d bytes were read, %d copied", f.ReadRecords, f.ReadBytes, f.Records)
			}
			aged(t, "age", f.RecordAge, n, old, 0)
			aged(t, "replication latency", f.ReplicationLatency, n, old, 0)
			aged(t, "transfer", f.Transfer, n, 0, old)
			r.stop(t)
		})
	}
}

func produces(f status.Flow) status.Traffic { return f.Produce }
func fetches(f status.Flow) status.Traffic  { return f.Fetch }

// aged checks that records took at least, and fewer than at most where there is one.
func aged(t *testing.T, what string, h status.Histogram, n uint64, least, most time.Duration) {
	t.Helper()
	var count, outside uint64
	for i, c := range h.Counts {
		count += c
		above, below := 0.0, most.Seconds()+1
		if i > 0 {
			above = h.Bounds[i-1]
		}
		if i < len(h.Bounds) {
			below = h.Bounds[i]
		}
		if below < least.Seconds() || most > 0 && above > most.Seconds() {
			outside += c
		}
	}
	if count != n || outside > 0 || h.Sum < float64(n)*least.Seconds() {
		t.Errorf("%s counts %d records, %d of them elsewhere: %+v", what, count, outside, h)
	}
}

// fill writes records of a kilobyte that were made at one time.
func fill(ctx context.Context, t *testing.T, c *kafka.Cluster, topic string, n int, made time.Time) {
	t.Helper()
	cl, err := kgo.NewClient(append(c.AdminOpts(), kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerBatchMaxBytes(32<<10))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	records := make([]*kgo.Record, n)
	for i := range records {
		records[i] = &kgo.Record{Topic: topic, Value: make([]byte, 1<<10), Timestamp: made}
	}
	if err := cl.ProduceSync(ctx, records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// quota sets or removes a quota of every client of a cluster that has none of its own.
func quota(ctx context.Context, t *testing.T, c *kafka.Cluster, op kadm.AlterClientQuotaOp) {
	t.Helper()
	entity := kadm.ClientQuotaEntity{{Type: "client-id"}}
	altered, err := c.Admin().AlterClientQuotas(ctx, []kadm.AlterClientQuotaEntry{{Entity: entity, Ops: []kadm.AlterClientQuotaOp{op}}})
	if err == nil && altered[0].Err != nil {
		err = altered[0].Err
	}
	if err != nil {
		t.Fatal(err)
	}
}
