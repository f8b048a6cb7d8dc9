// Package origin owns which producer ids on a cluster write copies, and of whose
// records: the topics mm2-strait-index.<source alias>.internal. A Registry enters
// the ids that a flow writes with on its target, before their first batch. A Guard
// reads the entries on a flow's source and tells by a batch's producer id whether
// its records came from the flow's own target. docs/adr/0007 has the argument.
//
// What becomes of such batches is package mirror's business.
package origin

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

const (
	prefix = "mm2-strait-index." // mm2 and .internal keep MirrorMaker 2 from mirroring it
	suffix = ".internal"
)

// Topic returns the name of the topic in which flows from source enter their
// producer ids.
func Topic(source string) string { return prefix + source + suffix }

// isIndex reports whether a topic has such a name, whatever the alias.
func isIndex(topic string) bool {
	return len(topic) > len(prefix)+len(suffix) && strings.HasPrefix(topic, prefix) && strings.HasSuffix(topic, suffix)
}

// entryVersion is the version of values. A later one may add members; what a
// producer id's origin is stays in cluster_id.
const entryVersion = 1

// entry says whose records a producer id copies. The key is the id in decimal.
type entry struct {
	Version   int    `json:"version"`
	ClusterID string `json:"cluster_id"` // the source's own id: aliases differ between topologies
	Alias     string `json:"alias"`      // what the flow calls the source, for people
}

func (e entry) value() []byte {
	text, err := json.Marshal(e)
	if err != nil {
		panic(err) // strings and numbers only
	}
	return text
}

func key(id int64) []byte { return strconv.AppendInt(nil, id, 10) }

// parse reads a record of the topic.
func parse(k, v []byte) (id int64, e entry, err error) {
	if id, err = strconv.ParseInt(string(k), 10, 64); err != nil || id < 0 {
		return 0, e, fmt.Errorf("key %q is not a producer id", k)
	}
	if err = json.Unmarshal(v, &e); err != nil {
		return id, e, fmt.Errorf("producer id %d: %w", id, err)
	}
	if e.Version < entryVersion || e.ClusterID == "" {
		return id, e, fmt.Errorf("producer id %d has no origin", id)
	}
	return id, e, nil
}
