package model

import (
	"slices"
	"strings"
	"time"

	"github.com/strait-mirror/strait/config/field"
)

// DefaultTopicsExclude returns MirrorMaker 2's default of topics.exclude since
// 4.0.
func DefaultTopicsExclude() []string {
	return []string{`mm2.*\.internal`, `.*\.replica`, `__.*`}
}

// DefaultConfigPropertiesExclude returns MirrorMaker 2's default of
// config.properties.exclude.
func DefaultConfigPropertiesExclude() []string {
	return []string{
		`follower\.replication\.throttled\.replicas`,
		`leader\.replication\.throttled\.replicas`,
		`message\.timestamp\.difference\.max\.ms`,
		`message\.timestamp\.type`,
		`unclean\.leader\.election\.enable`,
		`min\.insync\.replicas`,
	}
}

// NewFlow returns a flow with every default of the form.
func NewFlow(form field.Form) *Flow {
	f := &Flow{}
	for _, d := range FlowFields(f) {
		d.ApplyDefault(form)
	}
	return f
}

// FlowFields declares the attributes of a flow. Its ends are not among them:
// they are references, not values.
func FlowFields(f *Flow) []field.Def {
	return slices.Concat(selectionFields(f), targetFields(f), engineFields(f), groupFields(&f.Control),
		topicFields(&f.Control), heartbeatFields(&f.Control), storageFields(&f.Control))
}

// selectionFields say what is copied and from where on.
func selectionFields(f *Flow) []field.Def {
	return []field.Def{
		field.Bool(&f.Enabled, "enabled", "Whether the flow runs.").
			Legacy("enabled", field.ScopeFlowOnly).
			DefaultIn(field.HCL, "true").DefaultIn(field.Properties, "false"),
		field.List(&f.Topics, "topics", "Topics to copy; a name that matches any pattern is copied.").
			Legacy("topics", field.ScopeFlow).Default(".*").Patterns().Changes(field.Live),
		field.List(&f.TopicsExclude, "topics_exclude",
			"Topics not to copy, even where topics matches. HCL adds to the defaults, a properties file replaces them.").
			Legacy("topics.exclude", field.ScopeFlow).
			Default(strings.Join(DefaultTopicsExclude(), ",")).Patterns().Changes(field.Live),
		field.Bool(&f.DefaultExcludes, "default_excludes",
			"Whether topics_exclude adds to the default excludes; false makes it replace them, as in a properties file.").
			Default("true").Changes(field.Live),
		field.Enum(&f.Start, "start", []Start{StartEarliest, StartLatest},
			"Where a partition without a position begins. From a time on: with its first record of that timestamp or a later one. With a group: where that has committed an offset, as long as it has no members; at their start partitions that it has none of.").
			Or(startOther, startOtherWords, checkStart).
			Legacy("auto.offset.reset", field.ScopeConsumer).Default("earliest").Changes(field.BatchBoundary),
		field.Enum(&f.Delivery, "delivery", []Delivery{ExactlyOnce, Transactional, AtLeastOnce},
			"Whether records are copied again after a crash: exactly_once finds the place to go on at in the target's log, transactional commits records and position together, for readers of committed records, at_least_once repeats what came after the last stored position.").
			Legacy("exactly.once.source.support", field.ScopeWorker).
			LegacyWords(map[string]string{
				"enabled": string(Transactional), "disabled": string(ExactlyOnce), "preparing": string(ExactlyOnce),
			}).Default("exactly_once"),
		field.Duration(&f.TransactionInterval, "transaction_interval", 10*time.Millisecond, 20*time.Second,
			"How long a transaction of delivery = \"transactional\" is open: readers of committed records see nothing of it before, and each partition that it writes to gets one more offset at its end.").
			Default("1s"),
		field.Enum(&f.OnUnproven, "on_unproven", []Unproven{UnprovenContinue, UnprovenStop},
			"What a partition does whose place after a crash cannot be proven: copy again what came after the last stored position, or stop.").
			Default("continue").Changes(field.Live),
		field.Enum(&f.OnGap, "on_gap", []Gap{GapContinue, GapStop},
			"What a partition does when records that were to be read next are gone from its source, by retention, deletion or an unclean election: go on behind them and report which are missing, or stop.").
			Default("continue").Changes(field.Live),
		field.Enum(&f.OnRecreate, "on_recreate", []Recreate{RecreateAnew, RecreateContinue, RecreateStop},
			"What a partition does whose topic was deleted and created again. A new target topic gets all that the source holds (start_anew), or what comes after the stored position (continue); a new source topic is copied from its start, behind what the target has of the old one; stop waits for a person.").
			Default("start_anew").Changes(field.Live),
		field.Enum(&f.IsolationLevel, "isolation_level", []Isolation{ReadCommitted, ReadUncommitted},
			"Whether records of aborted and open transactions are copied. MirrorMaker 2 copies them; read_uncommitted restores that.").
			Legacy("isolation.level", field.ScopeConsumer).Default("read_committed").Changes(field.BatchBoundary),
		field.Duration(&f.RefreshTopicsInterval, "refresh_topics_interval", time.Second, field.MaxDuration,
			"How often topics are listed, so that a new one is mirrored within 5 s. Where listing takes long it is done less often: in a hundredth of the time. MirrorMaker 2 waits 10 minutes.").
			Legacy("refresh.topics.interval.seconds", field.ScopeFlow).LegacyUnit(int64(time.Second)).
			Default("4s").Changes(field.Live),
	}
}

// targetFields say what topics are called and how they are made on the target.
func targetFields(f *Flow) []field.Def {
	const javaPackage = "org.apache.kafka.connect.mirror."
	return []field.Def{
		field.Enum(&f.ReplicationPolicy, "replication_policy", []Policy{PolicyDefault, PolicyIdentity},
			"How a topic is called on the target: <source><separator><topic>, or unchanged.").
			Legacy("replication.policy.class", field.ScopeFlow).
			LegacyWords(map[string]string{
				javaPackage + "DefaultReplicationPolicy":  string(PolicyDefault),
				javaPackage + "IdentityReplicationPolicy": string(PolicyIdentity),
			}).Default("default").Changes(field.Destructive),
		field.Enum(&f.LoopGuard, "loop_guard", []string{LoopGuardAuto, LoopGuardLocal, LoopGuardOff},
			"Whether records that came from the target are left out where topic names are unchanged: auto tells them by who wrote them, which needs loop_guard on the flow in the other direction, too; local leaves out whatever a flow brought to the source, for three or more clusters that each mirror to all others.").
			Default("auto").Changes(field.BatchBoundary),
		field.String(&f.ReplicationPolicySeparator, "replication_policy_separator",
			"Between source alias and topic, and inside the names of internal topics.").
			Legacy("replication.policy.separator", field.ScopeFlow).Default(".").Changes(field.Destructive),
		field.Int(&f.ReplicationFactor, "replication_factor", -1, 32767,
			"Replicas of new target topics; -1 leaves it to the broker.").
			Legacy("replication.factor", field.ScopeFlow).
			DefaultIn(field.HCL, "-1").DefaultIn(field.Properties, "2"),
		field.List(&f.ConfigPropertiesExclude, "config_properties_exclude",
			"Topic settings never copied to the target.").
			Legacy("config.properties.exclude", field.ScopeFlow).
			Default(strings.Join(DefaultConfigPropertiesExclude(), ",")).Patterns().Changes(field.Live),
		field.Map(&f.TopicConfigs, "topic_configs",
			"Settings of target topics by name, such as retention.ms, in the place of their sources'. What byte-exact copies need stays as it is. Give topics that need settings of their own a flow of their own: several flows may run between two clusters."),
		field.Enum(&f.UseDefaultsFrom, "use_defaults_from", []string{"target", "source"},
			"Whose defaults hold for topic settings nobody set.").
			Legacy("use.defaults.from", field.ScopeFlowOnly).Default("target"),
		field.Enum(&f.OwnsOffsets, "owns_offsets", []Ownership{OwnsAuto, OwnsYes, OwnsNo},
			"Whether this flow keeps its positions where MirrorMaker 2 does. Of several flows that copy a topic to the same cluster, all but one must say false and keep theirs under their own names; auto means true.").
			Default("auto").Changes(field.Destructive),
		field.String(&f.DeadLetterTopic, "dead_letter_topic",
			"Topic on the target for records that a stage with on_error = \"dead_letter\" cannot be applied to: they are as the source has them, with headers that say where they were and why, named as Kafka Connect names them. It is created where it is missing. After a crash a record may be there twice."),
		field.Enum(&f.ErrorsTolerance, "errors_tolerance", []string{"none", "all"},
			"Whether a record the target refuses for good stops its partition or is skipped and counted.").
			Legacy("errors.tolerance", field.ScopeFlow).Default("none").Changes(field.Live),
	}
}

// engineFields tune how records move.
func engineFields(f *Flow) []field.Def {
	const mib = 1 << 20
	return []field.Def{
		field.Size(&f.BufferMemory, "buffer_memory", 1*mib, 1<<40,
			"Most bytes held between fetching and acknowledgement.").
			Legacy("buffer.memory", field.ScopeProducer).Default("64MiB"),
		field.Bool(&f.Paused, "paused",
			"Whether the flow reads nothing for now: what was read still arrives, and its place, its topics and its lag stay known.").
			Default("false").Changes(field.Live),
		field.Size(&f.BytesPerSecond, "bytes_per_second", 0, 1<<50,
			"Most bytes that a process reads for the flow in a second, compressed as they are stored, so that catching up leaves room for others; 0: no limit.").
			Default("0").Changes(field.Live),
		field.Int(&f.RecordsPerSecond, "records_per_second", 0, 1<<50,
			"Most records that a process reads for the flow in a second; 0: no limit.").
			Default("0").Changes(field.Live),
		field.Size(&f.FetchMaxBytes, "fetch_max_bytes", 1, field.MaxInt32, "Most bytes of one fetch response.").
			Legacy("fetch.max.bytes", field.ScopeConsumer).Default("8MiB").Changes(field.RestartStage),
		field.Size(&f.MaxPartitionFetchBytes, "max_partition_fetch_bytes", 1, field.MaxInt32,
			"Most bytes of one partition in a fetch response.").
			Legacy("max.partition.fetch.bytes", field.ScopeConsumer).Default("1MiB").Changes(field.RestartStage),
		field.Size(&f.FetchMinBytes, "fetch_min_bytes", 1, field.MaxInt32,
			"Bytes a broker waits for before it answers a fetch.").
			Legacy("fetch.min.bytes", field.ScopeConsumer).Default("1").Changes(field.RestartStage),
		field.Duration(&f.FetchMaxWait, "fetch_max_wait", 0, 10*time.Minute,
			"How long a broker may hold a fetch that has no data yet.").
			Legacy("fetch.max.wait.ms", field.ScopeConsumer).Default("500ms").Changes(field.RestartStage),
		field.Size(&f.MaxRequestSize, "max_request_size", 1024, field.MaxInt32, "Most bytes of one produce request.").
			Legacy("max.request.size", field.ScopeProducer).Default("4MiB").Changes(field.RestartStage),
		field.Duration(&f.RequestTimeout, "request_timeout", 100*time.Millisecond, 15*time.Minute,
			"How long to wait for a broker's answer.").
			Legacy("request.timeout.ms", field.ScopeProducer).Default("30s").Changes(field.RestartStage),
		field.Enum(&f.CompressionType, "compression_type",
			[]Compression{CompressionProducer, "none", "gzip", "snappy", "lz4", "zstd"},
			"How batches are compressed on the target: as they came (producer), or in the codec named here. A batch in another codec is compressed anew as a whole, its records unread, which costs processor time; one that is in it passes as it is.").
			Legacy("compression.type", field.ScopeProducer).
			LegacyWords(map[string]string{"none": "none", "gzip": "gzip", "snappy": "snappy", "lz4": "lz4", "zstd": "zstd"}).
			Default(string(CompressionProducer)).Changes(field.BatchBoundary),
		field.Enum(&f.Coalesce, "coalesce", []string{"auto", "off"},
			"Whether small neighbouring batches may be joined when a partition's pipeline is full.").
			Default("auto").Changes(field.BatchBoundary),
	}
}
