package topicsync

import (
	"maps"
	"math"
	"strconv"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/flows/internal/admin"
)

// The settings that decide whether a target takes batches as they are.
const (
	keyCompressionType     = "compression.type"
	keyMaxMessageBytes     = "max.message.bytes"
	keyTimestampType       = "message.timestamp.type"
	keyTimestampBefore     = "message.timestamp.before.max.ms"     // 3.6 and later
	keyTimestampAfter      = "message.timestamp.after.max.ms"      // 3.6 and later; 1 h by default in 4.x
	keyTimestampDifference = "message.timestamp.difference.max.ms" // before 4.0
)

const (
	compressionProducer = "producer"
	unlimited           = math.MaxInt64 // the brokers' own "no limit"
)

// need is an engine key: a setting of a target topic under which its brokers
// take the source's batches without changing or refusing them.
type need struct {
	name  string
	value string // what to set
	now   string // the effective value
	hand  bool   // set on the topic by somebody: not ours to change
}

// needs compares a target topic's effective settings with what its source's
// batches ask for, and returns what would have to be set. A setting that the
// target does not name is left alone: its brokers do not know it. Without the
// source's settings (nil) only what no source needs is compared.
func needs(source, target admin.Settings) []need {
	var all []need
	add := func(name, value string) {
		now := target[name]
		all = append(all, need{name: name, value: value, now: now.Value, hand: now.Explicit()})
	}
	codec, ok := target[keyCompressionType]
	// Where both sides store one codec, the batches are in that codec already.
	if ok && codec.Value != compressionProducer && codec.Value != source[keyCompressionType].Value {
		add(keyCompressionType, compressionProducer)
	}
	if wanted := number(source, keyMaxMessageBytes, 0); number(target, keyMaxMessageBytes, unlimited) < wanted {
		add(keyMaxMessageBytes, strconv.FormatInt(wanted, 10))
	}
	if target[keyTimestampType].Value == "LogAppendTime" {
		return all // replaces all times and checks none
	}
	// Data of any age is copied, and both clocks may differ.
	for _, name := range []string{keyTimestampBefore, keyTimestampAfter, keyTimestampDifference} {
		if _, ok := target[name]; ok && number(target, name, unlimited) < unlimited {
			add(name, strconv.FormatInt(unlimited, 10))
		}
	}
	return all
}

// copied returns the explicit settings of a new target topic by MirrorMaker
// 2's rules: what is not a default on the source and follows it. Dynamic settings
// of the source's brokers are copied with it. What the flow says itself comes first.
func (s *Syncer) copied(source admin.Settings) map[string]string {
	copied := make(map[string]string)
	for name, setting := range source {
		if s.follows(name, setting) && (s.p.UseSourceDefaults || !isDefault(setting)) {
			copied[name] = setting.Value
		}
	}
	maps.Copy(copied, s.p.Settings)
	return copied
}

// isDefault reports whether nobody set a setting anywhere.
func isDefault(s admin.Setting) bool { return s.Source == kmsg.ConfigSourceDefaultConfig }

// follows reports whether a target topic's setting is to be as its source's: it
// may be set, is no secret, does not come from a broker's file, and is neither
// excluded nor said by the flow.
func (s *Syncer) follows(name string, source admin.Setting) bool {
	if _, own := s.p.Settings[name]; own {
		return false
	}
	return !source.Null && !source.ReadOnly && !source.Sensitive &&
		source.Source != kmsg.ConfigSourceStaticBrokerConfig &&
		(s.p.Exclude == nil || !s.p.Exclude.Match(name))
}
