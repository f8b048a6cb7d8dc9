package supervisor

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/load"
	"github.com/strait-mirror/strait/config/model"
)

// flows reads a topology of two clusters with the flows that lines describe, each
// by its name and what its block says.
func flows(t *testing.T, addr string, lines ...string) *model.Config {
	t.Helper()
	var b strings.Builder
	for _, alias := range []string{"a", "b"} {
		fmt.Fprintf(&b, "cluster %q { bootstrap_servers = [%q] }\n", alias, addr)
	}
	for _, line := range lines {
		name, says, _ := strings.Cut(line, ": ")
		fmt.Fprintf(&b, "flow %q {\n from = \"a\"\n to = \"b\"\n %s\n}\n", name, strings.ReplaceAll(says, "; ", "\n"))
	}
	cfg, problems := load.Load([]string{"strait.hcl"}, load.Options{
		Sources: &diag.Sources{}, Env: func(string) (string, bool) { return "", false },
		ReadFile: func(string) ([]byte, error) { return []byte(b.String()), nil },
	})
	if problems.HasErrors() {
		t.Fatal(problems.Err())
	}
	return cfg
}

// TestEditsTouchOnlyTheirFlows edits flows between the same two clusters, in a
// process that runs alone and in one that shares the work.
func TestEditsTouchOnlyTheirFlows(t *testing.T) {
	const alone = `owns_offsets = false; topics = ["orders"]`
	steps := []struct {
		name  string
		flows []string
		kept  string // which of those before run on untouched
	}{
		{"start", []string{"x: " + alone, "y: " + alone, "z: " + alone}, ""},
		{"one fetches otherwise", []string{"x: " + alone, "y: " + alone + "; fetch_min_bytes = 2", "z: " + alone}, "x z"},
		{"one goes, one comes", []string{"w: " + alone, "y: " + alone + "; fetch_min_bytes = 2", "z: " + alone}, "y z"},
		{"another order", []string{"z: " + alone, "w: " + alone, "y: " + alone + "; fetch_min_bytes = 2"}, "w y z"},
		{"one is switched off", []string{"z: " + alone, "w: " + alone + "; enabled = false", "y: " + alone + "; fetch_min_bytes = 2"}, "y z"},
		{"its positions may be those of another", []string{`v: topics = ["a.*"]`, "z: " + alone, `u: topics = ["b.*"]`}, "z"},
		{"so that both wait for each other", []string{`v: topics = ["c.*"]`, "z: " + alone, `u: topics = ["b.*"]`}, "z"},
		{"but not where topics stay", []string{`v: topics = ["c.*"]; on_gap = "stop"`, "z: " + alone, `u: topics = ["b.*"]`}, "u v z"},
		{"in transactions", []string{"z: " + alone, `u: topics = ["b.*"]; delivery = "transactional"`}, "z"},
	}
	for name, instance := range map[string]*string{"alone": nil, "shared": new("")} {
		t.Run(name, func(t *testing.T) {
			fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "orders"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(fake.Close)
			f, err := NewFleet(Params{
				Config: flows(t, fake.ListenAddrs()[0], steps[0].flows...), Log: slog.New(slog.DiscardHandler),
				Instance: instance, DrainTimeout: time.Second,
			})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- f.Run(ctx) }()
			for _, step := range steps[1:] {
				before := map[string]*unit{}
				for _, u := range f.ships[0].all() {
					before[u.def.Name] = u
				}
				if err := f.Apply(ctx, flows(t, fake.ListenAddrs()[0], step.flows...)); err != nil {
					t.Fatalf("%s: %v", step.name, err)
				}
				var kept []string
				for name, u := range before {
					select {
					case <-u.ended:
						continue
					default:
					}
					if flowUnit(f, name) == u {
						kept = append(kept, name)
					} else {
						t.Errorf("%s: %s runs, but nobody knows it", step.name, name)
					}
				}
				if got := strings.Join(slices.Sorted(slices.Values(kept)), " "); got != step.kept {
					t.Errorf("%s: %q run on, not %q", step.name, got, step.kept)
				}
				if s := f.ships[0]; len(f.ships) != 1 || len(s.open) != 2 || len(s.teams) > 1 {
					t.Errorf("%s: %d pairs, %d clusters, %d teams", step.name, len(f.ships), len(s.open), len(s.teams))
				}
			}
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

func flowUnit(f *Fleet, name string) *unit {
	for _, u := range f.ships[0].all() {
		if u.def.Name == name {
			return u
		}
	}
	return nil
}

// TestRefusedEditsLeaveNothing refuses an edit that has built flows for a pair that
// runs, since a cluster that is new does not answer.
func TestRefusedEditsLeaveNothing(t *testing.T) {
	runs := topology(t, `topics = ["orders"]`)
	f, err := NewFleet(Params{Config: runs, Log: slog.New(slog.DiscardHandler), Instance: new("")})
	if err != nil {
		t.Fatal(err)
	}
	defer discard(f.ships)
	unit := f.ships[0].units[0]
	edit := topology(t, `topics = ["orders"]`, `fetch_min_bytes = 2`)
	c, more := *edit.Clusters[1], *edit.Flows[0]
	c.Alias, more.Name, more.To = "c", "a->c", "c"
	edit.Clusters, edit.Flows = append(edit.Clusters, &c), append(edit.Flows, &more)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := f.Apply(ctx, edit); err == nil {
		t.Fatal("a cluster that does not answer was taken")
	}
	s := f.ships[0]
	if len(f.ships) != 1 || len(s.units) != 1 || s.units[0] != unit || f.Topology() != runs {
		t.Errorf("something changed: %d pairs, %d flows", len(f.ships), len(s.units))
	}
	if len(s.open) != 2 || len(s.teams) != 1 {
		t.Errorf("%d clusters, %d teams are left", len(s.open), len(s.teams))
	}
}
