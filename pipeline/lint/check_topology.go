package lint

import (
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
)

// shared is a pattern of a flow whose topics another one writes, too.
type shared struct {
	flow, other *model.Flow
	at          diag.Range
	pattern     string
}

// targets finds flows that write one topic of a target. Patterns are compared as
// they are written: whether two different ones meet cannot be told.
func (t *topology) targets() []shared {
	if t.met != nil {
		return t.met
	}
	t.met = []shared{}
	type key struct{ to, remote string }
	first := map[key]*model.Flow{}
	for _, f := range t.enabled {
		for i, pattern := range f.Topics {
			k := key{f.To, ""}
			if name, ok := literal(pattern); ok {
				k.remote = t.remote(f, name)
			} else {
				k.remote = t.remote(f, pattern)
			}
			switch other := first[k]; other {
			case nil:
				first[k] = f
			case f: // written twice in one list
			default:
				t.met = append(t.met, shared{f, other, orRange(f.Ranges.Of(model.Element("topics", i)), f), pattern})
			}
		}
	}
	return t.met
}

// checkOneWriter finds flows from different clusters into one topic, unless both
// have a stage that says so.
func checkOneWriter(t *topology, r *reporter) {
	for _, s := range t.targets() {
		if s.flow.From != s.other.From && (!merges(s.flow) || !merges(s.other)) {
			r.add(s.at, `keep the source in the name with replication_policy = "default"`,
				"flows %q and %q write the topics %q of cluster %q: two sources in one partition", s.other.Name, s.flow.Name, s.pattern, s.flow.To)
		}
	}
}

// merges reports whether topics may get one name in a flow.
func merges(f *model.Flow) bool {
	return slices.ContainsFunc(f.Stages, func(s *model.Stage) bool { return s.Rename != nil && s.Rename.Merge })
}

// checkTwice finds flows that copy a topic twice.
func checkTwice(t *topology, r *reporter) {
	for _, s := range t.targets() {
		if s.flow.From == s.other.From {
			r.add(s.at, "select every topic in one of the flows only",
				"flows %q and %q both copy %q to the same topics: every record arrives twice", s.other.Name, s.flow.Name, s.pattern)
		}
	}
}

// checkOwners finds flows that keep the positions of a topic in one place, beyond
// those that copy it to one place, too. Patterns are compared as in targets;
// what cannot be told from them is told when the flows run.
func checkOwners(t *topology, r *reporter) {
	type key struct{ from, to, pattern string }
	first := map[key]*model.Flow{}
	for _, f := range t.enabled {
		if !f.SharesOffsets() {
			continue
		}
		for i, pattern := range f.Topics {
			k := key{f.From, f.To, pattern}
			if name, ok := literal(pattern); ok {
				k.pattern = name
			}
			other := first[k]
			if other == nil {
				first[k] = f
			} else if other != f && t.remote(f, k.pattern) != t.remote(other, k.pattern) {
				r.add(orRange(f.Ranges.Of(model.Element("topics", i)), f), `write owns_offsets = "false" in one of the two flows`,
					"flows %q and %q keep their positions of %q in one place: the topic is left to the first", other.Name, f.Name, pattern)
			}
		}
	}
}

func orRange(at diag.Range, f *model.Flow) diag.Range {
	if at.IsZero() {
		return f.Range
	}
	return at
}

// checkSeparators finds names of clusters that cannot be told from a prefix.
func checkSeparators(t *topology, r *reporter) {
	for _, f := range t.enabled {
		if f.ReplicationPolicy != model.PolicyDefault || f.ReplicationPolicySeparator == "" {
			continue
		}
		for _, alias := range []string{f.From, f.To} {
			if strings.Contains(alias, f.ReplicationPolicySeparator) {
				r.add(f.Range, "choose another replication_policy_separator",
					"flow %q: the cluster name %q contains the separator %q, so topics copied from it are not recognised as copies",
					f.Name, alias, f.ReplicationPolicySeparator)
			}
		}
	}
}

// checkEnabled finds topologies that do nothing. MirrorMaker 2 starts with
// such a file, too.
func checkEnabled(t *topology, r *reporter) {
	if len(t.enabled) > 0 || t.broken {
		return
	}
	at := diag.Range{}
	if files := t.src.Files(); len(files) > 0 {
		at.File = files[0]
	}
	r.add(at, "in HCL add flow \"A->B\" {}, in a properties file A->B.enabled = true", "no flow is enabled, so nothing is mirrored")
}
