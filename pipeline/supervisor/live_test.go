package supervisor

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/load"
	"github.com/strait-mirror/strait/config/model"
)

// topology reads a flow of these lines.
func topology(t *testing.T, lines ...string) *model.Config {
	t.Helper()
	text := fmt.Sprintf(`
cluster "a" { bootstrap_servers = ["127.0.0.1:1"] }
cluster "b" { bootstrap_servers = ["127.0.0.1:1"] }
flow "a->b" {
  %s
}
`, strings.Join(lines, "\n"))
	cfg, problems := load.Load([]string{"strait.hcl"}, load.Options{
		Sources: &diag.Sources{}, Env: func(string) (string, bool) { return "", false },
		ReadFile: func(string) ([]byte, error) { return []byte(text), nil },
	})
	if problems.HasErrors() {
		t.Fatal(problems.Err())
	}
	return cfg
}

// TestPropertiesThatStopNothing changes each property of a flow: what is declared
// live keeps what runs, and nothing else does.
func TestPropertiesThatStopNothing(t *testing.T) {
	runs := topology(t, `topics = ["orders"]`)
	s, err := New(Params{Config: runs, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	seen := map[field.Reload]int{}
	for i, d := range model.FlowFields(runs.Flows[0]) {
		if d.Name == "enabled" {
			continue // it adds or takes away the flow
		}
		next := *runs
		def := *runs.Flows[0]
		next.Flows = []*model.Flow{&def}
		alter(t, model.FlowFields(&def)[i])
		want := d.Reload == field.Live
		c, err := s.change(&next)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(c.live) == 1; got != want || got == (len(c.fresh) == 1) {
			t.Errorf("%s is declared %s, and a change of it is taken for live: %v", d.Name, d.Reload, got)
		}
		c.discard()
		seen[d.Reload]++
	}
	if seen[field.Live] < 10 || seen[field.RestartFlow] < 10 {
		t.Errorf("properties by class: %v", seen)
	}
}

// alter gives a property another value.
func alter(t *testing.T, d field.Def) {
	t.Helper()
	before := d.Text()
	v := field.Value{Text: "other"}
	switch d.Kind {
	case field.KindBool:
		v.Text = strconv.FormatBool(before != "true")
	case field.KindList:
		v = field.Value{List: []string{"other"}, IsList: true}
	case field.KindEnum:
		v.Text = d.Words[0]
		if v.Text == before {
			v.Text = d.Words[1]
		}
	case field.KindInt, field.KindSize:
		v.Text = strconv.FormatInt(d.Min+3, 10)
	case field.KindDuration:
		v.Text = time.Duration(d.Min + int64(3*time.Millisecond)).String()
	case field.KindString, field.KindSecret:
	case field.KindMap:
		v = field.Value{Map: map[string]string{"other": "1"}, IsMap: true}
	case field.KindFloat:
		t.Fatalf("%s: no other value is known of its kind", d.Name)
	}
	if problem := d.Set(field.HCL, v); problem != nil {
		t.Fatalf("%s: %s", d.Name, problem.Summary)
	}
	if d.Text() == before {
		t.Fatalf("%s did not change", d.Name)
	}
}

// TestEditsThatStopNothing applies edits to what would have to ask a cluster that is
// down, or to drain, if it were built anew, in a process that runs alone and in one
// that shares the work.
func TestEditsThatStopNothing(t *testing.T) {
	const begin = `topics = ["orders"]`
	stage := func(topics string) string {
		return begin + "\ntransform \"filter\" \"some\" {\n topics = [\"" + topics + "\"]\n}"
	}
	tests := map[string]struct {
		before, after string
		live          bool
	}{
		"topics":             {begin, `topics = ["orders", "bills"]`, true},
		"excludes":           {begin, begin + "\n" + `topics_exclude = ["x"]`, true},
		"a filter":           {stage("a.*"), stage("b.*"), true},
		"an interval":        {begin, begin + "\n" + `refresh_topics_interval = "9s"`, true},
		"groups":             {begin, begin + "\n" + `groups = ["mine"]`, true},
		"checkpoints' pace":  {begin, begin + "\n" + `emit_checkpoints_interval = "9s"`, true},
		"heartbeats' pace":   {begin, begin + "\n" + `emit_heartbeats_interval = "9s"`, true},
		"a gap":              {begin, begin + "\n" + `on_gap = "stop"`, true},
		"a filter more":      {begin, stage("a.*"), false},
		"fetches":            {begin, begin + "\n" + `fetch_min_bytes = 2`, false},
		"isolation":          {begin, begin + "\n" + `isolation_level = "read_uncommitted"`, false},
		"topics looked once": {begin + "\nrefresh_topics_enabled = false", "topics = [\"x\"]\nrefresh_topics_enabled = false", false},
		"in transactions":    {begin + "\ndelivery = \"transactional\"", "topics = [\"x\"]\ndelivery = \"transactional\"", false},
		"both at once":       {begin, `topics = ["x"]` + "\nfetch_min_bytes = 2", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, instance := range []*string{nil, new("")} {
				f, err := NewFleet(Params{Config: topology(t, tt.before), Log: slog.New(slog.DiscardHandler), Instance: instance})
				if err != nil {
					t.Fatal(err)
				}
				checkKept(t, f, tt.before, tt.after, tt.live)
				discard(f.ships)
			}
		})
	}
}

// checkKept applies an edit, and then the other way round.
func checkKept(t *testing.T, f *Fleet, before, after string, want bool) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	for _, text := range []string{after, before} {
		ship, unit := f.ships[0], f.ships[0].units[0]
		for range 2 { // the second is no edit
			if err := f.Apply(ctx, topology(t, text)); err != nil {
				t.Fatal(err)
			}
		}
		if kept := f.ships[0].units[0] == unit; kept != want {
			t.Errorf("the flow was kept: %v", kept)
		}
		if f.ships[0] != ship || len(ship.open) != 2 {
			t.Errorf("its clusters were not kept: %d are open", len(ship.open))
		}
	}
}
