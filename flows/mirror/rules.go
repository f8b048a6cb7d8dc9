package mirror

import (
	"errors"
	"fmt"
	"time"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/reconcile"
	"github.com/strait-mirror/strait/flows/topicsync"
	"github.com/strait-mirror/strait/transforms/chain"
	"github.com/strait-mirror/strait/transforms/filter"
)

// rules say which topics a flow mirrors, what they are called on the target and
// how they share topics there, and which settings are not copied: topicsync's
// Selector, Namer, Layout and Matcher.
type rules struct {
	*chain.Chain
	excluded *filter.Patterns // settings
	taken    func(topic string) string
}

func newRules(f *model.Flow, taken func(topic string) string) (*rules, error) {
	if taken == nil {
		taken = func(string) string { return "" }
	}
	names, problems := chain.ForFlow(f)
	list := make([]filter.Pattern, len(f.ConfigPropertiesExclude))
	for i, text := range f.ConfigPropertiesExclude {
		list[i] = filter.Pattern{Text: text, At: f.Ranges.Of(model.Element("config_properties_exclude", i))}
	}
	excluded, more := filter.Compile(list)
	problems.Add(more...)
	if err := problems.Err(); err != nil {
		return nil, fmt.Errorf("compiling the patterns of flow %q: %w", f.Name, err)
	}
	return &rules{Chain: names, excluded: excluded, taken: taken}, nil
}

// Selected says whether a source topic is copied. Heartbeats are left to the
// first flow between two clusters.
func (r *rules) Selected(topic string) bool {
	return r.Chain.Selected(topic) && (!r.Topics().Heartbeats(topic) || r.taken(topic) == "")
}

// RemoteTopic is what a source topic is called on the target; empty where
// Unnamed says why it has no name there.
func (r *rules) RemoteTopic(topic string) string {
	route := r.Route(topic)
	if route.Err != nil || r.taken(topic) != "" {
		return ""
	}
	return route.Target
}

// takenError says that another flow's positions are where this one's would be.
type takenError struct{ flow string }

func (e *takenError) Error() string {
	return fmt.Sprintf("flow %q keeps its position in the same place: one would go on where the other is", e.flow)
}

// Hint says what to do about it.
func (e *takenError) Hint() string {
	return `write owns_offsets = "false" in one of the two flows, which then keeps its positions under its own name`
}

// Unnamed says why a selected topic has no name on the target.
func (r *rules) Unnamed(topic string) error {
	if flow := r.taken(topic); flow != "" {
		return &takenError{flow}
	}
	if err := r.Route(topic).Err; err != nil {
		return err
	}
	return errors.New("it has no name on the target")
}

// Match says whether a setting is never copied.
func (r *rules) Match(name string) bool {
	_, ok, err := r.excluded.Match(name)
	return ok || err != nil // undecided: rather not
}

// Selected says whether a source topic is mirrored.
func (f *Flow) Selected(topic string) bool { return f.live.Load().Selected(topic) }

// RemoteTopic is what a source topic is called on the target; empty: it has no
// name there.
func (f *Flow) RemoteTopic(topic string) string { return f.live.Load().RemoteTopic(topic) }

// namedBy are the topics that a flow names one by one.
func namedBy(def *model.Flow) []string { return chain.Literals(def.Topics) }

// topicParams says what topicsync needs to know.
func (f *Flow) topicParams() topicsync.Params {
	one := f.p.Flow.MirrorMaker1
	sync := time.Duration(0)
	if one == nil && f.p.Flow.Control.SyncTopicConfigsEnabled {
		sync = f.p.Flow.Control.SyncTopicConfigsInterval
	}
	now := present{&f.live}
	return topicsync.Params{
		SyncInterval: sync, Fixed: one == nil && !f.p.Flow.Control.RefreshTopicsEnabled,
		Changed: func(e reconcile.Event) {
			e.Cluster = f.p.Target.Alias()
			e.Log(f.p.Log)
		},
		Leads:       f.p.Share.Leads,
		LeaveTopics: one != nil && one.LeaveTopics, AnySize: f.p.Flow.Repartitions(),
		Source: f.p.Source.Control(), Target: f.p.Target.Control(),
		Named:    namedBy(f.def()),
		Selector: now, Namer: now, Layout: now, Exclude: now, Log: f.p.Log,
		Settings:          f.p.Flow.TopicConfigs,
		UseSourceDefaults: f.p.Flow.UseDefaultsFrom == "source",
		ReplicationFactor: f.p.Flow.ReplicationFactor,
	}
}
