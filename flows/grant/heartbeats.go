package grant

import (
	"slices"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/transforms/chain"
	"github.com/strait-mirror/strait/transforms/rename"
)

// mostHeartbeats bounds the heartbeats topics of a cluster that are counted: in a
// mesh their number grows with every path.
const mostHeartbeats = 64

// heartbeats returns the heartbeats topics that flows lead to each cluster: those
// that they write themselves, and copies of others' over any number of hops.
func heartbeats(flows []*model.Flow) map[string][]string {
	on := map[string][]string{}
	add := func(alias, topic string) (added bool) {
		if slices.Contains(on[alias], topic) || len(on[alias]) == mostHeartbeats {
			return false
		}
		on[alias] = append(on[alias], topic)
		return true
	}
	for _, f := range flows {
		if emits(f) {
			add(f.To, rename.Heartbeats)
		}
	}
	for again := true; again; {
		again = false
		for _, f := range flows {
			c, problems := chain.ForFlow(f)
			if f.HeartbeatsOnly || problems.HasErrors() {
				continue
			}
			for _, topic := range on[f.From] {
				if r := c.Route(topic); r.Copy && r.Err == nil {
					again = add(f.To, r.Target) || again
				}
			}
		}
	}
	return on
}

// copies reports which of the heartbeats topics of its source a flow copies
// beside those that it selects.
func copies(f *model.Flow, topics []string, selected []On) []On {
	c, problems := chain.ForFlow(f)
	var out []On
	for _, topic := range topics {
		included := slices.ContainsFunc(selected, func(o On) bool { return o.Include(Topic(topic)) })
		if !problems.HasErrors() && !included && c.Selected(topic) {
			out = append(out, Topic(topic))
		}
	}
	return out
}
