package lint

import "github.com/strait-mirror/strait/config/diag"

// topologyRules are about flows and how they meet.
func topologyRules() []Rule {
	return []Rule{
		{
			ID: diag.CodeLoop, Severity: diag.Error, Title: "flows that copy each other's copies",
			Why: "With replication_policy = \"identity\" a topic's name does not say where it came from. Between two clusters loop_guard tells by who wrote a record, where Strait runs both directions and neither has it off. Round three clusters or more, records are copied without end, unless each cluster mirrors to all others and every flow has loop_guard = \"local\". So they are where MirrorMaker 2 runs one of two directions, which this file does not show.",
			Fix: "Use replication_policy = \"default\", or let the flows select topics of their own; leave loop_guard on; between three clusters or more that each mirror to all others set it to \"local\".",
			Bad: Example{
				HCL:        "flow \"dc1->dc2\" {\n  topics             = [\"orders\"]\n  replication_policy = \"identity\"\n}\nflow \"dc2->dc1\" {\n  topics             = [\"orders\"]\n  replication_policy = \"identity\"\n  loop_guard         = \"off\"\n}",
				Properties: "clusters = dc1, dc2, dc3\ndc3.bootstrap.servers = dc3:9092\nreplication.policy.class = org.apache.kafka.connect.mirror.IdentityReplicationPolicy\ntopics = orders\ndc2->dc3.enabled = true\ndc3->dc1.enabled = true",
			},
			Good: Example{
				HCL:        "flow \"dc1->dc2\" {\n  topics = [\"orders\"]\n}\nflow \"dc2->dc1\" {\n  topics = [\"orders\"]\n}",
				Properties: "dc1->dc2.topics = orders\ndc2->dc1.enabled = true\ndc2->dc1.topics = orders",
			},
			AtStart: true,
			check:   checkLoops,
		},
		{
			ID: diag.CodeFromEqualsTo, Severity: diag.Error, Title: "a flow from a cluster to itself",
			Why:  "It would copy its own copies.",
			Fix:  "Correct from or to.",
			Bad:  Example{HCL: "flow \"backup\" {\n  from = cluster.dc1\n  to   = cluster.dc1\n}\nflow \"dc1->dc2\" {\n  topics = [\"orders\"]\n}"},
			Good: Example{HCL: "flow \"backup\" {\n  from   = cluster.dc1\n  to     = cluster.dc2\n  topics = [\"orders\"]\n}"},
		},
		{
			ID: diag.CodeTwoWriters, Severity: diag.Error, Title: "two sources write one topic",
			Why: "Records of two topics would mix in one: offsets cannot be translated, and each flow takes the other for a foreign writer.",
			Fix: "Keep the source in the name with replication_policy = \"default\", or select different topics; merge = true in a rename stage of both says that it is meant.",
			Bad: Example{
				HCL:        "cluster \"dc3\" {\n  bootstrap_servers = [\"dc3:9092\"]\n}\nflow \"dc1->dc2\" {\n  topics             = [\"orders\"]\n  replication_policy = \"identity\"\n}\nflow \"dc3->dc2\" {\n  topics             = [\"orders\"]\n  replication_policy = \"identity\"\n}",
				Properties: "clusters = dc1, dc2, dc3\ndc3.bootstrap.servers = dc3:9092\nreplication.policy.class = org.apache.kafka.connect.mirror.IdentityReplicationPolicy\ntopics = orders\ndc3->dc2.enabled = true",
			},
			Good: Example{
				HCL:        "cluster \"dc3\" {\n  bootstrap_servers = [\"dc3:9092\"]\n}\nflow \"dc1->dc2\" {\n  topics = [\"orders\"]\n}\nflow \"dc3->dc2\" {\n  topics = [\"orders\"]\n}",
				Properties: "clusters = dc1, dc2, dc3\ndc3.bootstrap.servers = dc3:9092\ntopics = orders\ndc3->dc2.enabled = true",
			},
			check: checkOneWriter,
		},
		{
			ID: diag.CodeCopiedTwice, Severity: diag.Warning, Title: "two flows copy a topic to the same place",
			Why:   "Every record arrives twice.",
			Fix:   "Select the topic in one of the two only.",
			Bad:   Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"orders\", \"parts\"]\n}\nflow \"orders\" {\n  from   = cluster.dc1\n  to     = cluster.dc2\n  topics = [\"orders\"]\n}"},
			Good:  Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"parts\"]\n}\nflow \"orders\" {\n  from   = cluster.dc1\n  to     = cluster.dc2\n  topics = [\"orders\"]\n}"},
			check: checkTwice,
		},
		{
			ID: diag.CodeSeparatorInAlias, Severity: diag.Warning, Title: "the separator inside the name of a cluster",
			Why: "Topics copied from \"eu.west\" are called eu.west.orders, which reads as a copy from \"eu\": such copies are not recognised, and copied in a circle.",
			Fix: "Rename the cluster, or choose another replication_policy_separator.",
			Bad: Example{
				HCL:        "cluster \"eu.west\" {\n  bootstrap_servers = [\"eu:9092\"]\n}\nflow \"eu.west->dc2\" {\n  topics = [\"orders\"]\n}\nflow \"dc1->dc2\" {\n  topics = [\"parts\"]\n}",
				Properties: "clusters = eu.west, dc2\neu.west.bootstrap.servers = eu:9092\neu.west->dc2.enabled = true\neu.west->dc2.topics = orders",
			},
			Good: Example{
				HCL:        "cluster \"eu-west\" {\n  bootstrap_servers = [\"eu:9092\"]\n}\nflow \"eu-west->dc2\" {\n  topics = [\"orders\"]\n}\nflow \"dc1->dc2\" {\n  topics = [\"parts\"]\n}",
				Properties: "clusters = eu-west, dc2\neu-west.bootstrap.servers = eu:9092\neu-west->dc2.enabled = true\neu-west->dc2.topics = orders",
			},
			AtStart: true,
			check:   checkSeparators,
		},
		{
			ID: diag.CodePoliciesDiffer, Severity: diag.Error, Title: "connectors of one mirror that name copies differently",
			Why: "In the files of Strimzi and Kafka Connect each connector has a replication policy of its own. Where that of the checkpoint connector, by default or by mistake, is another than the source connector's, it looks for copies under names they do not have, and translates no offset.",
			Fix: "Decide which names the copies are to have. A flow has one policy: convert takes the source connector's, and lint finds nothing of this kind in its result.",
		},
		{
			ID: diag.CodeMerge, Severity: diag.Error, Title: "a rename gives two topics one name",
			Why:  "Their records would mix in one topic, which nobody can take apart again.",
			Fix:  "Give them different names, or write merge = true in the stage to have one topic of them.",
			Bad:  Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"eu.orders\", \"us.orders\"]\n  transform \"rename\" \"one\" {\n    map = {\n      \"eu.orders\" = \"orders\"\n      \"us.orders\" = \"orders\"\n    }\n  }\n}"},
			Good: Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"eu.orders\", \"us.orders\"]\n  transform \"rename\" \"one\" {\n    map = {\n      \"eu.orders\" = \"orders\"\n      \"us.orders\" = \"orders\"\n    }\n    merge = true\n  }\n}"},
		},
		{
			ID: diag.CodeOneOwner, Severity: diag.Error, Title: "two flows own the offsets of a topic",
			Why:     "Positions, offset syncs and checkpoints of a topic have one place on a target. Of two flows with one place, each would go on where the other is; so the topic is left to the first.",
			Fix:     "Write owns_offsets = \"false\" in one of the two: it keeps its positions under its own name.",
			Bad:     Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"orders\"]\n}\nflow \"audit\" {\n  from   = cluster.dc1\n  to     = cluster.dc2\n  topics = [\"orders\"]\n  transform \"rename\" \"audit\" {\n    prefix = \"audit.\"\n  }\n}"},
			Good:    Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"orders\"]\n}\nflow \"audit\" {\n  from         = cluster.dc1\n  to           = cluster.dc2\n  topics       = [\"orders\"]\n  owns_offsets = \"false\"\n  transform \"rename\" \"audit\" {\n    prefix = \"audit.\"\n  }\n}"},
			AtStart: true,
			check:   checkOwners,
		},
		{
			ID: diag.CodeNoFlow, Severity: diag.Warning, Title: "no flow is enabled",
			Why:     "Nothing is mirrored. In a properties file a flow is off unless A->B.enabled = true.",
			Fix:     "In HCL add flow \"A->B\" {}, in a properties file A->B.enabled = true.",
			Bad:     Example{HCL: "flow \"dc1->dc2\" {\n  enabled = false\n}", Properties: "dc1->dc2.enabled = false"},
			Good:    Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"orders\"]\n}", Properties: "dc1->dc2.enabled = true"},
			AtStart: true,
			check:   checkEnabled,
		},
	}
}
