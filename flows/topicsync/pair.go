// Package topicsync owns discovery and creation: which topics of a source are
// mirrored, how they are called on the target, and that they exist there with
// enough partitions, with settings under which the target takes batches as they
// are, and otherwise with their sources' (sync.topic.configs). It touches topics
// and their settings on the target and nothing on the source. Which topics and
// names are wanted is the answer of room transforms; moving records is package
// mirror's business.
package topicsync

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/strait-mirror/strait/flows/internal/admin"
)

// Pair is a source topic and the target topic it is mirrored to. Both exist.
type Pair struct {
	Source string // name on the source
	Target string // name on the target

	SourceID [16]byte // zero: the broker has none
	TargetID [16]byte // zero: the broker has none

	Partitions       int32 // of the source topic
	TargetPartitions int32 // those from here on cannot be mirrored yet; a Problem says why

	SourceFacts Facts
	TargetFacts Facts
}

// Facts are the effective settings of a topic that decide how its batches
// pass. They are as old as Params.FactsInterval at most.
type Facts struct {
	Known           bool   // false: the settings could not be described, the rest says nothing
	MaxMessageBytes int32  // largest batch in bytes, header included
	SegmentBytes    int32  // a batch beyond it is refused, too
	LogAppendTime   bool   // records get the broker's time
	Compacted       bool   // a record without a key is refused
	CompressionType string // "producer", or the codec the broker stores all batches in
	TimestampBefore int64  // most milliseconds before now a record's time may be; MaxInt64: any
	TimestampAfter  int64  // most milliseconds after now; MaxInt64: any
}

func newFacts(s admin.Settings) Facts {
	if s == nil {
		return Facts{}
	}
	f := Facts{
		Known:           true,
		MaxMessageBytes: int32(number(s, keyMaxMessageBytes, 1048588)),
		SegmentBytes:    int32(number(s, "segment.bytes", 1<<30)),
		LogAppendTime:   s[keyTimestampType].Value == "LogAppendTime",
		CompressionType: s[keyCompressionType].Value,
		TimestampBefore: number(s, keyTimestampBefore, unlimited),
		TimestampAfter:  number(s, keyTimestampAfter, unlimited),
	}
	for policy := range strings.SplitSeq(s["cleanup.policy"].Value, ",") {
		f.Compacted = f.Compacted || strings.TrimSpace(policy) == "compact"
	}
	if f.CompressionType == "" {
		f.CompressionType = compressionProducer
	}
	// The older, symmetric limit counts where the newer ones are not set
	// (LogConfig.getMessageTimestampBeforeMaxMs, Kafka 3.6 to 3.9).
	difference := number(s, keyTimestampDifference, unlimited)
	if f.TimestampBefore == unlimited {
		f.TimestampBefore = difference
	}
	if f.TimestampAfter == unlimited {
		f.TimestampAfter = difference
	}
	return f
}

// number returns a setting's value, or missing where the broker does not know
// the setting.
func number(s admin.Settings, name string, missing int64) int64 {
	n, err := strconv.ParseInt(s[name].Value, 10, 64)
	if err != nil {
		return missing
	}
	return n
}

// Problem is something about one topic that somebody should know.
type Problem struct {
	Topic    string // on the source
	Target   string // its name on the target
	Err      error
	Hint     string // what to do about it; may be empty
	Retry    bool   // it may pass without anybody's doing
	Isolated bool   // the topic is in no Pair because of it
	Source   bool   // the source said so, not the target
}

// ErrFollows is the Err of a Problem: another process is to create the topic.
var ErrFollows = errors.New("waiting for the member that leads to create target topic")

// ClusterError says that a cluster did not answer a pass.
type ClusterError struct {
	Source bool // the source; else the target
	Err    error
}

func (e *ClusterError) Error() string {
	if e.Source {
		return "asking the source: " + e.Err.Error()
	}
	return "asking the target: " + e.Err.Error()
}

// Unwrap returns what went wrong.
func (e *ClusterError) Unwrap() error { return e.Err }

// PermissionError is the Err of a Problem, found by errors.AsType, for which a
// permission is missing.
type PermissionError = admin.MissingPermissionError

// CollisionError says that several source topics have one name on the target.
type CollisionError struct {
	Target  string
	Sources []string // in order
}

func (e *CollisionError) Error() string {
	return fmt.Sprintf("source topics %q would all be mirrored to target topic %q", e.Sources, e.Target)
}

// RecreatedError says that a topic has been deleted and created again since
// the last pass: offsets of the old one mean nothing in the new one.
type RecreatedError struct {
	Side     string // "source" or "target"
	Topic    string
	Old, New [16]byte
}

func (e *RecreatedError) Error() string {
	return fmt.Sprintf("%s topic %q was created anew: its id was %x and is %x", e.Side, e.Topic, e.Old, e.New)
}

// SettingError says that a setting of a target topic changes or refuses data.
type SettingError struct {
	Topic string // on the target
	Name  string
	Value string // its effective value
	Need  string // the value under which data pass as they are
	Err   error  // why it was not set; nil: somebody chose it
}

func (e *SettingError) Error() string {
	text := fmt.Sprintf("target topic %q has %s=%s, data pass unchanged with %s", e.Topic, e.Name, e.Value, e.Need)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns why the setting was not set.
func (e *SettingError) Unwrap() error { return e.Err }
