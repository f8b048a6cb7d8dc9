package metrics_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestAlertsFire holds the alerts to pages of a Strait that runs: none fires while
// all is well, and those that are meant for it while the target is gone, and while
// an edit is refused.
func TestAlertsFire(t *testing.T) {
	t.Parallel()
	r := start(t, "partition_labels = true")
	ctx := bounded(t)
	const flow = `{flow="a-one-from-b",source="a",target="b"}`
	for _, p := range places() {
		r.produce(ctx, p.topic, p.partition, 5)
	}
	var now page
	if !wait(ctx, func() bool {
		now = r.scrape(ctx)
		return now["strait_flow_records_total"+flow] == float64(5*len(places())) && now["strait_flow_lag_records"+flow] == 0
	}) {
		t.Fatalf("not all is copied:\n%v", now)
	}
	fire(t, now)
	fire(t, page{}, "StraitDown")

	if err := os.WriteFile(r.file, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if !wait(ctx, func() bool {
		now = r.scrape(ctx)
		return now["strait_config_last_reload_successful"] == 0
	}) {
		t.Fatal("nonsense is taken")
	}
	fire(t, now, "StraitEditRefused")
	r.write("partition_labels = true")

	if err := r.b.Kill(r.b.Brokers()[0]); err != nil {
		t.Fatal(err)
	}
	r.produce(ctx, "x", 0, 3)
	if !wait(ctx, func() bool {
		now = r.scrape(ctx)
		waits := now[`strait_flow_state{flow="a-one-from-b",source="a",state="waiting",target="b"}`] == 1
		return waits && now["strait_flow_lag_records"+flow] == 3 && now["strait_config_last_reload_successful"] == 1
	}) {
		t.Fatalf("the target is not missed:\n%v", now)
	}
	fire(t, now, "StraitClusterUnreachable", "StraitStalled")
}

// fire fails unless those alerts fire, and no others, where pages say the same for an
// hour. StraitNeedsAttention is left out: whether a page tells of a problem depends on
// its moment.
func fire(t *testing.T, p page, want ...string) {
	t.Helper()
	rules, err := filepath.Abs("../../deploy/prometheus/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "rule_files: [%s]\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n    input_series:\n", yamlText(rules))
	writeSeries(&b, p, "job", "strait")
	b.WriteString("    promql_expr_test:\n      - expr: count by (alertname) (ALERTS{alertstate=\"firing\",alertname!=\"StraitNeedsAttention\"})\n        eval_time: 59m\n        exp_samples:\n")
	slices.Sort(want)
	for _, alert := range want {
		fmt.Fprintf(&b, "          - {labels: '{alertname=%q}', value: 1}\n", alert)
	}
	file := filepath.Join(t.TempDir(), "alerts.yml")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "", "test", "rules", file)
}
