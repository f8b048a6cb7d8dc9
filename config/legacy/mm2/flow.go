package mm2

import (
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
)

// flow reads one pair by the declarations of the model.
func (r *reader) flow(p pair) *model.Flow {
	f := model.NewFlow(field.Properties)
	f.Name, f.From, f.To, f.Enabled = p.name(), p.from, p.to, p.enabled
	f.Range, f.Ranges = p.at, model.Places{}
	if f.Range.IsZero() {
		f.Range = diag.Range{File: r.p.File}
	}
	for _, d := range model.FlowFields(f) {
		if d.Name == "enabled" || d.Key == "" {
			continue
		}
		v, ok := r.lookup(candidates(d, p)...)
		if !ok {
			v, ok = r.removed(d, p)
		}
		if ok {
			r.set(d, v, f.Ranges)
		}
	}
	if f.ReplicationPolicySeparator == "" {
		f.ReplicationPolicySeparator = "."
		r.once(diag.Warnf(diag.CodeBadValue, f.Ranges["replication_policy_separator"], "an empty separator cannot be used; \".\" is"))
	}
	return f
}

// candidates returns where MirrorMaker 2 reads a property of a flow, the
// winner first.
func candidates(d field.Def, p pair) []string {
	switch d.Scope {
	case field.ScopeFlow:
		return []string{p.prefix() + d.Key, d.Key}
	case field.ScopeFlowOnly:
		return []string{p.prefix() + d.Key}
	case field.ScopeConsumer:
		return []string{p.prefix() + "source.consumer." + d.Key, p.from + ".consumer." + d.Key, p.prefix() + "consumer." + d.Key}
	case field.ScopeProducer:
		return []string{p.prefix() + "producer.override." + d.Key, p.to + ".producer." + d.Key}
	case field.ScopeNone, field.ScopeCluster, field.ScopeAlias:
	}
	return nil
}

// removedKeys maps keys that 4.0 removed to the ones that replaced them.
func removedKeys() map[string]string {
	return map[string]string{
		"topics.blacklist":            "topics.exclude",
		"groups.blacklist":            "groups.exclude",
		"config.properties.blacklist": "config.properties.exclude",
	}
}

// removed reads the old name of a property: files written for MirrorMaker 2
// up to 3.9 meant it.
func (r *reader) removed(d field.Def, p pair) (value, bool) {
	for old, now := range removedKeys() {
		if now != d.Key {
			continue
		}
		v, ok := r.lookup(p.prefix()+old, old)
		if ok {
			r.once(diag.Warnf(diag.CodeRemovedKey, v.at, "%s is read as %s; MirrorMaker 2 ignores it since 4.0", old, now).
				WithFix("rename it to %s", strings.TrimSuffix(v.key, old)+now))
		}
		return v, ok
	}
	return value{}, false
}

// set stores a value and reports what is wrong with it. Numbers MirrorMaker 2
// accepts but this engine does not are replaced by the default.
func (r *reader) set(d field.Def, v value, places model.Places) {
	if v.missing && r.p.AllowMissing {
		return
	}
	problem := d.Set(field.Properties, field.Value{Text: v.text, Sensitive: v.sensitive})
	if problem == nil {
		places[d.Name] = v.at
		r.checkList(d, v)
		return
	}
	switch {
	case d.Key == "replication.policy.class":
		problem.Code, problem.Summary = diag.CodeJavaClass, "a Java class cannot run here"
		problem.Fix = "use org.apache.kafka.connect.mirror.DefaultReplicationPolicy or IdentityReplicationPolicy; rename single topics with HCL"
	case problem.Code == diag.CodeOutOfRange:
		text, _ := d.DefaultOf(field.Properties)
		problem.Severity = diag.Warning
		problem.Summary += "; the default " + text + " is used"
	}
	r.placeOnce(*problem, v)
}

// checkList warns about elements written twice and about patterns that lost a
// backslash.
func (r *reader) checkList(d field.Def, v value) {
	if d.Kind != field.KindList {
		return
	}
	seen := map[string]bool{}
	for _, item := range field.SplitList(v.text) {
		if seen[item] {
			r.placeOnce(diag.Warnf(diag.CodeDuplicateKey, v.at, "an element is listed twice"), v)
			break
		}
		seen[item] = true
	}
	if d.Pattern && !v.lost.IsZero() {
		r.once(diag.Warnf(diag.CodeLostBackslash, v.lost, "a properties file drops a single backslash: the pattern is read without it").
			WithFix(`write \\ for every backslash of a regular expression`))
	}
}

// once adds a problem unless the same one is there: a top-level key is read
// for every flow.
func (r *reader) once(d diag.Diagnostic) {
	if !slices.Contains(r.problems, d) {
		r.problems.Add(d)
	}
}

func (r *reader) placeOnce(d diag.Diagnostic, v value) {
	d.Summary = v.key + ": " + d.Summary
	r.once(d.At(v.at))
}
