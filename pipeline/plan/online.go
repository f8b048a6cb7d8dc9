package plan

import "slices"

// Online is what a topology would create and change on its clusters when it begins to
// run, as they answered when they were asked.
type Online struct {
	Flows   []OnFlow
	Missing []Missing // permissions
	Silent  []string  // flows of which nothing is known: a cluster could not be asked
}

// OnFlow is what one flow would.
type OnFlow struct {
	Flow     string
	Writes   []Write // in the order in which they would be made
	Problems []Trouble
}

// Write is one thing that would be created or changed.
type Write struct {
	Kind          string // as the event that tells of it has it: "topic created"
	Cluster       string // alias
	Object        string // `topic "orders" retention.ms`
	Before, After string // empty: nothing
}

// Trouble is something that would keep a part of a flow from running as it should.
type Trouble struct {
	Topic   string // on the source; empty: it is not one topic's
	Summary string
	Fix     string // may be empty
}

// Missing is a permission that a cluster does not grant.
type Missing struct {
	Cluster   string // alias
	Principal string
	Operation string
	Object    string // `topic "orders"`
	Command   string // that grants it
}

// Add adds what the flow would write, each once: its parts share topics.
func (f *OnFlow) Add(writes ...Write) {
	for _, w := range writes {
		if !slices.Contains(f.Writes, w) {
			f.Writes = append(f.Writes, w)
		}
	}
}

// Action returns what a write is to whoever reads a plan.
func (w Write) Action() Action {
	switch {
	case w.Before == "" && w.Kind != "topic config deleted":
		return Add
	case w.After == "":
		return Remove
	}
	return UpdateLive
}

// Kinds counts the writes by kind.
func (o *Online) Kinds() map[string]int {
	kinds := map[string]int{}
	for _, w := range o.distinct() {
		kinds[w.Kind]++
	}
	return kinds
}

// distinct is what all flows would write: what several of them would is written by
// one of them.
func (o *Online) distinct() []Write {
	seen := map[Write]bool{}
	var list []Write
	for _, f := range o.Flows {
		for _, w := range f.Writes {
			if !seen[w] {
				seen[w] = true
				list = append(list, w)
			}
		}
	}
	return list
}

// Empty reports whether nothing would be written.
func (o *Online) Empty() bool { return o == nil || len(o.distinct()) == 0 }
