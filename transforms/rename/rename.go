// Package rename owns how a topic is called on another cluster and what a
// topic's name says about where it came from: MirrorMaker 2's replication
// policies, the names of its internal topics, and the loop check by name. It is
// pure; which topics are copied at all is the business of transforms/filter.
package rename

import (
	"strings"

	"github.com/strait-mirror/strait/config/model"
)

// Heartbeats is the name of the heartbeats topic on every cluster.
const Heartbeats = "heartbeats"

// Params is what New needs. A zero optional field means its default.
type Params struct {
	Policy    model.Policy // default model.PolicyDefault
	Separator string       // default "."
	// Source is the alias that the identity policy names as the source of
	// every topic; empty where there is none.
	Source string
	// DotInternal keeps "." in the names of internal topics whatever the
	// separator (replication.policy.internal.topic.separator.enabled=false).
	DotInternal bool
}

// Policy names topics. It is an immutable value, safe for concurrent use.
type Policy struct {
	identity  bool
	separator string
	internal  string // separator inside the names of internal topics
	source    string
}

// New returns the policy described by p.
func New(p Params) Policy {
	if p.Separator == "" {
		p.Separator = "."
	}
	pol := Policy{identity: p.Policy == model.PolicyIdentity, separator: p.Separator, internal: p.Separator, source: p.Source}
	if p.DotInternal {
		pol.internal = "."
	}
	return pol
}

// ForFlow returns the policy of a flow.
func ForFlow(f *model.Flow) Policy {
	return New(Params{
		Policy: f.ReplicationPolicy, Separator: f.ReplicationPolicySeparator, Source: f.From,
		DotInternal: !f.Control.ReplicationPolicyInternalTopicSeparatorEnabled,
	})
}

// prefixes reports whether topic is named by the default policy: the identity
// policy makes an exception for names that end in "heartbeats".
func (p Policy) prefixes(topic string) bool {
	return !p.identity || strings.HasSuffix(topic, Heartbeats)
}

// FormatRemoteTopic is the name of topic, copied from the cluster source.
func (p Policy) FormatRemoteTopic(source, topic string) string {
	if !p.prefixes(topic) {
		return topic
	}
	return source + p.separator + topic
}

// TopicSource is the alias of the cluster a topic was copied from; ok is false
// where the name does not say.
func (p Policy) TopicSource(topic string) (alias string, ok bool) {
	if !p.prefixes(topic) {
		return p.source, p.source != ""
	}
	parts := javaSplit(topic, p.separator)
	if len(parts) < 2 {
		return "", false
	}
	return parts[0], true
}

// UpstreamTopic is what a topic is called on the cluster it was copied from;
// ok is false for a topic that was not copied.
func (p Policy) UpstreamTopic(topic string) (upstream string, ok bool) {
	if !p.prefixes(topic) {
		return topic, true
	}
	source, ok := p.TopicSource(topic)
	if !ok {
		return "", false
	}
	return topic[len(source)+len(p.separator):], true
}

// OriginalTopic is the name a topic was produced under, over any number of
// hops.
func (p Policy) OriginalTopic(topic string) string {
	for {
		upstream, ok := p.UpstreamTopic(topic)
		if !ok || upstream == topic {
			return topic
		}
		topic = upstream
	}
}

// OffsetSyncsTopic is the topic of offset syncs; alias is the other cluster:
// the target's on the source, the source's on the target.
func (p Policy) OffsetSyncsTopic(alias string) string {
	return "mm2-offset-syncs" + p.internal + alias + p.internal + "internal"
}

// CheckpointsTopic is the topic of checkpoints from the cluster source.
func (p Policy) CheckpointsTopic(source string) string {
	return source + p.checkpointsSuffix()
}

func (p Policy) checkpointsSuffix() string {
	return p.internal + "checkpoints" + p.internal + "internal"
}

// IsHeartbeats reports whether topic carries heartbeats, from any number of
// hops away.
func (p Policy) IsHeartbeats(topic string) bool { return p.OriginalTopic(topic) == Heartbeats }

// IsCheckpoints reports whether topic is a topic of checkpoints.
func (p Policy) IsCheckpoints(topic string) bool {
	return strings.HasSuffix(topic, p.checkpointsSuffix())
}

// IsMM2Internal reports whether topic belongs to MirrorMaker 2.
func (p Policy) IsMM2Internal(topic string) bool {
	return (strings.HasPrefix(topic, "mm2") && strings.HasSuffix(topic, p.internal+"internal")) || p.IsCheckpoints(topic)
}

// IsInternal reports whether topic is never copied: MirrorMaker 2's own, or a
// name that starts with "__" or ".".
func (p Policy) IsInternal(topic string) bool {
	return p.IsMM2Internal(topic) || strings.HasPrefix(topic, "__") || strings.HasPrefix(topic, ".")
}

// IsCycle reports whether topic has been on the cluster target before, as far
// as its name says. The identity policy cannot tell but for heartbeats.
func (p Policy) IsCycle(topic, target string) bool {
	for {
		source, ok := p.TopicSource(topic)
		if !ok {
			return false
		}
		if source == target {
			return true
		}
		upstream, ok := p.UpstreamTopic(topic)
		if !ok || upstream == topic {
			return false
		}
		topic = upstream
	}
}

// javaSplit is String.split on a literal: empty parts at the end are dropped,
// and a text without the separator is one part, also the empty one.
func javaSplit(s, separator string) []string {
	parts := strings.Split(s, separator)
	if len(parts) == 1 {
		return parts
	}
	for len(parts) > 0 && parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	return parts
}
