package plan

import (
	"maps"
	"slices"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
)

// masked stands for a value that is not shown.
const masked = "(secret)"

// actionOf is what a change of a property asks for by its declaration.
func actionOf(r field.Reload) Action {
	switch r {
	case field.Live:
		return UpdateLive
	case field.BatchBoundary:
		return AtBoundary
	case field.RestartStage:
		return Restart
	case field.Destructive:
		return Destructive
	case field.RestartFlow:
	}
	return RestartFlow
}

// differing compares the properties of two values of one kind, which are
// declared in the same order; block is what stands in front of a name, with a
// dot, and at says where a new one was written.
func differing(before, after []field.Def, block string, at func(name string) diag.Range) []Change {
	var list []Change
	for i, d := range after {
		old := before[i]
		was, is := old.Get(), d.Get()
		if was.Text == is.Text && old.Text() == d.Text() && old.FilePath() == d.FilePath() && maps.Equal(was.Map, is.Map) {
			continue
		}
		c := Change{
			Property: block + d.Name, Before: old.Text(), After: d.Text(),
			Action: actionOf(d.Reload), At: at(block + d.Name),
		}
		if old.FilePath() != d.FilePath() {
			c.Property, c.Before, c.After = block+d.Name+"_file", old.FilePath(), d.FilePath()
		}
		list = append(list, c)
	}
	return list
}

// properties compares Java client keys, of which a client reads all at once.
func properties(before, after map[string]model.Property) []Change {
	keys := map[string]bool{}
	for key := range before {
		keys[key] = true
	}
	for key := range after {
		keys[key] = true
	}
	var list []Change
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		was, had := before[key]
		is, has := after[key]
		if had == has && was.Value == is.Value {
			continue
		}
		list = append(list, Change{
			Property: "properties." + key, Before: showing(was), After: showing(is), Action: Restart, At: is.Range,
		})
	}
	return list
}

func showing(p model.Property) string {
	if p.Sensitive {
		return masked
	}
	return p.Value.Reveal()
}
