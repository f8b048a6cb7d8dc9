package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/transforms/chain"
	"github.com/strait-mirror/strait/transforms/filter"
	"github.com/strait-mirror/strait/transforms/program"
	"github.com/strait-mirror/strait/transforms/record"
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

// checkTombstones finds filters that drop the tombstones of compacted topics. It
// tries one that has a key and no headers.
func checkTombstones(t *topology, r *reporter) {
	for _, p := range t.pairs() {
		var compacted []string
		for _, name := range p.topics {
			if strings.Contains(p.source.Topics[name].Settings["cleanup.policy"], "compact") {
				compacted = append(compacted, name)
			}
		}
		for _, s := range p.flow.Stages {
			if s.Window != nil {
				continue // it goes by time, of tombstones as of all others
			}
			dropped := slices.DeleteFunc(slices.Clone(compacted), func(topic string) bool { return passesTombstones(p.flow, s, topic) })
			if len(dropped) > 0 {
				r.add(stagePlace(s, "when"), "write value == null || in front of the condition",
					"flow %q: stage %q drops tombstones of compacted topics: %s", p.flow.Name, s.Name, some(dropped))
			}
		}
	}
}

// passesTombstones reports whether a stage keeps a tombstone of a topic, also
// where the stage says nothing of records.
func passesTombstones(f *model.Flow, s *model.Stage, topic string) bool {
	alone := *f
	alone.Stages = []*model.Stage{s}
	p, problems := program.ForFlow(&alone)
	if p == nil || problems.HasErrors() {
		return true
	}
	keep, err := p.Apply(&record.Record{Topic: topic, Timestamp: 1, Key: []byte("key")}, nil)
	return keep || err != nil
}

// checkMaskFormat finds masks that leave to us how documents are written.
func checkMaskFormat(t *topology, r *reporter) {
	for _, f := range t.enabled {
		for _, s := range f.Stages {
			if s.Mask != nil && s.Ranges.Of("format").IsZero() {
				r.add(s.Range, `write format = "json", or leave topics with other values to another flow`,
					"flow %q: stage %q takes every %s for JSON", f.Name, s.Name, s.Mask.Part)
			}
		}
	}
}

// checkDeadLetterLoop finds flows that select the topic where another one, or they
// themselves, write dead letters.
func checkDeadLetterLoop(t *topology, r *reporter) {
	for _, f := range t.enabled {
		if !f.DeadLetters() {
			continue
		}
		for _, g := range t.enabled {
			if s := t.selections[g]; g.From == f.To && s != nil && s.Decide(f.DeadLetterTopic).Copy {
				r.add(orRange(firstPlace(g, "topics", "topics_exclude"), g), fmt.Sprintf("add %q to topics_exclude", f.DeadLetterTopic),
					"flow %q: topics selects %q, to which flow %q writes dead letters on cluster %q", g.Name, f.DeadLetterTopic, f.Name, f.To)
			}
		}
	}
}
