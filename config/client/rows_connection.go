package client

import (
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
)

// connectionRows say how brokers are reached.
func connectionRows(t targets) []Row {
	near := map[string]string{
		"client.dns.lookup":      "is approximated: all addresses of a name are tried, and canonical names are looked up when a bootstrap server is connected to",
		"reconnect.backoff.ms":   "is approximated: connecting and asking again share one growing pause, the longer of the two",
		"retry.backoff.ms":       "is approximated: connecting and asking again share one growing pause, the longer of the two",
		"retry.backoff.max.ms":   "is approximated: connecting and asking again share one growing pause, up to the longer of the two",
		"default.api.timeout.ms": "is approximated: it bounds one request with its retries; what goes on failing is tried again by the flow",
	}
	near["reconnect.backoff.max.ms"] = near["retry.backoff.max.ms"]
	usual := map[string]string{"client.dns.lookup": "use_all_dns_ips"}
	var rows []Row
	for _, d := range model.ClusterFields(t.cluster) {
		if d.Key == "" {
			continue // no setting of a Java client
		}
		roles := Any
		switch d.Key {
		case "client.rack":
			roles = Consumer | Producer
		case "request.timeout.ms", "default.api.timeout.ms":
			roles = Consumer | Admin // a producer's is that of produce requests
		}
		r := bound(d, roles)
		if doc, ok := near[d.Key]; ok {
			r = r.as(Approximated, doc)
		}
		if v, ok := usual[d.Key]; ok {
			r = r.unless(v)
		}
		rows = append(rows, r)
	}
	protocol := Row{
		Key: "security.protocol", Roles: Any, Common: true, Handling: Equal, place: "security_protocol",
		Doc: "Whether connections use TLS, and whether they log in: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.",
	}
	return append(rows, protocol,
		text("bootstrap.controllers", Admin, Warned, "has no effect: clusters are reached by their brokers"),
		span("metadata.recovery.rebootstrap.trigger.ms", Any, Informed, "has no equivalent: the bootstrap servers are asked as soon as no other broker answers"),
		span("metadata.max.idle.ms", Producer, Informed, "has no equivalent: only the topics that are copied are kept in memory"),
	)
}

// consumerRows are the settings of the source reader.
func consumerRows(t targets) []Row {
	const engine = "has no equivalent: records move as whole batches"
	const group = "has no equivalent: partitions are not shared out by a consumer group"
	var rows []Row
	for _, d := range model.FlowFields(t.flow) {
		if d.Scope == field.ScopeConsumer {
			r := bound(d, Consumer)
			if r.Key == resetKey {
				r.Doc += " none and by_duration are read as earliest, with a warning: nothing may be missing."
			}
			rows = append(rows, r)
		}
	}
	return slices.Concat(rows, []Row{
		boolean("check.crcs", Consumer, Warned, "has no effect: the checksum of every batch is verified before it is written again").unless("true"),
		boolean("enable.auto.commit", Consumer, Warned, "has no effect: positions are kept on the target; MirrorMaker 2 forces false, too").unless("false"),
		span("auto.commit.interval.ms", Consumer, Informed, engine),
		boolean("allow.auto.create.topics", Consumer, Informed, "has no effect: fetching creates no topics").unless("false"),
		boolean("exclude.internal.topics", Consumer, Informed, "has no effect: the topic filter decides").unless("true"),
		number("max.poll.records", 1, Consumer, Informed, engine),
		span("max.poll.interval.ms", Consumer, Informed, engine),
		text("group.id", Consumer, Informed, group), text("group.instance.id", Consumer, Informed, group),
		span("session.timeout.ms", Consumer, Informed, group), span("heartbeat.interval.ms", Consumer, Informed, group),
		span("rebalance.timeout.ms", Consumer, Informed, group),
		list("partition.assignment.strategy", Consumer, Informed, group),
		text("group.protocol", Consumer, Informed, group), text("group.remote.assignor", Consumer, Informed, group),
		text("share.", Consumer, Informed, group),
		class("key.deserializer", Consumer, "keys are copied as bytes", "remove it: keys are copied as bytes", deserializers()...),
		class("value.deserializer", Consumer, "values are copied as bytes", "remove it: values are copied as bytes", deserializers()...),
	})
}

func deserializers() []string {
	return []string{"org.apache.kafka.common.serialization.ByteArrayDeserializer"}
}

func serializers() []string {
	return []string{"org.apache.kafka.common.serialization.ByteArraySerializer"}
}

// producerRows are the settings of the writer to the target.
func producerRows(t targets) []Row {
	const engine = "has no equivalent: records move as whole batches"
	const strong = "has no effect: records are written with acks=all and idempotence"
	const gaps = "has no effect: a record is tried until it is written or refused for good, since giving up would leave a gap"
	const levels = "has no effect: batches that are compressed anew are at the codec's usual level, all others keep theirs"
	const own = "has no equivalent: every record goes to the partition it came from"
	var rows []Row
	for _, d := range model.FlowFields(t.flow) {
		if d.Scope == field.ScopeProducer {
			rows = append(rows, bound(d, Producer))
		}
	}
	acks := row(field.Enum(new(string), "acks", []string{"all", "-1", "0", "1"}, ""), "acks", Producer, Warned, strong)
	return slices.Concat(rows, []Row{
		acks.unless("all", "-1").noted(diag.CodeWeakAcks),
		boolean("enable.idempotence", Producer, Warned, strong).unless("true"),
		number("retries", 0, Producer|Admin, Warned, gaps).unless("2147483647").noted(diag.CodeGivesUp),
		span("delivery.timeout.ms", Producer, Warned, gaps).unless("2147483647").noted(diag.CodeGivesUp),
		number("max.in.flight.requests.per.connection", 1, Producer, Informed,
			"has no equivalent: each partition has a window of its own, which keeps the order"),
		number("batch.size", 0, Producer, Informed, engine+"; small neighbours are joined where that helps"),
		span("linger.ms", Producer, Informed, engine+", which wait for nothing"),
		span("max.block.ms", Producer, Informed, "has no equivalent: a target that is slow stops fetching"),
		number("compression.gzip.level", -1, Producer, Informed, levels), number("compression.lz4.level", 1, Producer, Informed, levels),
		number("compression.zstd.level", -131072, Producer, Informed, levels),
		text("transactional.id", Producer, Warned, strong), span("transaction.timeout.ms", Producer, Warned, strong),
		boolean("transaction.two.phase.commit.enable", Producer, Warned, strong).unless("false"),
		text("partitioner.", Producer, Warned, own),
		class("key.serializer", Producer, "keys are copied as bytes", "remove it: keys are copied as bytes", serializers()...),
		class("value.serializer", Producer, "values are copied as bytes", "remove it: values are copied as bytes", serializers()...),
	})
}

// otherRows are settings about what surrounds a Java client.
func otherRows() []Row {
	const metrics = "has no equivalent: Strait has metrics of its own"
	return []Row{
		list("interceptor.classes", Consumer|Producer, Refused, "names Java classes, which cannot run here").unless("").
			withFix("remove it, or transform records in HCL"),
		boolean("enable.metrics.push", Any, Informed, "has no effect: no client metrics are pushed to the brokers").unless("false"),
		text("metric.reporters", Any, Informed, metrics), text("metrics.", Any, Informed, metrics),
		text("auto.include.jmx.reporter", Any, Informed, metrics),
		text("security.providers", Any, Warned, "has no effect: cryptography is Go's own").unless(""),
		text("config.providers", Any, Informed, "is read by the file's reader"),
		text("config.providers.", Any, Informed, "is read by the file's reader"),
	}
}

const resetKey = "auto.offset.reset"

// OffsetReset returns what of auto.offset.reset holds here: nothing of a source
// may be missing because of values that Strait does not have. note reads after
// the key; "" where the value is one that it has, or none of Java's either.
func OffsetReset(text string) (start, note string) {
	const missing = "; earliest is used, so that nothing is missing"
	word := strings.ToLower(strings.TrimSpace(text))
	switch {
	case word == "none":
		return string(model.StartEarliest), "cannot be none: a partition without a position would never be copied" + missing
	case strings.HasPrefix(word, "by_duration:"):
		return string(model.StartEarliest), "cannot begin a duration ago" + missing
	}
	return text, ""
}
