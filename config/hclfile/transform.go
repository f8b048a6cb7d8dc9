package hclfile

import (
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
)

// stages decodes the transform blocks of a flow, in file order. What patterns
// and names mean is checked by package transforms/chain.
func (r *reader) stages(body *hclsyntax.Body, where string) []*model.Stage {
	var stages []*model.Stage
	named := map[string]*model.Stage{}
	var partition *model.Stage
	for _, b := range body.Blocks {
		if b.Type != "transform" || !r.checkLabels(b, 2) {
			continue
		}
		s := r.stage(b)
		if s == nil {
			continue
		}
		if first := named[s.Name]; first != nil {
			r.problems.Add(diag.Errorf(diag.CodeDuplicateName, rangeOf(b.LabelRanges[1]),
				"%s already has a stage %q at %s", where, s.Name, first.Range))
			continue
		}
		named[s.Name] = s
		if s.Kind == model.StagePartition {
			if partition != nil {
				r.problems.Add(diag.Errorf(diag.CodeDuplicateName, s.Range,
					"%s already says where partitions go at %s", where, partition.Range).WithFix("keep one of them"))
				continue
			}
			partition = s
		}
		stages = append(stages, s)
	}
	return stages
}

// stage decodes one transform block; extra are attributes the caller decodes.
func (r *reader) stage(b *hclsyntax.Block, extra ...string) *model.Stage {
	kinds := make([]string, 0, len(model.StageKinds()))
	for _, k := range model.StageKinds() {
		kinds = append(kinds, string(k))
	}
	s := model.NewStage(model.StageKind(b.Labels[0]))
	if s == nil {
		if instead, planned := notYet("stage", b.Labels[0], ""); planned {
			r.problems.Add(diag.Errorf(diag.CodeNotYet, rangeOf(b.LabelRanges[0]), "stages of kind %q are not supported yet", b.Labels[0]).
				WithFix("%s", instead))
			return nil
		}
		d := diag.Errorf(diag.CodeBadValue, rangeOf(b.LabelRanges[0]), "no kind of stage %q; known are %s",
			b.Labels[0], strings.Join(kinds, ", "))
		if near := field.Suggest(b.Labels[0], kinds); near != "" {
			d = d.WithFix("did you mean %q?", near)
		}
		r.problems.Add(d)
		return nil
	}
	s.Name, s.Range = b.Labels[1], rangeOf(b.DefRange())
	where := `stage "` + s.Name + `"`
	r.attributes(b.Body, target{where: where, defs: model.StageFields(s), extra: extra, places: s.Ranges})
	if s.Kind == model.StageRename {
		r.renameWay(b, where)
	}
	return s
}

// renameWay reports a rename stage that does not say in exactly one way how
// names change. What was written counts, also where it is wrong: that is
// reported already.
func (r *reader) renameWay(b *hclsyntax.Block, where string) {
	if r.broken[b.TypeRange.Filename] {
		return
	}
	has := func(names ...string) bool {
		for _, name := range names {
			if b.Body.Attributes[name] != nil {
				return true
			}
		}
		return false
	}
	const ways = "policy, prefix or suffix, pattern with replacement, or map"
	at := rangeOf(b.DefRange())
	written := 0
	for _, way := range [][]string{{"policy"}, {"prefix", "suffix"}, {"pattern", "replacement"}, {"map"}} {
		if has(way...) {
			written++
		}
	}
	switch {
	case written == 0:
		r.problems.Add(diag.Errorf(diag.CodeMissing, at, "%s does not say how topics are renamed", where).
			WithFix("write %s", ways))
	case written > 1:
		r.problems.Add(diag.Errorf(diag.CodeBadValue, at, "%s renames topics in %d ways", where, written).
			WithFix("write one of %s in each stage; stages follow each other in file order", ways))
	case has("pattern", "replacement"):
		r.require(b, where, "pattern", "replacement")
	}
	if a := b.Body.Attributes["separator"]; a != nil && !has("policy") {
		r.problems.Add(diag.Errorf(diag.CodeBadValue, rangeOf(a.NameRange), "%s: separator says something with policy = \"default\" only", where).
			WithFix("remove it, or write the separator into the prefix"))
	}
}
