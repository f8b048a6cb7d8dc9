package hclfile

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/strait-mirror/strait/config/diag"
)

// maxInstances bounds the clusters, and the flows, of one topology. A thousand
// flows is a large one; what made more is a mistake or an attack.
const maxInstances = 10_000

// instance is a block, or one of the copies its for_each makes of it.
type instance struct {
	block *hclsyntax.Block
	name  string    // alias of the cluster or name of the flow
	each  cty.Value // the object {key, value}; NilVal without for_each
}

// expandClusters makes the instances of all cluster blocks and gives
// expressions "cluster": cluster.A is its alias, cluster.A["key"] that of an
// instance.
func (r *reader) expandClusters() {
	known := map[string]cty.Value{}
	r.included = r.includes()
	for _, part := range r.included {
		for _, c := range part.Clusters {
			r.aliases[c.Alias], known[c.Alias] = c.Range, cty.StringVal(c.Alias)
		}
	}
	for _, b := range r.blocks["cluster"] {
		instances, repeated := r.expand(b, len(r.clusters))
		aliases := map[string]cty.Value{}
		for _, inst := range instances {
			inst.name = r.alias(inst)
			if first, dup := r.aliases[inst.name]; dup {
				r.problems.Add(diag.Errorf(diag.CodeDuplicateName, rangeOf(b.LabelRanges[0]),
					"cluster %q is already declared at %s", inst.name, first))
				continue
			}
			r.aliases[inst.name] = rangeOf(b.LabelRanges[0])
			r.clusters = append(r.clusters, inst)
			known[b.Labels[0]] = cty.StringVal(inst.name)
			if repeated {
				aliases[inst.each.GetAttr("key").AsString()] = cty.StringVal(inst.name)
			}
		}
		if repeated {
			known[b.Labels[0]] = cty.ObjectVal(aliases)
		}
		if instances == nil { // for_each failed: uses of it are not reported again
			known[b.Labels[0]] = cty.DynamicVal
		}
	}
	r.scope.values["cluster"] = cty.ObjectVal(known)
}

// alias is the name of a cluster in topics and groups: its alias attribute, its
// label, or label_key.
func (r *reader) alias(inst instance) string {
	a := inst.block.Body.Attributes["alias"]
	if a == nil {
		return inst.name
	}
	r.each = inst.each
	defer func() { r.each = cty.NilVal }()
	v, known := r.value(a.Expr)
	switch {
	case !known:
		return inst.name
	case v.IsList || !safeName(v.Text):
		r.problems.Add(diag.Errorf(diag.CodeBadValue, rangeOf(a.Expr.Range()),
			"alias: must consist of letters, digits, \"_\", \"-\" and \".\", since topics are named after it"))
		return inst.name
	}
	return v.Text
}

// safeName reports whether s can be part of the name of a topic.
func safeName(s string) bool { return regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`).MatchString(s) }

// expand returns the instances of a block; have is how many there are already.
// nil means that for_each failed.
func (r *reader) expand(b *hclsyntax.Block, have int) (list []instance, repeated bool) {
	a := b.Body.Attributes["for_each"]
	if a == nil {
		if have >= maxInstances {
			r.tooMany(b, rangeOf(b.DefRange()))
			return nil, false
		}
		return []instance{{block: b, name: label(b)}}, false
	}
	keys, values, ok := r.forEach(b, a)
	if !ok {
		return nil, true
	}
	if have+len(keys) > maxInstances {
		r.tooMany(b, rangeOf(a.Expr.Range()))
		return nil, true
	}
	list = []instance{} // an empty for_each is not a failed one
	for i, key := range keys {
		list = append(list, instance{
			block: b, name: label(b) + "_" + key,
			each: cty.ObjectVal(map[string]cty.Value{"key": cty.StringVal(key), "value": values[i]}),
		})
	}
	return list, true
}

// label is the name of a block, its last label: in front of that of a transform
// stands its kind.
func label(b *hclsyntax.Block) string { return b.Labels[len(b.Labels)-1] }

// tooMany reports once per kind of block that there are more than maxInstances.
func (r *reader) tooMany(b *hclsyntax.Block, at diag.Range) {
	if !r.full[b.Type] {
		r.full[b.Type] = true
		r.problems.Add(diag.Errorf(diag.CodeTooBig, at, "the topology has more than %d %ss", maxInstances, b.Type).
			WithFix("split it into several topologies"))
	}
}

// forEach evaluates for_each: a map gives keys and values, a list or set of
// strings gives each of them as both.
func (r *reader) forEach(b *hclsyntax.Block, a *hclsyntax.Attribute) (keys []string, values []cty.Value, ok bool) {
	at := rangeOf(a.Expr.Range())
	if b.Type == "cluster" && r.dependsOnClusters(a.Expr) {
		r.problems.Add(diag.Errorf(diag.CodeUndefined, at, "for_each: how many clusters there are must not depend on the clusters"))
		return nil, nil, false
	}
	v, ok := r.eval(a.Expr)
	if !ok {
		return nil, nil, false
	}
	if v.IsMarked() {
		r.problems.Add(diag.Errorf(diag.CodeBadValue, at, "for_each: must not be a secret, since names are made from it").
			WithFix("wrap what is not secret in nonsensitive(...)"))
		return nil, nil, false
	}
	keys, values, problem := elementsOf(v)
	if problem != "" {
		r.problems.Add(diag.Errorf(diag.CodeBadValue, at, "for_each: %s", problem).
			WithFix(`write for_each = { eu = "host-eu:9092" } or for_each = ["eu", "us"]`))
		return nil, nil, false
	}
	return keys, values, r.checkKeys(b, at, keys)
}

// elementsOf returns the keys and values of a map, or the elements of a list or
// set of strings as both, or what is wrong with v.
func elementsOf(v cty.Value) (keys []string, values []cty.Value, problem string) {
	t := v.Type()
	isMap := t.IsMapType() || t.IsObjectType()
	switch {
	case v.IsNull() || !v.IsKnown():
		return nil, nil, "must not be null"
	case !isMap && !t.IsTupleType() && !t.IsListType() && !t.IsSetType():
		return nil, nil, "must be a map, or a list or set of strings"
	}
	for it := v.ElementIterator(); it.Next(); {
		key, value := it.Element()
		if !isMap {
			key = value
		}
		if key.Type() != cty.String || key.IsNull() || key.IsMarked() || !key.IsKnown() {
			return nil, nil, "every element must be a string that is not secret"
		}
		keys, values = append(keys, key.AsString()), append(values, value)
	}
	return keys, values, ""
}

// checkKeys refuses keys that cannot be part of a name, or that come twice.
func (r *reader) checkKeys(b *hclsyntax.Block, at diag.Range, keys []string) bool {
	plain, seen := regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`), map[string]bool{}
	hasAlias := b.Body.Attributes["alias"] != nil
	for _, key := range keys {
		switch {
		case seen[key]:
			r.problems.Add(diag.Errorf(diag.CodeDuplicateName, at, "for_each: %q comes twice", key))
		case !hasAlias && !plain.MatchString(key):
			d := diag.Errorf(diag.CodeBadValue, at, "for_each: the key %.100q cannot be part of a name such as %s_KEY", key, label(b)).
				WithFix("use letters, digits, \"_\" and \"-\" in keys")
			if b.Type == "cluster" {
				d = d.WithFix("use letters, digits, \"_\" and \"-\" in keys, or name the clusters with alias = ...")
			}
			r.problems.Add(d)
		default:
			seen[key] = true
			continue
		}
		return false
	}
	return true
}

// dependsOnClusters reports whether expr names clusters, or a local that waits
// for them.
func (r *reader) dependsOnClusters(expr hcl.Expression) bool {
	return slices.ContainsFunc(expr.Variables(), func(t hcl.Traversal) bool {
		if t.RootName() == "local" && len(t) > 1 {
			_, declared := r.locals[stepName(t[1])]
			return declared && !r.scope.values["local"].Type().HasAttribute(stepName(t[1]))
		}
		return t.RootName() == "cluster"
	})
}

// expandFlows makes the instances of all flow blocks; seen are the names of all
// flows so far.
func (r *reader) expandFlows() (flows []instance, seen map[string]diag.Range) {
	seen = map[string]diag.Range{}
	for _, part := range r.included {
		for _, f := range part.Flows {
			seen[f.Name] = f.Range
		}
	}
	for _, b := range r.blocks["flow"] {
		instances, _ := r.expand(b, len(flows))
		for _, inst := range instances {
			if first, dup := seen[inst.name]; dup {
				r.problems.Add(diag.Errorf(diag.CodeDuplicateName, rangeOf(b.LabelRanges[0]),
					"flow %q is already declared at %s", inst.name, first))
				continue
			}
			seen[inst.name] = rangeOf(b.LabelRanges[0])
			flows = append(flows, inst)
		}
	}
	return flows, seen
}

// describe names the block of an instance in messages: all instances share
// their text, so what is wrong with it is said once.
func (inst instance) describe() string {
	return fmt.Sprintf("%s %q", inst.block.Type, label(inst.block))
}
