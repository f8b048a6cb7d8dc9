package hclfile

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
)

// flow decodes a flow block, or one instance of it.
func (r *reader) flow(inst instance) *model.Flow {
	f, b, where := model.NewFlow(field.HCL), inst.block, inst.describe()
	f.Name, f.Range, f.Ranges = inst.name, rangeOf(b.DefRange()), model.Places{}
	f.TopicsExclude = nil
	defs := model.FlowFields(f)
	r.attributes(b.Body, target{
		where: where, defs: defs, extra: []string{"from", "to", "for_each", "properties"},
		blocks: []string{"transform", "positions"}, places: f.Ranges,
	})
	r.positions(b, f, where)
	f.Properties = r.properties(b.Body, where, defs)
	f.Stages = r.stages(b.Body, where)
	f.KeepStageNames()
	if f.DefaultExcludes {
		addDefaultExcludes(f)
	}
	r.ends(b, f, where)
	r.checkSeparator(f)
	r.checkDeletion(f)
	return f
}

// positions decodes the positions block of a flow.
func (r *reader) positions(b *hclsyntax.Block, f *model.Flow, where string) {
	for _, inner := range b.Body.Blocks {
		if inner.Type != "positions" || !r.checkLabels(inner, 0) {
			continue
		}
		if f.Positions != nil {
			r.problems.Add(diag.Errorf(diag.CodeDuplicateName, rangeOf(inner.DefRange()), "%s already has a positions block at %s", where, f.Positions.Range))
			continue
		}
		p := &model.Positions{Range: rangeOf(inner.DefRange()), Ranges: model.Places{}}
		block := "the positions block of " + where
		r.attributes(inner.Body, target{where: block, defs: model.PositionsFields(p), places: p.Ranges})
		r.require(inner, block, "topic", "connector")
		nest(f.Ranges, "positions", p.Ranges)
		f.Positions = p
	}
}

// checkSeparator refuses the empty separator.
func (r *reader) checkSeparator(f *model.Flow) {
	if f.ReplicationPolicySeparator == "" {
		r.problems.Add(diag.Errorf(diag.CodeBadValue, f.Ranges.Of("replication_policy_separator"),
			"replication_policy_separator must not be empty"))
	}
}

// checkDeletion refuses to delete topics of which nothing says that they are copies.
func (r *reader) checkDeletion(f *model.Flow) {
	if f.Control.DeleteTopicsEnabled && !f.KnowsCopies() {
		r.problems.Add(diag.Errorf(diag.CodeBadValue, f.Ranges.Of("delete_topics_enabled"),
			`delete_topics_enabled: needs replication_policy = "default", no stage "rename" or "partition", and another delivery than "transactional": else topics of the target may be more than copies`).
			WithFix("remove delete_topics_enabled, and delete such topics by hand"))
	}
}

// addDefaultExcludes puts the default excludes in front of the written ones
// and moves the places of those along.
func addDefaultExcludes(f *model.Flow) {
	const name = "topics_exclude"
	merged := model.DefaultTopicsExclude()
	places := map[int]diag.Range{}
	for i, pattern := range f.TopicsExclude {
		if slices.Contains(merged, pattern) {
			continue
		}
		places[len(merged)] = f.Ranges.Of(model.Element(name, i))
		merged = append(merged, pattern)
	}
	for i := range f.TopicsExclude {
		delete(f.Ranges, model.Element(name, i))
	}
	for i, at := range places {
		f.Ranges[model.Element(name, i)] = at
	}
	f.TopicsExclude = merged
}

// ends sets from and to: from the attributes, else from a label "A->B".
func (r *reader) ends(b *hclsyntax.Block, f *model.Flow, where string) {
	from, to, isPair := strings.Cut(b.Labels[0], "->")
	if isPair && b.Body.Attributes["for_each"] != nil {
		r.problems.Add(diag.Errorf(diag.CodeBadValue, rangeOf(b.LabelRanges[0]),
			"%s: with for_each the name cannot say which clusters it joins", where).
			WithFix("give it a plain name, with from = cluster.NAME[each.key] and to = cluster.NAME"))
		return
	}
	for _, end := range []struct {
		attr, label string
		alias       *string
	}{{"from", r.aliasOf(strings.TrimSpace(from)), &f.From}, {"to", r.aliasOf(strings.TrimSpace(to)), &f.To}} {
		at := rangeOf(b.LabelRanges[0])
		*end.alias = end.label
		a := b.Body.Attributes[end.attr]
		switch {
		case a != nil:
			at = rangeOf(a.Expr.Range())
			f.Ranges[end.attr] = at
			name, ok := r.clusterName(a.Expr)
			*end.alias = name
			if !ok {
				continue
			}
			if isPair && *end.alias != end.label {
				r.problems.Add(diag.Errorf(diag.CodeBadValue, at, "%s: %q contradicts the name of %s", end.attr, *end.alias, where).
					WithFix("rename the flow, or remove %s", end.attr))
				*end.alias = end.label
				continue
			}
		case !isPair:
			*end.alias = ""
			r.problems.Add(diag.Errorf(diag.CodeMissing, at, "%s needs %s", where, end.attr).
				WithFix("name it \"A->B\" after its clusters, or add %s = cluster.NAME", end.attr))
			continue
		}
		r.checkCluster(*end.alias, at)
	}
	if f.From != "" && f.From == f.To {
		at := f.Ranges.Of("to")
		if at.IsZero() {
			at = rangeOf(b.LabelRanges[0])
		}
		r.problems.Add(diag.Errorf(diag.CodeFromEqualsTo, at, "%s copies cluster %q to itself", where, f.From))
	}
}

// clusterName reads cluster.A, cluster.A["key"] or an expression that gives a
// name. ok is false where there is none, which is then reported.
func (r *reader) clusterName(expr hclsyntax.Expression) (alias string, ok bool) {
	at := rangeOf(expr.Range())
	if t, problems := hcl.AbsTraversalForExpr(expr); !problems.HasErrors() && t.RootName() == "cluster" && len(t) > 1 {
		if label := stepName(t[1]); label != "" && !r.scope.values["cluster"].Type().HasAttribute(label) {
			r.checkCluster(label, at)
			return "", false
		}
	}
	val, ok := r.eval(expr)
	if !ok {
		return "", false
	}
	if val, _ = val.UnmarkDeep(); !val.IsWhollyKnown() {
		return "", false
	}
	if val.Type().IsObjectType() && !val.IsNull() {
		d := diag.Errorf(diag.CodeBadValue, at, "for_each makes several clusters of this name")
		if names := keys(val.AsValueMap()); len(names) > 0 {
			d = d.WithFix("pick one, such as [%q] or [each.key]", names[0])
		}
		r.problems.Add(d)
		return "", false
	}
	name, isText := scalar(val)
	if !isText || name == "" {
		r.problems.Add(diag.Errorf(diag.CodeBadValue, at, "must be a cluster, such as cluster.NAME"))
		return "", false
	}
	return name, true
}

// aliasOf returns the alias of the cluster block with a label, or label itself:
// it may be the alias of an instance.
func (r *reader) aliasOf(label string) string {
	all := r.scope.values["cluster"]
	if !all.Type().HasAttribute(label) {
		return label
	}
	if alias := all.GetAttr(label); alias.Type() == cty.String && alias.IsKnown() {
		return alias.AsString()
	}
	return label
}

// checkCluster reports an alias without a cluster block.
func (r *reader) checkCluster(alias string, at diag.Range) {
	if _, ok := r.aliases[alias]; ok {
		return
	}
	d := diag.Errorf(diag.CodeUndefined, at, "no cluster %q", alias)
	if near := suggestFew(alias, keys(r.aliases)); near != "" {
		d = d.WithFix("did you mean %q?", near)
	} else {
		d = d.WithFix("declare it: cluster %q { bootstrap_servers = [\"host:9092\"] }", alias)
	}
	r.problems.Add(d)
}
