package metrics_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// dashboard is what of Grafana's format is looked at.
type dashboard struct {
	Title, UID string
	Panels     []struct {
		ID          int
		Type, Title string
		GridPos     struct{ X, Y, W, H int }
		Datasource  struct{ UID string }
		Targets     []struct{ RefID, Expr string }
	}
	Templating struct{ List []struct{ Name, Type string } }
}

func readDashboard(t *testing.T) (d dashboard) {
	t.Helper()
	text, err := os.ReadFile("../../deploy/grafana/strait.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestDashboard holds the shipped dashboard to what Grafana needs to import it, and
// to the reference: every series is on it.
func TestDashboard(t *testing.T) {
	t.Parallel()
	d := readDashboard(t)
	if d.Title == "" || d.UID == "" || len(d.Templating.List) != 2 || d.Templating.List[0].Name != "datasource" || d.Templating.List[1].Name != "flow" {
		t.Errorf("the dashboard is %q, %q with the variables %v", d.Title, d.UID, d.Templating.List)
	}
	var all strings.Builder
	ids := map[int]bool{}
	for i, p := range d.Panels {
		if ids[p.ID] || p.Title == "" || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %d, %q, has the place or the number of another, or no title", p.ID, p.Title)
		}
		ids[p.ID] = true
		for _, before := range d.Panels[:i] {
			a, b := p.GridPos, before.GridPos
			if a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				t.Errorf("%q lies on %q", p.Title, before.Title)
			}
		}
		if p.Type != "row" && (len(p.Targets) == 0 || p.Datasource.UID != "${datasource}") {
			t.Errorf("%q asks for nothing, or a data source of its own", p.Title)
		}
		for _, q := range p.Targets {
			all.WriteString(q.Expr + "\n")
		}
	}
	for _, name := range documented(t) {
		if !strings.Contains(all.String(), name) {
			t.Errorf("%s is on no panel", name)
		}
	}
}

// TestDashboardIsAnswered asks a Strait that runs for all that the shipped dashboard
// does.
func TestDashboardIsAnswered(t *testing.T) {
	t.Parallel()
	r := start(t, "partition_labels = true")
	ctx := bounded(t)
	for _, p := range places() {
		r.produce(ctx, p.topic, p.partition, 5)
	}
	var now page
	if !wait(ctx, func() bool {
		now = r.scrape(ctx)
		return now[`strait_flow_records_total{flow="a-one-from-b",source="a",target="b"}`] == float64(5*len(places()))
	}) {
		t.Fatalf("not all is copied:\n%v", now)
	}
	var queries []string
	as := strings.NewReplacer("$flow", ".*", "$__rate_interval", "5m")
	for _, p := range readDashboard(t).Panels {
		for _, q := range p.Targets {
			queries = append(queries, as.Replace(q.Expr))
		}
	}
	if i := slices.IndexFunc(queries, func(q string) bool { return strings.Contains(q, "$") }); i >= 0 {
		t.Errorf("%s has a variable that there is not", queries[i])
	}
	answered(t, now, queries, "job", "strait", "instance", "one")
}
