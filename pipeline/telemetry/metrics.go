// Package telemetry turns the state of what runs into metrics. It owns their
// names and meaning; who serves them is package httpapi, and what the state is,
// package status. Nothing is counted here per record: numbers are read when
// somebody asks for them.
package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/expfmt"
	"go.opentelemetry.io/otel/attribute"
	otelprom "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/strait-mirror/strait/pipeline/status"
)

// Params is what New needs.
type Params struct {
	Status func() status.Snapshot // required; may be called at any time
	// Partitions returns where partitions are, and Labels whether they are to have
	// series of their own; either may be nil for no.
	Partitions func(want func(flow string) bool) []status.Partition
	Labels     func() bool
	// Strimzi returns whether there are to be MirrorMaker 2's series, too, by the names
	// that Strimzi gives them; nil for no.
	Strimzi func() bool
	Version string // of the program

	// Env answers for OpenTelemetry's environment variables, by which metrics are
	// pushed, too; nil: they are not. Log is required with it.
	Env func(string) (string, bool)
	Log *slog.Logger
}

// Metrics are the metrics of one process. Its methods are safe for concurrent
// use.
type Metrics struct {
	params   Params
	registry *prometheus.Registry
	provider *sdkmetric.MeterProvider
	began    time.Time
	last     atomic.Pointer[status.Snapshot] // that was read
}

// scope names who measures, to OpenTelemetry.
const scope = "strait"

// New registers every metric of Table. Where they are to be pushed it begins to, until
// Close; else it starts nothing.
func New(ctx context.Context, p Params) (*Metrics, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		exposed{p}, strimzi{p},
	)
	m := &Metrics{params: p, registry: registry, began: time.Now()}
	exporter, err := otelprom.New(otelprom.WithRegisterer(registry), otelprom.WithProducer(m), otelprom.WithoutScopeInfo(), otelprom.WithoutTargetInfo())
	if err != nil {
		return nil, fmt.Errorf("making metrics: %w", err)
	}
	options := []sdkmetric.Option{
		sdkmetric.WithReader(exporter),
		// The default, 2000 series of one metric, is less than a thousand flows have of
		// their states; what has no bound by itself is opt-in.
		sdkmetric.WithCardinalityLimit(0),
	}
	if p.Env != nil {
		push, err := m.push(ctx, p)
		if err != nil {
			return nil, err
		}
		options = append(options, push...)
	}
	m.provider = sdkmetric.NewMeterProvider(options...)
	if err := m.register(p); err != nil {
		return nil, fmt.Errorf("making metrics: %w", err)
	}
	return m, nil
}

// Handler answers scrapes in the format that the scraper asks for. A series that is
// there twice, which no two flows of one name should be, costs no other.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{EnableOpenMetrics: true, MaxRequestsInFlight: 4, ErrorHandling: promhttp.ContinueOnError})
}

// Text returns what a scrape would get, as text.
func (m *Metrics) Text() (string, error) {
	families, err := m.registry.Gather()
	if err != nil {
		return "", fmt.Errorf("reading metrics: %w", err)
	}
	var b strings.Builder
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			return "", fmt.Errorf("writing metrics: %w", err)
		}
	}
	return b.String(), nil
}

// Close pushes what was not, where metrics are pushed, and ends what New made.
func (m *Metrics) Close(ctx context.Context) error {
	if err := m.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("closing metrics: %w", err)
	}
	return nil
}

// register has each scrape read one snapshot for all metrics.
func (m *Metrics) register(p Params) error {
	meter := m.provider.Meter(scope)
	info, err := meter.Float64ObservableGauge("strait.build.info", metric.WithDescription("1, with the version of the program."))
	if err != nil {
		return err
	}
	observed := []metric.Observable{info}
	flows := make([]instrument, 0, len(Table()))
	for _, row := range Table() {
		in, err := row.instrument(meter)
		if err != nil {
			return err
		}
		observed = append(observed, in)
		flows = append(flows, instrument{row, in})
	}
	var process []instrument
	for _, row := range Process() {
		in, err := row.instrument(meter)
		if err != nil {
			return err
		}
		observed = append(observed, in)
		process = append(process, instrument{row, in})
	}
	_, err = meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		o.ObserveFloat64(info, 1, metric.WithAttributes(attribute.String("version", p.Version)))
		now := p.Status()
		m.last.Store(&now)
		for _, one := range process {
			if value, known := one.whole(now); known {
				o.ObserveFloat64(one.in, value)
			}
		}
		for _, f := range now.Flows {
			for _, in := range flows {
				in.observe(o, f)
			}
		}
		return nil
	}, observed...)
	return err
}

// instrument is a row of a table with what OpenTelemetry made of it.
type instrument struct {
	Metric
	in metric.Float64Observable
}

func (i instrument) observe(o metric.Observer, f status.Flow) {
	flow := labels(f)
	for label, value := range i.read(f) {
		attrs := flow
		if i.Label != "" {
			attrs = append(slices.Clip(attrs), attribute.String(i.Label, label))
		}
		o.ObserveFloat64(i.in, value, metric.WithAttributes(attrs...))
	}
}

func labels(f status.Flow) []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("flow", f.Name), attribute.String("source", f.From), attribute.String("target", f.To),
	}
}
