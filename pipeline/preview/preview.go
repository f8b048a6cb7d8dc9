// Package preview owns what a topology would do with topics of given names:
// which flow copies them, by which rule, and under which name. It is pure and
// asks the same packages that a running flow asks; where names come from is the
// business of its callers.
package preview

import (
	"slices"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/transforms/chain"
	"github.com/strait-mirror/strait/transforms/filter"
)

// Flow is what one flow does.
type Flow struct {
	Name     string
	From, To string // aliases
	Enabled  bool
	Topics   []Topic // by name
}

// Copied counts the topics that are copied.
func (f *Flow) Copied() int {
	n := 0
	for _, t := range f.Topics {
		if t.Copied() {
			n++
		}
	}
	return n
}

// Topic is what becomes of one topic.
type Topic struct {
	Name    string
	Target  string     // its name on the target; empty: it is not copied
	Rule    string     // the rule that decided, a word for programs
	Pattern string     // that decided; empty where none did
	At      diag.Range // of Pattern
	Why     string     // a clause: `it matches topics "orders.*"`
	Shares  []string   // other topics that have the same name on the target
	Refused bool       // the others may not share it: none of them is copied
	Merge   string     // the stage that would have to say merge for that; empty where none would do
}

// Copied reports whether the topic arrives under its name.
func (t Topic) Copied() bool { return t.Target != "" && !t.Refused }

// Topics asks a flow about names, in any order. Problems are those of the flow's
// own patterns; with an Error among them there is no answer.
func Topics(f *model.Flow, names []string) (Flow, diag.List) {
	out := Flow{Name: f.Name, From: f.From, To: f.To, Enabled: f.Enabled}
	c, problems := chain.ForFlow(f)
	if problems.HasErrors() {
		return out, problems
	}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	shared := map[string][]string{}
	for _, name := range names {
		r := c.Route(name)
		t := Topic{Name: name, Target: r.Target, Rule: word(r.Why), Pattern: r.Pattern.Text, At: r.Pattern.At, Why: r.String()}
		if r.Err != nil {
			t.Target, t.Rule, t.Why = "", "no_name", r.Err.Error()
		}
		if t.Target != "" {
			shared[t.Target] = append(shared[t.Target], name)
		}
		out.Topics = append(out.Topics, t)
	}
	refused := map[string]string{} // stages that do not say merge, by target
	for target, all := range shared {
		if stage, ok := c.Merged(all); len(all) > 1 && !ok {
			refused[target] = stage
		}
	}
	for i, t := range out.Topics {
		if all := shared[t.Target]; len(all) > 1 {
			out.Topics[i].Shares = slices.DeleteFunc(slices.Clone(all), func(name string) bool { return name == t.Name })
			out.Topics[i].Merge, out.Topics[i].Refused = refused[t.Target]
		}
	}
	return out, problems
}

// word names a rule for programs. A word keeps its meaning for ever.
func word(w filter.Why) string {
	switch w {
	case filter.Included:
		return "included"
	case filter.Heartbeats:
		return "heartbeats"
	case filter.NotIncluded:
		return "not_included"
	case filter.Excluded:
		return "excluded"
	case filter.Internal:
		return "internal"
	case filter.Cycle:
		return "cycle"
	case filter.Undecided:
		return "undecided"
	}
	return "unknown"
}
