package reload

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/strait-mirror/strait/pipeline/plan"
	"github.com/strait-mirror/strait/pipeline/status"
)

// What is kept of edits: some MiB at most, also where every one of them changes
// lists of thousands of topics.
const (
	maxRevisions = 50
	maxChanges   = 100  // of one edit
	maxValue     = 500  // bytes of a value before or after
	maxError     = 2000 // bytes of why an edit was refused
)

// history is the last topologies that were read, oldest first.
type history struct {
	list []status.Revision
	last int // the id of the last one
}

// add keeps a topology, with what its plan, which may be nil, asks for.
func (h *history) add(rev status.Revision, p *plan.Plan) {
	h.last++
	rev.ID, rev.Error = h.last, cut(rev.Error, maxError)
	if p != nil {
		rev.Plan, rev.Changes = brief(p), changesOf(p)
	}
	if n := len(rev.Changes); n > maxChanges {
		rev.Changes, rev.MoreChanges = rev.Changes[:maxChanges:maxChanges], n-maxChanges
	}
	if len(h.list) == maxRevisions {
		h.list = append(h.list[:0:0], h.list[1:]...)
	}
	h.list = append(h.list, rev)
}

// changesOf lists what a plan changes, part by part.
func changesOf(p *plan.Plan) []status.RevisionChange {
	list := changesIn("", plan.Keep, p.Changes)
	for _, c := range p.Clusters {
		list = append(list, changesIn(fmt.Sprintf("cluster %q", c.Name), c.Action, c.Changes)...)
	}
	for _, f := range p.Flows {
		what := fmt.Sprintf("flow %q", f.Name)
		changes := f.Changes
		for _, n := range f.Nodes {
			changes = append(slices.Clip(changes), n.Changes...)
		}
		list = append(list, changesIn(what, f.Action, changes)...)
	}
	return list
}

// changesIn lists what changes in a part. One that changes without a property, as
// it comes or goes, is a line, too.
func changesIn(part string, whole plan.Action, changes []plan.Change) []status.RevisionChange {
	if len(changes) == 0 && whole != plan.Keep {
		return []status.RevisionChange{{Part: part, Action: string(whole)}}
	}
	var list []status.RevisionChange
	for _, c := range changes {
		list = append(list, status.RevisionChange{
			Part: part, Action: string(c.Action), Property: c.Property,
			Before: cut(c.Before, maxValue), After: cut(c.After, maxValue), Note: c.Note,
		})
	}
	return list
}

// cut shortens a text to so many bytes and a mark, between characters. What is
// left holds on to nothing of the rest.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return strings.Clone(text[:most]) + "..."
}
