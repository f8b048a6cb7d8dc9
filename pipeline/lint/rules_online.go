package lint

import "github.com/strait-mirror/strait/config/diag"

// online marks a rule that needs facts of the clusters.
func online(r Rule) Rule {
	r.Online = true
	return r
}

// onlineRules compare the topology with its clusters.
func onlineRules() []Rule {
	const flow = "flow \"dc1->dc2\" {\n  topics = [\"orders\"]\n}"
	return []Rule{
		online(Rule{
			ID: diag.CodeSameCluster, Severity: diag.Error, Title: "two names for one cluster",
			Why:   "Both addresses lead to the same brokers: the flow between them copies a cluster into itself, over and over.",
			Fix:   "Correct bootstrap_servers of one of the two.",
			Bad:   Example{HCL: "# dc1:9092 and dc2:9092 lead to one cluster\n" + flow},
			Good:  Example{HCL: flow},
			check: checkSameCluster,
		}),
		online(Rule{
			ID: diag.CodeOtherCluster, Severity: diag.Error, Title: "another cluster than expect_cluster_id says",
			Why:   "The addresses lead to another cluster than the topology was written for; its flows wait and write nothing.",
			Fix:   "Correct bootstrap_servers, or expect_cluster_id where the cluster is the right one.",
			Bad:   Example{HCL: "# the id of dc1 is one\ncluster \"dc1\" {\n  bootstrap_servers = [\"dc1:9092\"]\n  expect_cluster_id = \"kTz3x1C6QyqVv9dVfUo1Zw\"\n}\n" + flow},
			Good:  Example{HCL: "# the id of dc1 is one\ncluster \"dc1\" {\n  bootstrap_servers = [\"dc1:9092\"]\n  expect_cluster_id = \"one\"\n}\n" + flow},
			check: checkExpected,
		}),
		online(Rule{
			ID: diag.CodeNestedHeartbeats, Severity: diag.Warning, Title: "heartbeats that were copied in a circle",
			Why:   "A topic such as dc1.dc1.heartbeats says that a mirror copies its own copies; other topics may be next.",
			Fix:   "Find the mirror that copies it and exclude its topic, then delete the topic.",
			Bad:   Example{HCL: "# dc2 has the topic dc1.dc1.heartbeats\n" + flow},
			Good:  Example{HCL: "# dc2 has the topic dc1.heartbeats\n" + flow},
			check: checkHeartbeats,
		}),
		online(Rule{
			ID: diag.CodeRefused, Severity: diag.Error, Title: "the cluster refuses the login",
			Why:   "User, password or mechanism are not what the cluster expects.",
			Fix:   "Correct the login; the finding says what is known of the cause.",
			Bad:   Example{HCL: "# dc1 refuses the password\n" + flow},
			Good:  Example{HCL: flow},
			check: checkRefused,
		}),
		online(Rule{
			ID: diag.CodeLargerRecords, Severity: diag.Warning, Title: "the source allows larger records than the target",
			Why:   "The target refuses records above max.message.bytes of the copy. Strait raises it where it may.",
			Fix:   "Raise max.message.bytes of the copies, or grant ALTER_CONFIGS on them.",
			Bad:   Example{HCL: "# orders: max.message.bytes is 8388608 on dc1, 1048588 on dc2\n" + flow},
			Good:  Example{HCL: "# orders: max.message.bytes is 8388608 on both\n" + flow},
			check: checkLarger,
		}),
		online(Rule{
			ID: diag.CodeUncommitted, Severity: diag.Warning, Title: "transactions are copied before they end",
			Why:   "With read_uncommitted, as in MirrorMaker 2, records of aborted transactions are copied as if they were valid.",
			Fix:   "Remove isolation_level, so that it is read_committed.",
			Bad:   Example{HCL: "# programs on dc1 use transactions\nflow \"dc1->dc2\" {\n  topics          = [\"orders\"]\n  isolation_level = \"read_uncommitted\"\n}"},
			Good:  Example{HCL: "# programs on dc1 use transactions\n" + flow},
			check: checkUncommitted,
		}),
		online(Rule{
			ID: diag.CodeNoMatch, Severity: diag.Warning, Title: "a pattern that matches no topic",
			Why:   "It may be misspelt, or our user may not see the topic.",
			Fix:   "Take the name that is suggested, or grant DESCRIBE on the topic.",
			Bad:   Example{HCL: "# dc1 has the topic orders\nflow \"dc1->dc2\" {\n  topics = [\"order\"]\n}"},
			Good:  Example{HCL: "# dc1 has the topic orders\n" + flow},
			check: checkMatches,
		}),
		online(Rule{
			ID: diag.CodeReplicas, Severity: diag.Error, Title: "more replicas than the target has brokers",
			Why:   "The target refuses to create the topics.",
			Fix:   "Lower replication_factor, or write -1 for the broker's default.",
			Bad:   Example{HCL: "# dc2 has 3 brokers\nflow \"dc1->dc2\" {\n  topics             = [\"orders\"]\n  replication_factor = 5\n}"},
			Good:  Example{HCL: "# dc2 has 3 brokers\nflow \"dc1->dc2\" {\n  topics             = [\"orders\"]\n  replication_factor = 3\n}"},
			check: checkReplicas,
		}),
		online(Rule{
			ID: diag.CodeInsync, Severity: diag.Warning, Title: "fewer replicas than the target wants in sync",
			Why:   "No record can be written to a topic with fewer replicas than min.insync.replicas.",
			Fix:   "Raise replication_factor.",
			Bad:   Example{HCL: "# min.insync.replicas of dc2 is 2\nflow \"dc1->dc2\" {\n  topics             = [\"orders\"]\n  replication_factor = 1\n}"},
			Good:  Example{HCL: "# min.insync.replicas of dc2 is 2\nflow \"dc1->dc2\" {\n  topics             = [\"orders\"]\n  replication_factor = 3\n}"},
			check: checkInsync,
		}),
		online(Rule{
			ID: diag.CodeFewerPartitions, Severity: diag.Warning, Title: "a copy with fewer partitions",
			Why:   "A source partition needs a partition of its own on the target. Strait adds them, after which keys of programs that write to the copy go elsewhere.",
			Fix:   "Add the partitions before programs of the target use the topic.",
			Bad:   Example{HCL: "# orders has 6 partitions on dc1, dc1.orders has 3 on dc2\n" + flow},
			Good:  Example{HCL: "# orders and dc1.orders have 6 partitions\n" + flow},
			check: checkPartitions,
		}),
		online(Rule{
			ID: diag.CodeRetention, Severity: diag.Warning, Title: "a copy that is kept in another way",
			Why:   "A copy with another cleanup.policy or retention holds other records than its topic after a while.",
			Fix:   "Set cleanup.policy, retention.ms and retention.bytes alike.",
			Bad:   Example{HCL: "# orders: cleanup.policy is compact on dc1, delete on dc2\n" + flow},
			Good:  Example{HCL: "# orders: cleanup.policy is compact on both\n" + flow},
			check: checkRetention,
		}),
		online(Rule{
			ID: diag.CodeAppendTime, Severity: diag.Warning, Title: "a copy with timestamps of its own",
			Why:   "With LogAppendTime the target replaces the timestamps: batches are not byte-exact, and the age of records is lost.",
			Fix:   "Set message.timestamp.type=CreateTime on the copy.",
			Bad:   Example{HCL: "# dc1.orders on dc2: message.timestamp.type is LogAppendTime\n" + flow},
			Good:  Example{HCL: "# dc1.orders on dc2: message.timestamp.type is CreateTime\n" + flow},
			check: checkTimestamps,
		}),
		online(Rule{
			ID: diag.CodeRecreated, Severity: diag.Error, Title: "a topic that was recreated",
			Why:   "The positions are of a topic by the same name that was deleted: on_recreate says whether the new one is mirrored from its start, stops, or goes on at the old position.",
			Fix:   "Look whether the topic was recreated on purpose, and set on_recreate to what is wanted.",
			Bad:   Example{HCL: "# orders on dc1 was deleted and made anew\n" + flow},
			Good:  Example{HCL: "# orders on dc1 was deleted and made anew\nflow \"dc1->dc2\" {\n  topics      = [\"orders\"]\n  on_recreate = \"start_anew\"\n}"},
			check: checkRecreated,
		}),
		online(Rule{
			ID: diag.CodeSettingRefused, Severity: diag.Warning, Title: "a setting the target does not let be set",
			Why:   "Managed clusters keep some settings of topics to themselves, and other versions know other ones: a copy whose settings are refused stays without them, and a new topic may not be created.",
			Fix:   "Add the setting to config_properties_exclude, or take it out of topic_configs.",
			Bad:   Example{HCL: "# segment.bytes is set on orders, and fixed on dc2\n" + flow},
			Good:  Example{HCL: "# segment.bytes is set on orders, and fixed on dc2\nflow \"dc1->dc2\" {\n  topics                    = [\"orders\"]\n  config_properties_exclude = [\"segment\\\\.bytes\"]\n}"},
			check: checkSettings,
		}),
		online(Rule{
			ID: diag.CodeQuota, Severity: diag.Warning, Title: "a quota below the limit of a flow",
			Why:   "Brokers answer late where our user is beyond its quota, long before bytes_per_second is reached: the flow is slower than the file says, and shares that with all that our user does.",
			Fix:   "Raise the quota, or lower bytes_per_second.",
			Bad:   Example{HCL: "# producer_byte_rate of our user is 1048576 on the 3 brokers of dc2\nflow \"dc1->dc2\" {\n  topics           = [\"orders\"]\n  bytes_per_second = \"80MiB\"\n}"},
			Good:  Example{HCL: "# producer_byte_rate of our user is 1048576 on the 3 brokers of dc2\nflow \"dc1->dc2\" {\n  topics           = [\"orders\"]\n  bytes_per_second = \"3MiB\"\n}"},
			check: checkQuotas,
		}),
		online(Rule{
			ID: diag.CodePermission, Severity: diag.Error, Title: "a permission is missing",
			Why:   "Without it the topic is not copied.",
			Fix:   "Run the kafka-acls line that is shown, with your own principal.",
			Bad:   Example{HCL: "# our user may not READ orders on dc1\n" + flow},
			Good:  Example{HCL: flow},
			check: checkPermissions,
		}),
	}
}
