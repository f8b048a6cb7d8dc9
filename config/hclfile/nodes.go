package hclfile

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
)

// nodeFlows makes a flow of every way from a source block to a sink block: a
// source may feed several sinks, and a sink may take several sources. seen are
// the names of the flows there are.
func (r *reader) nodeFlows(seen map[string]diag.Range) []*model.Flow {
	sources, used := map[string]*hclsyntax.Block{}, map[string]bool{}
	for _, b := range r.blocks["source"] {
		sources[b.Labels[0]] = b
	}
	var flows []*model.Flow
	for _, sink := range r.blocks["sink"] {
		for _, name := range r.inputs(sink, sources) {
			used[name] = true
			if len(seen) >= maxInstances {
				r.tooMany(sink, rangeOf(sink.DefRange()))
				return flows
			}
			f := r.nodeFlow(sources[name], sink)
			if first, dup := seen[f.Name]; dup {
				r.problems.Add(diag.Errorf(diag.CodeDuplicateName, f.Range, "flow %q is already declared at %s", f.Name, first))
				continue
			}
			seen[f.Name] = f.Range
			flows = append(flows, f)
		}
	}
	for _, b := range r.blocks["source"] {
		if !used[b.Labels[0]] {
			r.problems.Add(diag.Errorf(diag.CodeUndefined, rangeOf(b.DefRange()), "source %q leads to no sink", b.Labels[0]).
				WithFix("name it in a sink: inputs = [source.%s]", b.Labels[0]))
		}
	}
	return flows
}

// inputs returns the names of the sources a sink takes.
func (r *reader) inputs(sink *hclsyntax.Block, sources map[string]*hclsyntax.Block) []string {
	where := `sink "` + sink.Labels[0] + `"`
	a := sink.Body.Attributes["inputs"]
	if a == nil {
		r.require(sink, where, "inputs")
		return nil
	}
	list, ok := a.Expr.(*hclsyntax.TupleConsExpr)
	if !ok || len(list.Exprs) == 0 {
		r.problems.Add(diag.Errorf(diag.CodeBadValue, rangeOf(a.Expr.Range()), "inputs: must be a list of sources").
			WithFix("write inputs = [source.NAME]"))
		return nil
	}
	var names []string
	seen := map[string]bool{}
	for _, e := range list.Exprs {
		at := rangeOf(e.Range())
		t, problems := hcl.AbsTraversalForExpr(unwrap(e))
		switch name := nodeName(t); {
		case problems.HasErrors() || name == "" || t.RootName() != "source":
			r.problems.Add(diag.Errorf(diag.CodeBadValue, at, "inputs: every element must be a source").WithFix("write source.NAME"))
		case sources[name] == nil:
			d := diag.Errorf(diag.CodeUndefined, at, "there is no source %q", name)
			if near := suggestFew(name, keys(sources)); near != "" {
				d = d.WithFix("did you mean %q?", near)
			}
			r.problems.Add(d)
		case seen[name]:
			r.problems.Add(diag.Errorf(diag.CodeDuplicateName, at, "%s takes source %q twice", where, name))
		default:
			seen[name] = true
			names = append(names, name)
		}
	}
	return names
}

// nodeName is the name in source.NAME or source["NAME"].
func nodeName(t hcl.Traversal) string {
	if len(t) != 2 {
		return ""
	}
	return stepName(t[1])
}

// nodeFlow decodes one way from a source to a sink.
func (r *reader) nodeFlow(source, sink *hclsyntax.Block) *model.Flow {
	f := model.NewFlow(field.HCL)
	f.Name = source.Labels[0] + "-" + sink.Labels[0]
	f.Path = []string{source.Labels[0], sink.Labels[0]}
	f.Range, f.Ranges, f.TopicsExclude = rangeOf(sink.DefRange()), model.Places{}, nil
	reading, writing := splitFields(model.FlowFields(f))
	for _, end := range []struct {
		block *hclsyntax.Block
		defs  []field.Def
		extra []string
		attr  string
		alias *string
	}{
		{source, reading, []string{"cluster"}, "from", &f.From},
		{sink, writing, []string{"cluster", "inputs"}, "to", &f.To},
	} {
		where := end.block.Type + ` "` + end.block.Labels[0] + `"`
		r.attributes(end.block.Body, target{where: where, defs: end.defs, extra: end.extra, places: f.Ranges})
		a := end.block.Body.Attributes["cluster"]
		if a == nil {
			r.require(end.block, where, "cluster")
			continue
		}
		at := rangeOf(a.Expr.Range())
		f.Ranges[end.attr] = at
		if alias, ok := r.clusterName(a.Expr); ok {
			*end.alias = alias
			r.checkCluster(alias, at)
		}
	}
	if f.DefaultExcludes {
		addDefaultExcludes(f)
	}
	if f.From != "" && f.From == f.To {
		r.problems.Add(diag.Errorf(diag.CodeFromEqualsTo, f.Ranges.Of("to"), "sink %q takes source %q of the same cluster %q",
			sink.Labels[0], source.Labels[0], f.From))
	}
	r.checkSeparator(f)
	return f
}

// splitFields divides the attributes of a flow between its two ends: what
// selects topics and how they are read belongs to the source.
func splitFields(defs []field.Def) (reading, writing []field.Def) {
	selects := []string{"topics", "topics_exclude", "default_excludes", "refresh_topics_interval"}
	for _, d := range defs {
		if d.Scope == field.ScopeConsumer || slices.Contains(selects, d.Name) {
			reading = append(reading, d)
		} else {
			writing = append(writing, d)
		}
	}
	return reading, writing
}
