package convert

import (
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
)

// connector is the kind of one of MirrorMaker 2's three connectors.
type connector string

const (
	sourceConnector     connector = "source"
	checkpointConnector connector = "checkpoint"
	heartbeatConnector  connector = "heartbeat"
)

// reads reports whether a connector reads a key. In a properties file every
// connector sees all keys; here each has its own, and what it does not read has
// no effect.
func (c connector) reads(key string) bool {
	has := func(prefixes ...string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(key, p) })
	}
	switch {
	case has("refresh.groups.", "groups", "group.filter.", "emit.checkpoints.", "sync.group.offsets.", "checkpoints."):
		return c == checkpointConnector
	case has("emit.heartbeats.", "heartbeats.topic."):
		return c == heartbeatConnector
	case has("refresh.topics.", "sync.topic.", "replication.factor", "offset-syncs.topic.replication.", "offset.lag.max",
		"config.propert", "use.defaults.from", "heartbeats.replication."):
		return c == sourceConnector
	}
	return true // of the connection, the names, or of all
}

// mirror reads one mirror of a Strimzi resource.
func (r *resource) mirror(t, target tree) {
	from, to := ends(t, target)
	if from == "" || to == "" {
		r.f.needs(t.source(), diag.CodeMissing, "names no source or no target cluster")
		return
	}
	if source := t.get("source"); source.exists() {
		r.cluster(source)
	}
	flow := from + "->" + to + "."
	r.f.comment(t.comment())
	r.enabled(flow, t)
	t.each(func(key string, v tree) {
		switch key {
		case "source", "sourceCluster", "targetCluster":
		case "topicsPattern":
			r.set(flow+"topics", v)
		case "topicsExcludePattern", "topicsBlacklistPattern":
			r.set(flow+"topics.exclude", v)
		case "groupsPattern":
			r.set(flow+"groups", v)
		case "groupsExcludePattern", "groupsBlacklistPattern":
			r.set(flow+"groups.exclude", v)
		case "sourceConnector":
			r.naming(flow).at[sourceConnector] = v.source()
			r.connector(flow, sourceConnector, v)
		case "checkpointConnector":
			r.naming(flow).at[checkpointConnector] = v.source()
			r.connector(flow, checkpointConnector, v)
		case "heartbeatConnector":
			r.connector(flow, heartbeatConnector, v)
		default:
			r.f.ignore(v.source(), diag.CodeUnknownKey, "no such field of a mirror")
		}
	})
	if t.get("checkpointConnector").exists() {
		r.f.usual(flow+"emit.checkpoints.enabled", "true")
	} else {
		r.f.usual(flow+"emit.checkpoints.enabled", "false")
	}
	if t.get("heartbeatConnector").exists() {
		r.f.usual(flow+"emit.heartbeats.enabled", "true")
	}
}

// enabled says whether the mirror runs: with a source connector that is not
// paused.
func (r *resource) enabled(flow string, t tree) {
	source := t.get("sourceConnector")
	if !source.exists() {
		r.f.set(flow+"enabled", "false")
		r.f.note("%s has no source connector, so its flow is not enabled", t.path)
		return
	}
	for _, key := range []string{"state", "pause"} {
		v := source.get(key)
		if s := v.str(); s == "paused" || s == "stopped" || s == "true" {
			r.f.set(flow+"enabled", "false", v.source())
			return
		}
	}
	r.f.set(flow+"enabled", "true")
}

// connector reads one connector of a mirror.
func (r *resource) connector(flow string, kind connector, t tree) {
	t.each(func(key string, v tree) {
		switch key {
		case "tasksMax":
			r.f.ignore(v.source(), diag.CodeNoEffect, "every partition is copied in parallel")
		case "config":
			v.each(func(name string, value tree) { r.option(flow, kind, name, value) })
		case "state", "pause":
			if kind != sourceConnector {
				r.f.ignore(v.source(), diag.CodeNoEffect, "the connectors of a flow have one state: that of the source connector")
			}
		default:
			r.f.ignore(v.source(), diag.CodeNoEffect, "is about running a connector on Kafka Connect")
		}
	})
}

// option reads one key of a connector's own configuration.
func (r *resource) option(flow string, kind connector, key string, v tree) {
	switch {
	case !kind.reads(key):
		r.f.ignore(v.source(), diag.CodeIgnoredPrefix, "the "+string(kind)+" connector does not read it")
	case key == "tasks.max":
		r.f.ignore(v.source(), diag.CodeNoEffect, "every partition is copied in parallel")
	case !r.naming(flow).note(kind, key, v):
		r.set(flow+key, v)
	}
}
