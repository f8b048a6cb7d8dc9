package groupsync

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
)

// Seen is a group of the source, and what becomes of it.
type Seen struct {
	Name     string
	Called   string // at the target; "": it is not taken along
	Type     string // "classic", "consumer", "share", "streams"; "": brokers before Kafka 3.8 do not say
	Protocol string // of its members: "consumer", "connect"; "": it never had any
	Source   string // its state there: "stable", "empty"
	Target   string // its state there; "": there is no such group

	Partitions int // of mirrored topics in which it has an offset
	Translated int // of those: what it is at the target is known
	Exact      int // of those: nothing is read twice
	Waiting    int // of those: the group is not as far at the target

	Reason string // why it is not taken along, or not in full; "": it is
}

// Report lists all groups of the source by name, whether they are taken along or
// not. It writes nothing.
func (g *Groups) Report(ctx context.Context) ([]Seen, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	listed, err := list(ctx, g.p.Source)
	if err != nil {
		return nil, err
	}
	there, err := list(ctx, g.p.Target)
	if err != nil {
		return nil, err
	}
	states := make(map[string]listedGroup, len(there))
	for _, l := range there {
		states[l.name] = l
	}
	g.choose(listed)
	out := make([]Seen, len(listed))
	places := map[string]*Seen{}
	for i, l := range listed {
		out[i] = Seen{
			Name: l.name, Called: g.called[l.name], Type: l.kind, Protocol: l.protocol, Source: l.state,
			Target: states[cmp.Or(g.called[l.name], l.name)].state, Reason: g.reason(l),
		}
		if err := g.unable[l.name]; err != nil {
			out[i].Reason = err.Error()
		}
		if out[i].Reason == "" {
			places[l.name] = &out[i]
		}
	}
	if err := g.fill(ctx, places); err != nil {
		return nil, err
	}
	for _, s := range places {
		if s.Reason == "" {
			s.Reason = s.why(states[s.Called])
		}
	}
	return out, nil
}

// fill counts the partitions of the groups that are taken along.
func (g *Groups) fill(ctx context.Context, groups map[string]*Seen) error {
	names := slices.Sorted(maps.Keys(groups))
	committed, refused, err := committedOffsets(ctx, g.p.Source, names)
	if err != nil {
		return err
	}
	there := make([]string, len(names))
	for i, name := range names {
		there[i] = g.called[name]
	}
	reached, more, err := committedOffsets(ctx, g.p.Target, there)
	if err != nil {
		return err
	}
	for i, name := range names {
		for _, why := range []error{refused[name], more[there[i]]} {
			if why != nil {
				groups[name].Reason = why.Error()
			}
		}
	}
	now := make(map[key]int64, len(reached))
	for _, c := range reached {
		now[key{c.group, c.at.Topic, c.at.Partition}] = c.offset
	}
	for _, c := range committed {
		if g.names.Selected(c.at.Topic) && c.offset >= 0 {
			groups[c.group].Partitions++
		}
	}
	for _, p := range g.translated(ctx, committed) {
		s := groups[p.group]
		s.Translated++
		if p.to.Exact {
			s.Exact++
		}
		if at, has := now[p.there()]; !has || at < p.to.Offset {
			s.Waiting++
		}
	}
	return nil
}

// why says what keeps a group that is taken along from being complete at the
// target, where it is l; "": nothing.
func (s *Seen) why(l listedGroup) string {
	switch {
	case s.Partitions == 0:
		return "it has no offset in a mirrored topic"
	case l.name != "" && !l.idle():
		return fmt.Sprintf("somebody is in it at the target, where it is %s: its offsets there are theirs", l.state)
	case s.Translated < s.Partitions:
		return fmt.Sprintf("of %d of its %d partitions nothing is known at the target yet", s.Partitions-s.Translated, s.Partitions)
	}
	return ""
}
