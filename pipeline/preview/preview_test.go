package preview_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/pipeline/preview"
)

func flow(change func(*model.Flow)) *model.Flow {
	f := model.NewFlow(field.HCL)
	f.Name, f.From, f.To = "a->b", "a", "b"
	change(f)
	return f
}

func TestTopics(t *testing.T) {
	at := diag.Range{File: "x.hcl", Start: diag.Pos{Line: 3, Column: 13}}
	f := flow(func(f *model.Flow) {
		f.Topics, f.TopicsExclude = []string{"orders.*", "b\\..*", "mm2.*", "__x"}, []string{".*\\.tmp"}
		f.Ranges = model.Places{"topics": {File: "x.hcl"}, "topics[0]": at}
	})
	got, problems := preview.Topics(f, []string{"payments", "orders.eu", "orders.tmp", "b.orders", "heartbeats", "__x", "orders.eu"})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := preview.Flow{Name: "a->b", From: "a", To: "b", Enabled: true, Topics: []preview.Topic{
		{Name: "__x", Rule: "internal", Why: "it is an internal topic"},
		{Name: "b.orders", Rule: "cycle", Why: "its name says that it comes from the target"},
		{Name: "heartbeats", Target: "a.heartbeats", Rule: "heartbeats", Why: "heartbeats are always copied"},
		{Name: "orders.eu", Target: "a.orders.eu", Rule: "included", Pattern: "orders.*", At: at, Why: `it matches topics "orders.*"`},
		{Name: "orders.tmp", Rule: "excluded", Pattern: `.*\.tmp`, Why: `it matches topics_exclude ".*\\.tmp"`},
		{Name: "payments", Rule: "not_included", Why: "no pattern of topics matches it"},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got.Copied() != 2 {
		t.Errorf("%d are copied", got.Copied())
	}
}

func TestStages(t *testing.T) {
	rename := func(name string, r model.RenameStage) *model.Stage {
		return &model.Stage{Kind: model.StageRename, Name: name, Rename: &r}
	}
	cut := model.RenameStage{Pattern: `(?:eu|us)\.(.*)`, Replacement: "$1"}
	merging := cut
	merging.Merge = true
	topic := func(name, target string, change func(*preview.Topic)) preview.Topic {
		t := preview.Topic{Name: name, Target: target, Rule: "included", Pattern: ".*", Why: `it matches topics ".*"`}
		change(&t)
		return t
	}
	as := func(*preview.Topic) {}
	tests := map[string]struct {
		stages []*model.Stage
		names  []string
		want   []preview.Topic
		copied int
	}{
		"renamed": {[]*model.Stage{rename("x", model.RenameStage{Prefix: "x."})}, []string{"t"}, []preview.Topic{topic("t", "x.t", as)}, 1},
		"dropped by a stage": {
			[]*model.Stage{{Kind: model.StageFilter, Name: "f", Filter: &model.FilterStage{Topics: []string{"a"}}}},
			[]string{"a", "t"},
			[]preview.Topic{
				topic("a", "a.a", as),
				{Name: "t", Rule: "not_included", Why: `stage "f" drops it: no pattern of topics matches it`},
			},
			1,
		},
		"merged": {
			[]*model.Stage{rename("cut", merging)},
			[]string{"eu.t", "us.t"},
			[]preview.Topic{
				topic("eu.t", "t", func(t *preview.Topic) { t.Shares = []string{"us.t"} }),
				topic("us.t", "t", func(t *preview.Topic) { t.Shares = []string{"eu.t"} }),
			},
			2,
		},
		"collision": {
			[]*model.Stage{rename("cut", cut)},
			[]string{"eu.t", "us.t", "us.u"},
			[]preview.Topic{
				topic("eu.t", "t", func(t *preview.Topic) { t.Shares, t.Refused, t.Merge = []string{"us.t"}, true, "cut" }),
				topic("us.t", "t", func(t *preview.Topic) { t.Shares, t.Refused, t.Merge = []string{"eu.t"}, true, "cut" }),
				topic("us.u", "u", as),
			},
			1,
		},
		"no name": {
			[]*model.Stage{rename("in", model.RenameStage{Prefix: "__"})},
			[]string{"t"},
			[]preview.Topic{topic("t", "", func(t *preview.Topic) {
				t.Rule, t.Why = "no_name", `its name on the target, "__t", would be that of an internal topic`
			})},
			0,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := flow(func(f *model.Flow) { f.Stages = tt.stages; f.KeepStageNames() })
			got, problems := preview.Topics(f, tt.names)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			if d := cmp.Diff(tt.want, got.Topics); d != "" || got.Copied() != tt.copied {
				t.Errorf("%d are copied\n%s", got.Copied(), d)
			}
		})
	}
}

func TestBadPattern(t *testing.T) {
	_, problems := preview.Topics(flow(func(f *model.Flow) { f.Topics = []string{"("} }), []string{"x"})
	if !problems.HasErrors() {
		t.Error("a broken pattern was taken")
	}
}

func TestParseList(t *testing.T) {
	names, problems := preview.ParseList("list", []byte("orders\n\n# comment\n  payments \r\nnot a topic\n..\nlast"))
	if d := cmp.Diff([]string{"orders", "payments", "last"}, names); d != "" {
		t.Error(d)
	}
	var places []string
	for _, p := range problems {
		places = append(places, p.String())
	}
	want := []string{"list:5:1: error: this line is not the name of a topic (ST015)", "list:6:1: error: this line is not the name of a topic (ST015)"}
	if d := cmp.Diff(want, places); d != "" {
		t.Error(d)
	}
	if _, problems := preview.ParseList("list", []byte(strings.Repeat("\x00 \n", 100_000))); len(problems) != 20 {
		t.Errorf("%d problems of a file of another kind", len(problems))
	}
	if names, _ := preview.ParseList("list", []byte(strings.Repeat("x", 250))); len(names) != 0 {
		t.Error("a name that is too long was taken")
	}
}
