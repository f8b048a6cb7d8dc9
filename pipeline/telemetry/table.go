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
	read func(status.Flow) iter.Seq2[string, float64]

	whole func(status.Snapshot) (value float64, known bool) // of the process instead; nil: of flows

	each func(status.Partition) (value float64, known bool) // of partitions instead
}

// Partitions declares the metrics of partitions, which are there where
// partition_labels asks for them. Their series have the labels of flows; source_topic and
// partition, of the source; and topic, as the target calls it.
func Partitions() []Metric {
	known := func(n int64) (float64, bool) { return float64(n), n >= 0 }
	return []Metric{
		{
			Name: "strait.partition.records", Exposed: "strait_partition_records_total", Unit: "{record}", Counter: true,
			Doc:  "Records of the partition that the target acknowledged since the partition was started.",
			each: func(p status.Partition) (float64, bool) { return float64(p.Records), true },
		},
		{
			Name: "strait.partition.io", Exposed: "strait_partition_io_bytes_total", Unit: "By", Counter: true,
			Doc:  "Bytes of record batches of the partition that the target acknowledged since the partition was started.",
			each: func(p status.Partition) (float64, bool) { return float64(p.Bytes), true },
		},
		{
			Name: "strait.partition.lag.records", Exposed: "strait_partition_lag_records", Unit: "{record}",
			Doc:  "Readable offsets of the partition that are not on the target. Absent until its place is known.",
			each: func(p status.Partition) (float64, bool) { return known(p.LagRecords) },
		},
		{
			Name: "strait.partition.lag", Exposed: "strait_partition_lag_seconds", Unit: "s",
			Doc:  "For how long the oldest readable record of the partition that is not on the target has been readable.",
			each: func(p status.Partition) (float64, bool) { return p.LagSeconds, p.LagRecords >= 0 },
		},
		{
			Name: "strait.partition.headroom.records", Exposed: "strait_partition_headroom_records", Unit: "{record}",
			Doc:  "Offsets that retention may still remove from the source before it takes one of the partition that was not copied.",
			each: func(p status.Partition) (float64, bool) { return known(p.Headroom) },
		},
	}
}

// Process declares the metrics that are no flow's, and have no labels. Those of
// edits are there while edits of the topology are looked for.
func Process() []Metric {
	return slices.Concat(reloads(), []Metric{
		{
			Name: "strait.buffer", Exposed: "strait_buffer_bytes", Unit: "By",
			Doc:   "Bytes of records that are held from before they are fetched until the target acknowledged them.",
			whole: func(s status.Snapshot) (float64, bool) { return float64(s.Buffer.Used), true },
		},
		{
			Name: "strait.buffer.limit", Exposed: "strait_buffer_limit_bytes", Unit: "By",
			Doc:   "How many there may be: buffer_memory. At that, nothing is fetched until the target acknowledges.",
			whole: func(s status.Snapshot) (float64, bool) { return float64(s.Buffer.Limit), true },
		},
	})
}

// reloads declares the metrics of edits.
func reloads() []Metric {
	of := func(value func(status.Reload) float64) func(status.Snapshot) (float64, bool) {
		return func(s status.Snapshot) (float64, bool) {
			if s.Reload == nil {
				return 0, false
			}
			return value(*s.Reload), true
		}
	}
	return []Metric{
		{
			Name: "strait.config.last_reload.successful", Exposed: "strait_config_last_reload_successful",
			Doc: "1 while the topology runs as its files say, 0 while the last edit is refused.",
			whole: of(func(r status.Reload) float64 {
				if r.Successful {
					return 1
				}
				return 0
			}),
		},
		{
			Name: "strait.config.last_reload.success.timestamp", Exposed: "strait_config_last_reload_success_timestamp_seconds", Unit: "s",
			Doc:   "When the topology that runs began to, in seconds since 1970.",
			whole: of(func(r status.Reload) float64 { return float64(r.Applied.UnixMilli()) / 1000 }),
		},
		{
			Name: "strait.config.revision", Exposed: "strait_config_revision", Unit: "{revision}",
			Doc:   "1 at the start, and one more with each edit that changed what runs.",
			whole: of(func(r status.Reload) float64 { return float64(r.Revision) }),
		},
	}
}

// Table declares every metric of flows, in the order of the reference page.
func Table() []Metric {
	return slices.Concat(copied(), stages(), traffic(), condition(), groups())
}

// copied declares the metrics of what was copied, what was not, and what is to be.
func copied() []Metric {
	return []Metric{
		{
			Name: "strait.flow.records", Exposed: "strait_flow_records_total", Unit: "{record}", Counter: true,
			Doc:  "Records that the target acknowledged since the process started.",
			read: one(func(f status.Flow) float64 { return float64(f.Records) }),
		},
		{
			Name: "strait.flow.io", Exposed: "strait_flow_io_bytes_total", Unit: "By", Counter: true,
			Doc:  "Bytes of record batches that the target acknowledged, compressed as they were sent.",
			read: one(func(f status.Flow) float64 { return float64(f.Bytes) }),
		},
		{
			Name: "strait.flow.skipped.records", Exposed: "strait_flow_skipped_records_total", Unit: "{record}", Counter: true,
			Doc:  "Records that the target refused for good and errors_tolerance let go.",
			read: one(func(f status.Flow) float64 { return float64(f.Skipped) }),
		},
		{
			Name: "strait.flow.filtered.records", Exposed: "strait_flow_filtered_records_total", Unit: "{record}", Counter: true,
			Doc:  "Records that stages dropped.",
			read: one(func(f status.Flow) float64 { return float64(f.Filtered) }),
		},
		{
			Name: "strait.flow.dead_letter.records", Exposed: "strait_flow_dead_letter_records_total", Unit: "{record}", Counter: true,
			Doc:  "Records that stages could not be applied to and that were written to dead_letter_topic.",
			read: one(func(f status.Flow) float64 { return float64(f.DeadLetters) }),
		},
		{
			Name: "strait.flow.limited", Exposed: "strait_flow_limited_seconds_total", Unit: "s", Counter: true,
			Doc:  "Seconds that fetches were held back by bytes_per_second and records_per_second, all together.",
			read: one(func(f status.Flow) float64 { return f.LimitedSeconds }),
		},
		{
			Name: "strait.flow.reencoded.batches", Exposed: "strait_flow_reencoded_batches_total", Unit: "{batch}", Counter: true, Label: "reason",
			Doc:  "Batches that had to be built anew instead of passing through, by reason.",
			read: reasons,
		},
		{
			Name: "strait.flow.gaps", Exposed: "strait_flow_gaps_total", Unit: "{gap}", Counter: true,
			Doc:  "Times that records were found gone from the source, or lost by the target.",
			read: one(func(f status.Flow) float64 { return float64(f.Gaps) }),
		},
		{
			Name: "strait.flow.unproven", Exposed: "strait_flow_unproven_total", Unit: "{recovery}", Counter: true,
			Doc:  "Times that the exact place to go on at after a crash was not found, so that records may be repeated.",
			read: one(func(f status.Flow) float64 { return float64(f.Unproven) }),
		},
		{
			Name: "strait.flow.lag.records", Exposed: "strait_flow_lag_records", Unit: "{record}",
			Doc:  "Readable offsets of the source that are not on the target. Absent until every partition's place is known.",
			read: lag,
		},
		{
			Name: "strait.flow.lag", Exposed: "strait_flow_lag_seconds", Unit: "s",
			Doc:  "For how long the oldest readable record that is not on the target has been readable, in the partition where that is longest; 0 when none is missing. Of records that were there before the flow began their timestamp says it. Absent until every partition's place is known.",
			read: lagSeconds,
		},
	}
}

// stages declares the metrics of record stages.
func stages() []Metric {
	row := func(name, exposed, doc string, value func(status.Stage) int64) Metric {
		return Metric{
			Name: name, Exposed: exposed, Unit: "{record}", Counter: true, Label: "stage", Doc: doc,
			read: func(f status.Flow) iter.Seq2[string, float64] {
				return func(yield func(string, float64) bool) {
					for name, s := range f.Stages {
						if !yield(name, float64(value(s))) {
							return
						}
					}
				}
			},
		}
	}
	return []Metric{
		row("strait.flow.stage.records", "strait_flow_stage_records_total",
			"Records that came to a record stage, those too that are read again. Absent in flows without.",
			func(s status.Stage) int64 { return s.Given }),
		row("strait.flow.stage.dropped.records", "strait_flow_stage_dropped_records_total",
			"Records that the stage dropped.",
			func(s status.Stage) int64 { return s.Dropped }),
		row("strait.flow.stage.failed.records", "strait_flow_stage_failed_records_total",
			"Records that the stage could not be applied to, whatever `on_error` made of them.",
			func(s status.Stage) int64 { return s.Failed }),
	}
}

// traffic declares the metrics of the clients that carry records. Their label says
// which: fetch on the source, produce on the target.
func traffic() []Metric {
	row := func(name, exposed, unit, doc string, value func(status.Traffic) float64) Metric {
		return Metric{
			Name: name, Exposed: exposed, Unit: unit, Counter: true, Label: "request", Doc: doc,
			read: func(f status.Flow) iter.Seq2[string, float64] {
				return maps.All(map[string]float64{"fetch": value(f.Fetch), "produce": value(f.Produce)})
			},
		}
	}
	return []Metric{
		{
			Name: "strait.flow.read.records", Exposed: "strait_flow_read_records_total", Unit: "{record}", Counter: true,
			Doc:  "Records that the source sent, those too that were fetched again or are not copied.",
			read: one(func(f status.Flow) float64 { return float64(f.ReadRecords) }),
		},
		{
			Name: "strait.flow.read.io", Exposed: "strait_flow_read_io_bytes_total", Unit: "By", Counter: true,
			Doc:  "Bytes of record batches that the source sent, compressed as they are there.",
			read: one(func(f status.Flow) float64 { return float64(f.ReadBytes) }),
		},
		row("strait.flow.requests", "strait_flow_requests_total", "{request}",
			"Fetches that were sent to the source, and produces to the target.",
			func(t status.Traffic) float64 { return float64(t.Requests) }),
		row("strait.flow.request.errors", "strait_flow_request_errors_total", "{error}",
			"Those of them that got no answer, and connections for them that could not be made.",
			func(t status.Traffic) float64 { return float64(t.Errors) }),
		row("strait.flow.throttled", "strait_flow_throttled_seconds_total", "s",
			"Seconds that brokers asked to wait for a quota, of all brokers together.",
			func(t status.Traffic) float64 { return t.ThrottledSeconds }),
		row("strait.flow.connections", "strait_flow_connections_total", "{connection}",
			"Connections that were made for fetches and produces; what comes after the first to each broker are reconnects.",
			func(t status.Traffic) float64 { return float64(t.Connections) }),
	}
}

// condition declares the metrics of what a flow is made of and how it is.
func condition() []Metric {
	return []Metric{
		{
			Name: "strait.flow.topics", Exposed: "strait_flow_topics", Unit: "{topic}",
			Doc:  "Topics that the flow copies.",
			read: one(func(f status.Flow) float64 { return float64(f.Topics) }),
		},
		{
			Name: "strait.flow.partitions", Exposed: "strait_flow_partitions", Unit: "{partition}",
			Doc:  "Partitions of those topics.",
			read: one(func(f status.Flow) float64 { return float64(f.Partitions) }),
		},
		{
			Name: "strait.flow.problems", Exposed: "strait_flow_problems", Unit: "{problem}",
			Doc:  "What keeps parts of the flow from going on, or needs a person's attention.",
			read: one(func(f status.Flow) float64 { return float64(len(f.Problems)) }),
		},
		{
			Name: "strait.flow.foreign.offsets", Exposed: "strait_flow_foreign_offsets_total", Unit: "{offset}", Counter: true,
			Doc:  "Offsets of target partitions that somebody else took between the flow's own.",
			read: one(func(f status.Flow) float64 { return float64(f.Foreign) }),
		},
		{
			Name: "strait.flow.held.partitions", Exposed: "strait_flow_held_partitions", Unit: "{partition}",
			Doc:  "Partitions in which an open transaction of the source has held back what comes behind it for five minutes or more.",
			read: one(func(f status.Flow) float64 { return float64(f.Held) }),
		},
		{
			Name: "strait.flow.state", Exposed: "strait_flow_state", Unit: "{state}", Label: "state",
			Doc:  "1 for the state that the flow is in, 0 for the others.",
			read: states,
		},
	}
}

// groups declares the metrics of flows whose work is shared.
func groups() []Metric {
	return []Metric{
		{
			Name: "strait.flow.group.members", Exposed: "strait_flow_group_members", Unit: "{member}",
			Doc:  "Processes that share the work of the flow, as this one knows. Absent where it runs alone, or knows of no group yet.",
			read: ofGroup(func(g *status.Group) float64 { return float64(g.Members) }),
		},
		{
			Name: "strait.flow.group.leader", Exposed: "strait_flow_group_leader",
			Doc: "1 for the process that does what only one may do: topics, settings, heartbeats, offsets. Absent where it runs alone.",
			read: ofGroup(func(g *status.Group) float64 {
				if g.Leader {
					return 1
				}
				return 0
			}),
		},
		{
			Name: "strait.flow.group.share", Exposed: "strait_flow_group_share_ratio", Unit: "1",
			Doc:  "How much of all there may be to copy this process has, 0 to 1; the sum over all processes is 1 while nothing is handed over. Absent where it runs alone.",
			read: ofGroup(func(g *status.Group) float64 { return g.Share }),
		},
	}
}

// ofGroup returns a value of flows of which a group knows this process.
func ofGroup(value func(*status.Group) float64) func(status.Flow) iter.Seq2[string, float64] {
	return func(f status.Flow) iter.Seq2[string, float64] {
		return func(yield func(string, float64) bool) {
			if f.Group != nil && f.Group.Member != "" && f.Group.Members > 0 {
				yield("", value(f.Group))
			}
		}
	}
}

// instrument makes the metric known to a meter.
func (m Metric) instrument(meter metric.Meter) (metric.Float64Observable, error) {
	if m.Counter {
		return meter.Float64ObservableCounter(m.Name, metric.WithUnit(m.Unit), metric.WithDescription(m.Doc))
	}
	return meter.Float64ObservableGauge(m.Name, metric.WithUnit(m.Unit), metric.WithDescription(m.Doc))
}

func one(value func(status.Flow) float64) func(status.Flow) iter.Seq2[string, float64] {
	return func(f status.Flow) iter.Seq2[string, float64] {
		return func(yield func(string, float64) bool) { yield("", value(f)) }
	}
}

func lag(f status.Flow) iter.Seq2[string, float64] {
	return func(yield func(string, float64) bool) {
		if f.LagRecords != status.UnknownLag {
			yield("", float64(f.LagRecords))
		}
	}
}

func lagSeconds(f status.Flow) iter.Seq2[string, float64] {
	return func(yield func(string, float64) bool) {
		if f.LagRecords != status.UnknownLag {
			yield("", f.LagSeconds)
		}
	}
}

func reasons(f status.Flow) iter.Seq2[string, float64] {
	return func(yield func(string, float64) bool) {
		for reason, n := range f.Reasons {
			if !yield(reason, float64(n)) {
				return
			}
		}
	}
}

func states(f status.Flow) iter.Seq2[string, float64] {
	return func(yield func(string, float64) bool) {
		all := status.States()
		if !slices.Contains(all, f.State) {
			all = append(all, f.State)
		}
		for _, s := range all {
			value := 0.0
			if s == f.State {
				value = 1
			}
			if !yield(s, value) {
				return
			}
		}
	}
}
