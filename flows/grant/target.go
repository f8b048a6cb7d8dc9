package grant

import (
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/transforms/chain"
	"github.com/strait-mirror/strait/transforms/rename"
)

// atSource returns what a flow selects, without topics that one of its stages
// drops.
func atSource(f *model.Flow) []On {
	selected := selection(f)
	c, problems := chain.ForFlow(f)
	if len(f.Stages) == 0 || problems.HasErrors() {
		return selected
	}
	return slices.DeleteFunc(selected, func(t On) bool { return named(t) && c.Route(t.Name).Stage != nil })
}

// onTarget returns what topics are called on the target.
func onTarget(f *model.Flow, topics []On) []On {
	c, problems := chain.ForFlow(f)
	var out []On
	for _, t := range topics {
		if named(t) && !problems.HasErrors() {
			name := c.Name(t.Name)
			if r := c.Route(t.Name); r.Target != "" { // heartbeats go around the stages
				name = r.Target
			}
			out = append(out, Topic(name))
			continue
		}
		behind := []On{t}
		for _, s := range f.Stages {
			var next []On
			for _, on := range behind {
				next = append(next, through(s, f.From, on)...)
			}
			behind = next
		}
		for _, on := range behind {
			out = append(out, byPolicy(f, on))
		}
	}
	return out
}

// named reports whether t is one topic.
func named(t On) bool { return !t.Prefixed && t != All() }

// through returns topics that include all that a stage makes of t, as far as
// names and prefixes can say.
func through(s *model.Stage, from string, t On) []On {
	if s.Kind != model.StageRename {
		return []On{t}
	}
	r := s.Rename
	switch {
	case r.Pattern != "" || r.Replacement != "":
		return []On{t, beginning(r.Replacement)} // a name that does not match is kept
	case r.Policy == model.PolicyDefault:
		return []On{front(from+r.Separator, t)}
	case r.Map != nil:
		return mapped(r.Map, t)
	case r.Prefix != "":
		return []On{front(r.Prefix, t)}
	}
	return []On{t}
}

// beginning returns the topics that a replacement may make.
func beginning(replacement string) On {
	if i := strings.IndexAny(replacement, `$\`); i >= 0 {
		return widen(Prefix(replacement[:i]))
	}
	return Topic(replacement)
}

// mapped returns what a map makes of t: new names, and those that it keeps.
func mapped(names map[string]string, t On) []On {
	out := []On{t}
	for old, name := range names {
		if t.Include(Topic(old)) && !t.Include(Topic(name)) {
			out = append(out, Topic(name))
		}
	}
	slices.SortFunc(out[1:], func(a, b On) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// front puts text in front of the names of t.
func front(text string, t On) On {
	if t == All() {
		return Prefix(text)
	}
	t.Name = text + t.Name
	return t
}

// widen writes the prefix of every name as Kafka does.
func widen(t On) On {
	if t.Prefixed && t.Name == "" {
		return All()
	}
	return t
}

// byPolicy returns what the replication policy of a flow calls topics.
func byPolicy(f *model.Flow, t On) On {
	if f.ReplicationPolicy == model.PolicyIdentity {
		return t
	}
	if t == All() {
		t = Prefix("")
	}
	t.Name = rename.ForFlow(f).FormatRemoteTopic(f.From, t.Name)
	return t
}
