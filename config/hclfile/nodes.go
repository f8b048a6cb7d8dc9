package hclfile

import (
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
)

// nodeFlows makes a flow of every way from a source block to a sink block: a
// node may feed several others, and take several. seen are the names of the
// flows there are.
func (r *reader) nodeFlows(seen map[string]diag.Range) []*model.Flow {
	var flows []*model.Flow
	r.nodes().ways(func(way []*node) bool {
		sink := way[len(way)-1]
		switch {
		case len(seen) >= maxInstances:
			r.tooMany(sink.block, sink.at())
			return false
		case len(way) > maxWay:
			r.problems.Add(diag.Errorf(diag.CodeTooBig, sink.at(), "%s is behind more than %d stages", sink, maxWay-2))
			return false
		}
		f := r.nodeFlow(way)
		if first, dup := seen[f.Name]; dup {
			r.problems.Add(diag.Errorf(diag.CodeDuplicateName, f.Range, "flow %q is already declared at %s", f.Name, first))
			return true
		}
		seen[f.Name] = f.Range
		flows = append(flows, f)
		return true
	})
	return flows
}

// nodeFlow decodes one way from a source to a sink.
func (r *reader) nodeFlow(way []*node) *model.Flow {
	f := model.NewFlow(field.HCL)
	for _, n := range way {
		f.Path = append(f.Path, n.name)
	}
	f.Name = strings.Join(f.Path, "-")
	source, sink := way[0].block, way[len(way)-1].block
	f.Range, f.Ranges, f.TopicsExclude = rangeOf(sink.DefRange()), model.Places{}, nil
	reading, writing := model.EndFields(model.FlowFields(f))
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
	f.Stages = r.stagesOn(way)
	f.KeepStageNames()
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

// stagesOn returns the stages of a way, which may say only once where partitions
// go.
func (r *reader) stagesOn(way []*node) []*model.Stage {
	var stages []*model.Stage
	var partition *node
	for _, n := range way[1 : len(way)-1] {
		switch {
		case n.stage == nil: // reported
			continue
		case n.stage.Kind != model.StagePartition:
		case partition != nil:
			r.problems.Add(diag.Errorf(diag.CodeDuplicateName, n.at(), "%s already says where partitions go, on the way to %s",
				partition, way[len(way)-1]).WithFix("keep one of them on each way"))
			continue
		default:
			partition = n
		}
		stages = append(stages, n.stage)
	}
	return stages
}
