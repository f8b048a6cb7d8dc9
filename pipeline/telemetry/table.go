package telemetry

import (
	"iter"
	"maps"
	"slices"

	"go.opentelemetry.io/otel/metric"

	"github.com/strait-mirror/strait/pipeline/status"
)

// Metric is one metric of a flow. Its series have the labels flow, source and
// target, and Label where it is set.
type Metric struct {
	Name    string // as OpenTelemetry has it
	Exposed string // as Prometheus has it
	Unit    string // in UCUM
	Doc     string // a sentence
	Counter bool   // else a gauge
	Label   string // beside those of the flow; may be empty

	// read returns values by the value of Label, once under "" where there is none.
	read func(status.Flow) iter.Seq2[string, int64]
}

// Table declares every metric of flows, in the order of the reference page.
func Table() []Metric {
	return []Metric{
		{
			Name: "strait.flow.records", Exposed: "strait_flow_records_total", Unit: "{record}", Counter: true,
			Doc:  "Records that the target acknowledged since the process started.",
			read: one(func(f status.Flow) int64 { return f.Records }),
		},
		{
			Name: "strait.flow.io", Exposed: "strait_flow_io_bytes_total", Unit: "By", Counter: true,
			Doc:  "Bytes of record batches that the target acknowledged, compressed as they were sent.",
			read: one(func(f status.Flow) int64 { return f.Bytes }),
		},
		{
			Name: "strait.flow.skipped.records", Exposed: "strait_flow_skipped_records_total", Unit: "{record}", Counter: true,
			Doc:  "Records that the target refused for good and errors_tolerance let go.",
			read: one(func(f status.Flow) int64 { return f.Skipped }),
		},
		{
			Name: "strait.flow.reencoded.batches", Exposed: "strait_flow_reencoded_batches_total", Unit: "{batch}", Counter: true, Label: "reason",
			Doc:  "Batches that had to be built anew instead of passing through, by reason.",
			read: func(f status.Flow) iter.Seq2[string, int64] { return maps.All(f.Reasons) },
		},
		{
			Name: "strait.flow.lag.records", Exposed: "strait_flow_lag_records", Unit: "{record}",
			Doc:  "Readable offsets of the source that are not on the target. Absent until every partition's place is known.",
			read: lag,
		},
		{
			Name: "strait.flow.topics", Exposed: "strait_flow_topics", Unit: "{topic}",
			Doc:  "Topics that the flow copies.",
			read: one(func(f status.Flow) int64 { return int64(f.Topics) }),
		},
		{
			Name: "strait.flow.partitions", Exposed: "strait_flow_partitions", Unit: "{partition}",
			Doc:  "Partitions of those topics.",
			read: one(func(f status.Flow) int64 { return int64(f.Partitions) }),
		},
		{
			Name: "strait.flow.problems", Exposed: "strait_flow_problems", Unit: "{problem}",
			Doc:  "What keeps parts of the flow from going on, or needs a person's attention.",
			read: one(func(f status.Flow) int64 { return int64(len(f.Problems)) }),
		},
		{
			Name: "strait.flow.state", Exposed: "strait_flow_state", Unit: "{state}", Label: "state",
			Doc:  "1 for the state that the flow is in, 0 for the others.",
			read: states,
		},
	}
}

// instrument makes the metric known to a meter.
func (m Metric) instrument(meter metric.Meter) (metric.Int64Observable, error) {
	if m.Counter {
		return meter.Int64ObservableCounter(m.Name, metric.WithUnit(m.Unit), metric.WithDescription(m.Doc))
	}
	return meter.Int64ObservableGauge(m.Name, metric.WithUnit(m.Unit), metric.WithDescription(m.Doc))
}

func one(value func(status.Flow) int64) func(status.Flow) iter.Seq2[string, int64] {
	return func(f status.Flow) iter.Seq2[string, int64] {
		return func(yield func(string, int64) bool) { yield("", value(f)) }
	}
}

func lag(f status.Flow) iter.Seq2[string, int64] {
	return func(yield func(string, int64) bool) {
		if f.LagRecords != status.UnknownLag {
			yield("", f.LagRecords)
		}
	}
}

func states(f status.Flow) iter.Seq2[string, int64] {
	return func(yield func(string, int64) bool) {
		all := []string{status.Starting, status.Waiting, status.Running, status.Draining, status.Stopped, status.Unhealthy}
		if !slices.Contains(all, f.State) {
			all = append(all, f.State)
		}
		for _, s := range all {
			value := int64(0)
			if s == f.State {
				value = 1
			}
			if !yield(s, value) {
				return
			}
		}
	}
}
