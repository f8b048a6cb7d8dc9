package telemetry

import (
	"fmt"
	"strings"
)

// Page is the reference page of the metrics, in Markdown.
func Page() string {
	var b strings.Builder
	b.WriteString("# Metrics\n\n" +
		"A running Strait answers at `metrics { listen = \"host:port\" }`, or at `strait run --metrics-listen host:port`:\n\n" +
		"| path | answer |\n|---|---|\n" +
		"| `/metrics` | the metrics below, for Prometheus and OpenMetrics |\n" +
		"| `/healthz` | 200 while the process answers |\n" +
		"| `/readyz` | 200 once every flow has been set up, 503 before; a cluster that is down does not count against it; `?verbose` names each flow with its state and cause |\n\n" +
		"Nothing there shows a setting or data, and nothing can be changed. Names and labels are stable. " +
		"Every series of a flow has the labels `flow`, `source` and `target`; the last two are aliases of clusters.\n\n" +
		"The same metrics are pushed by OTLP where OpenTelemetry's environment variables say where to: `OTEL_EXPORTER_OTLP_ENDPOINT` " +
		"or `OTEL_EXPORTER_OTLP_METRICS_ENDPOINT`, `OTEL_EXPORTER_OTLP_PROTOCOL` (`http/protobuf`, the default, or `grpc`), " +
		"`OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_METRIC_EXPORT_INTERVAL`, `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES` and the rest, " +
		"under names with dots and without unit and `_total`: `strait.flow.records`. What is pushed counts from the start of the process; " +
		"series of the Go runtime and the process are not pushed. `OTEL_METRICS_EXPORTER=none` pushes nothing.\n\n" +
		"Series of partitions are there where `metrics { partition_labels = true }` asks for them; `source_topic` and " +
		"`partition` are then the source's, and `topic` is what the target calls it. [Monitoring](../guide/monitor.md) says what to watch, and has alerts.\n\n" +
		"| metric | type | more labels | meaning |\n|---|---|---|---|\n")
	for _, m := range Table() {
		kind, label := "gauge", ""
		if m.Counter {
			kind = "counter"
		}
		if m.Label != "" {
			label = "`" + m.Label + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.Exposed, kind, label, m.Doc)
	}
	for _, d := range Distributions() {
		fmt.Fprintf(&b, "| `%s` | histogram |  | %s |\n", d.Exposed, d.Doc)
	}
	for _, m := range Process() {
		fmt.Fprintf(&b, "| `%s` | gauge | | %s |\n", m.Exposed, m.Doc)
	}
	for _, m := range Partitions() {
		kind := "gauge"
		if m.Counter {
			kind = "counter"
		}
		fmt.Fprintf(&b, "| `%s` | %s | `source_topic`, `partition`, `topic` | %s |\n", m.Exposed, kind, m.Doc)
	}
	b.WriteString("| `strait_build_info` | gauge | `version` | 1, with the version of the program. |\n\n" +
		"Beside them are the usual `go_*` and `process_*` series of the Go runtime and the process.\n\n" +
		"## MirrorMaker 2's series\n\n" +
		"`metrics { compat = \"strimzi\" }`, or `strait run --metrics-compat strimzi`, adds those of MirrorMaker 2 by the names and labels " +
		"of Strimzi's examples, for its [Grafana dashboard](../guide/monitor.md#strimzis-dashboard) and what else asks for them. They are not pushed. " +
		"A flow stands for a connector of its name with one task; names of connectors and clients are in quotation marks, as there.\n\n" +
		"| series | labels | meaning |\n|---|---|---|\n")
	for _, m := range connectorMetrics() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", m.Exposed, listed(partitionLabels()), m.Doc)
	}
	fmt.Fprintf(&b, "| `%s` | %s | %s |\n", consumerLag().Exposed, listed(lagLabels()), consumerLag().Doc)
	for _, s := range connectSeries() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", s.name, listed(s.labels), s.doc)
	}
	return b.String()
}

// listed writes names of labels.
func listed(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "`" + strings.Join(names, "`, `") + "`"
}
