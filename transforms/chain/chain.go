// Package chain owns what becomes of a topic on its way through a flow: whether
// it is copied at all, what its stages make of its name in file order, what the
// replication policy makes of that, and which target partition a source
// partition goes to. It is pure. What a pattern means is the business of
// transforms/filter, what a policy does that of transforms/rename.
package chain

import (
	"fmt"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/transforms/filter"
	"github.com/strait-mirror/strait/transforms/keyhash"
	"github.com/strait-mirror/strait/transforms/program"
	"github.com/strait-mirror/strait/transforms/rename"
)

// Chain is the names side of a flow. It is immutable and safe for concurrent
// use.
type Chain struct {
	from, to  string // aliases
	topics    *filter.Topics
	policy    rename.Policy
	keep      bool // names are as the stages gave them, also those that end in "heartbeats"
	steps     []step
	partition model.PartitionStage
	records   *program.Program
}

// step is a stage on names.
type step interface {
	// next returns what a topic is called behind the stage. A decision that is
	// not nil drops it.
	next(topic string) (string, *filter.Decision, error)
	// of returns the stage.
	of() *model.Stage
}

// ForFlow compiles what a flow says of names. With an Error in the list the
// Chain must not be used; problems point into the flow's text.
func ForFlow(f *model.Flow) (*Chain, diag.List) {
	topics, problems := filter.ForFlow(f)
	c := &Chain{
		from: f.From, to: f.To, topics: topics, policy: rename.ForFlow(f),
		keep:      f.Renames() && f.ReplicationPolicy == model.PolicyIdentity,
		partition: f.PartitionMapping(),
	}
	for _, s := range f.Stages {
		var made step
		var bad diag.List
		switch s.Kind {
		case model.StageFilter:
			made, bad = newFilter(s)
		case model.StageRename:
			made, bad = newRename(s, f.From)
		default:
			continue // says nothing of names
		}
		problems.Add(bad...)
		if !bad.HasErrors() {
			c.steps = append(c.steps, made)
		}
	}
	if name := f.DeadLetterTopic; name != "" && (!Legal(name) || len(name) > MaxName) {
		problems.Add(diag.Errorf(diag.CodeTopicName, f.Ranges.Of("dead_letter_topic"), "no topic can be called %.60q", name).
			WithFix("use 1 to %d letters, digits, '.', '_' and '-'", MaxName))
	}
	problems.Add(checkScattered(f)...)
	records, bad := program.ForFlow(f)
	c.records = records
	problems.Add(bad...)
	if !problems.HasErrors() {
		problems.Add(c.checkLiterals(f)...)
	}
	return c, problems
}

// Route is what becomes of a topic.
type Route struct {
	filter.Decision
	Stage  *model.Stage // that dropped it; nil: the flow's own selection decided
	Target string       // its name on the target; empty where it is not copied
	// Err says that the topic is copied by the rules but cannot be: what its
	// name on the target would be is no name for a mirrored topic, or is not
	// known.
	Err error
}

// String is the reason as a clause.
func (r Route) String() string {
	if r.Stage == nil {
		return r.Decision.String()
	}
	return fmt.Sprintf("stage %q drops it: %s", r.Stage.Name, r.Decision)
}

// Route says what becomes of a source topic. Heartbeats go around the stages:
// who watches them finds them by the name that the replication policy gives.
func (c *Chain) Route(topic string) Route {
	d := c.topics.Decide(topic)
	if !d.Copy {
		return Route{Decision: d}
	}
	if c.topics.Heartbeats(topic) {
		return Route{Decision: d, Target: c.policy.FormatRemoteTopic(c.from, topic)}
	}
	name := topic
	for _, s := range c.steps {
		if r, ok := s.(*renaming); ok && r.cycle(topic, c.to) {
			return Route{Decision: filter.Decision{Why: filter.Cycle}, Stage: s.of()}
		}
		next, dropped, err := s.next(name)
		switch {
		case err != nil:
			return Route{Decision: d, Stage: s.of(), Err: fmt.Errorf("stage %q: %w", s.of().Name, err)}
		case dropped != nil:
			return Route{Decision: *dropped, Stage: s.of()}
		}
		name = next
	}
	if !c.keep {
		name = c.policy.FormatRemoteTopic(c.from, name)
	}
	r := Route{Decision: d, Target: name}
	if len(c.steps) > 0 && c.policy.IsInternal(name) {
		r.Err = fmt.Errorf("its name on the target, %q, would be that of an internal topic", name)
	}
	return r
}

// Records is what becomes of the records of a source topic; nil: all are copied
// as they are, as those of heartbeats.
func (c *Chain) Records(topic string) *program.Program {
	if c.topics.Heartbeats(topic) {
		return nil
	}
	return c.records
}

// Topics is the selection at the beginning of the chain.
func (c *Chain) Topics() *filter.Topics { return c.topics }

// Selected says whether a source topic is copied.
func (c *Chain) Selected(topic string) bool { return c.Route(topic).Copy }

// Name is what the stages and the policy call a topic, whether it is selected or
// not; where a stage drops it or cannot tell, what it is called in front of that.
func (c *Chain) Name(topic string) string {
	name := topic
	for _, s := range c.steps {
		next, dropped, err := s.next(name)
		if dropped != nil || err != nil {
			break
		}
		name = next
	}
	if c.keep {
		return name
	}
	return c.policy.FormatRemoteTopic(c.from, name)
}

// Merged reports whether topics that have one name on the target may be mirrored
// to it together: they got it in stages that say merge. Otherwise stage is the
// name of the one that does not say so, or empty where none did it.
func (c *Chain) Merged(topics []string) (stage string, ok bool) {
	names := make([]string, len(topics))
	copy(names, topics)
	for _, s := range c.steps {
		before := map[string]string{} // by the name behind the stage
		for i, name := range names {
			next, _, err := s.next(name)
			if err != nil {
				return s.of().Name, false
			}
			first, seen := before[next]
			if seen && first != name && !merges(s.of()) {
				return s.of().Name, false
			}
			before[next] = name
			names[i] = next
		}
	}
	for _, name := range names {
		if name != names[0] {
			return "", false
		}
	}
	return "", true
}

func merges(s *model.Stage) bool { return s.Rename != nil && s.Rename.Merge }

// Partitions returns how many partitions a target topic should have at least.
// most is the greatest number that a topic mirrored to it has, existing what it
// has itself; 0: it does not exist.
func (c *Chain) Partitions(most, existing int32) int32 {
	switch {
	case c.partition.Mapping == model.MappingIdentity:
		return max(most, c.partition.Partitions)
	case c.partition.Partitions > 0:
		return c.partition.Partitions
	case existing > 0:
		return existing
	}
	return most
}

// Partition returns the target partition of a source partition, where the target
// topic has so many; ok is false where it has none for it yet. Where keys decide, it is
// that of records without one.
func (c *Chain) Partition(source, targets int32) (partition int32, ok bool) {
	switch c.partition.Mapping {
	case model.MappingKey:
		if targets < max(1, c.partition.Partitions) {
			return 0, false
		}
		source %= targets
	case model.MappingModulo:
		count := c.partition.Partitions
		if count == 0 {
			count = targets
		}
		if count == 0 {
			return 0, false
		}
		source %= count
	case model.MappingIdentity:
	}
	return source, source < targets
}

// Place returns the target partition of a record, where the target topic has so many,
// at least one.
func (c *Chain) Place(source int32, key []byte, targets int32) int32 {
	if c.partition.Mapping == model.MappingKey && key != nil {
		return keyhash.Partition(key, targets)
	}
	return source % targets
}

// MaxName is the most characters of a topic's name (Topic.MAX_NAME_LENGTH).
const MaxName = 249

// Legal reports whether a name is one that a topic can have, but for its length.
func Legal(name string) bool {
	return name != "" && name != "." && name != ".." && legalPart(name)
}

// legalPart reports whether text has none but the characters that Kafka allows.
func legalPart(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
	})
}
