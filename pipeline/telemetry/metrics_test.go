package telemetry_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/pipeline/status"
	"github.com/strait-mirror/strait/pipeline/telemetry"
)

// scrape returns the lines of Strait's own series.
func scrape(t *testing.T, read func() status.Snapshot) []string {
	t.Helper()
	m, err := telemetry.New(telemetry.Params{Status: read, Version: "1.2.3"})
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
		if strings.HasPrefix(line, "strait_") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

func TestScrape(t *testing.T) {
	got := scrape(t, func() status.Snapshot {
		return status.Snapshot{Flows: []status.Flow{
			{
				Name: "a->b", From: "a", To: "b", State: status.Running, Topics: 2, Partitions: 7,
				Records: 100, Bytes: 2000, Skipped: 1, LagRecords: 5, LagSeconds: 2.5, Gaps: 1, Unproven: 2,
				Reasons:  map[string]int64{"magic": 3, "boundary": 4},
				Problems: []status.Problem{{Topic: "t"}},
			},
			{Name: "b->a", From: "b", To: "a", State: status.Waiting, LagRecords: status.UnknownLag},
		}}
	})
	want := []string{
		`strait_build_info{version="1.2.3"} 1`,
		`strait_flow_gaps_total{flow="a->b",source="a",target="b"} 1`,
		`strait_flow_gaps_total{flow="b->a",source="b",target="a"} 0`,
		`strait_flow_io_bytes_total{flow="a->b",source="a",target="b"} 2000`,
		`strait_flow_io_bytes_total{flow="b->a",source="b",target="a"} 0`,
		`strait_flow_lag_records{flow="a->b",source="a",target="b"} 5`,
		`strait_flow_lag_seconds{flow="a->b",source="a",target="b"} 2.5`,
		`strait_flow_partitions{flow="a->b",source="a",target="b"} 7`,
		`strait_flow_partitions{flow="b->a",source="b",target="a"} 0`,
		`strait_flow_problems{flow="a->b",source="a",target="b"} 1`,
		`strait_flow_problems{flow="b->a",source="b",target="a"} 0`,
		`strait_flow_records_total{flow="a->b",source="a",target="b"} 100`,
		`strait_flow_records_total{flow="b->a",source="b",target="a"} 0`,
		`strait_flow_reencoded_batches_total{flow="a->b",reason="boundary",source="a",target="b"} 4`,
		`strait_flow_reencoded_batches_total{flow="a->b",reason="magic",source="a",target="b"} 3`,
		`strait_flow_skipped_records_total{flow="a->b",source="a",target="b"} 1`,
		`strait_flow_skipped_records_total{flow="b->a",source="b",target="a"} 0`,
		`strait_flow_state{flow="a->b",source="a",state="draining",target="b"} 0`,
		`strait_flow_state{flow="a->b",source="a",state="running",target="b"} 1`,
		`strait_flow_state{flow="a->b",source="a",state="starting",target="b"} 0`,
		`strait_flow_state{flow="a->b",source="a",state="stopped",target="b"} 0`,
		`strait_flow_state{flow="a->b",source="a",state="unhealthy",target="b"} 0`,
		`strait_flow_state{flow="a->b",source="a",state="waiting",target="b"} 0`,
		`strait_flow_state{flow="b->a",source="b",state="draining",target="a"} 0`,
		`strait_flow_state{flow="b->a",source="b",state="running",target="a"} 0`,
		`strait_flow_state{flow="b->a",source="b",state="starting",target="a"} 0`,
		`strait_flow_state{flow="b->a",source="b",state="stopped",target="a"} 0`,
		`strait_flow_state{flow="b->a",source="b",state="unhealthy",target="a"} 0`,
		`strait_flow_state{flow="b->a",source="b",state="waiting",target="a"} 1`,
		`strait_flow_topics{flow="a->b",source="a",target="b"} 2`,
		`strait_flow_topics{flow="b->a",source="b",target="a"} 0`,
		`strait_flow_unproven_total{flow="a->b",source="a",target="b"} 2`,
		`strait_flow_unproven_total{flow="b->a",source="b",target="a"} 0`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestTableNamesWhatIsExposed has one flow with every metric, and compares names.
func TestTableNamesWhatIsExposed(t *testing.T) {
	lines := scrape(t, func() status.Snapshot {
		return status.Snapshot{
			Flows:  []status.Flow{{Name: "f", Reasons: map[string]int64{"r": 1}}},
			Reload: &status.Reload{Revision: 3, Applied: time.UnixMilli(1500), Successful: true},
		}
	})
	seen := map[string]bool{}
	for _, line := range lines {
		name := line[:strings.IndexAny(line, "{ ")]
		seen[name] = true
	}
	want := map[string]bool{"strait_build_info": true}
	for _, m := range append(telemetry.Table(), telemetry.Process()...) {
		want[m.Exposed] = true
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
