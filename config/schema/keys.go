package schema

import (
	"cmp"
	"slices"
)

// keyRow is an attribute with a MirrorMaker 2 key, and the block it is in.
type keyRow struct {
	Attribute
	block string
}

// keyRows returns the attributes with a MirrorMaker 2 key, by key.
func keyRows() []keyRow {
	var rows []keyRow
	for _, b := range HCL().Blocks {
		if b.Type != "cluster" && b.Type != "flow" { // sources and sinks share the attributes of flows
			continue
		}
		for _, a := range b.Attributes {
			if a.Key != "" {
				rows = append(rows, keyRow{a, b.Type})
			}
		}
	}
	slices.SortFunc(rows, func(a, b keyRow) int { return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Name, b.Name)) })
	return rows
}
