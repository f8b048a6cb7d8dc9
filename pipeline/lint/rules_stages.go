package lint

import "github.com/strait-mirror/strait/config/diag"

// stageRules are about what happens to names and records on the way.
func stageRules() []Rule {
	return []Rule{
		{
			ID: diag.CodeBadExpression, Severity: diag.Error, Title: "an expression that cannot be used",
			Why:  "Conditions of stages are CEL expressions over a record. They are checked for types and bounds before anything runs: there is no clock in them, patterns and JSON paths are literals, and loops are at most two deep.",
			Fix:  "Use key, value, headers, timestamp, offset, partition, topic and json(\"a.b\"). Key and value are bytes: compare with b\"text\", or use string(value).",
			Bad:  Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"orders\"]\n  transform \"filter\" \"paid\" {\n    when = \"headers['plan'] = 'paid'\"\n  }\n}"},
			Good: Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"orders\"]\n  transform \"filter\" \"paid\" {\n    when = \"headers['plan'] == 'paid'\"\n  }\n}"},
		},
		online(Rule{
			ID: diag.CodeTombstones, Severity: diag.Warning, Title: "a filter that drops tombstones",
			Why:   "In a compacted topic a record without a value says that its key is gone. Where a filter drops it, the copy keeps the key for ever.",
			Fix:   "Let tombstones through: value == null || ...",
			Bad:   Example{HCL: "# orders is compacted\nflow \"dc1->dc2\" {\n  topics = [\"orders\"]\n  transform \"filter\" \"paid\" {\n    when = \"headers['plan'] == 'paid'\"\n  }\n}"},
			Good:  Example{HCL: "# orders is compacted\nflow \"dc1->dc2\" {\n  topics = [\"orders\"]\n  transform \"filter\" \"paid\" {\n    when = \"value == null || headers['plan'] == 'paid'\"\n  }\n}"},
			check: checkTombstones,
		}),
		{
			ID: diag.CodeJoined, Severity: diag.Warning, Title: "a stage that joins partitions",
			Why:   "With mapping = \"modulo\" a target partition takes several source partitions. Each keeps its order, but offsets cannot be translated, and programs that write to the target send keys elsewhere.",
			Fix:   "Keep mapping = \"identity\" where consumers or producers move from one cluster to the other.",
			Bad:   Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"orders\"]\n  transform \"partition\" \"fewer\" {\n    mapping    = \"modulo\"\n    partitions = 4\n  }\n}"},
			Good:  Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"orders\"]\n  transform \"partition\" \"more\" {\n    partitions = 12\n  }\n}"},
			check: checkJoined,
		},
		{
			ID: diag.CodeMaskFormat, Severity: diag.Warning, Title: "a mask that does not say how documents are written",
			Why:   "JSON is assumed. A value that is something else stops its partition, or goes on unmasked with on_error = \"pass\".",
			Fix:   "Write format = \"json\" where the values are JSON; leave topics with other values out of the flow.",
			Bad:   Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"orders\"]\n  transform \"mask\" \"cards\" {\n    fields = { \"customer.card\" = \"drop\" }\n  }\n}"},
			Good:  Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"orders\"]\n  transform \"mask\" \"cards\" {\n    format = \"json\"\n    fields = { \"customer.card\" = \"drop\" }\n  }\n}"},
			check: checkMaskFormat,
		},
		{
			ID: diag.CodeFilterOrder, Severity: diag.Warning, Title: "a filter behind a rename looks for old names",
			Why:   "Stages work in file order: a filter sees the names that the stages in front of it gave.",
			Fix:   "Put the filter in front of the rename, or write the new names.",
			Bad:   Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"iot.*\"]\n  transform \"rename\" \"hub\" {\n    prefix = \"hub.\"\n  }\n  transform \"filter\" \"some\" {\n    topics = [\"iot-a.*\"]\n  }\n}"},
			Good:  Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"iot.*\"]\n  transform \"filter\" \"some\" {\n    topics = [\"iot-a.*\"]\n  }\n  transform \"rename\" \"hub\" {\n    prefix = \"hub.\"\n  }\n}"},
			check: checkFilterOrder,
		},
		{
			ID: diag.CodeDeadLetterLoop, Severity: diag.Error, Title: "a topic of dead letters that a flow mirrors",
			Why:   "Records that a stage cannot be applied to would be mirrored on, or back to where they came from and fail again.",
			Fix:   "Add the topic to topics_exclude of the flow that selects it.",
			Bad:   Example{HCL: "flow \"dc1->dc2\" {\n  topics            = [\"orders\"]\n  dead_letter_topic = \"dead\"\n  transform \"filter\" \"paid\" {\n    when     = \"json('paid') == true\"\n    on_error = \"dead_letter\"\n  }\n}\nflow \"dc2->dc1\" {\n  topics = [\".*\"]\n}"},
			Good:  Example{HCL: "flow \"dc1->dc2\" {\n  topics            = [\"orders\"]\n  dead_letter_topic = \"dead\"\n  transform \"filter\" \"paid\" {\n    when     = \"json('paid') == true\"\n    on_error = \"dead_letter\"\n  }\n}\nflow \"dc2->dc1\" {\n  topics         = [\".*\"]\n  topics_exclude = [\"dead\"]\n}"},
			check: checkDeadLetterLoop,
		},
		online(Rule{
			ID: diag.CodeSchemaIDs, Severity: diag.Warning, Title: "schema ids of another registry",
			Why:   "Records of schema registries begin with the number of a schema, and are copied as they are. Where the target has a registry of its own, the number stands for another schema there.",
			Fix:   "Let both clusters use one registry, or export the schemas with their ids.",
			Bad:   Example{HCL: "# dc1 and dc2 both have the topic _schemas\nflow \"dc1->dc2\" {\n  topics = [\"orders\"]\n}"},
			Good:  Example{HCL: "# dc1 has the topic _schemas\nflow \"dc1->dc2\" {\n  topics = [\"orders\"]\n}"},
			check: checkSchemas,
		}),
		{
			ID: diag.CodeScattered, Severity: diag.Error, Title: "records that are scattered without transactions",
			Why:  "Where the records of one source partition go to several target partitions, what a crash leaves in one of those cannot be counted, so that exactly once cannot be proven. In transactions it need not be: records and position are committed together.",
			Fix:  "Write delivery = \"transactional\" in the flow. Readers of the copies set isolation.level=read_committed.",
			Bad:  Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"orders\"]\n  transform \"partition\" \"keys\" {\n    mapping    = \"key\"\n    partitions = 12\n  }\n}"},
			Good: Example{HCL: "flow \"dc1->dc2\" {\n  topics   = [\"orders\"]\n  delivery = \"transactional\"\n  transform \"partition\" \"keys\" {\n    mapping    = \"key\"\n    partitions = 12\n  }\n}"},
		},
	}
}
