package mm2

import (
	"strings"

	"github.com/strait-mirror/strait/config/diag"
)

// knownKey is a property of MirrorMaker 2 that has no field in the model.
type knownKey struct {
	name     string // exact, or a prefix that ends in "."
	severity diag.Severity
	note     string // reads after the key; for a custom class, the fix
	custom   bool   // names Java classes: only Kafka's own are accepted
}

func (k knownKey) matches(key string) bool {
	if strings.HasSuffix(k.name, ".") {
		return strings.HasPrefix(key, k.name)
	}
	return key == k.name
}

// knownKeys lists MirrorMaker 2's properties that the model does not hold.
func knownKeys() []knownKey {
	const (
		later   = "has no effect yet"
		runtime = "has no equivalent: there is no Connect runtime here"
		engine  = "has no equivalent: records move as whole batches"
	)
	var list []knownKey
	add := func(severity diag.Severity, note string, names ...string) {
		for _, n := range names {
			list = append(list, knownKey{name: n, severity: severity, note: note})
		}
	}
	custom := func(fix string, names ...string) {
		for _, n := range names {
			list = append(list, knownKey{name: n, severity: diag.Error, note: fix, custom: true})
		}
	}
	custom("write the patterns as topics and topics.exclude", "topic.filter.class")
	custom("write the patterns as groups and groups.exclude", "group.filter.class")
	custom("write the patterns as config.properties.exclude", "config.property.filter.class")
	custom("remove it: the target is administered directly", "forwarding.admin.class")
	custom("remove it; "+readTransforms, "transforms", "predicates")
	custom("remove it: keys and values are copied as bytes", "key.converter", "value.converter", "header.converter")
	add(diag.Warning, later,
		"exactly.once.support", "transaction.boundary", "transaction.boundary.interval.ms",
		"topic.creation.", "errors.retry.", "errors.log.", "offset-syncs.topic.", "checkpoints.topic.", "heartbeats.topic.")
	add(diag.Info, runtime,
		"offset.storage.", "config.storage.", "status.storage.", "offsets.storage.topic", "tasks.max.enforce",
		"listeners", "listeners.", "rest.", "dedicated.mode.enable.internal.rest", "response.http.headers.config",
		"plugin.", "worker.", "task.", "group.instance.id",
		"rebalance.timeout.ms", "scheduled.rebalance.max.delay.ms", "connect.protocol", "inter.worker.",
		"topic.tracking.enable", "config.action.reload", "name", "connector.class",
		"source.cluster.alias", "target.cluster.alias", "alias", "key.converter.", "value.converter.", "header.converter.",
		"config.providers", "config.providers.", "ssl.client.auth", "transforms.", "predicates.")
	add(diag.Info, engine, "consumer.poll.timeout.ms", "poll.timeout.ms")
	add(diag.Warning, "is not read any more since Kafka 4.0 and has no effect",
		"use.incremental.alter.configs", "add.source.alias.to.metrics", "topics.blacklist", "groups.blacklist",
		"config.properties.blacklist")
	return list
}

// plainNames returns the known names that are not prefixes, for suggestions.
func plainNames() []string {
	var names []string
	for _, k := range knownKeys() {
		if !strings.HasSuffix(k.name, ".") {
			names = append(names, k.name)
		}
	}
	return names
}
