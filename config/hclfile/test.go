package hclfile

import (
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
)

// tests decodes the test blocks.
func (r *reader) tests(flows []*model.Flow) []*model.Test {
	var names []string
	for _, f := range flows {
		names = append(names, f.Name)
	}
	var tests []*model.Test
	for _, b := range r.blocks["test"] {
		t := &model.Test{Name: b.Labels[0], Range: rangeOf(b.DefRange()), Ranges: model.Places{}}
		r.attributes(b.Body, target{
			where: `test "` + t.Name + `"`, defs: model.TestFields(t), blocks: []string{"input", "expect"}, places: t.Ranges,
		})
		for _, inner := range b.Body.Blocks {
			switch inner.Type {
			case "input":
				t.Input = append(t.Input, r.testRecord(inner, "an input of the test"))
			case "expect":
				t.Expect = append(t.Expect, r.testRecord(inner, "an expect of the test"))
			}
		}
		r.checkTest(t, names)
		tests = append(tests, t)
	}
	return tests
}

// checkTest reports a test that can show nothing, or of a flow that is not there.
func (r *reader) checkTest(t *model.Test, flows []string) {
	at := t.Ranges.Of("flow")
	switch {
	case len(t.Input) == 0:
		r.problems.Add(diag.Errorf(diag.CodeMissing, t.Range, "test %q has no input", t.Name).
			WithFix("write input { topic = ..., value = ... }"))
	case t.Flow == "" && len(flows) != 1 && at.IsZero():
		r.problems.Add(diag.Errorf(diag.CodeMissing, t.Range, "test %q does not say which flow it is about", t.Name).WithFix("write flow = NAME"))
	case t.Flow != "" && !contains(flows, t.Flow):
		d := diag.Errorf(diag.CodeUndefined, at, "no flow %q", t.Flow)
		if near := field.Suggest(t.Flow, flows); near != "" {
			d = d.WithFix("did you mean %q?", near)
		}
		r.problems.Add(d)
	}
}

// testRecord decodes one record of a test.
func (r *reader) testRecord(b *hclsyntax.Block, where string) *model.TestRecord {
	rec := &model.TestRecord{Range: rangeOf(b.DefRange()), Ranges: model.Places{}}
	if !r.checkLabels(b, 0) {
		return rec
	}
	defs := model.TestRecordFields(rec)
	r.attributes(b.Body, target{where: where, defs: defs, places: rec.Ranges})
	if _, ok := model.ParseTime(rec.Timestamp); !ok {
		r.problems.Add(diag.Errorf(diag.CodeBadValue, rec.Ranges.Of("timestamp"), "timestamp: %q is no time", rec.Timestamp).
			WithFix(`write "2026-01-31T12:00:00Z", or milliseconds since 1970`))
	}
	if b.Type == "input" {
		r.require(b, where, "topic")
		return rec
	}
	for _, name := range []string{"key", "value"} {
		if a := b.Body.Attributes[name]; a != nil && rec.Ranges.Of(name).IsZero() {
			rec.Ranges[model.Null(name)] = rangeOf(a.Expr.Range()) // null is expected
		}
	}
	return rec
}
