package plan_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/load"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/pipeline/graph"
	"github.com/strait-mirror/strait/pipeline/plan"
)

var update = flag.Bool("update", false, "rewrite the goldens")

// read loads a topology from text.
func read(t *testing.T, name, text string) *model.Config {
	t.Helper()
	cfg, problems := load.Load([]string{filepath.Join(t.TempDir(), name)}, load.Options{
		Sources:  &diag.Sources{},
		Env:      func(name string) (string, bool) { return "value of " + name, true },
		ReadFile: func(string) ([]byte, error) { return []byte(text), nil },
	})
	if problems.HasErrors() {
		t.Fatal(problems.Err())
	}
	return cfg
}

// TestGoldens has in each file a topology before, after, and what is planned.
func TestGoldens(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			before, after, want := a.Files[0], a.Files[1], &a.Files[2]
			got := dump(plan.New(read(t, before.Name, string(before.Data)), read(t, after.Name, string(after.Data))))
			if *update {
				want.Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(string(want.Data), got); d != "" {
				t.Error(d)
			}
		})
	}
}

// dump is a plan as lines.
func dump(p *plan.Plan) string {
	var b strings.Builder
	changes := func(indent string, list []plan.Change) {
		for _, c := range list {
			fmt.Fprintf(&b, "%s%s: %q -> %q: %s", indent, c.Property, c.Before, c.After, c.Action)
			if c.Note != "" {
				fmt.Fprintf(&b, " (%s)", c.Note)
			}
			if !c.At.IsZero() {
				fmt.Fprintf(&b, " line %d", c.At.Start.Line)
			}
			b.WriteByte('\n')
		}
	}
	for _, c := range p.Clusters {
		fmt.Fprintf(&b, "%s: %s\n", c.ID, c.Action)
		changes("    ", c.Changes)
	}
	for _, f := range p.Flows {
		fmt.Fprintf(&b, "flow %s: %s\n", f.Name, f.Action)
		changes("    ", f.Changes)
		for _, n := range f.Nodes {
			fmt.Fprintf(&b, "  %s: %s\n", n.ID, n.Action)
			changes("    ", n.Changes)
		}
	}
	return b.String()
}

const base = `
cluster "a" { bootstrap_servers = ["a:9092"] }
cluster "b" { bootstrap_servers = ["b:9092"] }
flow "a->b" {}
`

// TestEveryPropertyHasItsAction edits each property of a flow and expects that
// the plan names it, with the action of its declaration and nothing beside it.
func TestEveryPropertyHasItsAction(t *testing.T) {
	want := map[field.Reload]plan.Action{
		field.Live: plan.UpdateLive, field.BatchBoundary: plan.AtBoundary, field.RestartStage: plan.Restart,
		field.RestartFlow: plan.RestartFlow, field.Destructive: plan.Destructive,
	}
	for _, d := range model.FlowFields(model.NewFlow(field.HCL)) {
		if d.Name == "enabled" {
			continue // makes a flow come and go
		}
		t.Run(d.Name, func(t *testing.T) {
			before, after := read(t, "a.hcl", base), read(t, "a.hcl", base)
			edit(t, declared(t, after.Flows[0], d.Name))
			f := plan.New(before, after).Flows[0]
			found := f.Changes
			for _, n := range f.Nodes {
				found = append(found, n.Changes...)
			}
			if len(found) != 1 || found[0].Property != d.Name || found[0].Action != want[d.Reload] {
				t.Errorf("changes are %+v, want %s alone, %s", found, d.Name, want[d.Reload])
			}
			if f.Action != want[d.Reload] {
				t.Errorf("the flow's action is %q, want %q", f.Action, want[d.Reload])
			}
		})
	}
}

func declared(t *testing.T, f *model.Flow, name string) field.Def {
	t.Helper()
	for _, d := range model.FlowFields(f) {
		if d.Name == name {
			return d
		}
	}
	t.Fatalf("no property %s", name)
	return field.Def{}
}

// edit gives a property another value.
func edit(t *testing.T, d field.Def) {
	t.Helper()
	var tries []field.Value
	switch d.Kind {
	case field.KindBool:
		tries = []field.Value{{Text: "true"}, {Text: "false"}}
	case field.KindEnum:
		for _, w := range d.Words {
			tries = append(tries, field.Value{Text: w})
		}
	case field.KindList:
		tries = []field.Value{{List: []string{"something"}, IsList: true}}
	case field.KindMap:
		tries = []field.Value{{Map: map[string]string{"a": "b"}, IsMap: true}}
	case field.KindDuration:
		tries = []field.Value{{Text: "7s"}, {Text: "200ms"}, {Text: "7m"}, {Text: "7h"}, {Text: "300h"}}
	default:
		tries = []field.Value{{Text: "7"}, {Text: "7777"}, {Text: "7777777"}, {Text: "/some/path"}, {Text: "0.7"}}
	}
	was := d.Text()
	for _, v := range tries {
		if problem := d.Set(field.HCL, v); problem == nil && d.Text() != was {
			return
		}
	}
	t.Fatalf("no other value of %s found", d.Name)
}

// TestEqualTopologiesAreKept compares texts that differ in form alone.
func TestEqualTopologiesAreKept(t *testing.T) {
	other := strings.ReplaceAll(base, "flow \"a->b\" {}", "\n# the same\nflow \"a->b\" {\n  topics = [\".*\"]\n}\n")
	if p := plan.New(read(t, "a.hcl", base), read(t, "a.hcl", other)); !p.Empty() {
		t.Error(dump(p))
	}
}

// TestHolderKnowsAttributes keeps graph.Holder and the declarations together.
func TestHolderKnowsAttributes(t *testing.T) {
	kinds := map[string]graph.Kind{"topics": graph.Source, "topics_exclude": graph.Source, "from": graph.Source, "to": graph.Sink, "replication_policy": graph.Sink}
	for name, want := range kinds {
		if got, _ := graph.Holder(name); got != want {
			t.Errorf("%s is of %q, want %q", name, got, want)
		}
	}
	if kind, ok := graph.Holder("delivery"); ok {
		t.Errorf("delivery is of %q, want the flow", kind)
	}
}
