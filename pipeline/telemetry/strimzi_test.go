package telemetry_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/pipeline/status"
	"github.com/strait-mirror/strait/pipeline/telemetry"
)

// TestStrimzi exposes MirrorMaker 2's series of two topics that are merged, one of
// which nothing was read of yet, and none where nobody asks for them.
func TestStrimzi(t *testing.T) {
	ask := false
	p := telemetry.Params{
		Status: func() status.Snapshot {
			return status.Snapshot{Buffer: status.Buffer{Limit: 100, Used: 30}, Flows: []status.Flow{
				{
					Name: "a->b", From: "a", To: "b", Partitions: 2, ReadBytes: 700, Bytes: 600,
					Commits: status.Recent{Last: 0.25, Average: 0.5}, Checkpoints: status.Recent{Last: 0.001, Average: 0.002, Least: 0.001, Most: 0.003},
				},
				{Name: "b->a", From: "b", To: "a", Commits: status.Never(), Checkpoints: status.Never()},
			}}
		},
		Partitions: func(func(string) bool) []status.Partition {
			return []status.Partition{
				{
					Flow: "a->b", Topic: "y", TargetTopic: "all", LagRecords: 3, Records: 20, Bytes: 600, Pending: 4, RecordRate: 1.5, ByteRate: 45,
					RecordAge:          status.Recent{Last: 1, Average: 2, Least: 0.5, Most: 3},
					ReplicationLatency: status.Recent{Last: 4, Average: 5, Least: 3.5, Most: 6},
				},
				{Flow: "a->b", Topic: "x", TargetTopic: "all", LagRecords: status.UnknownLag, RecordAge: status.Never(), ReplicationLatency: status.Never()},
			}
		},
		Strimzi: func() bool { return ask },
	}
	if got := scraped(t, "kafka_", p); len(got) > 0 {
		t.Errorf("nobody asks for %q", got)
	}
	ask = true
	const x, y = `{flow="a->b",partition="0",source="a",source_topic="x",target="b",topic="all"} `, `{flow="a->b",partition="0",source="a",source_topic="y",target="b",topic="all"} `
	const pair, of = `{flow="a->b",source="a",target="b"} `, "kafka_connect_mirror_mirrorsourceconnector_"
	want := []string{
		`kafka_connect_connector_task_offset_commit_avg_time_ms{connector="\"a->b.MirrorSourceConnector\"",task="0"} 500`,
		`kafka_connect_mirror_mirrorcheckpointconnector_checkpoint_latency_ms` + pair + `1`,
		`kafka_connect_mirror_mirrorcheckpointconnector_checkpoint_latency_ms_avg` + pair + `2`,
		`kafka_connect_mirror_mirrorcheckpointconnector_checkpoint_latency_ms_max` + pair + `3`,
		`kafka_connect_mirror_mirrorcheckpointconnector_checkpoint_latency_ms_min` + pair + `1`,
		of + `byte_count` + x + `0`, of + `byte_count` + y + `600`, of + `byte_rate` + x + `0`, of + `byte_rate` + y + `45`,
		of + `record_age_ms` + y + `1000`, of + `record_age_ms_avg` + y + `2000`, of + `record_age_ms_max` + y + `3000`, of + `record_age_ms_min` + y + `500`,
		of + `record_count` + x + `0`, of + `record_count` + y + `20`, of + `record_rate` + x + `0`, of + `record_rate` + y + `1.5`,
		of + `replication_latency_ms` + y + `4000`, of + `replication_latency_ms_avg` + y + `5000`,
		of + `replication_latency_ms_max` + y + `6000`, of + `replication_latency_ms_min` + y + `3500`,
		`kafka_connect_source_task_source_record_active_count{connector="\"a->b.MirrorSourceConnector\"",task="0"} 4`,
		`kafka_connect_source_task_source_record_active_count{connector="\"b->a.MirrorSourceConnector\"",task="0"} 0`,
		`kafka_connect_worker_connector_count 2`, `kafka_connect_worker_task_count 1`,
		`kafka_consumer_fetch_manager_records_lag{clientid="\"a->b.MirrorSourceConnector-0\"",partition="0",topic="y"} 3`,
		`kafka_consumer_incoming_byte_total{clientid="\"a->b.MirrorSourceConnector-0\""} 700`,
		`kafka_consumer_incoming_byte_total{clientid="\"b->a.MirrorSourceConnector-0\""} 0`,
		`kafka_producer_buffer_available_bytes{clientid="\"MirrorSourceConnector-0\""} 70`,
		`kafka_producer_outgoing_byte_total{clientid="\"a->b.MirrorSourceConnector-0\""} 600`,
		`kafka_producer_outgoing_byte_total{clientid="\"b->a.MirrorSourceConnector-0\""} 0`,
	}
	if d := cmp.Diff(want, scraped(t, "kafka_", p)); d != "" {
		t.Error(d)
	}
	names := ""
	for _, line := range scraped(t, "jvm_", p) {
		name, value, _ := strings.Cut(line, " ")
		if names += name + "\n"; value == "0" && !strings.Contains(name, "gc") {
			t.Errorf("%s is nothing", name)
		}
	}
	const machine = `jvm_gc_collection_seconds_count{gc="go"}
jvm_gc_collection_seconds_sum{gc="go"}
jvm_memory_bytes_used{area="heap"}
jvm_memory_bytes_used{area="nonheap"}
jvm_memory_used_bytes{area="heap"}
jvm_memory_used_bytes{area="nonheap"}
`
	if d := cmp.Diff(machine, names); d != "" {
		t.Error(d)
	}
}
