package hclfile

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
)

// flow decodes a flow block.
func (r *reader) flow(b *hclsyntax.Block) *model.Flow {
	f := model.NewFlow(field.HCL)
	f.Name, f.Range, f.Ranges = b.Labels[0], rangeOf(b.DefRange()), model.Places{}
	where := `flow "` + f.Name + `"`
	f.TopicsExclude = nil
	r.attributes(b.Body, target{where: where, defs: model.FlowFields(f), extra: []string{"from", "to"}, places: f.Ranges})
	if f.DefaultExcludes {
		addDefaultExcludes(f)
	}
	r.ends(b, f, where)
	if f.ReplicationPolicySeparator == "" {
		r.problems.Add(diag.Errorf(diag.CodeBadValue, f.Ranges.Of("replication_policy_separator"),
			"replication_policy_separator must not be empty"))
	}
	return f
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
	from, to, isPair := strings.Cut(f.Name, "->")
	for _, end := range []struct {
		attr, label string
		alias       *string
	}{{"from", strings.TrimSpace(from), &f.From}, {"to", strings.TrimSpace(to), &f.To}} {
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

// clusterName reads cluster.A, cluster["A"] or an expression that gives "A".
// Only the first two leave the check of existence to the caller's place.
func (r *reader) clusterName(expr hclsyntax.Expression) (string, bool) {
	if t, problems := hcl.AbsTraversalForExpr(expr); !problems.HasErrors() && t.RootName() == "cluster" && len(t) == 2 {
		if name := stepName(t[1]); name != "" {
			return name, true
		}
	}
	v, known := r.value(expr)
	if known && (v.IsList || v.Text == "") {
		r.problems.Add(diag.Errorf(diag.CodeBadValue, rangeOf(expr.Range()), "must be a cluster, such as cluster.NAME"))
		return "", false
	}
	return v.Text, known
}

// checkCluster reports an alias without a cluster block.
func (r *reader) checkCluster(alias string, at diag.Range) {
	if contains(r.aliases, alias) {
		return
	}
	d := diag.Errorf(diag.CodeUndefined, at, "no cluster %q", alias)
	if near := field.Suggest(alias, r.aliases); near != "" {
		d = d.WithFix("did you mean %q?", near)
	} else {
		d = d.WithFix("declare it: cluster %q { bootstrap_servers = [\"host:9092\"] }", alias)
	}
	r.problems.Add(d)
}
