package mm2

import (
	"fmt"
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/client"
	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/legacy/mm2/effective"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/config/props"
)

// reportUnused says of every key that had no effect why, in file order.
func (r *reader) reportUnused() {
	for _, e := range r.doc.Effective() {
		if r.used[e.Key] {
			continue
		}
		if strings.HasPrefix(strings.TrimSpace(e.Value), "->") {
			r.add(diag.Warnf(diag.CodeSpaceInFlow, e.KeyRange,
				"the blank behind %q ends the key: the line sets nothing", e.Key).
				WithFix("write the key without blanks: %s", joined(e)))
			continue
		}
		prefix, key := r.split(e.Key)
		switch {
		case prefix == "":
			r.unusedTop(e)
		case strings.Contains(prefix, "->"):
			r.unusedFlow(e, prefix, key)
		default:
			r.unusedCluster(e, prefix, key)
		}
	}
}

// joined is the key that was meant by "A -> B.x = y".
func joined(e props.Entry) string {
	rest := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(e.Value), "->"))
	if end := strings.IndexAny(rest, " \t\f=:"); end >= 0 {
		rest = rest[:end]
	}
	return strings.TrimSpace(e.Key) + "->" + rest
}

// split takes the flow or cluster prefix off a key: "A->B.topics" is "A->B"
// and "topics". A flow of unknown clusters is a prefix, too.
func (r *reader) split(key string) (prefix, rest string) {
	best := ""
	for _, from := range r.aliases {
		if strings.HasPrefix(key, from+".") && len(from) > len(best) {
			best = from
		}
		for _, to := range r.aliases {
			if p := from + "->" + to; strings.HasPrefix(key, p+".") && len(p) > len(best) {
				best = p
			}
		}
	}
	if best == "" && strings.Contains(key, "->") {
		if at := strings.Index(key, "->"); strings.Contains(key[at:], ".") {
			best = key[:at+strings.Index(key[at:], ".")]
		}
	}
	if best == "" {
		return "", key
	}
	return best, key[len(best)+1:]
}

func (r *reader) warn(e props.Entry, code, format string, args ...any) {
	r.add(diag.Warnf(code, e.KeyRange, "%s %s", e.Key, fmt.Sprintf(format, args...)))
}

// ignored reports a key that MirrorMaker 2 ignores with the prefix it has.
func (r *reader) ignored(e props.Entry, fix, why string) {
	r.add(diag.Warnf(diag.CodeIgnoredPrefix, e.KeyRange, "%s %s", e.Key, why).WithFix("%s", fix))
}

// unusedTop handles a key without prefix.
func (r *reader) unusedTop(e props.Entry) {
	role, _, _ := strings.Cut(e.Key, ".")
	switch {
	case role == "consumer" || role == "producer" || role == "admin":
		r.ignored(e, fmt.Sprintf("write CLUSTER.%s", e.Key), "is ignored by MirrorMaker 2 without a cluster in front")
	case r.flowOnly(e.Key):
		r.ignored(e, fmt.Sprintf("write A->B.%s", e.Key), "is ignored by MirrorMaker 2 without a flow in front")
	case slices.Contains(defKeys(field.ScopeWorker), e.Key):
		r.ignored(e, fmt.Sprintf("write B.%s with the name of the target cluster", e.Key), "is ignored by MirrorMaker 2 without a cluster in front")
	case r.ofClient(e.Key):
		r.ignored(e, "write "+r.clientPrefixes("CLUSTER", e.Key),
			"is ignored by MirrorMaker 2 at the top level")
	case r.known(e, e.Key):
	default:
		r.unknown(e, "", e.Key, r.topNames())
	}
}

// unusedFlow handles a key behind "A->B.".
func (r *reader) unusedFlow(e props.Entry, prefix, key string) {
	from, to, _ := strings.Cut(prefix, "->")
	for _, alias := range []string{from, to} {
		if !slices.Contains(r.aliases, alias) {
			d := diag.Warnf(diag.CodeUndefined, e.KeyRange, "%s has no effect: no cluster %q in clusters", e.Key, alias)
			if near := field.Suggest(alias, r.aliases); near != "" {
				d = d.WithFix("did you mean %q?", near)
			}
			r.add(d)
			return
		}
	}
	switch {
	case from == to:
		r.add(diag.Warnf(diag.CodeFromEqualsTo, e.KeyRange, "%s has no effect: both ends are the same cluster", e.Key))
	case strings.HasPrefix(key, "producer."):
		r.ignored(e, to+"."+key+", or "+prefix+".producer.override."+strings.TrimPrefix(key, "producer."),
			"reaches only the writer of offset syncs in MirrorMaker 2")
	case slices.Contains(defKeys(field.ScopeWorker), key):
		r.ignored(e, "write "+to+"."+key, "is ignored by MirrorMaker 2 behind a flow")
	case r.known(e, bare(key)):
	default:
		r.unknown(e, prefix+".", key, r.flowNames())
	}
}

// unusedCluster handles a key behind "A.".
func (r *reader) unusedCluster(e props.Entry, alias, key string) {
	role, name, _ := strings.Cut(key, ".")
	switch {
	case role == "consumer" || role == "producer" || role == "admin":
		if !r.known(e, name) {
			r.unknown(e, alias+"."+role+".", name, r.clientNames())
		}
	case r.flowKey(key):
		r.ignored(e, fmt.Sprintf("write %s, or A->B.%s", key, key), "is ignored by MirrorMaker 2 behind a cluster")
	case r.ofClient(key):
		r.ignored(e, "write "+r.clientPrefixes(alias, key), "does not reach the clients that move records")
	case slices.Contains(defKeys(field.ScopeWorker), key):
		r.warn(e, diag.CodeNoEffect, "has no effect: no flow has this cluster as its target")
	case r.known(e, key):
	default:
		r.unknown(e, alias+".", key, r.clusterNamesOf())
	}
}

// clientPrefixes names the clients of a cluster that a setting is for.
func (r *reader) clientPrefixes(alias, key string) string {
	consumer, producer := alias+".consumer."+key, alias+".producer."+key
	switch {
	case slices.Contains(defKeys(field.ScopeConsumer), key):
		return consumer
	case slices.Contains(defKeys(field.ScopeProducer), key):
		return producer
	}
	return consumer + " or " + producer
}

// bare takes a client prefix off a flow key.
func bare(key string) string {
	for _, p := range []string{
		"source.consumer.", "source.admin.", "target.admin.", "target.producer.", "source.producer.",
		"source.cluster.", "target.cluster.", "producer.override.", "consumer.", "admin.",
	} {
		if rest, ok := strings.CutPrefix(key, p); ok {
			return rest
		}
	}
	return key
}

// known reports a key that MirrorMaker 2 has and Strait does not honour here.
func (r *reader) known(e props.Entry, key string) bool {
	for _, k := range knownKeys() {
		if !k.matches(key) {
			continue
		}
		if k.custom && !r.isStock(e) {
			why := refusal{"a Java class cannot run here", k.note}
			if one, ok := r.unread[e.Key]; ok {
				why = one
			}
			r.add(diag.Errorf(diag.CodeJavaClass, e.ValueRange, "%s: %s", e.Key, why.what).WithFix("%s", why.fix))
			return true
		}
		if k.custom {
			return true
		}
		r.add(diag.Diagnostic{Severity: k.severity, Code: diag.CodeNoEffect, Subject: e.KeyRange, Summary: e.Key + " " + k.note})
		return true
	}
	row, ok := r.table.Find(key, client.Any)
	if !ok {
		return false
	}
	v, _ := r.lookup(e.Key)
	if d, noted := row.Note(clientValue(v)); noted {
		idempotence := r.twice[strings.TrimSuffix(e.Key, key)+"enable.idempotence"]
		r.add(client.BesideIdempotence(d, e.Key, idempotence.Text, field.Properties).At(e.KeyRange))
	} else if row.Handling == client.Equal {
		r.warn(e, diag.CodeNoEffect, "has no effect here")
	}
	return true
}

// ofClient reports whether a key is a setting of Kafka's clients that
// MirrorMaker 2 passes on behind a client prefix only.
func (r *reader) ofClient(key string) bool {
	row, ok := r.table.Find(key, client.Any)
	return ok && !row.Common && row.Handling != client.Informed && !slices.ContainsFunc(knownKeys(), func(k knownKey) bool { return k.matches(key) })
}

// isStock reports whether every class of the value ships with Kafka or is
// empty: those have an equal here.
func (r *reader) isStock(e props.Entry) bool {
	v, _ := r.lookup(e.Key)
	for _, class := range field.SplitList(v.text) {
		if !slices.Contains(effective.StockClasses(), class) {
			return false
		}
	}
	return true
}

// unknown reports a key that exists nowhere.
func (r *reader) unknown(e props.Entry, prefix, key string, names []string) {
	d := diag.Warnf(diag.CodeUnknownKey, e.KeyRange, "no property %q; it has no effect", e.Key)
	if near := field.Suggest(key, names); near != "" {
		d = d.WithFix("did you mean %q?", prefix+near)
	}
	r.add(d)
}

// flowKey reports whether a key belongs to a flow or the top level.
func (r *reader) flowKey(key string) bool {
	return slices.Contains(defKeys(field.ScopeFlow, field.ScopeFlowOnly), key)
}

// flowOnly reports whether MirrorMaker 2 reads a key only behind "A->B.".
func (r *reader) flowOnly(key string) bool {
	return key != "enabled" && slices.Contains(defKeys(field.ScopeFlowOnly), key)
}

// defKeys returns the keys of the model's declarations in the given scopes.
func defKeys(scopes ...field.Scope) []string {
	var keys []string
	for _, d := range slices.Concat(model.FlowFields(&model.Flow{}), model.ClusterFields(&model.Cluster{})) {
		if slices.Contains(scopes, d.Scope) {
			keys = append(keys, d.Key)
		}
	}
	return keys
}

func (r *reader) topNames() []string {
	return slices.Concat([]string{"clusters", "config.providers"}, defKeys(field.ScopeFlow, field.ScopeCluster), plainNames(), client.CommonNames())
}

func (r *reader) flowNames() []string {
	return slices.Concat(defKeys(field.ScopeFlow, field.ScopeFlowOnly), plainNames())
}

func (r *reader) clusterNamesOf() []string {
	return slices.Concat(defKeys(field.ScopeCluster, field.ScopeAlias, field.ScopeWorker), plainNames(), client.CommonNames())
}

func (r *reader) clientNames() []string {
	return client.Names(client.Any)
}
