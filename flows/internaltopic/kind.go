// Package internaltopic owns one look into a topic in which MirrorMaker 2 or Strait
// keeps what it knows: which kind of topic it is, and each of its records, decoded. It
// writes nothing, and needs no flow.
package internaltopic

import "strings"

// Kind is what a topic holds.
type Kind string

// The kinds, by the topics' names with the default separators.
const (
	Heartbeats  Kind = "heartbeats"   // heartbeats, and copies of them
	Checkpoints Kind = "checkpoints"  // <source>.checkpoints.internal
	OffsetSyncs Kind = "offset-syncs" // mm2-offset-syncs.<alias>.internal
	Positions   Kind = "positions"    // mm2-offsets.<source>.internal
	Places      Kind = "places"       // mm2-strait-places.<source>.internal
	Producers   Kind = "producers"    // mm2-strait-index.<source>.internal
	ACLs        Kind = "acls"         // mm2-strait-acls.<source>.internal
	Status      Kind = "status"       // mm2-status.<source>.internal, Kafka Connect's
	Configs     Kind = "configs"      // mm2-configs.<source>.internal, Kafka Connect's
)

// Kinds returns all of them.
func Kinds() []Kind {
	return []Kind{Heartbeats, Checkpoints, OffsetSyncs, Positions, Places, Producers, ACLs, Status, Configs}
}

// KindOf tells a topic's kind by its name, whatever separator the names of its
// replication policy have.
func KindOf(topic string) (Kind, bool) {
	if strings.HasSuffix(topic, "heartbeats") {
		return Heartbeats, true
	}
	inner, internal := strings.CutSuffix(topic, "internal")
	if !internal {
		return "", false
	}
	for _, k := range []struct {
		prefix string
		kind   Kind
	}{
		{"mm2-offset-syncs", OffsetSyncs},
		{"mm2-offsets", Positions},
		{"mm2-strait-places", Places},
		{"mm2-strait-index", Producers},
		{"mm2-strait-acls", ACLs},
		{"mm2-status", Status},
		{"mm2-configs", Configs},
	} {
		if strings.HasPrefix(inner, k.prefix) {
			return k.kind, true
		}
	}
	if strings.Contains(inner, "checkpoints") {
		return Checkpoints, true
	}
	return "", false
}
