package lint

import (
	"slices"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/transforms/chain"
	"github.com/strait-mirror/strait/transforms/filter"
)

// checkJoined finds partitions that are joined.
func checkJoined(t *topology, r *reporter) {
	for _, f := range t.enabled {
		for _, s := range f.Stages {
			if s.Partition != nil && s.Partition.Mapping == model.MappingModulo {
				at := s.Ranges.Of("mapping")
				if at.IsZero() {
					at = s.Range
				}
				r.add(at, "keep mapping = \"identity\" where programs move from one cluster to the other",
					"flow %q: stage %q puts several partitions into one: their offsets cannot be translated, and other producers send keys elsewhere", f.Name, s.Name)
			}
		}
	}
}

// checkFilterOrder finds filters that look for names which a rename in front of
// them has replaced.
func checkFilterOrder(t *topology, r *reporter) {
	for _, f := range t.enabled {
		renamed := false
		for i, s := range f.Stages {
			if s.Filter != nil && renamed {
				t.oldNames(f, i, r)
			}
			renamed = renamed || s.Rename != nil
		}
	}
}

// oldNames reports the patterns of stage i, a filter, that match names of the
// source and not what they are called by then.
func (t *topology) oldNames(f *model.Flow, i int, r *reporter) {
	before := *f
	before.Stages, before.ReplicationPolicy = f.Stages[:i], model.PolicyIdentity
	names, problems := chain.ForFlow(&before)
	selection := t.selections[f]
	if problems.HasErrors() || selection == nil {
		return
	}
	s := f.Stages[i]
	look := func(attribute string, patterns []string) {
		for n, text := range patterns {
			one, bad := filter.Compile([]filter.Pattern{{Text: text}})
			prefix, _ := literalPrefix(text)
			if bad.HasErrors() || prefix == "" {
				continue
			}
			for _, sample := range []string{prefix, prefix + "x", prefix + "-x"} {
				if name := names.Name(sample); selection.Decide(sample).Copy && matchesAny(one, []string{sample}) && !matchesAny(one, []string{name}) {
					r.add(stagePlace(s, model.Element(attribute, n)), "put the filter in front of the rename, or write the new name",
						"flow %q: stage %q looks for %q, but stages in front of it call such a topic %q", f.Name, s.Name, text, name)
					break
				}
			}
		}
	}
	look("topics", s.Filter.Topics)
	look("topics_exclude", s.Filter.TopicsExclude)
}

func stagePlace(s *model.Stage, name string) diag.Range {
	if at := s.Ranges.Of(name); !at.IsZero() {
		return at
	}
	return s.Range
}

// registryTopic is where Confluent's and Karapace's schema registries keep their
// schemas.
const registryTopic = "_schemas"

// checkSchemas finds clusters that number their schemas independently.
func checkSchemas(t *topology, r *reporter) {
	for _, p := range t.pairs() {
		_, source := p.source.Topics[registryTopic]
		_, target := p.target.Topics[registryTopic]
		if source && target && len(p.topics) > 0 && !slices.Contains(p.topics, registryTopic) {
			r.add(p.at(), "let programs of both clusters use one registry, or export its schemas to the other in the mode that keeps ids",
				"flow %q: clusters %q and %q have schema registries of their own: records keep the schema ids of %q", p.flow.Name, p.flow.From, p.flow.To, p.flow.From)
		}
	}
}
