package convert

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
)

// naming is what the connectors of a flow say of the names of copies. Each has a
// policy of its own, and a checkpoint connector that lacks the source connector's
// translates nothing (strimzi/strimzi-kafka-operator#4360).
type naming struct {
	at   map[connector]source          // the connectors there are
	says map[string]map[connector]tree // by key
}

// namingKeys are those that say it, with their defaults.
func namingKeys() map[string]string {
	return map[string]string{
		"replication.policy.class":     "org.apache.kafka.connect.mirror.DefaultReplicationPolicy",
		"replication.policy.separator": ".",
	}
}

// naming returns what is known of a flow.
func (r *resource) naming(flow string) *naming {
	n := r.names[flow]
	if n == nil {
		n = &naming{at: map[connector]source{}, says: map[string]map[connector]tree{}}
		for key := range namingKeys() {
			n.says[key] = map[connector]tree{}
		}
		r.names[flow] = n
	}
	return n
}

// note takes a key of a connector, and reports whether it is one of these.
func (n *naming) note(kind connector, key string, v tree) bool {
	said, is := n.says[key]
	if is {
		said[kind] = v
	}
	return is
}

// value is what a connector has for a key.
func (n *naming) value(kind connector, key string) string {
	if text, ok := n.says[key][kind].scalar(); ok {
		return text
	}
	return namingKeys()[key]
}

// sameNames gives each flow the names of its source connector, and reports
// connectors that have others.
func (r *resource) sameNames() {
	for _, flow := range slices.Sorted(maps.Keys(r.names)) {
		n := r.names[flow]
		for _, key := range slices.Sorted(maps.Keys(namingKeys())) {
			r.sameName(n, flow, key)
		}
	}
}

func (r *resource) sameName(n *naming, flow, key string) {
	_, copies := n.at[sourceConnector]
	for _, kind := range []connector{sourceConnector, checkpointConnector, heartbeatConnector} {
		v, said := n.says[key][kind]
		if !copies || n.value(kind, key) == n.value(sourceConnector, key) {
			if said {
				r.set(flow+key, v)
			}
			continue
		}
		at, there := n.at[kind]
		if said {
			at = v.source()
		}
		if kind == checkpointConnector && there {
			r.f.needs(at, diag.CodePoliciesDiffer, fmt.Sprintf(
				"its %s is %s, the source connector's is %s: it found no copies, and translated no offsets. Flow %s takes the source connector's",
				key, short(n.value(kind, key)), short(n.value(sourceConnector, key)), strings.TrimSuffix(flow, ".")))
		} else if said {
			r.f.ignore(at, diag.CodeNoEffect, "the flow names copies as its source connector does")
		}
	}
}

// short is the last part of the name of a class.
func short(class string) string {
	if class == "." {
		return `"."`
	}
	return class[strings.LastIndex(class, ".")+1:]
}
