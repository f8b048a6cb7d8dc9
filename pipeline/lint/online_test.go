package lint_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/position"
	"github.com/strait-mirror/strait/flows/survey"
	"github.com/strait-mirror/strait/pipeline/lint"
)

// answers are of two clusters that keep every rule: orders on dc1, and its copy
// on dc2.
func answers() map[string]lint.Answer {
	settings := func() map[string]string {
		return map[string]string{
			"cleanup.policy": "delete", "retention.ms": "604800000", "retention.bytes": "-1",
			"message.timestamp.type": "CreateTime", "max.message.bytes": "1048588",
		}
	}
	cluster := func(id, topic string) lint.Answer {
		return lint.Answer{Facts: &survey.Facts{
			ID: id, Brokers: 3, MinInsync: 2,
			Settings: map[string]string{"socket.request.max.bytes": "104857600"},
			Topics:   map[string]survey.Topic{topic: {Partitions: 6, Replicas: 3, Settings: settings()}},
			Groups:   map[string]survey.Group{},
		}}
	}
	a := map[string]lint.Answer{"dc1": cluster("one", "orders"), "dc2": cluster("two", "dc1.orders")}
	a["dc1"].Facts.Groups["svc-a"] = survey.Group{State: "Stable", Topics: []string{"orders"}}
	return a
}

// broken says how the clusters of a rule's bad example differ from answers.
func broken() map[string]func(map[string]lint.Answer) {
	setting := func(alias, topic, key, value string) func(map[string]lint.Answer) {
		return func(a map[string]lint.Answer) { a[alias].Facts.Topics[topic].Settings[key] = value }
	}
	change := func(alias, topic string, f func(*survey.Topic)) func(map[string]lint.Answer) {
		return func(a map[string]lint.Answer) { set(a[alias].Facts, topic, f) }
	}
	return map[string]func(map[string]lint.Answer){
		"ST103": func(a map[string]lint.Answer) { a["dc2"].Facts.ID = "one" },
		"ST111": func(a map[string]lint.Answer) { a["dc2"].Facts.Topics["dc1.dc1.heartbeats"] = survey.Topic{} },
		"ST211": func(a map[string]lint.Answer) {
			a["dc1"] = lint.Answer{Err: &survey.RefusedError{Err: errors.New("cluster \"dc1\" refuses user \"strait\"")}}
		},
		"ST502": func(a map[string]lint.Answer) { a["dc2"].Facts.Groups["svc-a"] = survey.Group{State: "Stable"} },
		"ST607": func(a map[string]lint.Answer) { a["dc2"].Facts.Topics["_schemas"] = survey.Topic{} },
		"ST305": setting("dc1", "orders", "max.message.bytes", "8388608"),
		"ST311": func(a map[string]lint.Answer) { a["dc2"].Facts.Settings["inter.broker.protocol.version"] = "2.0-IV1" },
		"ST408": change("dc2", "dc1.orders", func(t *survey.Topic) { t.Partitions = 3 }),
		"ST409": setting("dc1", "orders", "cleanup.policy", "compact"),
		"ST410": setting("dc2", "dc1.orders", "message.timestamp.type", "LogAppendTime"),
		"ST413": change("dc1", "orders", func(t *survey.Topic) { t.Denied = []survey.Denied{{Operation: "READ", Grant: "kafka-acls"}} }),
	}
}

// set changes what a cluster says of a topic.
func set(facts *survey.Facts, topic string, f func(*survey.Topic)) {
	t := facts.Topics[topic]
	f(&t)
	facts.Topics[topic] = t
}

// around says what the clusters of both examples of a rule have that answers lacks.
func around() map[string]func(map[string]lint.Answer) {
	return map[string]func(map[string]lint.Answer){
		"ST310": func(a map[string]lint.Answer) { a["dc1"].Facts.Transactions = 1 },
		"ST311": func(a map[string]lint.Answer) { a["dc1"].Facts.Topics["orders"].Settings["compression.type"] = "zstd" },
		"ST411": func(a map[string]lint.Answer) {
			set(a["dc1"].Facts, "orders", func(t *survey.Topic) { t.ID = [16]byte{2} })
			set(a["dc2"].Facts, "dc1.orders", func(t *survey.Topic) { t.ID = [16]byte{9} })
		},
		"ST415": func(a map[string]lint.Answer) {
			a["dc2"].Facts.Quotas = map[string]float64{"producer_byte_rate": 1 << 20}
		},
		"ST414": func(a map[string]lint.Answer) {
			a["dc2"].Facts.Alterable = map[string]bool{"segment.bytes": false, "retention.ms": true}
			set(a["dc1"].Facts, "orders", func(t *survey.Topic) {
				t.Settings["segment.bytes"], t.Own = "1048576", []string{"retention.ms", "segment.bytes"}
			})
		},
		"ST506": func(a map[string]lint.Answer) {
			a["dc1"].Facts.Denied = []survey.Denied{{Operation: "CREATE", Grant: "kafka-acls"}}
		},
		"ST507": func(a map[string]lint.Answer) {
			a["dc1"].Facts.Topics["parts"] = survey.Topic{Partitions: 1, Replicas: 3}
			a["dc1"].Facts.Groups["svc-a"] = survey.Group{State: "Empty", Topics: []string{"orders", "parts"}}
		},
		"ST602": func(a map[string]lint.Answer) {
			a["dc1"].Facts.Topics["orders"].Settings["cleanup.policy"] = "compact"
			a["dc2"].Facts.Topics["dc1.orders"].Settings["cleanup.policy"] = "compact"
		},
		"ST607": func(a map[string]lint.Answer) { a["dc1"].Facts.Topics["_schemas"] = survey.Topic{} },
	}
}

// asking answers the online rules of an example.
func asking(t *testing.T, rule lint.Rule, bad bool) func(*lint.Params) {
	t.Helper()
	return func(p *lint.Params) {
		p.Ignore = nil
		if !rule.Online {
			return
		}
		p.Positions = func(*model.Config, *model.Flow) ([]position.Anchor, error) {
			return []position.Anchor{{
				Topic: "orders", Version: 2, SourceTopicID: [16]byte{1}, TargetTopicID: [16]byte{9},
				Chain: "read_committed dc1.orders/0",
			}}, nil
		}
		p.Ask = from(func() map[string]lint.Answer {
			a := answers()
			if change := around()[rule.ID]; change != nil {
				change(a)
			}
			if change := broken()[rule.ID]; bad && change != nil {
				change(a)
			}
			return a
		})
	}
}

// from answers for every cluster from what make makes.
func from(answers func() map[string]lint.Answer) func(*model.Cluster, survey.Wanted) lint.Answer {
	return func(c *model.Cluster, _ survey.Wanted) lint.Answer { return answers()[c.Alias] }
}

func TestUnreachable(t *testing.T) {
	down := errors.New(`cluster "dc1" at dc1:9092: connection refused`)
	ask := func(p *lint.Params) {
		p.Ask = from(func() map[string]lint.Answer {
			a := answers()
			a["dc1"] = lint.Answer{Err: down}
			a["dc2"].Facts.Topics["dc1.dc1.heartbeats"] = survey.Topic{}
			return a
		})
	}
	text := complete("hcl", "")
	r := run(t, "hcl", text, ask)
	if len(r.Unreachable) != 1 || !errors.Is(r.Unreachable[0], down) {
		t.Errorf("unreachable: %v", r.Unreachable)
	}
	if got := codes(r); len(got) != 1 || got[0] != "ST111" {
		t.Errorf("the other cluster is not linted: %v", r.List())
	}
	r = run(t, "hcl", text+"\nflow \"x\" {}", ask)
	if !r.NotAsked || len(r.Unreachable) > 0 {
		t.Errorf("a broken topology: %+v", r)
	}
}

// TestPermissions shows the line that grants what is missing, a few of them.
func TestPermissions(t *testing.T) {
	text := strings.Replace(complete("hcl", ""), `"orders"`, `".*"`, 1)
	r := run(t, "hcl", text, func(p *lint.Params) {
		p.Ask = from(func() map[string]lint.Answer {
			a := answers()
			for i := range 100 {
				a["dc1"].Facts.Topics["t"+strings.Repeat("x", i)] = survey.Topic{Denied: []survey.Denied{{Operation: "READ", Grant: "kafka-acls --add"}}}
			}
			a["dc2"].Facts.Denied = []survey.Denied{{Operation: "CREATE", Grant: "kafka-acls --cluster"}}
			return a
		})
	})
	// 20 of 100 topics, the rest in one line, and the target's CREATE.
	if len(r.Findings) != 22 || r.Findings[0].Fix == "" {
		t.Errorf("found %v", r.List())
	}
}

// TestSettingsOfTheFlow has settings in topic_configs that the target lets nobody set,
// or does not know, and the source's own left out of what is said of those.
func TestSettingsOfTheFlow(t *testing.T) {
	text := strings.Replace(complete("hcl", ""), `"orders"]`, `"orders"]
  topic_configs = { "retention.ms" = "5", "segment.bytes" = "1048576", "nowhere" = "x" }`, 1)
	r := run(t, "hcl", text, func(p *lint.Params) {
		p.Ask = from(func() map[string]lint.Answer {
			a := answers()
			a["dc2"].Facts.Alterable = map[string]bool{"segment.bytes": false, "retention.ms": true}
			set(a["dc1"].Facts, "orders", func(t *survey.Topic) { t.Own = []string{"retention.ms", "segment.bytes"} })
			return a
		})
	})
	var got []string
	for _, f := range r.Findings {
		if f.Code == "ST414" {
			got = append(got, f.Summary)
		}
	}
	want := []string{
		`flow "dc1->dc2": nowhere is in topic_configs, and cluster "dc2" knows no such setting`,
		`flow "dc1->dc2": segment.bytes is in topic_configs, and cluster "dc2" does not let it be set`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings differ (-want +got):\n%s", diff)
	}
}

// TestWanted asks only for topics that flows have to do with.
func TestWanted(t *testing.T) {
	text := complete("hcl", "")
	got := map[string]bool{}
	run(t, "hcl", text, func(p *lint.Params) {
		p.Ask = func(c *model.Cluster, wanted survey.Wanted) lint.Answer {
			if c.Alias == "dc2" {
				for _, name := range []string{"orders", "dc1.orders", "dc1.parts", "dc3.orders", "dc1.dc1.orders"} {
					got[name] = wanted.Topic(name)
				}
			}
			return answers()[c.Alias]
		}
	})
	for name, is := range got {
		if is != (name == "dc1.orders") {
			t.Errorf("%s: %v", name, is)
		}
	}
}
