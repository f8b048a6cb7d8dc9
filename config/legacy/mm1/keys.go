package mm1

import (
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/legacy/mm2"
)

// row says what becomes of keys that the model has no place for.
type row struct {
	keys     []string
	severity diag.Severity
	note     string   // reads after the key
	fine     []string // values that change nothing, so that nothing is said; nil: none
}

// concerns reports whether something is to be said of a value.
func (r row) concerns(text string) bool {
	return !slices.Contains(r.fine, strings.ToLower(strings.TrimSpace(text)))
}

func (r row) diagnostic(v mm2.Setting) diag.Diagnostic {
	d := diag.Diagnostic{Severity: r.severity, Code: diag.CodeNoEffect, Subject: v.At, Summary: v.Key + " " + r.note}
	if r.severity == diag.Error {
		d.Code, d.Summary, d.Fix = diag.CodeJavaClass, v.Key+": a Java class cannot run here", r.note
	}
	return d
}

const (
	noMember = "has no effect: Strait commits to the group without being a member of it"
	asBytes  = "has no effect: keys and values are copied as bytes"
	retried  = "has no effect: what fails is tried again until it succeeds, or the target refuses it for good"
)

// consumerKeys are those of the consumer's file.
func consumerKeys() []row {
	return []row{
		{keys: []string{"interceptor.classes"}, severity: diag.Error, note: "remove it", fine: []string{""}},
		{
			keys: []string{"enable.auto.commit"}, severity: diag.Warning, fine: []string{"false"},
			note: "has no effect: offsets are committed once the target has the records",
		},
		{
			keys: []string{"exclude.internal.topics"}, severity: diag.Warning, fine: []string{"true"},
			note: "has no effect: Kafka's own topics are never copied",
		},
		{keys: []string{"client.id"}, severity: diag.Info, note: "has no effect, as in MirrorMaker 1: clients are named after the group"},
		{keys: []string{
			"partition.assignment.strategy", "session.timeout.ms", "heartbeat.interval.ms", "max.poll.interval.ms",
			"group.instance.id", "group.protocol", "group.remote.assignor", "auto.commit.interval.ms",
			"internal.leave.group.on.close",
		}, severity: diag.Info, note: noMember},
		{keys: []string{"key.deserializer", "value.deserializer"}, severity: diag.Info, note: asBytes},
	}
}

// producerKeys are those of the producer's file.
func producerKeys() []row {
	return []row{
		{keys: []string{"interceptor.classes"}, severity: diag.Error, note: "remove it", fine: []string{""}},
		{
			keys: []string{"acks"}, severity: diag.Warning, fine: []string{"all", "-1"},
			note: "has no effect: every record is acknowledged by all replicas in sync (acks=all)",
		},
		{
			keys: []string{"enable.idempotence"}, severity: diag.Info, fine: []string{"true"},
			note: "has no effect: records are always written idempotently",
		},
		{keys: []string{"transactional.id"}, severity: diag.Warning, note: "has no effect: MirrorMaker 1 begins no transactions either"},
		{keys: []string{"retries", "delivery.timeout.ms", "max.block.ms"}, severity: diag.Info, note: retried},
		{
			keys: []string{"producer.type"}, severity: diag.Info,
			note: "has no effect: offsets are committed for what is acknowledged only, whether records wait for each other or not",
		},
		{
			keys: []string{"max.in.flight.requests.per.connection"}, severity: diag.Info, fine: []string{"1"},
			note: "has no effect: order is kept with several requests under way",
		},
		{
			keys: []string{"partitioner.adaptive.partitioning.enable", "partitioner.availability.timeout.ms"}, severity: diag.Info,
			note: "has no effect: records without a key go where the fewest wait",
		},
		{keys: []string{"key.serializer", "value.serializer"}, severity: diag.Info, note: asBytes},
	}
}

// defaultPartitioners are the classes of Kafka that do what the default does.
func defaultPartitioners() []string {
	return []string{"", "org.apache.kafka.clients.producer.internals.DefaultPartitioner"}
}
