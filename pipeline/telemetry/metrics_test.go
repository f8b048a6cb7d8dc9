package telemetry_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/pipeline/status"
	"github.com/strait-mirror/strait/pipeline/telemetry"
)

// scrape returns the lines of Strait's own series.
func scrape(t *testing.T, read func() status.Snapshot, partitions ...status.Partition) []string {
	t.Helper()
	return scraped(t, "strait_", telemetry.Params{
		Status: read, Version: "1.2.3",
		Partitions: func(func(string) bool) []status.Partition { return partitions },
		Labels:     func() bool { return len(partitions) > 0 },
	})
}

// scraped returns the lines of series whose names begin with prefix.
func scraped(t *testing.T, prefix string, p telemetry.Params) []string {
	t.Helper()
	m, err := telemetry.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	text, err := io.ReadAll(w.Result().Body)
	if err != nil || w.Code != http.StatusOK {
		t.Fatalf("status %d, %v", w.Code, err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, prefix) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

func TestScrape(t *testing.T) {
	got := scrape(t, func() status.Snapshot {
		return status.Snapshot{Buffer: status.Buffer{Limit: 100, Used: 40}, Flows: []status.Flow{
			{
				Name: "a->b", From: "a", To: "b", State: status.Running, Topics: 2, Partitions: 7,
				Records: 100, Bytes: 2000, Skipped: 1, Filtered: 3, DeadLetters: 4, LimitedSeconds: 1.5, LagRecords: 5, LagSeconds: 2.5, Gaps: 1, Unproven: 2, Held: 1,
				ReadRecords: 110, ReadBytes: 2200,
				Fetch:    status.Traffic{Requests: 11, Errors: 1, Connections: 2, ThrottledSeconds: 0.5},
				Produce:  status.Traffic{Requests: 12, Errors: 2, Connections: 3, ThrottledSeconds: 2.5},
				Transfer: status.Histogram{Bounds: []float64{0.1, 1}, Counts: []uint64{2, 3, 4}, Sum: 9.5},
				Reasons:  map[string]int64{"magic": 3, "boundary": 4},
				Stages:   map[string]status.Stage{"cards": {Given: 30, Dropped: 20, Failed: 10}},
				Problems: []status.Problem{{Topic: "t"}},
			},
			{
				Name: "b->a", From: "b", To: "a", State: status.Waiting, LagRecords: status.UnknownLag,
				Group: &status.Group{Member: "m-1", Members: 4, Leader: true, Share: 0.25},
			},
		}}
	})
	want := []string{
		`strait_buffer_bytes 40`,
		`strait_buffer_limit_bytes 100`,
		`strait_build_info{version="1.2.3"} 1`,
		`strait_flow_connections_total{flow="a->b",request="fetch",source="a",target="b"} 2`,
		`strait_flow_connections_total{flow="a->b",request="produce",source="a",target="b"} 3`,
		`strait_flow_connections_total{flow="b->a",request="fetch",source="b",target="a"} 0`,
		`strait_flow_connections_total{flow="b->a",request="produce",source="b",target="a"} 0`,
		`strait_flow_dead_letter_records_total{flow="a->b",source="a",target="b"} 4`,
		`strait_flow_dead_letter_records_total{flow="b->a",source="b",target="a"} 0`,
		`strait_flow_filtered_records_total{flow="a->b",source="a",target="b"} 3`,
		`strait_flow_filtered_records_total{flow="b->a",source="b",target="a"} 0`,
		`strait_flow_foreign_offsets_total{flow="a->b",source="a",target="b"} 0`,
		`strait_flow_foreign_offsets_total{flow="b->a",source="b",target="a"} 0`,
		`strait_flow_gaps_total{flow="a->b",source="a",target="b"} 1`,
		`strait_flow_gaps_total{flow="b->a",source="b",target="a"} 0`,
		`strait_flow_group_leader{flow="b->a",source="b",target="a"} 1`,
		`strait_flow_group_members{flow="b->a",source="b",target="a"} 4`,
		`strait_flow_group_share_ratio{flow="b->a",source="b",target="a"} 0.25`,
		`strait_flow_held_partitions{flow="a->b",source="a",target="b"} 1`,
		`strait_flow_held_partitions{flow="b->a",source="b",target="a"} 0`,
		`strait_flow_io_bytes_total{flow="a->b",source="a",target="b"} 2000`,
		`strait_flow_io_bytes_total{flow="b->a",source="b",target="a"} 0`,
		`strait_flow_lag_records{flow="a->b",source="a",target="b"} 5`,
		`strait_flow_lag_seconds{flow="a->b",source="a",target="b"} 2.5`,
		`strait_flow_limited_seconds_total{flow="a->b",source="a",target="b"} 1.5`,
		`strait_flow_limited_seconds_total{flow="b->a",source="b",target="a"} 0`,
		`strait_flow_partitions{flow="a->b",source="a",target="b"} 7`,
		`strait_flow_partitions{flow="b->a",source="b",target="a"} 0`,
		`strait_flow_problems{flow="a->b",source="a",target="b"} 1`,
		`strait_flow_problems{flow="b->a",source="b",target="a"} 0`,
		`strait_flow_read_io_bytes_total{flow="a->b",source="a",target="b"} 2200`,
		`strait_flow_read_io_bytes_total{flow="b->a",source="b",target="a"} 0`,
		`strait_flow_read_records_total{flow="a->b",source="a",target="b"} 110`,
		`strait_flow_read_records_total{flow="b->a",source="b",target="a"} 0`,
		`strait_flow_records_total{flow="a->b",source="a",target="b"} 100`,
		`strait_flow_records_total{flow="b->a",source="b",target="a"} 0`,
		`strait_flow_reencoded_batches_total{flow="a->b",reason="boundary",source="a",target="b"} 4`,
		`strait_flow_reencoded_batches_total{flow="a->b",reason="magic",source="a",target="b"} 3`,
		`strait_flow_request_errors_total{flow="a->b",request="fetch",source="a",target="b"} 1`,
		`strait_flow_request_errors_total{flow="a->b",request="produce",source="a",target="b"} 2`,
		`strait_flow_request_errors_total{flow="b->a",request="fetch",source="b",target="a"} 0`,
		`strait_flow_request_errors_total{flow="b->a",request="produce",source="b",target="a"} 0`,
		`strait_flow_requests_total{flow="a->b",request="fetch",source="a",target="b"} 11`,
		`strait_flow_requests_total{flow="a->b",request="produce",source="a",target="b"} 12`,
		`strait_flow_requests_total{flow="b->a",request="fetch",source="b",target="a"} 0`,
		`strait_flow_requests_total{flow="b->a",request="produce",source="b",target="a"} 0`,
		`strait_flow_skipped_records_total{flow="a->b",source="a",target="b"} 1`,
		`strait_flow_skipped_records_total{flow="b->a",source="b",target="a"} 0`,
		`strait_flow_stage_dropped_records_total{flow="a->b",source="a",stage="cards",target="b"} 20`,
		`strait_flow_stage_failed_records_total{flow="a->b",source="a",stage="cards",target="b"} 10`,
		`strait_flow_stage_records_total{flow="a->b",source="a",stage="cards",target="b"} 30`,
		`strait_flow_state{flow="a->b",source="a",state="draining",target="b"} 0`,
		`strait_flow_state{flow="a->b",source="a",state="paused",target="b"} 0`,
		`strait_flow_state{flow="a->b",source="a",state="running",target="b"} 1`,
		`strait_flow_state{flow="a->b",source="a",state="starting",target="b"} 0`,
		`strait_flow_state{flow="a->b",source="a",state="stopped",target="b"} 0`,
		`strait_flow_state{flow="a->b",source="a",state="unhealthy",target="b"} 0`,
		`strait_flow_state{flow="a->b",source="a",state="waiting",target="b"} 0`,
		`strait_flow_state{flow="b->a",source="b",state="draining",target="a"} 0`,
		`strait_flow_state{flow="b->a",source="b",state="paused",target="a"} 0`,
		`strait_flow_state{flow="b->a",source="b",state="running",target="a"} 0`,
		`strait_flow_state{flow="b->a",source="b",state="starting",target="a"} 0`,
		`strait_flow_state{flow="b->a",source="b",state="stopped",target="a"} 0`,
		`strait_flow_state{flow="b->a",source="b",state="unhealthy",target="a"} 0`,
		`strait_flow_state{flow="b->a",source="b",state="waiting",target="a"} 1`,
		`strait_flow_throttled_seconds_total{flow="a->b",request="fetch",source="a",target="b"} 0.5`,
		`strait_flow_throttled_seconds_total{flow="a->b",request="produce",source="a",target="b"} 2.5`,
		`strait_flow_throttled_seconds_total{flow="b->a",request="fetch",source="b",target="a"} 0`,
		`strait_flow_throttled_seconds_total{flow="b->a",request="produce",source="b",target="a"} 0`,
		`strait_flow_topics{flow="a->b",source="a",target="b"} 2`,
		`strait_flow_topics{flow="b->a",source="b",target="a"} 0`,
		`strait_flow_transfer_seconds_bucket{flow="a->b",source="a",target="b",le="0.1"} 2`,
		`strait_flow_transfer_seconds_bucket{flow="a->b",source="a",target="b",le="1"} 5`,
		`strait_flow_transfer_seconds_bucket{flow="a->b",source="a",target="b",le="+Inf"} 9`,
		`strait_flow_transfer_seconds_sum{flow="a->b",source="a",target="b"} 9.5`,
		`strait_flow_transfer_seconds_count{flow="a->b",source="a",target="b"} 9`,
		`strait_flow_unproven_total{flow="a->b",source="a",target="b"} 2`,
		`strait_flow_unproven_total{flow="b->a",source="b",target="a"} 0`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestTableNamesWhatIsExposed has one flow with every metric, and compares names.
func TestTableNamesWhatIsExposed(t *testing.T) {
	timed := status.Histogram{Bounds: []float64{1}, Counts: []uint64{1, 0}}
	lines := scrape(t, func() status.Snapshot {
		return status.Snapshot{
			Flows:  []status.Flow{{Name: "f", RecordAge: timed, ReplicationLatency: timed, Transfer: timed, Reasons: map[string]int64{"r": 1}, Stages: map[string]status.Stage{"s": {}}, Group: &status.Group{Member: "m", Members: 1}}},
			Reload: &status.Reload{Revision: 3, Applied: time.UnixMilli(1500), Successful: true},
		}
	}, status.Partition{Flow: "f"})
	seen := map[string]bool{}
	for _, line := range lines {
		name := line[:strings.IndexAny(line, "{ ")]
		for _, part := range []string{"_bucket", "_sum", "_count"} {
			name = strings.TrimSuffix(name, part)
		}
		seen[name] = true
	}
	want := map[string]bool{"strait_build_info": true}
	for _, m := range slices.Concat(telemetry.Table(), telemetry.Process(), telemetry.Partitions()) {
		want[m.Exposed] = true
	}
	for _, d := range telemetry.Distributions() {
		want[d.Exposed] = true
	}
	for _, line := range []string{
		"strait_config_last_reload_successful 1", "strait_config_last_reload_success_timestamp_seconds 1.5", "strait_config_revision 3",
	} {
		if !slices.Contains(lines, line) {
			t.Errorf("there is no %q", line)
		}
	}
	if d := cmp.Diff(want, seen); d != "" {
		t.Error(d)
	}
}

// TestPartitions gives partitions series of their own, but for what is not known.
func TestPartitions(t *testing.T) {
	got := scrape(t, func() status.Snapshot {
		return status.Snapshot{Flows: []status.Flow{{Name: "a->b", From: "a", To: "b", LagRecords: status.UnknownLag}}}
	}, status.Partition{
		Flow: "a->b", Topic: "orders", TargetTopic: "a.orders", Partition: 3, LagRecords: 7, LagSeconds: 1.5, Headroom: 100, Records: 20, Bytes: 300,
	}, status.Partition{Flow: "a->b", Topic: "new", TargetTopic: "a.new", LagRecords: status.UnknownLag, Headroom: -1})
	got = slices.DeleteFunc(got, func(line string) bool { return !strings.HasPrefix(line, "strait_partition_") })
	const orders, fresh = `{flow="a->b",partition="3",source="a",source_topic="orders",target="b",topic="a.orders"} `, `{flow="a->b",partition="0",source="a",source_topic="new",target="b",topic="a.new"} `
	want := []string{
		"strait_partition_headroom_records" + orders + "100",
		"strait_partition_io_bytes_total" + fresh + "0", "strait_partition_io_bytes_total" + orders + "300",
		"strait_partition_lag_records" + orders + "7", "strait_partition_lag_seconds" + orders + "1.5",
		"strait_partition_records_total" + fresh + "0", "strait_partition_records_total" + orders + "20",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestMergedTopics tells partitions apart that are copied to one topic.
func TestMergedTopics(t *testing.T) {
	got := scrape(t, func() status.Snapshot {
		return status.Snapshot{Flows: []status.Flow{{Name: "a->b", From: "a", To: "b"}}}
	}, status.Partition{Flow: "a->b", Topic: "y", TargetTopic: "all", LagRecords: 2}, status.Partition{Flow: "a->b", Topic: "x", TargetTopic: "all", LagRecords: 1})
	got = slices.DeleteFunc(got, func(line string) bool { return !strings.HasPrefix(line, "strait_partition_lag_records") })
	want := []string{
		`strait_partition_lag_records{flow="a->b",partition="0",source="a",source_topic="x",target="b",topic="all"} 1`,
		`strait_partition_lag_records{flow="a->b",partition="0",source="a",source_topic="y",target="b",topic="all"} 2`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestOneSeriesTwice answers also while a partition is in two flows of one name, as for
// a moment when an edit replaces one.
func TestOneSeriesTwice(t *testing.T) {
	got := scrape(t, func() status.Snapshot {
		return status.Snapshot{Flows: []status.Flow{{Name: "a->b", Records: 3}}}
	}, status.Partition{Flow: "a->b", Topic: "t"}, status.Partition{Flow: "a->b", Topic: "t"})
	for _, line := range []string{
		`strait_flow_records_total{flow="a->b",source="",target=""} 3`,
		`strait_partition_records_total{flow="a->b",partition="0",source="",source_topic="t",target="",topic=""} 0`,
	} {
		if n := len(slices.DeleteFunc(slices.Clone(got), func(one string) bool { return one != line })); n != 1 {
			t.Errorf("%s is there %d times", line, n)
		}
	}
}

// TestNothingIsLeftOut has more series than OpenTelemetry lets through by itself.
func TestNothingIsLeftOut(t *testing.T) {
	var flows []status.Flow
	var list []status.Partition
	for i := range int32(3000) {
		flows = append(flows, status.Flow{Name: "f" + strconv.Itoa(int(i)), State: status.Running})
		list = append(list, status.Partition{Flow: "f0", TargetTopic: "t", Partition: i})
	}
	got := scrape(t, func() status.Snapshot { return status.Snapshot{Flows: flows} }, list...)
	count := map[string]int{}
	for _, line := range got {
		count[line[:strings.IndexAny(line, "{ ")]]++
	}
	if count["strait_flow_state"] != 3000*len(status.States()) || count["strait_partition_lag_records"] != 3000 || strings.Contains(strings.Join(got, ""), "overflow") {
		t.Errorf("there are %d states and %d lags", count["strait_flow_state"], count["strait_partition_lag_records"])
	}
}

// BenchmarkScrape reads the metrics of 10,000 partitions, with and without series of
// their own and those of MirrorMaker 2, compressed as Prometheus asks for it.
func BenchmarkScrape(b *testing.B) {
	var list []status.Partition
	for i := range int32(10_000) {
		topic := "orders.placed." + strconv.Itoa(int(i/100))
		list = append(list, status.Partition{
			Flow: "a->b", Topic: topic, TargetTopic: "a." + topic, Partition: i % 100,
			Records: 1_000_000 + int64(i)*7919, Bytes: 1_000_000_000 + int64(i)*104729, LagRecords: int64(i) * 31, LagSeconds: float64(i) / 17, Headroom: 500_000 + int64(i)*13,
		})
	}
	for _, of := range []struct {
		name            string
		labels, strimzi bool
	}{{"flows", false, false}, {"partitions", true, false}, {"strimzi", false, true}} {
		b.Run(of.name, func(b *testing.B) {
			m, err := telemetry.New(b.Context(), telemetry.Params{
				Status: func() status.Snapshot {
					return status.Snapshot{Flows: []status.Flow{{Name: "a->b", From: "a", To: "b"}}}
				},
				Partitions: func(func(string) bool) []status.Partition { return list },
				Labels:     func() bool { return of.labels },
				Strimzi:    func() bool { return of.strimzi },
			})
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/metrics", nil)
				r.Header.Set("Accept-Encoding", "gzip")
				m.Handler().ServeHTTP(w, r)
				b.ReportMetric(float64(w.Body.Len()), "page-bytes")
			}
		})
	}
}
