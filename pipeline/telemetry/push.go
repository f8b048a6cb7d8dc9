package telemetry

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
)

// pushed returns what pushes metrics by OTLP as OpenTelemetry's environment variables
// say; nil where they do not ask for it. Most of them, such as addresses, headers and
// certificates, its own exporters read.
func pushed(ctx context.Context, env func(string) (string, bool), log *slog.Logger) (sdkmetric.Exporter, error) {
	get := func(names ...string) string {
		for _, name := range names {
			if value, _ := env(name); value != "" {
				return value
			}
		}
		return ""
	}
	exporters := strings.FieldsFunc(get("OTEL_METRICS_EXPORTER"), func(r rune) bool { return r == ',' || r == ' ' })
	switch {
	case strings.EqualFold(get("OTEL_SDK_DISABLED"), "true"):
		return nil, nil //nolint:nilnil // nothing is an answer
	case len(exporters) > 0 && !slices.Contains(exporters, "otlp"):
		return nil, nil //nolint:nilnil // likewise
	case len(exporters) == 0 && get("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT") == "":
		return nil, nil //nolint:nilnil // likewise
	}
	var exporter sdkmetric.Exporter
	var err error
	switch protocol := cmp.Or(get("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"), "http/protobuf"); protocol {
	case "http/protobuf":
		exporter, err = otlpmetrichttp.New(ctx)
	case "grpc":
		exporter, err = otlpmetricgrpc.New(ctx)
	default:
		err = fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL is %q, not http/protobuf or grpc", protocol)
	}
	if err != nil {
		return nil, fmt.Errorf("pushing metrics by OTLP: %w", err)
	}
	return &reporting{Exporter: exporter, log: log}, nil
}

// push is what makes a provider push, if it is to.
func (m *Metrics) push(ctx context.Context, p Params) ([]sdkmetric.Option, error) {
	exporter, err := pushed(ctx, p.Env, p.Log)
	if exporter == nil || err != nil {
		return nil, err
	}
	from, err := origin(ctx, p.Version)
	if err != nil {
		return nil, err
	}
	return []sdkmetric.Option{
		sdkmetric.WithResource(from),
		sdkmetric.WithReader(sdkmetric.NewPeriodicReader(exporter, sdkmetric.WithProducer(pushing{m}))),
	}, nil
}

// pushing adds the series of partitions, which scrapes get another way.
type pushing struct{ *Metrics }

// Produce implements metric.Producer of OpenTelemetry.
func (p pushing) Produce(ctx context.Context) ([]metricdata.ScopeMetrics, error) {
	list, err := p.Metrics.Produce(ctx)
	if now := p.last.Load(); err == nil && now != nil {
		list = append(list, metricdata.ScopeMetrics{Scope: instrumentation.Scope{Name: scope}, Metrics: p.pushedPartitions(now.Flows)})
	}
	return list, err
}

// origin says whose metrics they are: OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES
// before what is known here. Members of a group push the same series, and are told
// apart by their instance.
func origin(ctx context.Context, version string) (*resource.Resource, error) {
	host, _ := os.Hostname() // an instance without a host is one, too
	r, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(
		attribute.String("service.name", scope), attribute.String("service.version", version),
		attribute.String("service.instance.id", fmt.Sprintf("%s:%d", host, os.Getpid())),
	), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("reading OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return r, nil
}

// reporting is an exporter whose troubles are in the log, each once until it is over.
type reporting struct {
	sdkmetric.Exporter
	log *slog.Logger

	mu     sync.Mutex // guards failed
	failed bool
}

// Export implements sdkmetric.Exporter. An error would end in OpenTelemetry's own
// log, at each attempt.
func (r *reporting) Export(ctx context.Context, m *metricdata.ResourceMetrics) error {
	err := r.Exporter.Export(ctx, m)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err != nil && !r.failed:
		r.log.Warn("metrics could not be pushed, retrying", "err", err)
	case err == nil && r.failed:
		r.log.Info("metrics are pushed again")
	}
	r.failed = err != nil
	return nil
}
