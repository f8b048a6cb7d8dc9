package chain

import (
	"maps"
	"slices"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/transforms/filter"
	"github.com/strait-mirror/strait/transforms/rename"
)

// filtering is a stage that drops topics.
type filtering struct {
	stage            *model.Stage
	include, exclude *filter.Patterns
}

func newFilter(s *model.Stage) (*filtering, diag.List) {
	list := func(name string, texts []string) []filter.Pattern {
		out := make([]filter.Pattern, len(texts))
		for i, text := range texts {
			out[i] = filter.Pattern{Text: text, At: s.Ranges.Of(model.Element(name, i))}
		}
		return out
	}
	include, problems := filter.Compile(list("topics", s.Filter.Topics))
	exclude, more := filter.Compile(list("topics_exclude", s.Filter.TopicsExclude))
	problems.Add(more...)
	return &filtering{stage: s, include: include, exclude: exclude}, problems
}

func (f *filtering) of() *model.Stage { return f.stage }

func (f *filtering) next(topic string) (string, *filter.Decision, error) {
	if d := filter.Choose(f.include, f.exclude, topic); !d.Copy {
		return "", &d, nil
	}
	return topic, nil, nil
}

// renaming is a stage that gives topics other names.
type renaming struct {
	stage    *model.Stage
	from     string
	policy   *rename.Policy   // nil: not by policy
	replacer *filter.Replacer // nil: not by pattern
}

func newRename(s *model.Stage, from string) (*renaming, diag.List) {
	r, w := &renaming{stage: s, from: from}, s.Rename
	var problems diag.List
	switch {
	case w.Pattern != "" || w.Replacement != "":
		r.replacer, problems = filter.NewReplacer(
			filter.Pattern{Text: w.Pattern, At: s.Ranges.Of("pattern")},
			filter.Pattern{Text: w.Replacement, At: s.Ranges.Of("replacement")},
		)
	case w.Policy != "":
		p := rename.New(rename.Params{Policy: w.Policy, Separator: w.Separator, Source: from})
		r.policy = &p
		problems.Add(checkPart(s, "separator", w.Separator)...)
	case w.Map != nil:
		problems.Add(checkMap(s)...)
	default:
		problems.Add(checkPart(s, "prefix", w.Prefix)...)
		problems.Add(checkPart(s, "suffix", w.Suffix)...)
	}
	return r, problems
}

func (r *renaming) of() *model.Stage { return r.stage }

func (r *renaming) next(topic string) (string, *filter.Decision, error) {
	w := r.stage.Rename
	switch {
	case r.replacer != nil:
		name, _, err := r.replacer.Replace(topic)
		return name, nil, err
	case r.policy != nil:
		return r.policy.FormatRemoteTopic(r.from, topic), nil, nil
	case w.Map != nil:
		if name, ok := w.Map[topic]; ok {
			return name, nil, nil
		}
		return topic, nil, nil
	}
	return w.Prefix + topic + w.Suffix, nil, nil
}

// cycle reports whether a source topic has been on the cluster target, as far as
// the policy of the stage can tell.
func (r *renaming) cycle(topic, target string) bool {
	return r.policy != nil && r.stage.Rename.Policy == model.PolicyDefault && r.policy.IsCycle(topic, target)
}

// checkPart refuses what no topic can have in its name.
func checkPart(s *model.Stage, name, text string) diag.List {
	if legalPart(text) && len(text) <= MaxName {
		return nil
	}
	return diag.List{diag.Errorf(diag.CodeTopicName, s.Ranges.Of(name), "%s: no topic can have %.60q in its name", name, text).
		WithFix("use letters, digits, '.', '_' and '-' only")}
}

// checkScattered refuses stages that scatter the records of a partition in a flow that
// could not say after a crash which of them are on the target.
func checkScattered(f *model.Flow) diag.List {
	var problems diag.List
	for _, s := range f.Stages {
		if !s.Scatters() || f.Delivery == model.Transactional && f.MirrorMaker1 == nil {
			continue
		}
		at := s.Range
		if place := s.Ranges.Of("mapping"); !place.IsZero() {
			at = place
		}
		problems.Add(diag.Errorf(diag.CodeScattered, at,
			"stage %q scatters the records of a partition: what a crash leaves on the target cannot be counted, as delivery = %q needs", s.Name, f.Delivery).
			WithFix(`write delivery = "transactional" in the flow`))
	}
	return problems
}

// checkMap refuses names that no topic can have, and topics that get one name
// though the stage does not say merge.
func checkMap(s *model.Stage) diag.List {
	var problems diag.List
	w := s.Rename
	if len(w.Map) == 0 {
		problems.Add(diag.Errorf(diag.CodeMissing, s.Ranges.Of("map"), "map: names no topic").
			WithFix(`write map = { "old" = "new" }`))
	}
	first := map[string]string{}
	for _, old := range slices.Sorted(maps.Keys(w.Map)) {
		name := w.Map[old]
		at := s.Ranges.Of(model.Key("map", old))
		if !Legal(name) || len(name) > MaxName {
			problems.Add(diag.Errorf(diag.CodeTopicName, at, "map: no topic can be called %.60q", name).
				WithFix("use 1 to %d letters, digits, '.', '_' and '-'", MaxName))
			continue
		}
		other, taken := first[name]
		if taken && !w.Merge {
			problems.Add(diag.Errorf(diag.CodeMerge, at, "map: %q and %q would both be called %q", other, old, name).
				WithFix("give them different names, or write merge = true to have one topic of them"))
			continue
		}
		first[name] = old
	}
	return problems
}
