package filter

import (
	"fmt"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
)

// Groups says which consumer groups of a source a flow takes along. It is
// immutable and safe for concurrent use.
type Groups struct{ include, exclude *Patterns }

// GroupsForFlow compiles the selection of groups of a flow; problems point into
// its text. With an Error in the list the Groups lack the patterns it is about
// and must not be used.
func GroupsForFlow(f *model.Flow) (*Groups, diag.List) {
	include, problems := Compile(placed(f, "groups", f.Control.Groups))
	exclude, more := Compile(placed(f, "groups_exclude", f.Control.GroupsExclude))
	problems.Add(more...)
	return &Groups{include: include, exclude: exclude}, problems
}

// Reason says as a clause why a group is not taken along, with the pattern that
// decides it; "": it is taken along.
func (g *Groups) Reason(group string) string {
	d := Choose(g.include, g.exclude, group)
	switch d.Why {
	case NotIncluded:
		return "no pattern of groups matches it"
	case Excluded:
		return fmt.Sprintf("it matches groups_exclude %q", d.Pattern.Text)
	case Included:
		return ""
	default:
		return d.String()
	}
}
