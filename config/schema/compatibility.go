package schema

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
)

// Difference is something that Strait does otherwise than MirrorMaker 2 with the
// same properties file, on purpose.
type Difference struct {
	Name      string // by which tests name it
	Attribute string // of a flow; empty where no single one decides it
	Strait    string // what Strait does
	MM2       string // what MirrorMaker 2 does
	Why       string
	Restore   string // the line of a properties file that restores it; empty: nothing does
	Items     []int  // of the list of conformance that do not hold for it, or hold otherwise
}

// Differences are all deliberate ones. What is in none of them is as in
// MirrorMaker 2, or a fault.
func Differences() []Difference { return slices.Concat(ofRecords(), ofControl(), ofPrograms()) }

// ofRecords are the differences in how records are copied.
func ofRecords() []Difference {
	return []Difference{
		{
			Name:      "isolation",
			Attribute: "isolation_level", Strait: "records of aborted transactions are not copied, those of open ones wait",
			MM2: "they are copied as if they had been committed", Why: "consumers of the target would see what no consumer of the source may",
			Restore: "A.consumer.isolation.level = read_uncommitted",
		},
		{
			Name:      "fetch size",
			Attribute: "fetch_max_bytes", Strait: "a fetch response has 8 MiB at most", MM2: "it has 50 MiB at most",
			Why: "all that is fetched is held in one budget of memory", Restore: "A.consumer.fetch.max.bytes = 52428800",
		},
		{
			Name:      "request size",
			Attribute: "max_request_size", Strait: "a produce request has 4 MiB at most", MM2: "it has 1 MiB at most",
			Why: "one request takes batches of many partitions", Restore: "B.producer.max.request.size = 1048576",
		},
		{
			Name:      "memory",
			Attribute: "buffer_memory", Strait: "64 MiB are held between fetching and acknowledgement", MM2: "32 MiB are buffered by each producer, beside what consumers hold",
			Why: "one budget counts both sides", Restore: "B.producer.buffer.memory = 33554432",
		},
		{
			Name:      "compression",
			Attribute: "compression_type", Strait: "batches keep the compression they have on the source, unless compression.type is written",
			MM2: "they are written without compression unless it is", Why: "records need not be read then, and the target would hold and send several times the bytes",
			Restore: "B.producer.compression.type = none",
		},
		{
			Name:   "idempotence",
			Strait: "writing is idempotent and waits for all replicas, whatever enable.idempotence and acks say", MM2: "idempotence is off unless it is asked for",
			Why:   "a repeated request would be a repeated record",
			Items: []int{58},
		},
		{
			Name:   "target created anew",
			Strait: "a target topic that was deleted and created again gets all that the source holds",
			MM2:    "it gets what comes after the stored position",
			Why:    "what was mirrored before would be missing on the target",
		},
		{
			Name:   "source created anew",
			Strait: "a source topic that was deleted and created again is copied from its start, and a gap in a source is reported",
			MM2:    "the new topic is read on at the position of the old one, and what is missing is passed over",
			Why:    "records would be missing on the target and nobody would know",
		},
		{
			Name:   "tasks",
			Strait: "every partition is copied by itself, whatever tasks.max says", MM2: "tasks.max tasks share the partitions, one by default",
			Why:   "one task is the bottleneck of most installations",
			Items: []int{19, 45},
		},
		{
			Name:   "unreachable cluster",
			Strait: "a cluster that cannot be reached is reported and tried again for as long as the process runs",
			MM2:    "the process ends, or a connector fails until somebody restarts it",
			Why:    "a mirror has to survive the outage it is there for",
		},
	}
}

// ofControl are the differences beside that: topics, settings, groups.
func ofControl() []Difference {
	return []Difference{
		{
			Name:      "discovery",
			Attribute: "refresh_topics_interval", Strait: "new topics and partitions are found within seconds",
			MM2: "they are found after ten minutes", Why: "records of a new topic are missing on the target until then",
			Restore: "refresh.topics.interval.seconds = 600",
		},
		{
			Name:   "settings for exact copies",
			Strait: "settings of a target topic that byte-exact copies need are kept: compression.type=producer where the engine set it, a larger max.message.bytes, and message.timestamp.{before,after,difference}.max.ms",
			MM2:    "one sync of configurations sets them as on the source, or deletes them",
			Why:    "batches on their way were written under the source's former settings, and the target would change or refuse them",
		},
		{
			Name:   "settings that differ",
			Strait: "settings are sent only where they differ, and one that the target's brokers do not know is left out",
			MM2:    "every sync sends all of them, and a single refused one keeps those of the topic from being set",
			Why:    "thousands of topics would be altered every ten minutes without a change",
		},
		{
			Name:   "factor of heartbeats",
			Strait: "a topic of heartbeats for which there are too few brokers gets the cluster's own replication factor",
			MM2:    "creating it fails, and the broker creates it with its defaults when the first heartbeat is written",
			Why:    "it would not be compacted",
		},
		{
			Name:   "translation",
			Strait: "an offset of a group is translated exactly however far it is behind, in checkpoints and in the group's own offsets",
			MM2:    "it is translated to the last known place before it, or one further",
			Why:    "consumers would read again what they have read, up to all of it",
		},
		{
			Name:   "settings that cannot be read",
			Strait: "a topic of which the settings cannot be read waits with the missing permission as its problem, and all others are created",
			MM2:    "no new topic is created until they can be",
			Why:    "one topic's trouble is its own",
			Items:  []int{41},
		},
		{
			Name:      "checkpoints without offset syncs",
			Attribute: "emit_checkpoints_enabled", Strait: "checkpoints are written also where emit.offset-syncs.enabled is false",
			MM2: "the connector of checkpoints is invalid then, and does not start", Why: "what offsets are at the target is known without the topic of offset syncs",
			Restore: "emit.checkpoints.enabled = false",
			Items:   []int{78},
		},
		{
			Name:   "empty partitions",
			Strait: "the offset of a group in a partition of which nothing was copied is translated, too, once both ends are known",
			MM2:    "it has no checkpoint until a record was copied",
			Why:    "with auto.offset.reset=latest a group that failed over would miss the first records",
			Items:  []int{110},
		},
		{
			Name:   "checkpoints that cannot be read",
			Strait: "no checkpoint is written until those that are there could be read, and the missing permission is shown",
			MM2:    "it goes on as if there were none",
			Why:    "readers would see a group go back",
			Items:  []int{87},
		},
		{
			Name:   "topics of its own",
			Strait: "Kafka Connect's topics of configurations and status are not made, nor one of offsets where nothing is copied; mm2-offsets is compacted sooner, and mm2-strait-places and mm2-strait-index are beside it",
			MM2:    "each pair of clusters has mm2-configs, mm2-status and mm2-offsets, also where nothing is copied",
			Why:    "no Kafka Connect runs, and places that both clusters have in common have to be known after a restart",
		},
		{
			Name:   "positions",
			Strait: "a position says beside its offset where its record is on the target, is past the markers of transactions, and has an older one beside it; heartbeats and checkpoints have none",
			MM2:    "a position is the offset of the last record, and every heartbeat and checkpoint has one",
			Why:    "the exact place to go on at after a crash is found with it; MirrorMaker 2 reads the offset all the same",
			Items:  []int{53},
		},
	}
}

// ofPrograms are the differences in what is configured, loaded and shown.
func ofPrograms() []Difference {
	return []Difference{
		{
			Name:   "classes of one's own",
			Strait: "classes for filters, for replication policies other than Kafka's two and for forwarding.admin.class are refused, with what to write instead",
			MM2:    "they are loaded from the class path, for each cluster its own",
			Why:    "no Java runs",
			Items:  []int{7, 18, 119},
		},
		{
			Name:   "metrics",
			Strait: "metrics are shown to Prometheus or pushed by OTLP, and metric.reporters has no effect",
			MM2:    "they are beans of JMX, and what metric.reporters names beside that",
			Why:    "no Java runs",
			Items:  []int{17, 66},
		},
		{
			Name:   "validation of exactly.once.support",
			Strait: "exactly.once.support has no effect: what exactly once needs is there with either isolation.level",
			MM2:    "a connector of which it is required is refused unless isolation.level is read_committed",
			Why:    "the level says which records are copied, not how often",
			Items:  []int{48, 49, 50},
		},
	}
}

// Compatibility is the part of the page on MirrorMaker 2 that the declarations
// make: every property with its defaults, and every deliberate difference. Links
// are from the folder above the reference.
func Compatibility() string {
	var w strings.Builder
	w.WriteString(strings.Replace(generated, "config/model instead", "config and the comments of tests instead", 1))
	w.WriteString("# Properties\n\nEvery key of MirrorMaker 2 that has a meaning here, and what holds where it is not written. " +
		"The defaults of a properties file are MirrorMaker 2's but for the differences below.\n\n" +
		"| key | attribute | default in a properties file | default in HCL | |\n|---|---|---|---|---|\n")
	pending := map[string]bool{}
	for _, d := range model.FlowFields(model.NewFlow(field.HCL)) {
		pending[d.Name] = d.Pending
	}
	for _, row := range keyRows() {
		note := ""
		if row.block == "flow" && pending[row.Name] {
			note = "without effect so far"
		}
		fmt.Fprintf(&w, "| `%s` | [`%s`](reference/%s.md#%s) | %s | %s | %s |\n", row.Key, row.Name, row.block, row.Name,
			cell(valueText(row.PropertiesDefault)), cell(valueText(row.Default)), note)
	}
	w.WriteString("\n# Differences from MirrorMaker 2\n\nAn `mm2.properties` keeps MirrorMaker 2's defaults but for this list. " +
		"`A` is the source, `B` the target.\n")
	for _, d := range Differences() {
		fmt.Fprintf(&w, "\n## %s\n\nIn MirrorMaker 2 %s. Strait differs since %s.\n\n", heading(d.Strait), d.MM2, d.Why)
		if d.Restore == "" {
			w.WriteString("Nothing restores this.\n")
			continue
		}
		in := ""
		if d.Attribute != "" {
			in = fmt.Sprintf(" (in HCL it is [`%s`](reference/flow.md#%[1]s))", d.Attribute)
		}
		fmt.Fprintf(&w, "This restores it%s:\n\n```properties\n%s\n```\n", in, d.Restore)
	}
	return w.String()
}

// Anchor is where the page has the difference, after GitHub's rules for headings.
func (d Difference) Anchor() string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return unicode.ToLower(r)
		}
		return -1
	}, d.Strait)
}

// heading begins a clause with a capital letter.
func heading(clause string) string { return strings.ToUpper(clause[:1]) + clause[1:] }
