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
