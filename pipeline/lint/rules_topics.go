package lint

import "github.com/strait-mirror/strait/config/diag"

// topicRules are about which topics are selected and how they are copied.
func topicRules() []Rule {
	return []Rule{
		{
			ID: diag.CodeBadRegex, Severity: diag.Error, Title: "not a regular expression",
			Why:  "topics, topics_exclude and their like are lists of Java regular expressions that match a whole name.",
			Fix:  "Correct the place that is named; a bracket that is meant as itself needs a backslash.",
			Bad:  Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"orders(\"]\n}", Properties: "dc1->dc2.topics = orders("},
			Good: Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"orders(-.*)?\"]\n}", Properties: "dc1->dc2.topics = orders(-.*)?"},
		},
		{
			ID: diag.CodeJavaRegex, Severity: diag.Error, Title: "a Java regular expression without an equal here",
			Why:  "Names are matched with Java's meaning or not at all: a pattern that would select other topics than in MirrorMaker 2 is refused.",
			Fix:  "Write it in another way; what is to be left out goes into topics_exclude.",
			Bad:  Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"(?x) orders | parts\"]\n}", Properties: "dc1->dc2.topics = (?x) orders | parts"},
			Good: Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"orders|parts\"]\n}", Properties: "dc1->dc2.topics = orders|parts"},
		},
		{
			ID: diag.CodeInternalTopic, Severity: diag.Warning, Title: "an internal topic is selected",
			Why:   "Topics of MirrorMaker 2 and names that start with __ or . are never copied, whatever topics says.",
			Fix:   "Remove it from topics.",
			Bad:   Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"orders\", \"__consumer_offsets\"]\n}", Properties: "dc1->dc2.topics = orders, __consumer_offsets"},
			Good:  Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"orders\"]\n}", Properties: "dc1->dc2.topics = orders"},
			check: checkInternal,
		},
		{
			ID: diag.CodeExcludesLost, Severity: diag.Warning, Title: "the default excludes are gone",
			Why:   "In a properties file topics.exclude replaces MirrorMaker 2's defaults, and in HCL with default_excludes = false: copies made by other tools (.replica) and internal topics are selected again.",
			Fix:   "Add the patterns that are named.",
			Bad:   Example{HCL: "flow \"dc1->dc2\" {\n  topics           = [\".*\"]\n  topics_exclude   = [\".*-tmp\"]\n  default_excludes = false\n}", Properties: "dc1->dc2.topics = .*\ndc1->dc2.topics.exclude = .*-tmp"},
			Good:  Example{HCL: "flow \"dc1->dc2\" {\n  topics         = [\".*\"]\n  topics_exclude = [\".*-tmp\"]\n}", Properties: "dc1->dc2.topics = .*\ndc1->dc2.topics.exclude = .*-tmp, mm2.*\\\\.internal, .*\\\\.replica, __.*"},
			check: checkExcludes,
		},
		{
			ID: diag.CodeTopicName, Severity: diag.Error, Title: "a name the target refuses",
			Why:   "Kafka allows letters, digits, ., _ and -, at most 249 of them, and no two topics whose names differ by . and _ only.",
			Fix:   "Rename the cluster or the topic, or choose another replication_policy_separator.",
			Bad:   Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"eu.orders\", \"eu_orders\"]\n}", Properties: "dc1->dc2.topics = orders\nreplication.policy.separator = /"},
			Good:  Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"eu.orders\", \"us.orders\"]\n}", Properties: "dc1->dc2.topics = orders\nreplication.policy.separator = _"},
			check: checkNames,
		},
	}
}
