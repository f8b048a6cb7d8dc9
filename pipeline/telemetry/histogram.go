package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/strait-mirror/strait/pipeline/status"
)

// Distribution is a histogram of flows. Its series have the labels flow, source
// and target.
type Distribution struct {
	Name    string // as OpenTelemetry has it
	Exposed string // as Prometheus has it, without what it adds for buckets, sum and count
	Doc     string // a sentence

	read func(status.Flow) status.Histogram // in seconds
}

// Distributions declares the histograms of flows.
func Distributions() []Distribution {
	return []Distribution{
		{
			Name: "strait.flow.record.age", Exposed: "strait_flow_record_age_seconds",
			Doc:  "From a record's timestamp until it was fetched; records of one batch count with the timestamp of the newest.",
			read: func(f status.Flow) status.Histogram { return f.RecordAge },
		},
		{
			Name: "strait.flow.replication.latency", Exposed: "strait_flow_replication_latency_seconds",
			Doc:  "From a record's timestamp until the target acknowledged it; records of one batch count with the timestamp of the newest.",
			read: func(f status.Flow) status.Histogram { return f.ReplicationLatency },
		},
		{
			Name: "strait.flow.transfer", Exposed: "strait_flow_transfer_seconds",
			Doc:  "From when a record was fetched until the target acknowledged it: what of its latency is Strait's and the target's.",
			read: func(f status.Flow) status.Histogram { return f.Transfer },
		},
	}
}

// Produce implements metric.Producer of OpenTelemetry, whose own histograms are told
// of each measurement: these have been counted already. It is called after the
// callbacks of the same reading.
func (m *Metrics) Produce(context.Context) ([]metricdata.ScopeMetrics, error) {
	now := m.last.Load()
	if now == nil {
		return nil, nil
	}
	var list []metricdata.Metrics
	for _, d := range Distributions() {
		data := metricdata.Histogram[float64]{Temporality: metricdata.CumulativeTemporality}
		for _, f := range now.Flows {
			if h := d.read(f); h.Counts != nil {
				data.DataPoints = append(data.DataPoints, m.point(f, h))
			}
		}
		if len(data.DataPoints) > 0 {
			list = append(list, metricdata.Metrics{Name: d.Name, Description: d.Doc, Unit: "s", Data: data})
		}
	}
	return []metricdata.ScopeMetrics{{Scope: instrumentation.Scope{Name: scope}, Metrics: list}}, nil
}

func (m *Metrics) point(f status.Flow, h status.Histogram) metricdata.HistogramDataPoint[float64] {
	p := metricdata.HistogramDataPoint[float64]{
		Attributes: attribute.NewSet(labels(f)...), StartTime: m.began, Time: time.Now(),
		Bounds: h.Bounds, BucketCounts: h.Counts, Sum: h.Sum,
	}
	for _, n := range h.Counts {
		p.Count += n
	}
	return p
}
