package hclfile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/config/model"
)

func TestNodes(t *testing.T) {
	cfg, problems := read(clusters + `
cluster "C" { bootstrap_servers = ["c:9092"] }
source "orders" {
  cluster        = cluster.A
  topics         = ["orders.*"]
  topics_exclude = ["x"]
  start          = "latest"
}
source "pay" { cluster = "A" }
sink "b" {
  cluster            = cluster.B
  inputs             = [source.orders, source["pay"]]
  replication_factor = 3
}
sink "c" {
  cluster = cluster.C
  inputs  = [source.orders]
  enabled = false
}
flow "B->C" {}`)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var got []string
	for _, f := range cfg.Flows {
		own := len(f.TopicsExclude) - len(model.DefaultTopicsExclude())
		got = append(got, fmt.Sprintf("%s %s>%s %v %d %s %d %v %v", f.Name, f.From, f.To, f.Topics, own, f.Start, f.ReplicationFactor, f.Enabled, f.Path))
	}
	want := []string{
		"B->C B>C [.*] 0 earliest -1 true []",
		"orders-b A>B [orders.*] 1 latest 3 true [orders b]",
		"pay-b A>B [.*] 0 earliest 3 true [pay b]",
		"orders-c A>C [orders.*] 1 latest -1 false [orders c]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestNodesWithStages has stages that several flows share, and one way for each
// of them.
func TestNodesWithStages(t *testing.T) {
	cfg, problems := read(clusters + `
source "eu" {
  cluster = cluster.A
  topics  = ["eu.*"]
}
source "us" { cluster = cluster.A }
transform "filter" "quiet" {
  inputs         = [source.eu, source.us]
  topics_exclude = ["x"]
}
transform "rename" "cut" {
  inputs      = [transform.quiet]
  pattern     = "..\\.(.*)"
  replacement = "$1"
}
sink "names" {
  cluster = cluster.B
  inputs  = [transform.cut, source.us]
}
sink "raw" {
  cluster            = cluster.B
  inputs             = [transform["quiet"]]
  replication_policy = "identity"
}`)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var got []string
	for _, f := range cfg.Flows {
		got = append(got, fmt.Sprintf("%s %v %d %s", f.Name, f.Path, len(f.Stages), f.ReplicationPolicy))
	}
	want := []string{
		"eu-quiet-cut-names [eu quiet cut names] 2 identity",
		"us-quiet-cut-names [us quiet cut names] 2 identity",
		"us-names [us names] 0 default",
		"eu-quiet-raw [eu quiet raw] 1 identity",
		"us-quiet-raw [us quiet raw] 1 identity",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if cfg.Flows[0].Stages[0].Name != "quiet" || cfg.Flows[0].Stages[1].Name != "cut" {
		t.Errorf("stages out of order: %+v", cfg.Flows[0].Stages)
	}
}

// TestManyWays has more ways than anybody can count, and a way that is longer
// than any may be: both are refused at once.
func TestManyWays(t *testing.T) {
	ladder := func(rungs, wide int) string {
		var b strings.Builder
		b.WriteString(clusters + "source \"s\" { cluster = cluster.A }\n")
		before := "source.s"
		for i := range rungs {
			var rung []string
			for j := range wide {
				name := fmt.Sprintf("t%d_%d", i, j)
				fmt.Fprintf(&b, "transform \"filter\" %q { inputs = [%s] }\n", name, before)
				rung = append(rung, "transform."+name)
			}
			before = strings.Join(rung, ", ")
		}
		b.WriteString("sink \"k\" {\n  cluster = cluster.B\n  inputs = [" + before + "]\n}\n")
		return b.String()
	}
	tests := map[string]struct {
		rungs, wide int
		want        string
	}{
		"many": {60, 2, "the topology has more than 10000 sinks"},
		"long": {2000, 1, `sink "k" is behind more than 100 stages`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, problems := read(ladder(tt.rungs, tt.wide))
			if len(problems) != 1 || problems[0].Summary != tt.want {
				t.Errorf("got %.500v, want %s", problems, tt.want)
			}
		})
	}
}
