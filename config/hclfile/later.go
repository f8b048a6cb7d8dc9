package hclfile

import (
	"slices"
	"strings"
)

// planned is a part of the language that this version knows by name only.
type planned struct {
	kind    string   // "attribute", "block" or "stage"
	name    string   // as it is written
	owners  []string // kinds of blocks that have it; none: the top level
	instead string   // what to use until then
}

// plannedParts are refused by name, so that nobody looks for a slip in them.
func plannedParts() []planned {
	flow := []string{"flow", "sink"}
	return []planned{
		{"block", "on_error", flow, `write on_error = "dead_letter" in the stage and dead_letter_topic = "NAME" in the flow; errors_tolerance says what becomes of records that the target refuses`},
		{"stage", "route", nil, `give topics other names with transform "rename"; records of one topic stay together`},
		{"block", "reload", nil, "leave it out: edits are applied while strait run runs, destructive ones with --allow-destructive"},
	}
}

// notYet says what to use instead of a planned part of the language. where is as
// in unknown; it does not matter for stages.
func notYet(kind, name, where string) (instead string, ok bool) {
	for _, p := range plannedParts() {
		if p.kind != kind || p.name != name {
			continue
		}
		if kind == "stage" || p.owners == nil && where == atTop || slices.ContainsFunc(p.owners, func(owner string) bool {
			return strings.HasPrefix(where, "in "+owner+" ")
		}) {
			return p.instead, true
		}
	}
	return "", false
}

// atTop is the place outside all blocks, in messages.
const atTop = "at the top level"
