package metrics_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
)

// panels are what Strimzi's dashboard for MirrorMaker 2 asks for, but for the CPU of
// containers: by series, the labels that it selects by and those that are left.
func panels() (queries []string) {
	const cluster = `strimzi_io_kind=~"KafkaMirrorMaker2",strimzi_io_cluster="strait"`
	const source, checkpoint = "kafka_connect_mirror_mirrorsourceconnector_", "kafka_connect_mirror_mirrorcheckpointconnector_"
	for _, name := range []string{"kafka_connect_worker_connector_count", "kafka_connect_worker_task_count", source + "record_rate", source + "byte_rate"} {
		queries = append(queries, fmt.Sprintf("sum(%s{%s})", name, cluster))
	}
	for _, name := range []string{"kafka_consumer_incoming_byte_total", "kafka_producer_outgoing_byte_total"} {
		queries = append(queries, fmt.Sprintf("sum(rate(%s{%s}[1m]))", name, cluster))
	}
	for _, kind := range []string{"", "_avg", "_min", "_max"} {
		queries = append(queries,
			fmt.Sprintf("sum(%srecord_age_ms%s{%s}) by (partition, topic)", source, kind, cluster),
			fmt.Sprintf("sum(%sreplication_latency_ms%s{%s}) by (partition, topic)", source, kind, cluster),
			fmt.Sprintf("sum(%scheckpoint_latency_ms%s{%s}) by (source, target)", checkpoint, kind, cluster))
	}
	const commits = `kafka_connect_connector_task_offset_commit_avg_time_ms{connector=~"\".*SourceConnector\"",task=~"[0-9]+"}`
	return append(queries,
		fmt.Sprintf("sum without(area)(jvm_memory_bytes_used{%s})", cluster),
		fmt.Sprintf("sum without(gc)(rate(jvm_gc_collection_seconds_sum{%s}[5m]))", cluster),
		`sum(kafka_connect_source_task_source_record_active_count{connector=~"\".*SourceConnector\""})`,
		`sum(kafka_producer_buffer_available_bytes{clientid=~"\".*SourceConnector-[0-9]+\""})`,
		fmt.Sprintf("sum(%s)/count(%s)", commits, commits),
		fmt.Sprintf(`sum(kafka_consumer_fetch_manager_records_lag{%s,clientid!~"consumer-mirrormaker2-.*"}) by (topic, partition)`, cluster),
		`kafka_connect_worker_connector_count{namespace="kafka",strimzi_io_kind="KafkaMirrorMaker2"}`, // of a variable
	)
}

// TestStrimzi has every panel of Strimzi's dashboard show, and the numbers of the
// tables right.
func TestStrimzi(t *testing.T) {
	t.Parallel()
	r := start(t, `compat = "strimzi"`)
	ctx := bounded(t)
	for _, p := range places() {
		r.produce(ctx, p.topic, p.partition, 10)
	}
	group := kadm.Offsets{}
	group.AddOffset("z", 1, 5, -1)
	if err := r.a.Admin().CommitAllOffsets(ctx, "readers", group); err != nil {
		t.Fatal(err)
	}
	const checkpoints = `kafka_connect_mirror_mirrorcheckpointconnector_checkpoint_latency_ms_avg{flow="a-one-from-b",source="a",target="b"}`
	const copied = `strait_flow_records_total{flow="a-one-from-b",source="a",target="b"}`
	if !wait(ctx, func() bool {
		now := r.scrape(ctx)
		_, known := now[checkpoints]
		return known && now[copied] == float64(10*len(places()))
	}) {
		t.Fatalf("checkpoints are not written, or not all is copied:\n%s", r.text(t.Context()))
	}
	now := r.scrape(ctx)
	answered(t, now, panels(), "strimzi_io_kind", "KafkaMirrorMaker2", "strimzi_io_cluster", "strait", "namespace", "kafka")
	r.testTables(ctx, now)
}

// testTables compares series of partitions with what is known of them.
func (r *running) testTables(ctx context.Context, now page) {
	r.t.Helper()
	ends := ends(ctx, r.t, r.a, places())
	const of = "kafka_connect_mirror_mirrorsourceconnector_"
	for _, p := range places() {
		value := func(name string) float64 {
			v, known := now.of(of+name, p.topic, p.target, p.partition)
			if !known {
				r.t.Errorf("%v has no %s", p, name)
			}
			return v
		}
		if n := value("record_count"); n != float64(ends[p]) {
			r.t.Errorf("of %v %v records were copied, not %d", p, n, ends[p])
		}
		if rate := value("record_rate"); rate <= 0 || rate > float64(ends[p])/30 {
			r.t.Errorf("of %v %v records are copied per second", p, rate)
		}
		for _, name := range []string{"record_age_ms", "replication_latency_ms"} {
			least, average, most := value(name+"_min"), value(name+"_avg"), value(name+"_max")
			if least > average || average > most || most > 120_000 || value(name) > most || value(name) < least {
				r.t.Errorf("of %v the %s is %v, %v to %v", p, name, average, least, most)
			}
		}
		if age, latency := value("record_age_ms_min"), value("replication_latency_ms_min"); age > latency {
			r.t.Errorf("of %v the target had %v after %v ms, and it was fetched after %v", p, p.topic, latency, age)
		}
		lag := fmt.Sprintf(`kafka_consumer_fetch_manager_records_lag{clientid="\"a-one-from-b.MirrorSourceConnector-0\"",partition="%d",topic="%s"}`, p.partition, p.topic)
		if n, known := now[lag]; !known || n != 0 {
			r.t.Errorf("%v is %v behind; known: %t", p, n, known)
		}
	}
}

// answered fails for each query that a Prometheus that scrapes the page, and gives
// each series more labels, has no answer to.
func answered(t *testing.T, p page, queries []string, more ...string) {
	t.Helper()
	if len(queries) < 10 {
		t.Errorf("there are only %d queries", len(queries))
	}
	var b strings.Builder
	b.WriteString("evaluation_interval: 1m\ntests:\n  - interval: 15s\n    input_series:\n")
	writeSeries(&b, p, more...)
	b.WriteString("    promql_expr_test:\n")
	for i, query := range queries {
		// promtool says which one it is by the labels alone.
		expr := fmt.Sprintf(`label_replace(count(%s) > bool 0, "query", "%d", "", "")`, query, i)
		fmt.Fprintf(&b, "      - {expr: %s, eval_time: 10m, exp_samples: [{labels: '{query=\"%d\"}', value: 1}]}\n", yamlText(expr), i)
	}
	file := filepath.Join(t.TempDir(), "queries.yml")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if promtool(t, "", "test", "rules", file); t.Failed() {
		t.Logf("the queries are, from 0 on:\n%s", strings.Join(queries, "\n"))
	}
}

// writeSeries writes series for promtool that stay as they are on a page, with more
// labels: names and values in turn.
func writeSeries(to *strings.Builder, p page, more ...string) {
	var added []string
	for pair := range slices.Chunk(more, 2) {
		added = append(added, fmt.Sprintf("%s=%q", pair[0], pair[1]))
	}
	for _, series := range slices.Sorted(maps.Keys(p)) {
		name, own, _ := strings.Cut(strings.TrimSuffix(series, "}"), "{")
		all := added
		if own != "" {
			all = append([]string{own}, added...)
		}
		value := strconv.FormatFloat(p[series], 'f', -1, 64)
		fmt.Fprintf(to, "      - {series: %s, values: '%sx60'}\n", yamlText(name+"{"+strings.Join(all, ",")+"}"), value)
	}
}

// yamlText quotes a text for YAML, which takes everything between single quotes as
// it is but those.
func yamlText(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
