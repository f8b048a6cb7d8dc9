package hclfile

import (
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/strait-mirror/strait/config/client"
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
	f.Properties = map[string]model.Property{}
	all := model.FlowFields(f)
	reading, writing := model.EndFields(all)
	r.nodeEnd(way[0], f, all, target{defs: reading, extra: []string{"cluster", "for_each", "properties"}}, "from")
	r.nodeEnd(way[len(way)-1], f, all, target{defs: writing, extra: []string{"cluster", "inputs", "for_each", "properties"}}, "to")
	f.Stages = r.stagesOn(way)
	f.KeepStageNames()
	if f.DefaultExcludes {
		addDefaultExcludes(f)
	}
	if f.From != "" && f.From == f.To {
		r.problems.Add(diag.Errorf(diag.CodeFromEqualsTo, f.Ranges.Of("to"), "sink %q takes source %q of the same cluster %q",
			label(sink), label(source), f.From))
	}
	r.checkSeparator(f)
	r.checkDeletion(f)
	return f
}

// nodeEnd decodes the source or the sink of a way; attr is what a flow calls its
// cluster, and all are the attributes of both ends.
func (r *reader) nodeEnd(n *node, f *model.Flow, all []field.Def, t target, attr string) {
	r.each = n.each
	defer func() { r.each = cty.NilVal }()
	alias := &f.From
	if attr == "to" {
		alias = &f.To
	}
	body := n.block.Body
	t.where, t.places = n.describe(), f.Ranges
	r.attributes(body, t)
	for key, p := range r.properties(body, t.where, all) {
		if r.propertyOfEnd(n, key, p) {
			f.Properties[key] = p
		}
	}
	a := body.Attributes["cluster"]
	if a == nil {
		r.require(n.block, t.where, "cluster")
		return
	}
	at := rangeOf(a.Expr.Range())
	f.Ranges[attr] = at
	if name, ok := r.clusterName(a.Expr); ok {
		*alias = name
		r.checkCluster(name, at)
	}
}

// propertyOfEnd refuses a property that is not about the end of flows where it
// stands: sources have a consumer, sinks a producer.
func (r *reader) propertyOfEnd(n *node, key string, p model.Property) bool {
	own, other, elsewhere := []string{"consumer.", "source."}, []string{"producer.", "target."}, "sink"
	role := client.Consumer
	if n.block.Type == "sink" {
		own, other, elsewhere, role = other, own, "source", client.Producer
	}
	starts := func(prefix string) bool { return strings.HasPrefix(key, prefix) }
	switch row, known := r.clientKeys.Find(key, role); {
	case starts("admin."):
		r.problems.Add(diag.Errorf(diag.CodeIgnoredPrefix, p.Range, "properties: %q does not say whose connection it is about", key).
			WithFix("write %q", own[1]+key))
	case slices.ContainsFunc(other, starts), known && !slices.ContainsFunc(own, starts) && !row.OfRole(role):
		r.problems.Add(diag.Errorf(diag.CodeBadValue, p.Range, "properties: %q has no place in a %s", key, n.block.Type).
			WithFix("write it in a %s", elsewhere))
	default:
		return true
	}
	return false
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
