package program_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/transforms/program"
	"github.com/strait-mirror/strait/transforms/record"
)

func flow(stages ...*model.Stage) *model.Flow {
	f := model.NewFlow(field.HCL)
	f.Stages = stages
	return f
}

func filter(when string, onError model.OnError) *model.Stage {
	s := model.NewStage(model.StageFilter)
	s.Name, s.When, s.OnError = "some", when, onError
	return s
}

// A flow without record stages has no program: its batches are not opened.
func TestNamesNeedNoProgram(t *testing.T) {
	for name, f := range map[string]*model.Flow{
		"no stage": flow(), "names": flow(model.NewStage(model.StageFilter), model.NewStage(model.StageRename)),
	} {
		if p, problems := program.ForFlow(f); p != nil || len(problems) > 0 {
			t.Errorf("%s: %v, %v", name, p, problems)
		}
	}
}

func TestKeep(t *testing.T) {
	json := func(value string) *record.Record { return &record.Record{Offset: 7, Value: []byte(value)} }
	cases := map[string]struct {
		stages []*model.Stage
		value  string
		keep   bool
		fails  bool
	}{
		"kept":             {[]*model.Stage{filter(`json("a") == 1`, model.OnErrorFail)}, `{"a":1}`, true, false},
		"dropped":          {[]*model.Stage{filter(`json("a") == 1`, model.OnErrorFail)}, `{"a":2}`, false, false},
		"error fails":      {[]*model.Stage{filter(`json("a") == 1`, model.OnErrorFail)}, `{`, false, true},
		"error drops":      {[]*model.Stage{filter(`json("a") == 1`, model.OnErrorDrop)}, `{`, false, false},
		"error passes":     {[]*model.Stage{filter(`json("a") == 1`, model.OnErrorPass)}, `{`, true, false},
		"the second drops": {[]*model.Stage{filter(`true`, model.OnErrorFail), filter(`size(value) > 9`, model.OnErrorFail)}, `{`, false, false},
		"passed on and dropped": {
			[]*model.Stage{filter(`json("a") == 1`, model.OnErrorPass), filter(`size(value) > 9`, model.OnErrorFail)}, `{`, false, false,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p, problems := program.ForFlow(flow(c.stages...))
			if problems.HasErrors() {
				t.Fatal(problems)
			}
			counts := make([]program.Count, len(p.Stages()))
			keep, err := p.Apply(json(c.value), counts)
			first, last := counts[0], counts[len(counts)-1]
			failed := strings.HasPrefix(name, "error") || strings.HasPrefix(name, "passed on")
			if first.Given != 1 || last.Given != 1 || last.Dropped == 1 != (!c.keep && !c.fails) || first.Failed == 1 != failed {
				t.Errorf("the counts are %+v", counts)
			}
			if keep != c.keep || (err != nil) != c.fails {
				t.Errorf("keep is %v, %v", keep, err)
			}
			if e, ok := errors.AsType[*program.Error](err); ok != c.fails || ok && (e.Offset != 7 || e.Stage != "some" || e.Hint() == "") {
				t.Errorf("error is %#v", err)
			}
		})
	}
}

// What is counted under one program means nothing under another.
func TestName(t *testing.T) {
	name := func(s ...*model.Stage) string {
		p, problems := program.ForFlow(flow(s...))
		if problems.HasErrors() {
			t.Fatal(problems)
		}
		return p.Name()
	}
	a, b := filter(`offset > 1`, model.OnErrorFail), filter(`offset > 2`, model.OnErrorFail)
	if name(a) == name(b) || name(a, b) == name(b, a) || name(a) == name(filter(`offset > 1`, model.OnErrorDrop)) {
		t.Error("different stages have one name")
	}
	if name(a) != name(filter(`offset > 1`, model.OnErrorFail)) {
		t.Error("equal stages have two names")
	}
}
