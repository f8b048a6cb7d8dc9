package model

import (
	"math"
	"strings"
	"time"

	"github.com/strait-mirror/strait/config/field"
)

// DefaultGroupsExclude returns MirrorMaker 2's default of groups.exclude.
func DefaultGroupsExclude() []string {
	return []string{`console-consumer-.*`, `connect-.*`, `__.*`}
}

// enabledBy declares the switch behind key, an MirrorMaker 2 key without
// ".enabled".
func enabledBy(p *bool, key, doc string) field.Def {
	return field.Bool(p, attributeOf(key)+"_enabled", doc).Legacy(key+".enabled", field.ScopeFlow)
}

// every declares the interval behind key, which MirrorMaker 2 counts in
// seconds.
func every(p *time.Duration, key, byDefault, doc string) field.Def {
	return field.Duration(p, attributeOf(key)+"_interval", time.Second, field.MaxDuration, doc).
		Legacy(key+".interval.seconds", field.ScopeFlow).LegacyUnit(int64(time.Second)).
		Default(byDefault).Changes(field.Live)
}

// replicas declares the replication factor of an internal topic.
func replicas(p *int16, key string, scope field.Scope, doc string) field.Def {
	return field.Int(p, attributeOf(key)+"_replication_factor", -1, math.MaxInt16, doc).
		Legacy(key+".replication.factor", scope).Default("3")
}

// attributeOf is the HCL name of a MirrorMaker 2 key.
func attributeOf(key string) string {
	return strings.Map(func(r rune) rune {
		if r == '.' || r == '-' {
			return '_'
		}
		return r
	}, key)
}

// groupFields say which consumer groups go along, and how.
func groupFields(c *Control) []field.Def {
	return []field.Def{
		field.List(&c.Groups, "groups", "Consumer groups whose offsets are translated; a name that matches any pattern is.").
			Legacy("groups", field.ScopeFlow).Default(".*").Patterns().Changes(field.Live),
		field.List(&c.GroupsExclude, "groups_exclude", "Consumer groups left alone, even where groups matches.").
			Legacy("groups.exclude", field.ScopeFlow).
			Default(strings.Join(DefaultGroupsExclude(), ",")).Patterns().Changes(field.Live),
		field.String(&c.GroupPattern, "group_pattern",
			"Java regular expression; groups whose name it matches as a whole are called group_replacement at the target, all others as on the source.").
			Default(".*").Changes(field.Destructive),
		field.String(&c.GroupReplacement, "group_replacement",
			"What a group that group_pattern matches is called at the target, as in \"dc1.$0\": $0 is the whole name, $1 what the first group of the pattern matched, \\$ a dollar. Checkpoints name the group as on the source. Groups that would get one name are left alone. Where another flow mirrors back, it must leave out the new names.").
			Default("$0").Changes(field.Destructive),
		enabledBy(&c.RefreshGroupsEnabled, "refresh.groups", "Whether new consumer groups are looked for while running.").
			Default("true").Changes(field.Live),
		every(&c.RefreshGroupsInterval, "refresh.groups", "10m", "How often consumer groups are listed."),
		enabledBy(&c.EmitCheckpointsEnabled, "emit.checkpoints", "Whether translated group offsets are written to the checkpoints topic.").
			Default("true"),
		every(&c.EmitCheckpointsInterval, "emit.checkpoints", "1m", "How often checkpoints are written."),
		enabledBy(&c.SyncGroupOffsetsEnabled, "sync.group.offsets", "Whether translated offsets are written to the groups of the target.").
			Default("false"),
		every(&c.SyncGroupOffsetsInterval, "sync.group.offsets", "1m", "How often group offsets are written."),
		field.Bool(&c.SyncGroupOffsetsRewindsEnabled, "sync_group_offsets_rewinds_enabled",
			"Whether a group without members that went back on the source goes back on the target too.").
			Default("false").Changes(field.Live),
		replicas(&c.CheckpointsTopicReplicationFactor, "checkpoints.topic", field.ScopeFlow, "Replicas of the checkpoints topic; -1 leaves it to the broker.").
			Changes(field.Live),
	}
}

// topicFields say what of topics is kept equal besides their records.
func topicFields(c *Control) []field.Def {
	return []field.Def{
		enabledBy(&c.RefreshTopicsEnabled, "refresh.topics", "Whether new topics and partitions are looked for while running.").
			Default("true"),
		field.Bool(&c.DeleteTopicsEnabled, "delete_topics_enabled",
			"Whether a topic that is deleted on the source is deleted on the target, delete_topics_after later. Only copies go whose names say that they are some (replication_policy = \"default\", nothing renamed, delivery other than \"transactional\"), that are the topics which the flow has written to, and to which nobody else has written since; and none while the source has no topic left that was mirrored. What topics or topics_exclude leave out is kept.").
			Default("false").Changes(field.Destructive),
		field.Duration(&c.DeleteTopicsAfter, "delete_topics_after", 10*time.Second, field.MaxDuration,
			"How long a topic has to be gone from the source before its copy is deleted. Status shows until when; the time begins anew when the process that leads the flow is another or starts again.").
			Default("24h").Changes(field.Destructive),
		enabledBy(&c.SyncTopicConfigsEnabled, "sync.topic.configs", "Whether settings of target topics follow the source's.").
			Default("true"),
		every(&c.SyncTopicConfigsInterval, "sync.topic.configs", "10m", "How often topic settings are compared.").
			Changes(field.RestartFlow),
		enabledBy(&c.SyncTopicACLsEnabled, "sync.topic.acls", "Whether permissions to read source topics are granted on the target's.").
			Default("true").Changes(field.Live),
		every(&c.SyncTopicACLsInterval, "sync.topic.acls", "10m", "How often permissions are compared."),
		field.Bool(&c.SyncPrefixedACLsEnabled, "sync_prefixed_acls_enabled",
			"Whether permissions on prefixes of names go along, too, where the flow renames nothing. MirrorMaker 2 leaves them out.").
			Default("false").Changes(field.Live),
		field.Bool(&c.SyncGroupACLsEnabled, "sync_group_acls_enabled",
			"Whether permissions on the consumer groups that groups selects go along with those on topics, as the groups are called on the target. Those on prefixes do with sync_prefixed_acls_enabled, where groups keep their names; those on all groups (*) do not. MirrorMaker 2 leaves them out.").
			Default("false").Changes(field.Live),
		field.Bool(&c.SyncTransactionalIDACLsEnabled, "sync_transactional_id_acls_enabled",
			"Whether permissions on transactional ids go along with those on topics, for producers that are to go on at the target. Those on prefixes do with sync_prefixed_acls_enabled, those on all ids (*) do not. MirrorMaker 2 leaves them out.").
			Default("false").Changes(field.Live),
		field.Bool(&c.DeleteACLsEnabled, "delete_acls_enabled",
			"Whether permissions on the target that this flow has created while this was on are deleted when the source has them no more, or the flow does not take them along any more. Others are never touched. Which are its own is kept in the topic mm2-strait-acls.<source>.internal on the target. MirrorMaker 2 deletes none.").
			Default("false").Changes(field.Live),
		enabledBy(&c.EmitOffsetSyncsEnabled, "emit.offset-syncs", "Whether pairs of source and target offsets are written to the offset-syncs topic.").
			Default("true"),
		field.Enum(&c.OffsetSyncsTopicLocation, "offset_syncs_topic_location", []string{"source", "target"},
			"Which cluster has the offset-syncs topic.").
			Legacy("offset-syncs.topic.location", field.ScopeFlow).
			DefaultIn(field.HCL, "target").DefaultIn(field.Properties, "source").Changes(field.Destructive),
		replicas(&c.OffsetSyncsTopicReplicationFactor, "offset-syncs.topic", field.ScopeFlow, "Replicas of the offset-syncs topic; -1 leaves it to the broker."),
		field.Int(&c.OffsetLagMax, "offset_lag_max", 0, math.MaxInt64,
			"Most records that a translated offset may be behind before a new pair of offsets is written.").
			Legacy("offset.lag.max", field.ScopeFlow).Default("100"),
		field.Bool(&c.ReplicationPolicyInternalTopicSeparatorEnabled, "replication_policy_internal_topic_separator_enabled",
			"Whether the separator is part of the names of internal topics; false keeps dots.").
			Legacy("replication.policy.internal.topic.separator.enabled", field.ScopeFlow).
			Default("true").Changes(field.Destructive),
		field.Int(&c.TasksMax, "tasks_max", 0, field.MaxInt32,
			"Most partitions copied at the same time; 0 sets no limit.").
			Legacy("tasks.max", field.ScopeFlow).Default("0").Changes(field.Live).Later(""),
		field.Duration(&c.AdminTimeout, "admin_timeout", time.Millisecond, field.MaxDuration,
			"How long one step of administration may take.").
			Legacy("admin.timeout.ms", field.ScopeFlow).Default("1m").Changes(field.Live),
	}
}

// heartbeatFields say what heartbeats a flow sends.
func heartbeatFields(c *Control) []field.Def {
	return []field.Def{
		enabledBy(&c.EmitHeartbeatsEnabled, "emit.heartbeats", "Whether heartbeats are written to the target.").
			Default("true").Changes(field.Live),
		every(&c.EmitHeartbeatsInterval, "emit.heartbeats", "1s", "How often heartbeats are written."),
		replicas(&c.HeartbeatsTopicReplicationFactor, "heartbeats.topic", field.ScopeFlow, "Replicas of the heartbeats topic; -1 leaves it to the broker.").
			Changes(field.Live),
		enabledBy(&c.HeartbeatsReplicationEnabled, "heartbeats.replication", "Whether heartbeats topics are copied even where topics does not match.").
			Default("true").Changes(field.Live),
	}
}

// storageFields say where MirrorMaker 2 keeps its positions, which this
// program shares.
func storageFields(c *Control) []field.Def {
	return []field.Def{
		field.Duration(&c.SessionTimeout, "session_timeout", time.Millisecond, field.MaxDuration,
			"After how long without a sign of life the others take over what a process of the same topology ran. Brokers bound it by group.min.session.timeout.ms and group.max.session.timeout.ms.").
			Legacy("session.timeout.ms", field.ScopeWorker).Default("10s"),
		field.Duration(&c.HeartbeatInterval, "heartbeat_interval", time.Millisecond, field.MaxDuration,
			"How often a process shows the others of the same topology that it lives, and learns of a new division of the work; half of session_timeout at most.").
			Legacy("heartbeat.interval.ms", field.ScopeWorker).Default("500ms"),
		field.String(&c.GroupID, "group_id", "Group of MirrorMaker 2's workers on the target; <source>-mm2 when not set.").
			Legacy("group.id", field.ScopeWorker).Default(""),
		field.String(&c.OffsetStorageTopic, "offset_storage_topic", "Topic of positions on the target; mm2-offsets.<source>.internal when not set.").
			Legacy("offset.storage.topic", field.ScopeWorker).Default("").Changes(field.Destructive).Later(""),
		field.Int(&c.OffsetStoragePartitions, "offset_storage_partitions", -1, field.MaxInt32,
			"Partitions of a new topic of positions; -1 leaves it to the broker.").
			Legacy("offset.storage.partitions", field.ScopeWorker).Default("25").Changes(field.Live).Later(""),
		replicas(&c.OffsetStorageReplicationFactor, "offset.storage", field.ScopeWorker, "Replicas of a new topic of positions; -1 leaves it to the broker.").
			Later(""),
		field.Duration(&c.OffsetFlushInterval, "offset_flush_interval", time.Millisecond, field.MaxDuration,
			"How often offset syncs of idle partitions are written.").
			Legacy("offset.flush.interval.ms", field.ScopeWorker).Default("1m"),
		field.Duration(&c.OffsetFlushTimeout, "offset_flush_timeout", time.Millisecond, field.MaxDuration,
			"How long writing positions may take.").
			Legacy("offset.flush.timeout.ms", field.ScopeWorker).Default("5s").Changes(field.Live).Later(""),
	}
}
