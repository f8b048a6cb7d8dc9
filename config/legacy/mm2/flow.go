package mm2

import (
	"strings"

	"github.com/strait-mirror/strait/config/client"
	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/legacy/mm2/effective"
	"github.com/strait-mirror/strait/config/model"
)

// flow reads one pair by the declarations of the model: each property out of
// the configuration of MirrorMaker 2's that it is for.
func (r *reader) flow(p pair) *model.Flow {
	f := model.NewFlow(field.Properties)
	f.Name, f.From, f.To, f.Enabled, f.HeartbeatsOnly = p.name(), p.from, p.to, p.enabled, p.runs && !p.enabled
	f.Range, f.Ranges = p.at, model.Places{}
	if f.Range.IsZero() {
		f.Range = diag.Range{File: r.p.File}
	}
	in := map[field.Scope]effective.Map{
		field.ScopeFlow: p.java.Connector, field.ScopeFlowOnly: p.java.Connector,
		field.ScopeConsumer: p.java.SourceConsumer(r.java), field.ScopeProducer: p.java.RecordProducer(),
		field.ScopeWorker: p.java.WorkerTyped(),
	}
	for _, d := range model.FlowFields(f) {
		if d.Name == "enabled" || d.Key == "" {
			continue
		}
		r.lookup(candidates(d, p)...) // what is overridden is used, too
		v, ok := in[d.Scope][d.Key]
		if ok = ok && v.Written(); ok {
			r.used[v.Key] = true
			r.setFlow(d, r.value(v), f)
		} else if old, ok := r.removed(d, p); ok {
			r.setFlow(d, old, f)
		}
	}
	if f.ReplicationPolicySeparator == "" {
		f.ReplicationPolicySeparator = "."
		r.once(diag.Warnf(diag.CodeBadValue, f.Ranges["replication_policy_separator"], "an empty separator cannot be used; \".\" is"))
	}
	r.transforms(p, f)
	r.refusals(p)
	return f
}

// refusals adds what MirrorMaker 2's own classes say against the pair: a
// worker that cannot be made ends the process, a connector only its flow.
func (r *reader) refusals(p pair) {
	if !p.runs {
		return
	}
	for _, d := range p.java.WorkerProblems {
		r.refused(d)
	}
	for _, d := range p.java.ConnectorProblems {
		if !p.enabled {
			d.Severity = diag.Warning
		}
		r.refused(d)
	}
}

// refused adds one of those problems unless its place has been found wrong, or
// is looked at when unused keys are reported, as classes are.
func (r *reader) refused(d diag.Diagnostic) {
	class := d.Code == diag.CodeJavaClass && !strings.HasPrefix(d.Summary, "config provider")
	if !class && !r.wrong[d.Subject] {
		r.add(r.excused(d))
	}
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
	case field.ScopeWorker:
		if topLevelWorker(d.Key) {
			return []string{d.Key, p.to + "." + d.Key}
		}
		return []string{p.to + "." + d.Key}
	default:
		return nil
	}
}

// topLevelWorker reports whether MirrorMaker 2 takes a key of the worker from
// the top level, where it beats the cluster's.
func topLevelWorker(key string) bool {
	for _, prefix := range []string{"offset.storage", "config.storage", "status.storage", "task", "worker"} {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
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

// setFlow is set for a flow. What is wrong with one that is not enabled does
// not keep MirrorMaker 2 from running the others.
func (r *reader) setFlow(d field.Def, v value, f *model.Flow) {
	if d.Name == "start" {
		text, note := client.OffsetReset(v.text)
		if v.text = text; note != "" {
			r.once(diag.Warnf(diag.CodeNoEffect, v.at, "%s %s", v.key, note))
		}
	}
	problem := r.try(d, v, f.Ranges)
	switch {
	case problem == nil:
		if f.Enabled && d.InVain() {
			r.once(diag.Diagnostic{Severity: d.Vain(), Code: diag.CodeNoEffect, Subject: v.at, Summary: v.key + " has no effect yet"})
		}
		return
	case !f.Enabled && problem.Code != diag.CodeJavaClass:
		problem.Severity = diag.Warning
	}
	r.placeOnce(*problem, v)
}

// set stores a value and reports what is wrong with it.
func (r *reader) set(d field.Def, v value, places model.Places) {
	if problem := r.try(d, v, places); problem != nil {
		r.placeOnce(*problem, v)
	}
}

// try stores a value and its place, or says what is wrong with it. Numbers
// MirrorMaker 2 accepts but this engine does not are replaced by the default.
func (r *reader) try(d field.Def, v value, places model.Places) *diag.Diagnostic {
	if v.missing && r.p.AllowMissing {
		return nil
	}
	problem := d.Set(field.Properties, field.Value{Text: v.text, Sensitive: v.sensitive})
	if problem == nil {
		places[d.Name] = v.at
		r.checkList(d, v)
		return nil
	}
	switch {
	case d.Key == "replication.policy.class":
		problem.Code, problem.Summary = diag.CodeJavaClass, "a Java class cannot run here"
		problem.Fix = "use org.apache.kafka.connect.mirror.DefaultReplicationPolicy or IdentityReplicationPolicy; rename single topics with HCL"
	case problem.Code == diag.CodeOutOfRange:
		text, ok := d.DefaultOf(field.Properties)
		problem.Severity = diag.Warning
		problem.Summary += "; the default is used"
		if ok {
			problem.Summary = strings.TrimSuffix(problem.Summary, " is used") + " " + text + " is used"
		}
	}
	return problem
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
