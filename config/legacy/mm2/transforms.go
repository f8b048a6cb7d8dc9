package mm2

import (
	"slices"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
)

// regexRouter is the one of Kafka's transformations that looks at the names of
// topics alone.
const regexRouter = "org.apache.kafka.connect.transforms.RegexRouter"

// transforms reads the transformations of a flow as stages where each is a
// RegexRouter: Connect applies them to the name that the replication policy gave,
// so the policy becomes the first stage. All others look at records, or are
// somebody's own class: their keys stay unused, which is reported.
func (r *reader) transforms(p pair, f *model.Flow) {
	list, ok := p.java.Connector["transforms"]
	if !ok || !list.Written() {
		return
	}
	var stages []*model.Stage
	keys, seen := []string{list.Key}, map[string]bool{}
	for _, name := range field.SplitList(r.value(list).text) {
		s, read := r.router(p, name)
		if s == nil || seen[name] { // Connect refuses a second one
			return
		}
		seen[name] = true
		stages, keys = append(stages, s), append(keys, read...)
	}
	for _, key := range keys {
		r.used[key] = true
	}
	if len(stages) == 0 {
		return
	}
	if f.ReplicationPolicy == model.PolicyDefault {
		stages = append([]*model.Stage{policyStage(f, stages)}, stages...)
		f.ReplicationPolicy = model.PolicyIdentity
	}
	f.Stages = stages
}

// router reads one transformation, and returns the keys that it has; nil where it
// is no RegexRouter, or has a predicate.
func (r *reader) router(p pair, name string) (*model.Stage, []string) {
	var keys []string
	get := func(key string) (value, bool) {
		v, ok := p.java.Connector["transforms."+name+"."+key]
		if !ok || !v.Written() {
			return value{}, false
		}
		keys = append(keys, v.Key)
		return r.value(v), true
	}
	class, _ := get("type")
	pattern, _ := get("regex")
	replacement, _ := get("replacement")
	_, conditional := get("predicate")
	if class.text != regexRouter || conditional || pattern.text == "" || replacement.text == "" {
		return nil, nil
	}
	s := model.NewStage(model.StageRename)
	s.Name, s.Range = name, class.at
	s.Rename.Pattern, s.Rename.Replacement = pattern.text, replacement.text
	s.Ranges["pattern"], s.Ranges["replacement"] = pattern.at, replacement.at
	return s, keys
}

// policyStage names topics as the replication policy of a flow does, under a name
// that none of its stages has.
func policyStage(f *model.Flow, stages []*model.Stage) *model.Stage {
	s := model.NewStage(model.StageRename)
	s.Name = "policy"
	for slices.ContainsFunc(stages, func(o *model.Stage) bool { return o.Name == s.Name }) {
		s.Name = "the_" + s.Name
	}
	s.Range = f.Range
	s.Rename.Policy, s.Rename.Separator = model.PolicyDefault, f.ReplicationPolicySeparator
	return s
}
