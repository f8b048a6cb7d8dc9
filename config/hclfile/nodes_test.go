package hclfile

import (
	"fmt"
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
