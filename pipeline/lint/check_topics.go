package lint

import (
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/transforms/filter"
	"github.com/strait-mirror/strait/transforms/rename"
)

// checkInternal finds topics that are named and never copied.
func checkInternal(t *topology, r *reporter) {
	for _, f := range t.enabled {
		policy := rename.ForFlow(f)
		for i, pattern := range f.Topics {
			if name, ok := literal(pattern); ok && policy.IsInternal(name) {
				r.add(orRange(f.Ranges.Of(model.Element("topics", i)), f), "remove it",
					"flow %q: %q is an internal topic and never copied", f.Name, name)
			}
		}
	}
}

// checkExcludes finds lists that replace the default excludes without what
// those keep out.
func checkExcludes(t *topology, r *reporter) {
	// A name for each of model.DefaultTopicsExclude.
	kept := []string{"mm2-offset-syncs.dr.internal", "orders.replica", "__consumer_offsets"}
	for _, f := range t.enabled {
		at := firstPlace(f, "topics_exclude", "default_excludes")
		if at.IsZero() || !slices.ContainsFunc(f.Topics, isOpen) {
			continue
		}
		var patterns []filter.Pattern
		for _, text := range f.TopicsExclude {
			patterns = append(patterns, filter.Pattern{Text: text})
		}
		excluded, problems := filter.Compile(patterns)
		if problems.HasErrors() {
			continue
		}
		var lost []string
		for i, name := range kept {
			if _, ok, err := excluded.Match(name); err == nil && !ok {
				lost = append(lost, model.DefaultTopicsExclude()[i])
			}
		}
		if len(lost) > 0 {
			r.add(at, "add "+strings.Join(lost, ", "), "flow %q: topics_exclude replaces the default excludes and leaves out %s",
				f.Name, strings.Join(lost, ", "))
		}
	}
}

// isOpen reports whether a pattern selects more than the names it spells out.
func isOpen(pattern string) bool {
	_, closed := literal(pattern)
	return !closed
}

// firstPlace is where the first of the names of a flow was written.
func firstPlace(f *model.Flow, names ...string) diag.Range {
	for _, name := range names {
		if at := f.Ranges.Of(name); !at.IsZero() {
			return at
		}
	}
	return diag.Range{}
}

// checkNames finds topics the target refuses to create: with a name that is not
// one, or that differs from another's by dots and underscores only, which Kafka
// cannot keep apart in its metrics.
func checkNames(t *topology, r *reporter) {
	type key struct{ to, folded string }
	seen := map[key]string{}
	for _, f := range t.enabled {
		if why := illegalName(t.remote(f, "x")); why != "" {
			r.add(f.Range, "rename the cluster, or choose another replication_policy_separator",
				"flow %q: no topic can be called %q on cluster %q: %s", f.Name, t.remote(f, "TOPIC"), f.To, why)
			continue
		}
		for i, pattern := range f.Topics {
			name, ok := literal(pattern)
			if !ok {
				continue
			}
			at, target := orRange(f.Ranges.Of(model.Element("topics", i)), f), t.remote(f, name)
			k := key{f.To, strings.ReplaceAll(target, ".", "_")}
			switch other, known := seen[k]; {
			case illegalName(target) != "":
				r.add(at, "correct the name", "flow %q: no topic can be called %q: %s", f.Name, target, illegalName(target))
			case !known:
				seen[k] = target
			case other != target:
				r.add(at, "rename one of the two", "flow %q: cluster %q cannot hold %q beside %q: Kafka refuses names that differ by . and _ only",
					f.Name, f.To, target, other)
			}
		}
	}
}

// checkMemory compares the buffers with what the process may use.
func checkMemory(t *topology, r *reporter) {
	text, ok := t.p.Load.Env("GOMEMLIMIT")
	limit, known := memoryLimit(text)
	if !ok || !known {
		return
	}
	for _, f := range t.enabled {
		if f.BufferMemory > limit {
			r.add(orRange(f.Ranges.Of("buffer_memory"), f), "lower buffer_memory to half of the limit, or raise the limit",
				"flow %q: buffer_memory is more than GOMEMLIMIT, %s", f.Name, text)
		}
	}
}

// memoryLimit reads GOMEMLIMIT as the Go runtime does.
func memoryLimit(text string) (int64, bool) {
	units := []struct {
		suffix string
		size   int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"B", 1}, {"", 1}}
	for _, u := range units {
		digits, ok := strings.CutSuffix(text, u.suffix)
		if !ok {
			continue
		}
		n := int64(0)
		for _, c := range digits {
			if c < '0' || c > '9' || n > 1<<40 {
				return 0, false
			}
			n = n*10 + int64(c-'0')
		}
		return n * u.size, digits != "" && n <= (1<<62)/u.size
	}
	return 0, false
}
