package chain

import (
	"regexp"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
)

// Literals returns the patterns of a list that are, or may be, names of topics:
// "." matches any character, but who writes "orders.eu" means that topic.
func Literals(patterns []string) []string {
	var names []string
	for _, p := range patterns {
		if name, ok := literal(p); ok {
			names = append(names, name)
		}
	}
	return names
}

func literal(pattern string) (string, bool) {
	name := strings.ReplaceAll(pattern, `\.`, ".")
	bare := strings.ReplaceAll(name, ".", "")
	return name, name != "" && regexp.QuoteMeta(bare) == bare
}

// checkLiterals reports topics that the flow selects by name and that its stages
// would make one of, or give a name that no topic can have.
func (c *Chain) checkLiterals(f *model.Flow) diag.List {
	var problems diag.List
	if len(c.steps) == 0 {
		return nil
	}
	first := map[string]string{} // source by target
	for i, pattern := range f.Topics {
		name, ok := literal(pattern)
		if !ok || !Legal(name) {
			continue
		}
		r := c.Route(name)
		at := f.Ranges.Of(model.Element("topics", i))
		other, taken := first[r.Target]
		switch {
		case !r.Copy:
		case r.Err != nil:
			problems.Add(diag.Errorf(diag.CodeTopicName, at, "topic %q cannot be mirrored: %s", name, r.Err))
		case !Legal(r.Target) || len(r.Target) > MaxName:
			problems.Add(diag.Errorf(diag.CodeTopicName, at, "topic %q would be called %.60q, which no topic can be", name, r.Target))
		case taken && other != name:
			if stage, ok := c.Merged([]string{other, name}); !ok {
				problems.Add(diag.Errorf(diag.CodeMerge, at, "topics %q and %q would both be called %q", other, name, r.Target).
					WithFix("give them different names, or write merge = true in stage %q to have one topic of them", stage))
			}
		default:
			first[r.Target] = name
		}
	}
	return problems
}
