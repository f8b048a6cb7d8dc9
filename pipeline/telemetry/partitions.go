package telemetry

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/strait-mirror/strait/pipeline/status"
)

// partitionLabels are the labels of a partition's series, ascending, as Prometheus
// wants them. A topic of the target may be the copy of several: only the source's
// topic and partition tell series apart.
func partitionLabels() []string {
	return []string{"flow", "partition", "source", "source_topic", "target", "topic"}
}

// partitionValues are the values of those labels.
func partitionValues(p status.Partition, f status.Flow) []string {
	return []string{p.Flow, strconv.Itoa(int(p.Partition)), f.From, p.Topic, f.To, p.TargetTopic}
}

// partitions returns the partitions that are to have series of their own.
func (p Params) partitions() []status.Partition {
	if p.Partitions == nil || p.Labels == nil || !p.Labels() {
		return nil
	}
	return p.Partitions(func(string) bool { return true })
}

func byName(flows []status.Flow) map[string]status.Flow {
	named := make(map[string]status.Flow, len(flows))
	for _, f := range flows {
		named[f.Name] = f
	}
	return named
}

// exposed collects the series of partitions for scrapes. They are by far the most
// there are, and OpenTelemetry's exporter would make labels and descriptions anew for
// each: here all series of a partition share their labels.
type exposed struct {
	p Params
}

// Describe implements prometheus.Collector. It names nothing, since a scrape without
// labels of partitions has no such series.
func (exposed) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (e exposed) Collect(out chan<- prometheus.Metric) {
	list := e.p.partitions()
	if len(list) == 0 {
		return
	}
	labelled := labelled(list, byName(e.p.Status().Flows), partitionLabels(), partitionValues)
	for _, row := range Partitions() {
		row.collect(out, partitionLabels(), labelled)
	}
}

// collect exposes a metric of partitions.
func (m Metric) collect(out chan<- prometheus.Metric, labels []string, of []ofPartition) {
	desc := prometheus.NewDesc(m.Exposed, m.Doc, labels, nil)
	for _, one := range of {
		if value, known := m.each(one.partition); known {
			out <- &sample{desc: desc, pairs: one.pairs, value: value, counter: m.Counter}
		}
	}
}

// ofPartition is a partition with the labels of its series.
type ofPartition struct {
	partition status.Partition
	pairs     []*dto.LabelPair
}

// labelled gives partitions labels, whose names ascend, and puts them in the order
// of those, in which Prometheus has nothing left to sort.
func labelled(list []status.Partition, flows map[string]status.Flow, names []string, values func(status.Partition, status.Flow) []string) []ofPartition {
	all := make([]ofPartition, len(list))
	made := pairs{}
	for i, p := range list {
		all[i] = ofPartition{p, made.of(names, values(p, flows[p.Flow]))}
	}
	slices.SortFunc(all, func(a, b ofPartition) int {
		return slices.CompareFunc(a.pairs, b.pairs, func(x, y *dto.LabelPair) int { return cmp.Compare(x.GetValue(), y.GetValue()) })
	})
	return all
}

// pairs makes each label with each value once: most partitions have most of theirs in
// common with others, and a page of megabytes is written the faster the less is read.
type pairs map[[2]string]*dto.LabelPair

func (made pairs) of(names, values []string) []*dto.LabelPair {
	list := make([]*dto.LabelPair, len(names))
	for i, name := range names {
		key := [2]string{name, values[i]}
		if made[key] == nil {
			made[key] = &dto.LabelPair{Name: &key[0], Value: &key[1]}
		}
		list[i] = made[key]
	}
	return list
}

// sample is the value of one series.
type sample struct {
	desc    *prometheus.Desc
	pairs   []*dto.LabelPair // shared, never changed
	value   float64
	counter bool // else a gauge
}

// Desc implements prometheus.Metric.
func (s *sample) Desc() *prometheus.Desc { return s.desc }

// Write implements prometheus.Metric.
func (s *sample) Write(m *dto.Metric) error {
	m.Label = s.pairs
	if s.counter {
		m.Counter = &dto.Counter{Value: &s.value}
	} else {
		m.Gauge = &dto.Gauge{Value: &s.value}
	}
	return nil
}

// pushedPartitions returns the same series for OpenTelemetry.
func (m *Metrics) pushedPartitions(flows []status.Flow) []metricdata.Metrics {
	list := m.params.partitions()
	if len(list) == 0 {
		return nil
	}
	named, now := byName(flows), time.Now()
	sets := make([]attribute.Set, len(list))
	for i, p := range list {
		values := partitionValues(p, named[p.Flow])
		var kvs []attribute.KeyValue
		for j, name := range partitionLabels() {
			kvs = append(kvs, attribute.String(name, values[j]))
		}
		sets[i] = attribute.NewSet(kvs...)
	}
	var all []metricdata.Metrics
	for _, row := range Partitions() {
		var points []metricdata.DataPoint[float64]
		for i, p := range list {
			if value, known := row.each(p); known {
				points = append(points, metricdata.DataPoint[float64]{Attributes: sets[i], StartTime: m.began, Time: now, Value: value})
			}
		}
		one := metricdata.Metrics{Name: row.Name, Description: row.Doc, Unit: row.Unit, Data: metricdata.Gauge[float64]{DataPoints: points}}
		if row.Counter {
			one.Data = metricdata.Sum[float64]{Temporality: metricdata.CumulativeTemporality, IsMonotonic: true, DataPoints: points}
		}
		all = append(all, one)
	}
	return all
}
