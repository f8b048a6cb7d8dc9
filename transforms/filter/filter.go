// Package filter owns which names are selected: lists of Java regular
// expressions with Java's meaning, and MirrorMaker 2's choice of topics
// (shouldReplicateTopic) with the reason for it. It is pure;
// what a topic is called on the target is the business of transforms/rename.
package filter

import (
	"fmt"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/transforms/rename"
)

// Params is what New needs.
type Params struct {
	Include []Pattern     // a topic must match one; none selects nothing
	Exclude []Pattern     // beats Include
	Policy  rename.Policy // required: it knows internal topics, heartbeats and cycles
	Target  string        // required: alias of the cluster topics are copied to
	// PlainHeartbeats treats heartbeats topics like any other
	// (heartbeats.replication.enabled=false).
	PlainHeartbeats bool
	// Plain leaves it to the patterns alone, as MirrorMaker 1 does but for
	// Kafka's own topics: it knows no topics of MirrorMaker 2.
	Plain bool
}

// Topics selects topics. It is immutable and safe for concurrent use.
type Topics struct {
	include, exclude *Patterns
	policy           rename.Policy
	target           string
	plainHeartbeats  bool
	plain            bool
}

// New compiles the patterns. With an Error in the list the Topics lack the
// patterns it is about and must not be used.
func New(p Params) (*Topics, diag.List) {
	include, problems := Compile(p.Include)
	exclude, more := Compile(p.Exclude)
	problems.Add(more...)
	return &Topics{include: include, exclude: exclude, policy: p.Policy, target: p.Target, plainHeartbeats: p.PlainHeartbeats, plain: p.Plain}, problems
}

// ForFlow compiles the selection of a flow; problems point into its text.
func ForFlow(f *model.Flow) (*Topics, diag.List) {
	return New(Params{
		Include: placed(f, "topics", f.Topics),
		Exclude: placed(f, "topics_exclude", f.TopicsExclude),
		Policy:  rename.ForFlow(f),
		Target:  f.To,
		Plain:   f.MirrorMaker1 != nil,

		PlainHeartbeats: !f.Control.HeartbeatsReplicationEnabled,
	})
}

// placed gives every pattern of a list of f its place.
func placed(f *model.Flow, name string, list []string) []Pattern {
	out := make([]Pattern, len(list))
	for i, text := range list {
		out[i] = Pattern{Text: text, At: f.Ranges.Of(model.Element(name, i))}
	}
	return out
}

// Why is the rule that decided about a topic.
type Why int

// The rules; the zero value is invalid.
const (
	Included    Why = iota + 1 // Decision.Pattern matches
	Heartbeats                 // copied whatever the patterns say
	NotIncluded                // no pattern of topics matches
	Excluded                   // Decision.Pattern of topics_exclude matches
	Internal                   // a topic of MirrorMaker 2, Kafka or the like
	Cycle                      // its name says it has been on the target before
	Undecided                  // Decision.Pattern took too long: not copied
)

// Decision says whether a topic is copied, and why.
type Decision struct {
	Copy    bool
	Why     Why
	Pattern Pattern // of Included, Excluded and Undecided
}

// String is the reason as a clause: `it matches topics "orders.*"`.
func (d Decision) String() string {
	switch d.Why {
	case Included:
		return fmt.Sprintf("it matches topics %q", d.Pattern.Text)
	case Heartbeats:
		return "heartbeats are always copied"
	case NotIncluded:
		return "no pattern of topics matches it"
	case Excluded:
		return fmt.Sprintf("it matches topics_exclude %q", d.Pattern.Text)
	case Internal:
		return "it is an internal topic"
	case Cycle:
		return "its name says that it comes from the target"
	case Undecided:
		return fmt.Sprintf("pattern %q took too long to decide", d.Pattern.Text)
	}
	return "invalid"
}

// Decide says whether topic is copied, as MirrorMaker 2's
// shouldReplicateTopic does.
func (t *Topics) Decide(topic string) Decision {
	d := t.byPatterns(topic)
	if t.plain {
		if d.Copy && isKafkas(topic) {
			return Decision{Why: Internal}
		}
		return d
	}
	if !d.Copy && t.Heartbeats(topic) {
		d = Decision{Copy: true, Why: Heartbeats}
	}
	switch {
	case !d.Copy:
		return d
	case t.policy.IsInternal(topic):
		return Decision{Why: Internal}
	case t.policy.IsCycle(topic, t.target):
		return Decision{Why: Cycle}
	}
	return d
}

// Heartbeats reports whether topic carries heartbeats, which are treated apart
// from other topics.
func (t *Topics) Heartbeats(topic string) bool {
	return !t.plain && !t.plainHeartbeats && t.policy.IsHeartbeats(topic)
}

// byPatterns is the topic filter alone.
func (t *Topics) byPatterns(topic string) Decision { return Choose(t.include, t.exclude, topic) }

// Choose decides by patterns alone: a name is included if it matches one of
// include and none of exclude.
func Choose(include, exclude *Patterns, topic string) Decision {
	by, ok, err := include.Match(topic)
	switch {
	case err != nil:
		return Decision{Why: Undecided, Pattern: by}
	case !ok:
		return Decision{Why: NotIncluded}
	}
	out, ok, err := exclude.Match(topic)
	switch {
	case err != nil:
		return Decision{Why: Undecided, Pattern: out}
	case ok:
		return Decision{Why: Excluded, Pattern: out}
	}
	return Decision{Copy: true, Why: Included, Pattern: by}
}

// isKafkas reports whether a topic is one that brokers keep for themselves
// (org.apache.kafka.common.internals.Topic), which consumers with
// exclude.internal.topics never see.
func isKafkas(topic string) bool {
	return topic == "__consumer_offsets" || topic == "__transaction_state" || topic == "__share_group_state"
}
