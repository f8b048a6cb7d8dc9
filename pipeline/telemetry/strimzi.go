package telemetry

import (
	"math"
	"runtime/metrics"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/strait-mirror/strait/pipeline/status"
)

// strimzi collects MirrorMaker 2's series for scrapes, by the names that the JMX
// rules of Strimzi's examples give them, as its Grafana dashboard for MirrorMaker 2
// asks for them. A flow stands for a MirrorSourceConnector with one task, and for a
// MirrorCheckpointConnector.
type strimzi struct {
	p Params
}

const (
	sourceConnector     = "kafka_connect_mirror_mirrorsourceconnector_"
	checkpointConnector = "kafka_connect_mirror_mirrorcheckpointconnector_"
)

// quoted is a name as JMX has it: in quotation marks, which its exporter keeps.
func quoted(name string) string { return `"` + name + `"` }

// Describe implements prometheus.Collector. It names nothing: mostly nobody asks.
func (strimzi) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (s strimzi) Collect(out chan<- prometheus.Metric) {
	if s.p.Strimzi == nil || !s.p.Strimzi() {
		return
	}
	now := s.p.Status()
	var list []status.Partition
	if s.p.Partitions != nil {
		list = s.p.Partitions(func(string) bool { return true })
	}
	pending := map[string]int64{}
	for _, p := range list {
		pending[p.Flow] += p.Pending
	}
	for _, one := range connectSeries() {
		one.collect(out, now, pending)
	}
	named := byName(now.Flows)
	ofConnector := labelled(list, named, partitionLabels(), partitionValues)
	for _, row := range connectorMetrics() {
		row.collect(out, partitionLabels(), ofConnector)
	}
	consumer := labelled(list, named, lagLabels(), func(p status.Partition, _ status.Flow) []string {
		return []string{clientID(p.Flow), strconv.Itoa(int(p.Partition)), p.Topic}
	})
	consumerLag().collect(out, lagLabels(), consumer)
}

func lagLabels() []string { return []string{"clientid", "partition", "topic"} }

// consumerLag is the one metric of a partition that has the source's topic.
func consumerLag() Metric {
	return Metric{
		Exposed: "kafka_consumer_fetch_manager_records_lag", Doc: "As `strait_partition_lag_records`; the topic is the source's.",
		each: func(p status.Partition) (float64, bool) { return float64(p.LagRecords), p.LagRecords >= 0 },
	}
}

func connector(flow string) string { return quoted(flow + ".MirrorSourceConnector") }
func clientID(flow string) string  { return quoted(flow + ".MirrorSourceConnector-0") }

// connectorMetrics are those of a partition.
func connectorMetrics() []Metric {
	row := func(name, doc string, value func(status.Partition) float64) Metric {
		return Metric{Exposed: sourceConnector + name, Doc: doc, each: func(p status.Partition) (float64, bool) {
			v := value(p)
			return v, !math.IsNaN(v)
		}}
	}
	rows := []Metric{
		row("record_count", "Records that the target acknowledged.", func(p status.Partition) float64 { return float64(p.Records) }),
		row("byte_count", "Bytes of batches that the target acknowledged.", func(p status.Partition) float64 { return float64(p.Bytes) }),
		row("record_rate", "Records per second of the last minute.", func(p status.Partition) float64 { return p.RecordRate }),
		row("byte_rate", "Bytes of batches per second of the last minute.", func(p status.Partition) float64 { return p.ByteRate }),
	}
	for _, of := range []struct {
		name, doc string
		recent    func(status.Partition) status.Recent
	}{
		{"record_age_ms", "From a record's timestamp until it was fetched", func(p status.Partition) status.Recent { return p.RecordAge }},
		{"replication_latency_ms", "From a record's timestamp until the target acknowledged it", func(p status.Partition) status.Recent { return p.ReplicationLatency }},
	} {
		for _, one := range recents() {
			rows = append(rows, row(of.name+one.suffix, of.doc+one.doc, func(p status.Partition) float64 { return 1000 * one.of(of.recent(p)) }))
		}
	}
	return rows
}

// recentOf is a number that Kafka's metrics tell of a value.
type recentOf struct {
	suffix, doc string
	of          func(status.Recent) float64
}

func recents() []recentOf {
	return []recentOf{
		{"", ": the last.", func(r status.Recent) float64 { return r.Last }},
		{"_avg", ": the average of the last minute.", func(r status.Recent) float64 { return r.Average }},
		{"_min", ": the least of the last minute.", func(r status.Recent) float64 { return r.Least }},
		{"_max", ": the most of the last minute.", func(r status.Recent) float64 { return r.Most }},
	}
}

// series are those of one metric that is no partition's.
type series struct {
	name, doc string
	labels    []string

	// read calls put for each series; pending is how many records of each flow were
	// read and not acknowledged.
	read func(now status.Snapshot, pending map[string]int64, put func(value float64, labels ...string))
}

// collect exposes the series, but for those that have no value yet.
func (s series) collect(out chan<- prometheus.Metric, now status.Snapshot, pending map[string]int64) {
	kind := prometheus.GaugeValue
	if strings.HasSuffix(s.name, "_total") {
		kind = prometheus.CounterValue
	}
	desc := prometheus.NewDesc(s.name, s.doc, s.labels, nil)
	s.read(now, pending, func(value float64, labels ...string) {
		if !math.IsNaN(value) {
			out <- prometheus.MustNewConstMetric(desc, kind, value, labels...)
		}
	})
}

// connectSeries declares the series of flows and of the process.
func connectSeries() []series {
	client, task := []string{"clientid"}, []string{"connector", "task"}
	all := []series{
		whole("kafka_connect_worker_connector_count", "Flows.", func(now status.Snapshot) float64 { return float64(len(now.Flows)) }),
		whole("kafka_connect_worker_task_count", "Flows that have partitions to copy in this process.", func(now status.Snapshot) (tasks float64) {
			for _, f := range now.Flows {
				if f.Partitions > 0 {
					tasks++
				}
			}
			return tasks
		}),
		{"kafka_producer_buffer_available_bytes", "What of buffer_memory is not in use, of all flows together.", client, func(now status.Snapshot, _ map[string]int64, put func(float64, ...string)) {
			put(float64(max(0, now.Buffer.Limit-now.Buffer.Used)), quoted("MirrorSourceConnector-0"))
		}},
		ofFlow("kafka_consumer_incoming_byte_total", "As `strait_flow_read_io_bytes_total`.", client, func(f status.Flow, _ int64, put func(float64, ...string)) {
			put(float64(f.ReadBytes), clientID(f.Name))
		}),
		ofFlow("kafka_producer_outgoing_byte_total", "As `strait_flow_io_bytes_total`.", client, func(f status.Flow, _ int64, put func(float64, ...string)) {
			put(float64(f.Bytes), clientID(f.Name))
		}),
		ofFlow("kafka_connect_source_task_source_record_active_count", "Records that were read and that the target has not acknowledged.", task, func(f status.Flow, pending int64, put func(float64, ...string)) {
			put(float64(pending), connector(f.Name), "0")
		}),
		ofFlow("kafka_connect_connector_task_offset_commit_avg_time_ms", "How long it took to store positions: the average of the last minute, else the last.", task, func(f status.Flow, _ int64, put func(float64, ...string)) {
			put(1000*averageOrLast(f.Commits), connector(f.Name), "0")
		}),
	}
	for _, one := range recents() {
		all = append(all, ofFlow(checkpointConnector+"checkpoint_latency_ms"+one.suffix, "From when a checkpoint was taken until the target had it"+one.doc,
			[]string{"flow", "source", "target"}, func(f status.Flow, _ int64, put func(float64, ...string)) {
				put(1000*one.of(f.Checkpoints), f.Name, f.From, f.To)
			}))
	}
	return append(all, virtualMachine()...)
}

func whole(name, doc string, value func(status.Snapshot) float64) series {
	return series{name, doc, nil, func(now status.Snapshot, _ map[string]int64, put func(float64, ...string)) { put(value(now)) }}
}

func ofFlow(name, doc string, labels []string, read func(f status.Flow, pending int64, put func(float64, ...string))) series {
	return series{name, doc, labels, func(now status.Snapshot, pending map[string]int64, put func(float64, ...string)) {
		for _, f := range now.Flows {
			read(f, pending[f.Name], put)
		}
	}}
}

// virtualMachine declares what stands for the series of a JVM: objects are the heap,
// and all other memory that was not given back is not.
func virtualMachine() (all []series) {
	memory := func(_ status.Snapshot, _ map[string]int64, put func(float64, ...string)) {
		heap := inRuntime("/memory/classes/heap/objects:bytes")
		put(heap, "heap")
		put(inRuntime("/memory/classes/total:bytes")-inRuntime("/memory/classes/heap/released:bytes")-heap, "nonheap")
	}
	for _, name := range []string{"jvm_memory_bytes_used", "jvm_memory_used_bytes"} { // before jmx_exporter 1.0, and since
		all = append(all, series{name, "Memory of the Go runtime.", []string{"area"}, memory})
	}
	for _, one := range []struct{ name, doc, of string }{
		{"jvm_gc_collection_seconds_sum", "CPU time of Go's garbage collector, on all cores.", "/cpu/classes/gc/total:cpu-seconds"},
		{"jvm_gc_collection_seconds_count", "Collections of Go's garbage collector.", "/gc/cycles/total:gc-cycles"},
	} {
		all = append(all, series{one.name, one.doc, []string{"gc"}, func(_ status.Snapshot, _ map[string]int64, put func(float64, ...string)) {
			put(inRuntime(one.of), "go")
		}})
	}
	return all
}

// inRuntime returns what the Go runtime says of itself.
func inRuntime(name string) float64 {
	asked := []metrics.Sample{{Name: name}}
	metrics.Read(asked)
	if v := asked[0].Value; v.Kind() == metrics.KindFloat64 {
		return v.Float64()
	}
	return float64(asked[0].Value.Uint64())
}

func averageOrLast(r status.Recent) float64 {
	if math.IsNaN(r.Average) {
		return r.Last
	}
	return r.Average
}
