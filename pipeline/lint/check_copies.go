package lint

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/survey"
	"github.com/strait-mirror/strait/transforms/filter"
)

// checkLarger finds topics whose records may be larger than their copies may.
func checkLarger(t *topology, r *reporter) {
	for _, p := range t.pairs() {
		p.each(r, "raise max.message.bytes of the copies, or let Strait do it: it needs ALTER_CONFIGS on them",
			"max.message.bytes is lower on the target than on the source", func(s, d survey.Topic) bool {
				from, to := number(s, "max.message.bytes"), number(d, "max.message.bytes")
				return from > to && to >= 0
			})
	}
}

// number is a setting, or -1 where it is not known.
func number(t survey.Topic, key string) int64 {
	n, err := strconv.ParseInt(t.Settings[key], 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// checkPartitions finds copies with fewer partitions.
func checkPartitions(t *topology, r *reporter) {
	for _, p := range t.pairs() {
		p.each(r, "let Strait add them, or add them yourself before programs of the target use the topic",
			"copies have fewer partitions than their topics", func(s, d survey.Topic) bool { return d.Partitions < s.Partitions })
	}
}

// checkRetention finds copies that are kept in another way.
func checkRetention(t *topology, r *reporter) {
	keys := []string{"cleanup.policy", "retention.ms", "retention.bytes"}
	for _, p := range t.pairs() {
		p.each(r, "set them alike; a compacted copy of a topic that is not loses records", "cleanup.policy or retention of copies differ",
			func(s, d survey.Topic) bool {
				return s.Settings != nil && d.Settings != nil &&
					slices.ContainsFunc(keys, func(k string) bool { return s.Settings[k] != d.Settings[k] })
			})
	}
}

// checkTimestamps finds copies with timestamps of their own.
func checkTimestamps(t *topology, r *reporter) {
	for _, p := range t.pairs() {
		p.each(r, "set message.timestamp.type=CreateTime on the copies", "copies get new timestamps (LogAppendTime), so that the age of records is lost",
			func(_, d survey.Topic) bool { return d.Settings["message.timestamp.type"] == "LogAppendTime" })
	}
}

// checkRecreated finds topics that are not those the positions are of, where
// nobody has said what is to become of them.
func checkRecreated(t *topology, r *reporter) {
	for _, p := range t.pairs() {
		if !p.flow.Ranges.Of("on_recreate").IsZero() {
			continue
		}
		seen := map[string]bool{}
		for _, a := range t.anchors[p.flow] {
			if a.Bare() || seen[a.Topic] || !slices.Contains(p.topics, a.Topic) {
				continue
			}
			copied := p.remote(a.Topic)
			_, at, _ := strings.Cut(a.Chain, " ")
			mine, _, _ := strings.Cut(at, "/")
			for _, side := range []struct {
				alias, topic string
				was, is      [16]byte
			}{
				{p.flow.From, a.Topic, a.SourceTopicID, p.source.Topics[a.Topic].ID},
				{p.flow.To, copied, a.TargetTopicID, p.target.Topics[copied].ID},
			} {
				none := [16]byte{}
				if side.was == side.is || side.was == none || side.is == none || side.alias == p.flow.To && mine != copied {
					continue
				}
				seen[a.Topic] = true
				r.add(p.at(), fmt.Sprintf("write on_recreate = %q or another policy, to say that it was on purpose", p.flow.OnRecreate),
					"flow %q: topic %q of cluster %q was deleted and made anew since it was mirrored; on_recreate is %q", p.flow.Name, side.topic, side.alias, p.flow.OnRecreate)
			}
		}
	}
}

// checkSettings finds settings that would be copied to a cluster that has none of
// their name, or lets nobody set them.
func checkSettings(t *topology, r *reporter) {
	for _, p := range t.pairs() {
		if !p.flow.Control.SyncTopicConfigsEnabled || p.target.Alterable == nil {
			continue
		}
		excluded, problems := filter.Compile(patternsOf(p.flow, "config_properties_exclude", p.flow.ConfigPropertiesExclude))
		if problems.HasErrors() {
			continue
		}
		checkOwnSettings(p, r)
		topics := map[string][]string{} // by setting
		for _, name := range p.topics {
			s, copied := p.source.Topics[name], p.target.Topics[p.remote(name)]
			for _, key := range s.Own {
				_, own := p.flow.TopicConfigs[key]
				same := copied.Settings != nil && copied.Settings[key] == s.Settings[key]
				if !own && !same && !p.target.Alterable[key] && !matchesAny(excluded, []string{key}) {
					topics[key] = append(topics[key], name)
				}
			}
		}
		for _, key := range slices.Sorted(maps.Keys(topics)) {
			r.add(orRange(firstPlace(p.flow, "config_properties_exclude", "topics"), p.flow), fmt.Sprintf("add %q to config_properties_exclude", regexp.QuoteMeta(key)),
				"flow %q: %s is set on topics, and cluster %q %s: %s", p.flow.Name, key, p.flow.To, unsettable(p, key), some(topics[key]))
		}
	}
}

// checkOwnSettings does the same for what the flow says itself.
func checkOwnSettings(p pair, r *reporter) {
	for _, key := range slices.Sorted(maps.Keys(p.flow.TopicConfigs)) {
		if !p.target.Alterable[key] {
			r.add(orRange(firstPlace(p.flow, "topic_configs"), p.flow), fmt.Sprintf("take %q out of topic_configs", key),
				"flow %q: %s is in topic_configs, and cluster %q %s", p.flow.Name, key, p.flow.To, unsettable(p, key))
		}
	}
}

// unsettable says why a setting of topics cannot be set on the target.
func unsettable(p pair, key string) string {
	if _, known := p.target.Alterable[key]; !known {
		return "knows no such setting"
	}
	return "does not let it be set"
}

// patternsOf are the texts of a list of f with their places.
func patternsOf(f *model.Flow, name string, texts []string) []filter.Pattern {
	list := make([]filter.Pattern, len(texts))
	for i, text := range texts {
		list[i] = filter.Pattern{Text: text, At: f.Ranges.Of(model.Element(name, i))}
	}
	return list
}
