package mirror

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/topicsync"
	"github.com/strait-mirror/strait/transforms/filter"
	"github.com/strait-mirror/strait/transforms/rename"
)

// rules say which topics a flow mirrors, what they are called on the target,
// and which settings are not copied: topicsync's Selector, Namer and Matcher.
type rules struct {
	from     string
	topics   *filter.Topics
	policy   rename.Policy
	excluded *filter.Patterns // settings
}

func newRules(f *model.Flow) (*rules, error) {
	topics, problems := filter.ForFlow(f)
	list := make([]filter.Pattern, len(f.ConfigPropertiesExclude))
	for i, text := range f.ConfigPropertiesExclude {
		list[i] = filter.Pattern{Text: text, At: f.Ranges.Of(model.Element("config_properties_exclude", i))}
	}
	excluded, more := filter.Compile(list)
	problems.Add(more...)
	if err := problems.Err(); err != nil {
		return nil, fmt.Errorf("compiling the patterns of flow %q: %w", f.Name, err)
	}
	return &rules{from: f.From, topics: topics, policy: rename.ForFlow(f), excluded: excluded}, nil
}

// Selected says whether a source topic is mirrored.
func (r *rules) Selected(topic string) bool { return r.topics.Decide(topic).Copy }

// RemoteTopic is what a source topic is called on the target.
func (r *rules) RemoteTopic(topic string) string { return r.policy.FormatRemoteTopic(r.from, topic) }

// Match says whether a setting is never copied.
func (r *rules) Match(name string) bool {
	_, ok, err := r.excluded.Match(name)
	return ok || err != nil // undecided: rather not
}

// topicParams says what topicsync needs to know.
func (f *Flow) topicParams() topicsync.Params {
	one := f.p.Flow.MirrorMaker1
	return topicsync.Params{
		LeaveTopics: one != nil && one.LeaveTopics, AnySize: f.p.Flow.Repartitions(),
		Source: f.p.Source.Control(), Target: f.p.Target.Control(),
		Named:    named(f.p.Flow.Topics),
		Selector: f.rules, Namer: f.rules, Exclude: f.rules, Log: f.p.Log,
		UseSourceDefaults: f.p.Flow.UseDefaultsFrom == "source",
		ReplicationFactor: f.p.Flow.ReplicationFactor,
	}
}

// named returns the patterns that are, or may be, names.
func named(patterns []string) []string {
	var names []string
	for _, p := range patterns {
		name := strings.ReplaceAll(p, `\.`, ".")
		if regexp.QuoteMeta(strings.ReplaceAll(name, ".", "")) == strings.ReplaceAll(name, ".", "") {
			names = append(names, name)
		}
	}
	return names
}
