package internaltopic

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/strait-mirror/strait/flows/internal/mm2fmt"
)

// maxFallback bounds the JSON that is shown as it is.
const maxFallback = 64 << 10

// Field is one thing that a record says. Its value is a string, an int64, a bool, a
// [Pairs] or a json.RawMessage.
type Field struct {
	Name  string
	Value any
}

// Pairs are offsets of a source and the offsets of a target that are the same places.
type Pairs [][2]int64

// Decode returns what a record of a topic of some kind says. A record without value
// has the field deleted. Values of Kafka Connect's configurations are left out: they
// may hold passwords. What cannot be decoded is an error that says why.
func Decode(kind Kind, key, value []byte) ([]Field, error) {
	switch kind {
	case Heartbeats:
		h, err := mm2fmt.ParseHeartbeat(key, value)
		return whole(err, Field{"source", h.Source}, Field{"target", h.Target}, Field{"timestamp", h.Timestamp})
	case Checkpoints:
		c, err := mm2fmt.ParseCheckpoint(key, value)
		return whole(err, Field{"group", c.Group}, Field{"topic", c.Topic}, Field{"partition", int64(c.Partition)},
			Field{"upstream", c.Upstream}, Field{"downstream", c.Downstream}, Field{"metadata", c.Metadata})
	case OffsetSyncs:
		s, err := mm2fmt.ParseOffsetSync(key, value)
		return whole(err, Field{"topic", s.Topic}, Field{"partition", int64(s.Partition)},
			Field{"upstream", s.Upstream}, Field{"downstream", s.Downstream})
	case Positions:
		return position(key, value)
	case Places:
		return places(key, value)
	case Producers:
		id, err := strconv.ParseInt(string(key), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("key %q is not a producer id", short(key))
		}
		return withJSON([]Field{{"producer_id", id}}, "origin", value)
	case ACLs:
		a, err := mm2fmt.ParseACL(key)
		return whole(err, Field{"flow", a.Flow}, Field{"resource", a.Resource}, Field{"name", a.Name}, Field{"pattern", a.Pattern},
			Field{"principal", a.Principal}, Field{"host", a.Host}, Field{"operation", a.Operation}, Field{"permission", a.Permission}, Field{"deleted", value == nil})
	case Status:
		return withJSON([]Field{{"key", string(key)}}, "value", value)
	case Configs:
		if value == nil {
			return []Field{{"key", string(key)}, {"deleted", true}}, nil
		}
		return []Field{{"key", string(key)}, {"value_bytes", int64(len(value))}}, nil
	}
	return nil, fmt.Errorf("there is no kind %q", kind)
}

// whole returns the fields of a record that could be read, and none of another.
func whole(err error, fields ...Field) ([]Field, error) {
	if err != nil {
		return nil, err
	}
	return fields, nil
}

// position reads a record of mm2-offsets. Those of MirrorMaker 2's other connectors
// name no partition, and are shown as they are.
func position(key, value []byte) ([]Field, error) {
	k, err := mm2fmt.ParseOffsetKey(key)
	if err != nil {
		if !bytes.HasPrefix(key, []byte("[")) || len(key) > maxFallback || !json.Valid(key) {
			return nil, err
		}
		return withJSON([]Field{{"key", json.RawMessage(key)}}, "value", value)
	}
	out := []Field{{"connector", k.Connector}, {"cluster", k.Cluster}, {"topic", k.Topic}, {"partition", int64(k.Partition)}}
	if value == nil {
		return append(out, Field{"deleted", true}), nil
	}
	v, err := mm2fmt.ParseOffsetValue(value)
	if err != nil {
		return out, err
	}
	out = append(out, Field{"offset", v.Offset})
	if v.Version == 0 {
		return out, nil
	}
	return append(out,
		Field{"version", int64(v.Version)}, Field{"target_end", v.TargetEnd}, Field{"producer_id", v.ProducerID},
		Field{"producer_epoch", int64(v.ProducerEpoch)}, Field{"next_sequence", int64(v.NextSequence)},
		Field{"leader_epoch", int64(v.LeaderEpoch)}, Field{"generation", int64(v.Generation)}, Field{"fence", int64(v.Fence)},
		Field{"source_topic_id", topicID(v.SourceTopicID)}, Field{"target_topic_id", topicID(v.TargetTopicID)}, Field{"chain", v.Chain}), nil
}

func places(key, value []byte) ([]Field, error) {
	if value == nil {
		number, topic, _ := bytes.Cut(key, []byte(":"))
		return []Field{{"topic", string(topic)}, {"partition", string(number)}, {"deleted", true}}, nil
	}
	p, err := mm2fmt.ParsePlaces(key, value)
	if err != nil {
		return nil, err
	}
	pairs := make(Pairs, 0, len(p.Offsets))
	for _, at := range p.Offsets {
		pairs = append(pairs, [2]int64{at.Source, at.Target})
	}
	return []Field{
		{"topic", p.Topic},
		{"partition", int64(p.Partition)},
		{"source_topic_id", topicID(p.SourceID)},
		{"target_topic", p.TargetTopic},
		{"target_partition", int64(p.TargetPartition)},
		{"target_topic_id", topicID(p.TargetID)},
		{"offsets", pairs},
	}, nil
}

// withJSON adds a value that is JSON.
func withJSON(fields []Field, name string, value []byte) ([]Field, error) {
	switch {
	case value == nil:
		return append(fields, Field{"deleted", true}), nil
	case len(value) > maxFallback:
		return fields, fmt.Errorf("the value has %d bytes, more than the %d that are shown", len(value), maxFallback)
	case !json.Valid(value):
		return fields, errors.New("the value is not JSON")
	}
	return append(fields, Field{name, json.RawMessage(value)}), nil
}

// topicID is an id as Kafka prints it; "" for none.
func topicID(id [16]byte) string {
	if id == ([16]byte{}) {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(id[:])
}

// short is the begin of a key, for errors.
func short(key []byte) []byte { return key[:min(len(key), 64)] }
