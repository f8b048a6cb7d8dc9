package hclfile

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/config/diag"
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

// TestRepeatedNodes has for_each and properties on sources, stages and sinks: a
// block by its name is all of its copies, one with a key is one of them.
func TestRepeatedNodes(t *testing.T) {
	const text = clusters + `
locals { regions = { eu = "A", us = "B" } }
cluster "hub" { bootstrap_servers = ["hub:9092"] }
source "edge" {
  for_each   = local.regions
  cluster    = cluster[each.value]
  topics     = ["${each.key}.*"]
  properties = { "consumer.fetch.min.bytes" = 7, "client.rack" = each.key }
}
transform "rename" "in" {
  for_each = local.regions
  inputs   = [source.edge[each.key]]
  prefix   = "${each.key}-"
}
`
	tests := map[string]struct{ text, want string }{
		"all of them": {`
sink "hub" {
  cluster    = cluster.hub
  inputs     = [transform.in]
  properties = { "linger.ms" = 5, "producer.override.max.request.size" = 9, "target.admin.retries" = 1 }
}`, "edge_eu-in_eu-hub A>hub [eu.*] eu- [client.rack consumer.fetch.min.bytes linger.ms producer.override.max.request.size target.admin.retries]\n" +
			"edge_us-in_us-hub B>hub [us.*] us- [client.rack consumer.fetch.min.bytes linger.ms producer.override.max.request.size target.admin.retries]"},
		"one of them": {`
sink "hub" {
  cluster = cluster.hub
  inputs  = [transform.in["us"], source.edge.eu, transform.in["e${"u"}"]]
}`, "edge_us-in_us-hub B>hub [us.*] us- [client.rack consumer.fetch.min.bytes]\n" +
			"edge_eu-hub A>hub [eu.*]  [client.rack consumer.fetch.min.bytes]\n" +
			"edge_eu-in_eu-hub A>hub [eu.*] eu- [client.rack consumer.fetch.min.bytes]"},
		"a sink each": {`
sink "hub" {
  for_each = toset(["us"])
  cluster  = cluster.hub
  inputs   = [source.edge[each.key]]
}
sink "rest" {
  cluster = cluster.hub
  inputs  = [transform.in]
  topics_exclude = []
}`, `no attribute "topics_exclude" in sink "rest"`},
		"no such copy":      {`sink "s" {` + "\n cluster = cluster.hub\n inputs = [source.edge[\"su\"], transform.in]\n}", `for_each makes no "su" of source "edge"`},
		"nothing to pick":   {`source "x" { cluster = cluster.A }` + "\n" + `sink "s" {` + "\n cluster = cluster.hub\n inputs = [source.x[\"a\"], source.x, transform.in]\n}", `inputs: source "x" has no for_each, and so nothing to pick; write source.x`},
		"a list as a key":   {`sink "s" {` + "\n cluster = cluster.hub\n inputs = [source.edge[[1]], transform.in]\n}", "inputs: a key must be a string that is not secret"},
		"twice":             {`sink "s" {` + "\n cluster = cluster.hub\n inputs = [transform.in, transform.in[\"eu\"]]\n}", `sink "s" takes transform "in" twice`},
		"a name twice":      {`source "edge_eu" { cluster = cluster.A }` + "\n" + `sink "s" {` + "\n cluster = cluster.hub\n inputs = [transform.in]\n}", `source "edge_eu" is already declared at`},
		"a failed for_each": {`source "x" {` + "\n for_each = 1\n cluster = cluster.A\n}\n" + `sink "s" {` + "\n cluster = cluster.hub\n inputs = [source.x[\"a\"], transform.in]\n}", "for_each: must be a map, or a list or set of strings; write for_each"},
		"of the other end":  {`sink "s" {` + "\n cluster = cluster.hub\n inputs = [transform.in]\n properties = { \"consumer.fetch.min.bytes\" = 1 }\n}", `properties: "consumer.fetch.min.bytes" has no place in a sink; write it in a source`},
		"of whose admin":    {`sink "s" {` + "\n cluster = cluster.hub\n inputs = [transform.in]\n properties = { \"admin.retries\" = 1 }\n}", `does not say whose connection it is about; write "target.admin.retries"`},
		"a bare one":        {`sink "s" {` + "\n cluster = cluster.hub\n inputs = [transform.in]\n properties = { \"fetch.min.bytes\" = 1 }\n}", `has no place in a sink`},
		"an attribute":      {`sink "s" {` + "\n cluster = cluster.hub\n inputs = [transform.in]\n properties = { \"tasks.max\" = 1 }\n}", "has an attribute of its own"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cfg, problems := read(text + tt.text)
			var got []string
			for _, p := range problems {
				got = append(got, p.Summary+"; "+p.Fix)
			}
			for _, f := range cfg.Flows {
				if len(problems) > 0 {
					break
				}
				prefix := ""
				for _, s := range f.Stages {
					prefix += s.Rename.Prefix
				}
				got = append(got, fmt.Sprintf("%s %s>%s %v %s %v", f.Name, f.From, f.To, f.Topics, prefix, slices.Sorted(maps.Keys(f.Properties))))
			}
			if all := strings.Join(got, "\n"); !strings.Contains(all, tt.want) || len(problems) == 0 && all != tt.want {
				t.Errorf("got\n%s\nwant\n%s", all, tt.want)
			}
		})
	}
}

// TestSecretsOfNodes keeps literals of secret properties out of messages.
func TestSecretsOfNodes(t *testing.T) {
	sources := &diag.Sources{}
	text := clusters + "source \"s\" {\n cluster = cluster.A\n properties = { \"consumer.ssl.key.password\" = [[\"hunter2\"], wrong] }\n}\nsink \"k\" {\n cluster = cluster.B\n inputs = [source.s]\n}\n"
	_, problems := Read(Params{Files: []File{{Name: "t.hcl", Text: []byte(text)}}, Env: func(string) (string, bool) { return "", false }, ReadFile: os.ReadFile, Sources: sources})
	if len(problems) == 0 {
		t.Fatal("nothing is wrong")
	}
	var shown strings.Builder
	if err := diag.Render(&shown, problems, sources); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(shown.String(), "hunter2") || !strings.Contains(shown.String(), "wrong") {
		t.Error(shown.String())
	}
}
