package filter

import (
	"errors"
	"fmt"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
)

// Groups says which consumer groups of a source a flow takes along, and what they
// are called at the target. It is immutable and safe for concurrent use.
type Groups struct {
	include, exclude *Patterns
	rename           *Replacer // nil: they keep their names
}

// GroupsForFlow compiles the selection of groups of a flow and their names; problems
// point into its text. With an Error in the list the Groups lack the patterns it is about
// and must not be used.
func GroupsForFlow(f *model.Flow) (*Groups, diag.List) {
	include, problems := Compile(placed(f, "groups", f.Control.Groups))
	exclude, more := Compile(placed(f, "groups_exclude", f.Control.GroupsExclude))
	problems.Add(more...)
	out := &Groups{include: include, exclude: exclude}
	c := &f.Control
	switch at := f.Ranges.Of("group_replacement"); c.GroupReplacement {
	case "$0":
	case "":
		problems.Add(diag.Errorf(diag.CodeBadValue, at, "group_replacement: a group must have a name").
			WithFix(`write "PREFIX$0" for a prefix`))
	default:
		out.rename, more = NewReplacer(
			Pattern{Text: c.GroupPattern, At: f.Ranges.Of("group_pattern")}, Pattern{Text: c.GroupReplacement, At: at},
		)
		problems.Add(more...)
	}
	return out, problems
}

// Renames reports whether groups may be called otherwise at the target.
func (g *Groups) Renames() bool { return g.rename != nil }

// Name returns what a group of the source is called at the target. An error says why
// it cannot have a name there.
func (g *Groups) Name(group string) (string, error) {
	if g.rename == nil {
		return group, nil
	}
	name, _, err := g.rename.Replace(group)
	if err == nil && name == "" {
		err = errors.New("group_replacement leaves nothing of its name")
	}
	return name, err
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
