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
	custom("remove it, or transform records in HCL", "transforms", "predicates", "interceptor.classes")
	custom("remove it: keys and values are copied as bytes", "key.converter", "value.converter", "header.converter")
	custom("remove it", "ssl.engine.factory.class")
	add(diag.Warning, later,
		"exactly.once.source.support", "exactly.once.support", "transaction.boundary", "transaction.boundary.interval.ms",
		"topic.creation.", "errors.retry.", "errors.log.", "offset-syncs.topic.", "checkpoints.topic.", "heartbeats.topic.")
	add(diag.Info, runtime,
		"offset.storage.", "config.storage.", "status.storage.", "offsets.storage.topic", "tasks.max.enforce",
		"listeners", "listeners.", "rest.", "dedicated.mode.enable.internal.rest", "response.http.headers.config",
		"plugin.", "worker.", "task.", "group.instance.id", "session.timeout.ms", "heartbeat.interval.ms",
		"rebalance.timeout.ms", "scheduled.rebalance.max.delay.ms", "connect.protocol", "inter.worker.",
		"topic.tracking.enable", "config.action.reload", "name", "connector.class",
		"source.cluster.alias", "target.cluster.alias", "alias", "key.converter.", "value.converter.", "header.converter.",
		"config.providers", "config.providers.", "ssl.client.auth", "transforms.", "predicates.")
	add(diag.Info, engine,
		"linger.ms", "batch.size", "max.in.flight.requests.per.connection", "max.poll.records", "max.poll.interval.ms",
		"consumer.poll.timeout.ms", "poll.timeout.ms", "max.block.ms", "partitioner.", "key.serializer", "value.serializer",
		"key.deserializer", "value.deserializer", "enable.auto.commit", "auto.commit.interval.ms", "metric.reporters",
		"metrics.", "auto.include.jmx.reporter", "enable.metrics.push", "partition.assignment.strategy", "group.protocol")
	add(diag.Warning, "has no effect: records are written with acks=all and idempotence",
		"acks", "enable.idempotence", "retries", "delivery.timeout.ms", "transactional.id", "transaction.timeout.ms")
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

// clientKeys are settings of Kafka's clients that MirrorMaker 2 passes on
// behind a client prefix only.
func clientKeys() []string {
	return []string{
		"acks", "allow.auto.create.topics", "auto.offset.reset", "batch.size", "buffer.memory", "check.crcs",
		"client.dns.lookup", "client.rack", "compression.type", "compression.gzip.level", "compression.lz4.level",
		"compression.zstd.level", "connections.max.idle.ms", "default.api.timeout.ms", "delivery.timeout.ms",
		"enable.auto.commit", "enable.idempotence", "exclude.internal.topics", "fetch.max.bytes", "fetch.max.wait.ms",
		"fetch.min.bytes", "isolation.level", "linger.ms", "max.block.ms", "max.in.flight.requests.per.connection",
		"max.partition.fetch.bytes", "max.poll.interval.ms", "max.poll.records", "max.request.size", "metadata.max.age.ms",
		"metadata.max.idle.ms", "metadata.recovery.strategy", "partition.assignment.strategy", "receive.buffer.bytes",
		"reconnect.backoff.max.ms", "reconnect.backoff.ms", "request.timeout.ms", "retries", "retry.backoff.max.ms",
		"retry.backoff.ms", "security.providers", "send.buffer.bytes", "socket.connection.setup.timeout.max.ms",
		"socket.connection.setup.timeout.ms", "timeout.ms", "transaction.timeout.ms",
	}
}

// connectionKeys are the keys common to all of Kafka's clients: those that the
// model does not hold, and those it does for suggestions.
func connectionKeys() []string {
	return []string{
		"bootstrap.servers", "security.protocol", "client.id",
		"ssl.protocol", "ssl.provider", "ssl.cipher.suites", "ssl.enabled.protocols", "ssl.keystore.type",
		"ssl.keystore.location", "ssl.keystore.password", "ssl.keystore.key", "ssl.keystore.certificate.chain",
		"ssl.key.password", "ssl.truststore.type", "ssl.truststore.location", "ssl.truststore.password",
		"ssl.truststore.certificates", "ssl.keymanager.algorithm", "ssl.trustmanager.algorithm",
		"ssl.endpoint.identification.algorithm", "ssl.secure.random.implementation",
		"sasl.mechanism", "sasl.jaas.config", "sasl.client.callback.handler.class", "sasl.login.callback.handler.class",
		"sasl.login.class", "sasl.kerberos.service.name", "sasl.kerberos.kinit.cmd", "sasl.kerberos.ticket.renew.window.factor",
		"sasl.kerberos.ticket.renew.jitter", "sasl.kerberos.min.time.before.relogin", "sasl.login.refresh.window.factor",
		"sasl.login.refresh.window.jitter", "sasl.login.refresh.min.period.seconds", "sasl.login.refresh.buffer.seconds",
		"sasl.login.connect.timeout.ms", "sasl.login.read.timeout.ms", "sasl.login.retry.backoff.ms",
		"sasl.login.retry.backoff.max.ms", "sasl.oauthbearer.token.endpoint.url", "sasl.oauthbearer.jwks.endpoint.url",
		"sasl.oauthbearer.scope.claim.name", "sasl.oauthbearer.sub.claim.name", "sasl.oauthbearer.expected.audience",
		"sasl.oauthbearer.expected.issuer",
	}
}
