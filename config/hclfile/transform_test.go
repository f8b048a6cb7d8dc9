package hclfile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
)

const inFlow = clusters + "flow \"A->B\" {\n"

func TestStages(t *testing.T) {
	cfg, problems := read(inFlow + `
  transform "filter" "some" {
    topics         = ["a.*"]
    topics_exclude = ["ab"]
  }
  transform "rename" "regex" {
    pattern     = "^iot\\.(.+)$"
    replacement = "hub.$1"
    merge       = true
  }
  transform "rename" "around" { prefix = "x." }
  transform "rename" "table" {
    map = { old = "new", "a.b" = "c" }
  }
  transform "rename" "policy" {
    policy    = "default"
    separator = "_"
  }
  transform "partition" "fewer" {
    mapping    = "modulo"
    partitions = 4
  }
}`)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	f := cfg.Flows[0]
	if f.ReplicationPolicy != model.PolicyIdentity {
		t.Errorf("names that stages gave are not kept: policy is %s", f.ReplicationPolicy)
	}
	table := f.Stages[3]
	if at := table.Ranges.Of(model.Key("map", "a.b")).Start.Column; at != 34 {
		t.Errorf("the value of a.b is in column %d", at)
	}
	for _, s := range f.Stages {
		s.Range, s.Ranges = diag.Range{}, nil
	}
	want := []*model.Stage{
		{Kind: model.StageFilter, Name: "some", OnError: model.OnErrorFail, Filter: &model.FilterStage{Topics: []string{"a.*"}, TopicsExclude: []string{"ab"}}},
		{Kind: model.StageRename, Name: "regex", Rename: &model.RenameStage{Separator: ".", Pattern: `^iot\.(.+)$`, Replacement: "hub.$1", Merge: true}},
		{Kind: model.StageRename, Name: "around", Rename: &model.RenameStage{Separator: ".", Prefix: "x."}},
		{Kind: model.StageRename, Name: "table", Rename: &model.RenameStage{Separator: ".", Map: map[string]string{"old": "new", "a.b": "c"}}},
		{Kind: model.StageRename, Name: "policy", Rename: &model.RenameStage{Policy: model.PolicyDefault, Separator: "_"}},
		{Kind: model.StagePartition, Name: "fewer", Partition: &model.PartitionStage{Mapping: model.MappingModulo, Partitions: 4}},
	}
	if diff := cmp.Diff(want, f.Stages); diff != "" {
		t.Error(diff)
	}
}

func TestPolicyBesideStages(t *testing.T) {
	for text, want := range map[string]model.Policy{
		"":                          model.PolicyDefault,
		`transform "filter" "f" {}`: model.PolicyDefault,
		`transform "rename" "r" { prefix = "x" }`:                                         model.PolicyIdentity,
		"replication_policy = \"default\"\ntransform \"rename\" \"r\" { prefix = \"x\" }": model.PolicyDefault,
	} {
		cfg, problems := read(inFlow + text + "\n}")
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		if got := cfg.Flows[0].ReplicationPolicy; got != want {
			t.Errorf("%s: policy is %s, want %s", text, got, want)
		}
	}
}

func TestStageProblems(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"one label":         {`transform "rename" { prefix = "x" }`, `f.hcl:5:1: error: transform takes 2 labels (ST001)`},
		"unknown kind":      {`transform "renam" "r" { prefix = "x" }`, `f.hcl:5:11: error: no kind of stage "renam"; known are filter, rename, partition, window, headers, mask, set (ST015)`},
		"unknown attribute": {`transform "rename" "r" { prefx = "x" }`, `f.hcl:5:26: error: no attribute "prefx" in stage "r" (ST002)`},
		"other kind's":      {`transform "filter" "r" { prefix = "x" }`, `f.hcl:5:26: error: no attribute "prefix" in stage "r" (ST002)`},
		"no way":            {`transform "rename" "r" { merge = true }`, `f.hcl:5:1: error: stage "r" does not say how topics are renamed (ST003)`},
		"two ways":          {"transform \"rename\" \"r\" {\n prefix = \"x\"\n map = { a = \"b\" }\n}", `f.hcl:5:1: error: stage "r" renames topics in 2 ways (ST015)`},
		"no replacement":    {`transform "rename" "r" { pattern = "x" }`, `f.hcl:5:1: error: stage "r" needs replacement (ST003)`},
		"lonely separator":  {"transform \"rename\" \"r\" {\n prefix = \"x\"\n separator = \"_\"\n}", `f.hcl:7:2: error: stage "r": separator says something with policy = "default" only (ST015)`},
		"two of one name":   {"transform \"filter\" \"r\" {}\ntransform \"filter\" \"r\" {}", `f.hcl:6:20: error: flow "A->B" already has a stage "r" at f.hcl:5:1 (ST016)`},
		"two mappings":      {"transform \"partition\" \"r\" {}\ntransform \"partition\" \"s\" {}", `f.hcl:6:1: error: flow "A->B" already says where partitions go at f.hcl:5:1 (ST016)`},
		"map of a number":   {`transform "rename" "r" { map = 3 }`, `f.hcl:5:32: error: map: must be a map of strings (ST015)`},
		"map of lists":      {`transform "rename" "r" { map = { a = ["b"] } }`, `f.hcl:5:32: error: a: every value must be a string (ST015)`},
		"twice in a map":    {`transform "rename" "r" { map = { a = "b", a = "c" } }`, `f.hcl:5:43: error: map: "a" is already there at f.hcl:5:38 (ST006)`},
		"a map for a text":  {`transform "rename" "r" { prefix = { a = "b" } }`, `f.hcl:5:35: error: prefix: must be a string (ST015)`},
		"mapping":           {`transform "partition" "r" { mapping = "module" }`, `f.hcl:5:39: error: mapping: "module" must be "identity", "modulo" or "key" (ST015)`},
		"partitions":        {`transform "partition" "r" { partitions = -1 }`, `f.hcl:5:42: error: partitions: -1 is out of range: must be between 0 and 100000 (ST309)`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, problems := read(inFlow + tt.text + "\n}")
			var got []string
			for _, p := range problems {
				got = append(got, p.String())
			}
			if strings.Join(got, "\n") != tt.want && (len(got) == 0 || got[0] != tt.want) {
				t.Errorf("got  %s\nwant %s", strings.Join(got, "\n"), tt.want)
			}
		})
	}
}
