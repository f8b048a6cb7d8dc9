package lint

import "github.com/strait-mirror/strait/config/diag"

// groupRules are about consumer groups, and the topics that are kept for them.
func groupRules() []Rule {
	return []Rule{
		{
			ID: diag.CodeSyncParts, Severity: diag.Error, Title: "group sync without its parts",
			Why:   "sync_group_offsets_enabled writes translated offsets: it needs emit_offset_syncs_enabled, which learns them, and emit_checkpoints_enabled, which translates them.",
			Fix:   "Leave both on, or switch sync_group_offsets_enabled off.",
			Bad:   Example{HCL: "flow \"dc1->dc2\" {\n  topics                     = [\"orders\"]\n  groups                     = [\"svc-.*\"]\n  sync_group_offsets_enabled = true\n  emit_checkpoints_enabled   = false\n}", Properties: "dc1->dc2.sync.group.offsets.enabled = true\ndc1->dc2.emit.offset-syncs.enabled = false"},
			Good:  Example{HCL: "flow \"dc1->dc2\" {\n  topics                     = [\"orders\"]\n  groups                     = [\"svc-.*\"]\n  sync_group_offsets_enabled = true\n}", Properties: "dc1->dc2.sync.group.offsets.enabled = true"},
			check: checkSyncParts,
		},
		online(Rule{
			ID: diag.CodeLiveGroup, Severity: diag.Warning, Title: "a group that works on the target already",
			Why:   "Offsets of a group with members are not written: they would be moved under its feet.",
			Fix:   "Nothing, where the group moved on purpose; else stop its members on the target, or exclude it.",
			Bad:   Example{HCL: "# svc-a has members on dc1 and on dc2\nflow \"dc1->dc2\" {\n  topics                     = [\"orders\"]\n  groups                     = [\"svc-.*\"]\n  sync_group_offsets_enabled = true\n}"},
			Good:  Example{HCL: "# svc-a has members on dc1 only\nflow \"dc1->dc2\" {\n  topics                     = [\"orders\"]\n  groups                     = [\"svc-.*\"]\n  sync_group_offsets_enabled = true\n}"},
			check: checkLiveGroups,
		}),
		{
			ID: diag.CodeOwnGroup, Severity: diag.Warning, Title: "a group that mirrors themselves work with",
			Why:   "Workers of a mirror meet in a group of its target. A flow that reads from there takes it for a group of consumers.",
			Fix:   "Add it to groups_exclude.",
			Bad:   Example{HCL: "flow \"dc1->dc2\" {\n  topics                     = [\"orders\"]\n  groups                     = [\".*\"]\n  sync_group_offsets_enabled = true\n}\nflow \"dc2->dc1\" {\n  topics = [\"parts\"]\n}", Properties: "dc1->dc2.topics = orders\ndc2->dc1.enabled = true\ndc2->dc1.topics = parts\ndc1->dc2.sync.group.offsets.enabled = true"},
			Good:  Example{HCL: "flow \"dc1->dc2\" {\n  topics                     = [\"orders\"]\n  groups                     = [\".*\"]\n  groups_exclude             = [\".*-mm2.*\"]\n  sync_group_offsets_enabled = true\n}\nflow \"dc2->dc1\" {\n  topics = [\"parts\"]\n}", Properties: "dc1->dc2.topics = orders\ndc2->dc1.enabled = true\ndc2->dc1.topics = parts\ndc1->dc2.sync.group.offsets.enabled = true\ndc1->dc2.groups.exclude = console-consumer-.*, connect-.*, __.*, .*-mm2.*"},
			check: checkOwnGroups,
		},
		{
			ID: diag.CodeSyncInterval, Severity: diag.Warning, Title: "group offsets written more often than translated",
			Why:   "Between two translations the same offsets are written again.",
			Fix:   "Give both intervals the same value.",
			Bad:   Example{HCL: "flow \"dc1->dc2\" {\n  topics                      = [\"orders\"]\n  groups                      = [\"svc-.*\"]\n  sync_group_offsets_enabled  = true\n  sync_group_offsets_interval = \"10s\"\n}", Properties: "dc1->dc2.sync.group.offsets.enabled = true\ndc1->dc2.sync.group.offsets.interval.seconds = 10"},
			Good:  Example{HCL: "flow \"dc1->dc2\" {\n  topics                      = [\"orders\"]\n  groups                      = [\"svc-.*\"]\n  sync_group_offsets_enabled  = true\n  sync_group_offsets_interval = \"10s\"\n  emit_checkpoints_interval   = \"10s\"\n}", Properties: "dc1->dc2.sync.group.offsets.enabled = true\ndc1->dc2.sync.group.offsets.interval.seconds = 10\ndc1->dc2.emit.checkpoints.interval.seconds = 10"},
			check: checkSyncInterval,
		},
		{
			ID: diag.CodeInternalReplicas, Severity: diag.Warning, Title: "an internal topic with one replica",
			Why:   "When its broker is lost, positions, translated offsets or heartbeats are. Sample files have 1, for clusters of one broker.",
			Fix:   "Write 3, or -1 for the default of the brokers.",
			Bad:   Example{HCL: "flow \"dc1->dc2\" {\n  topics                            = [\"orders\"]\n  offset_storage_replication_factor = 1\n}", Properties: "checkpoints.topic.replication.factor = 1"},
			Good:  Example{HCL: "flow \"dc1->dc2\" {\n  topics                            = [\"orders\"]\n  offset_storage_replication_factor = 3\n}", Properties: "checkpoints.topic.replication.factor = 3"},
			check: checkInternalReplicas,
		},
		online(Rule{
			ID: diag.CodeSyncsGrant, Severity: diag.Error, Title: "offset syncs that may not be written to the source",
			Why:   "MirrorMaker 2 keeps them on the source by default, where a mirror often may only read.",
			Fix:   "Write offset_syncs_topic_location = \"target\", or grant CREATE and WRITE on the topic.",
			Bad:   Example{HCL: "# our user may not CREATE topics on dc1\nflow \"dc1->dc2\" {\n  topics                      = [\"orders\"]\n  offset_syncs_topic_location = \"source\"\n}"},
			Good:  Example{HCL: "# our user may not CREATE topics on dc1\nflow \"dc1->dc2\" {\n  topics                      = [\"orders\"]\n  offset_syncs_topic_location = \"target\"\n}"},
			check: checkSyncsGrant,
		}),
		online(Rule{
			ID: diag.CodeGroupTopics, Severity: diag.Warning, Title: "a group that reads topics which are not copied",
			Why:   "After a failover it goes on with some of its topics and misses the others.",
			Fix:   "Copy the topics, too, or exclude the group.",
			Bad:   Example{HCL: "# svc-a reads orders and parts on dc1\nflow \"dc1->dc2\" {\n  topics                     = [\"orders\"]\n  groups                     = [\"svc-.*\"]\n  sync_group_offsets_enabled = true\n}"},
			Good:  Example{HCL: "# svc-a reads orders and parts on dc1\nflow \"dc1->dc2\" {\n  topics                     = [\"orders\", \"parts\"]\n  groups                     = [\"svc-.*\"]\n  sync_group_offsets_enabled = true\n}"},
			check: checkGroupTopics,
		}),
		{
			ID: diag.CodeHeartbeatsOff, Severity: diag.Info, Title: "heartbeats are off",
			Why:   "Programs that look for upstream clusters by their heartbeats, as Java's RemoteClusterUtils does, do not find this one.",
			Fix:   "Remove emit_heartbeats_enabled.",
			Bad:   Example{HCL: "flow \"dc1->dc2\" {\n  topics                  = [\"orders\"]\n  emit_heartbeats_enabled = false\n}", Properties: "dc1->dc2.emit.heartbeats.enabled = false"},
			Good:  Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"orders\"]\n}", Properties: "dc1->dc2.emit.heartbeats.enabled = true"},
			check: checkHeartbeatsOff,
		},
		{
			ID: diag.CodeSyncStages, Severity: diag.Warning, Title: "group sync behind a stage that joins partitions",
			Why:   "Offsets of a target partition that takes several source partitions have no equal on the source.",
			Fix:   "Copy such topics in a flow of their own, without sync_group_offsets_enabled.",
			Bad:   Example{HCL: "flow \"dc1->dc2\" {\n  topics                     = [\"eu.orders\", \"us.orders\"]\n  groups                     = [\"svc-.*\"]\n  sync_group_offsets_enabled = true\n  transform \"rename\" \"one\" {\n    map = {\n      \"eu.orders\" = \"orders\"\n      \"us.orders\" = \"orders\"\n    }\n    merge = true\n  }\n}"},
			Good:  Example{HCL: "flow \"dc1->dc2\" {\n  topics                     = [\"eu.orders\", \"us.orders\"]\n  groups                     = [\"svc-.*\"]\n  sync_group_offsets_enabled = true\n  transform \"rename\" \"one\" {\n    prefix = \"all.\"\n  }\n}"},
			check: checkSyncStages,
		},
		{
			ID: diag.CodeGroupCircle, Severity: diag.Error, Title: "groups that come back under other names",
			Why:   "Two flows mirror the same topics both ways, and one gives groups other names. The other takes those for groups of their own and brings them back, where they get yet another name: there are ever more groups.",
			Fix:   "Have the flow that mirrors back leave out the names that group_replacement makes: by groups, or groups_exclude.",
			Bad:   Example{HCL: groupsBothWays(`["svc-.*", "dc1[.].*"]`)},
			Good:  Example{HCL: groupsBothWays(`["svc-.*"]`)},
			check: checkGroupCircle,
		},
	}
}

// groupsBothWays is a pair of flows of which the second selects the groups back.
func groupsBothWays(back string) string {
	flow := func(name, groups string) string {
		return "flow \"" + name + "\" {\n  topics                     = [\"orders\"]\n  replication_policy         = \"identity\"\n" +
			"  sync_group_offsets_enabled = true\n  groups                     = " + groups + "\n}"
	}
	return flow("dc1->dc2", `["svc-.*"]`+"\n  group_replacement          = \"dc1.$0\"") + "\n" + flow("dc2->dc1", back)
}
