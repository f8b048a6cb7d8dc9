package metrics_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/strait-mirror/strait/integration/kafka"
)

// documented returns the names of the reference page, histograms by their counts.
func documented(t *testing.T) (names []string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/reference/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `(strait_[a-z_]+)` \\| ([a-z]+) \\|").FindAllStringSubmatch(string(text), -1) {
		if m[2] == "histogram" {
			m[1] += "_count"
		}
		names = append(names, m[1])
	}
	return names
}

// place is a partition of the source, and where its copy is.
type place struct {
	topic, target string
	partition     int32
}

func places() []place {
	return []place{
		{"x", "all", 0}, {"x", "all", 1}, {"y", "all", 0}, {"y", "all", 1}, {"z", "z", 0}, {"z", "z", 1}, {"z", "z", 2},
	}
}

// TestScrape compares what a scrape says with what both clusters do.
func TestScrape(t *testing.T) {
	t.Parallel()
	r := start(t, "")
	ctx := bounded(t)
	for i, p := range places() {
		r.produce(ctx, p.topic, p.partition, 10+i)
	}
	remove := kadm.Offsets{}
	remove.AddOffset("z", 2, 4, -1)
	if _, err := r.a.Admin().DeleteRecords(ctx, remove); err != nil {
		t.Fatal(err)
	}
	const flow = `{flow="a-one-from-b",source="a",target="b"}`
	copied := float64(ends(ctx, t, r.a, places()).total())
	var now page
	if !wait(ctx, func() bool {
		now = r.scrape(ctx)
		lag, known := now["strait_flow_lag_records"+flow]
		return known && lag == 0 && now["strait_flow_records_total"+flow] >= copied-4
	}) {
		t.Fatalf("not all is copied:\n%v", now)
	}
	testNames(t, now, false)
	r.write("partition_labels = true")
	if !wait(ctx, func() bool {
		now = r.scrape(ctx)
		return now.names()["strait_partition_lag_records"]
	}) {
		t.Fatal("series of partitions do not come")
	}
	testNames(t, now, true)
	if n := now[`strait_flow_stage_records_total{flow="a-one-from-b",source="a",stage="from",target="b"}`]; n < copied-4 || n > copied {
		t.Errorf("%v records came to the stage, of %v", n, copied)
	}
	promtool(t, r.text(ctx), "check", "metrics")
	r.testLag(bounded(t))
}

// testNames holds the names on a page to the reference.
func testNames(t *testing.T, p page, partitions bool) {
	t.Helper()
	on, want := p.names(), documented(t)
	if len(want) < 35 {
		t.Errorf("only %d names are documented", len(want))
	}
	for _, name := range want {
		if is, should := on[name], partitions || !strings.HasPrefix(name, "strait_partition_"); is != should {
			t.Errorf("%s is there: %t; it should be: %t", name, is, should)
		}
	}
	for name := range on {
		known := slices.Contains(want, name) || strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_")
		for _, part := range []string{"_bucket", "_sum"} {
			base, is := strings.CutSuffix(name, part)
			known = known || is && slices.Contains(want, base+"_count")
		}
		if !known {
			t.Errorf("%s is not documented", name)
		}
	}
}

// testLag has the target stand still while the source goes on, and on again.
func (r *running) testLag(ctx context.Context) {
	r.t.Helper()
	before, there := ends(ctx, r.t, r.a, places()), targetEnds(ctx, r.t, r.b)
	sums := map[string]int64{}
	for p, end := range before {
		sums[fmt.Sprintf("%s/%d", p.target, p.partition)] += end
	}
	sums["z/2"] -= 4
	for at, sum := range sums {
		if there[at] != sum {
			r.t.Errorf("%s holds %d records, its sources %d", at, there[at], sum)
		}
	}
	if err := r.b.Pause(r.b.Brokers()[0]); err != nil {
		r.t.Fatal(err)
	}
	began := time.Now()
	for i, p := range places() {
		if i%2 == 0 {
			r.produce(ctx, p.topic, p.partition, 3+i)
		}
	}
	after := ends(ctx, r.t, r.a, places())
	var wrong string
	if !wait(ctx, func() bool {
		wrong = r.compare(ctx, before, after, began)
		return wrong == ""
	}) {
		r.t.Error(wrong)
	}
	if err := r.b.Resume(r.b.Brokers()[0]); err != nil {
		r.t.Fatal(err)
	}
	if !wait(ctx, func() bool {
		wrong = r.compare(ctx, after, after, began)
		return wrong == ""
	}) {
		r.t.Error(wrong)
	}
}

// compare returns what a scrape says other than that everything below copied is on
// the target, and what follows has been readable since began or later.
func (r *running) compare(ctx context.Context, copied, readable offsets, began time.Time) string {
	r.t.Helper()
	now := r.scrape(ctx)
	most := time.Since(began).Seconds()
	var total float64
	for _, p := range places() {
		of := func(metric string) float64 {
			value, known := now.of("strait_partition_"+metric, p.topic, p.target, p.partition)
			if !known {
				return -1
			}
			return value
		}
		lag, start := float64(readable[p]-copied[p]), int64(0)
		total += lag
		if p.topic == "z" && p.partition == 2 {
			start = 4
		}
		if got := of("lag_records"); got != lag {
			return fmt.Sprintf("%v is %v records behind, not %v", p, got, lag)
		}
		if got := of("lag_seconds"); got < 0 || got > most || (got > 0) != (lag > 0) {
			return fmt.Sprintf("%v is %v seconds behind with a lag of %v, at most %v", p, got, lag, most)
		}
		if got := of("headroom_records"); got != float64(copied[p]-start) {
			return fmt.Sprintf("%v has %v records of headroom, not %v", p, got, copied[p]-start)
		}
		if got := of("records_total"); got < float64(copied[p]-start) || got > float64(copied[p]) {
			return fmt.Sprintf("of %v %v records were copied, not %d", p, got, copied[p])
		}
	}
	if got := now[`strait_flow_lag_records{flow="a-one-from-b",source="a",target="b"}`]; got != total {
		return fmt.Sprintf("the flow is %v records behind, not %v", got, total)
	}
	return ""
}

// offsets are the ends of partitions of the source.
type offsets map[place]int64

func (o offsets) total() (sum int64) {
	for _, end := range o {
		sum += end
	}
	return sum
}

func ends(ctx context.Context, t *testing.T, c *kafka.Cluster, of []place) offsets {
	t.Helper()
	listed, err := c.Admin().ListEndOffsets(ctx, "x", "y", "z")
	if err != nil || listed.Error() != nil {
		t.Fatal(err, listed.Error())
	}
	all := offsets{}
	for _, p := range of {
		end, _ := listed.Lookup(p.topic, p.partition)
		all[p] = end.Offset
	}
	return all
}

// targetEnds returns how many records partitions of the target hold, which nothing
// but records is written to.
func targetEnds(ctx context.Context, t *testing.T, c *kafka.Cluster) map[string]int64 {
	t.Helper()
	listed, err := c.Admin().ListEndOffsets(ctx, "all", "z")
	if err != nil || listed.Error() != nil {
		t.Fatal(err, listed.Error())
	}
	all := map[string]int64{}
	listed.Each(func(o kadm.ListedOffset) { all[fmt.Sprintf("%s/%d", o.Topic, o.Partition)] = o.Offset })
	return all
}
