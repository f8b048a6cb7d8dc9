package grant

import (
	"cmp"
	"slices"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/transforms/filter"
	"github.com/strait-mirror/strait/transforms/rename"
)

// Feature is what a permission is for.
type Feature string

// The features of a flow.
const (
	Copying     Feature = "copying"      // of records
	Proof       Feature = "proof"        // of what has arrived, after an interruption
	Creation    Feature = "creation"     // of topics on the target, and of partitions
	Settings    Feature = "settings"     // of topics, so that the target takes batches as they are
	Deletion    Feature = "deletion"     // of copies of deleted topics
	Positions   Feature = "positions"    // where to go on
	Sharing     Feature = "sharing"      // of the work among processes
	LoopGuard   Feature = "loop_guard"   // telling copies from local records
	ACLs        Feature = "acls"         // of topics, on the target as on the source
	DeadLetters Feature = "dead_letters" // records that stages cannot be applied to
	Heartbeat   Feature = "heartbeats"   // by whose age watchers tell which mirrors are alive

	OffsetSyncs  Feature = "offset_syncs"  // which offsets of both clusters are the same place
	Checkpoints  Feature = "checkpoints"   // where consumer groups go on at the target
	GroupOffsets Feature = "group_offsets" // of the groups at the target themselves
)

// need is one line of the declaration.
type need struct {
	feature Feature
	when    func(f *model.Flow) bool // which flows have it; nil for all
	on      place
	op      Operation
	why     string
	by      client // who asks for it
}

// client tells the clients of a flow apart, of which each may have its own user:
// as in MirrorMaker 2 one for records and one for all else.
type client int

const (
	control client = iota
	records        // fetches from the source, or writes to the target: also what the control plane writes there
)

// place says which cluster has to grant a permission of a flow, and on what.
// selected are the topics that the flow copies, as the source calls them.
type place func(f *model.Flow, selected []On) (alias string, on []On)

const toProve = "to find out after an interruption what has arrived; without it records may be repeated"

// needs declares every permission that a flow uses, once. Kafka's authorizers
// have READ, WRITE and ALTER include DESCRIBE, ALTER_CONFIGS include
// DESCRIBE_CONFIGS, and WRITE on any topic stand for IDEMPOTENT_WRITE (KIP-679,
// 2.8), so that those are asked for nowhere.
func needs() []need {
	return []need{
		{Copying, nil, sourceTopics, Read, "to find and fetch the topics: one that may not be described is not seen at all", records},
		{Copying, nil, sourceTopics, Describe, "to find the topics: one that may not be described is not seen at all", control},
		{Settings, nil, sourceTopics, DescribeConfigs, "to know what batches the target must be able to take", control},
		{Copying, nil, targetTopics, Write, "to write records", records},
		{Copying, nil, targetTopics, Describe, "to find the copies", control},
		{Copying, transactional, transactionalIDs, Write, "to write records and positions in transactions", records},
		{DeadLetters, (*model.Flow).DeadLetters, deadLetters, Write, "to write records that stages cannot be applied to", records},
		{DeadLetters, (*model.Flow).DeadLetters, deadLetters, Create, "to create the topic of dead letters; not needed where it exists", control},
		{Proof, nil, targetTopics, Read, toProve, records},
		{Proof, counts, targetTopics, Read, toProve, control},
		{Proof, counts, transactionalIDs, Write, "to shut out late requests where records are older than the target remembers their producer for; without it 5 s are waited after each lost connection", records},
		{Proof, nil, target, DescribeConfigs, "to know when brokers forget a producer (producer.id.expiration.ms); without it Kafka's default, a day, is assumed", control},
		{Creation, creates, targetTopics, Create, "to create topics; not needed where they all exist", control},
		{Creation, grows, targetTopics, Alter, "to add partitions when the source gets more", control},
		{Deletion, (*model.Flow).DeletesTopics, targetTopics, Delete, "to delete copies of topics that were deleted on the source", control},
		{Settings, nil, targetTopics, DescribeConfigs, "to see whether the target changes or refuses data", control},
		{Settings, creates, targetTopics, AlterConfigs, "to see whether the target changes or refuses data, and to keep it from that", control},
		{Positions, anchors, positions, Read, "to go on where it stopped", control},
		{Positions, anchors, positions, Write, "to record where to go on", control},
		{Positions, transactional, positions, Write, "to record where to go on, in the transaction of the records", records},
		{Positions, anchors, positions, Create, "to create the topic of positions; not needed where it exists", control},
		{Positions, anchors, positions, DescribeConfigs, "to see that no positions are deleted", control},
		{Positions, imports, imported, Read, "to take over the positions of the connector", control},
		{Positions, imports, allGroups, Describe, "to notice that the connector still runs; without it every record may be copied twice", control},
		{Positions, beginsAsGroup, begun, Describe, "to begin where the group is", control},
		{Positions, commits, group, Read, "to go on where the group is, and to commit its offsets", control},
		{Positions, anchors, workers, Describe, "to notice a MirrorMaker 2 that mirrors the same; without it every record may be copied twice", control},
		{Sharing, anchors, members, Read, "to share the work with other processes that run the same, and to take over from them; without it a process runs alone", control},
		{LoopGuard, (*model.Flow).Guarded, written, Read, "to know which producer ids are entered", control},
		{LoopGuard, (*model.Flow).Guarded, written, Write, "to enter the producer ids that records are written with", records},
		{LoopGuard, (*model.Flow).Guarded, written, Create, "to create the topic of producer ids; not needed where it exists", control},
		{LoopGuard, (*model.Flow).Guarded, written, DescribeConfigs, "to see that no producer ids are deleted", control},
		{LoopGuard, (*model.Flow).Guarded, marked, Read, "to leave out records that came from the target", control},
		{ACLs, (*model.Flow).SyncsACLs, source, Describe, "to read who may use the topics", control},
		{ACLs, (*model.Flow).SyncsACLs, target, Alter, "to let the same use the copies; not needed with sync_topic_acls_enabled = false", control},
		{ACLs, (*model.Flow).TakesBackACLs, aclsTopic, Read, "to know which ACLs are its own", control},
		{ACLs, (*model.Flow).TakesBackACLs, aclsTopic, Write, "to enter which ACLs are its own", records},
		{ACLs, (*model.Flow).TakesBackACLs, aclsTopic, Create, "to create the topic of its own ACLs; not needed where it exists", control},
		{Heartbeat, emits, beats, Write, "to show that the mirror is alive", records},
		{Heartbeat, emits, beats, Create, "to create the topic of heartbeats; not needed where it exists", control},
		{OffsetSyncs, syncs, syncsTopic, Read, "to know what was synced before", control},
		{OffsetSyncs, syncs, syncsTopic, Write, "to write offset syncs", records},
		{OffsetSyncs, syncs, syncsTopic, Create, "to create the topic of offset syncs; not needed where it exists", control},
		{OffsetSyncs, (*model.Flow).TracksOffsets, placesTopic, Read, "to translate offsets from before this start", control},
		{OffsetSyncs, (*model.Flow).TracksOffsets, placesTopic, Write, "to translate offsets after the next start", records},
		{OffsetSyncs, (*model.Flow).TracksOffsets, placesTopic, Create, "to create the topic of known places; not needed where it exists", control},
		{Checkpoints, asksGroups, sourceGroups, Describe, "to find consumer groups and where they are", control},
		{Checkpoints, asksGroups, checkpointsTopic, Read, "to know what was written before", control},
		{Checkpoints, checkpoints, checkpointsTopic, Write, "to write checkpoints", records},
		{Checkpoints, checkpoints, checkpointsTopic, Create, "to create the topic of checkpoints; not needed where it exists", control},
		{GroupOffsets, commitsGroups, targetGroups, Read, "to see whether a group is in use, and to write its offsets", control},
		{GroupOffsets, commitsGroups, targetTopics, Read, "to write offsets of them", control},
	}
}

// transactional reports whether a flow writes in transactions.
func transactional(f *model.Flow) bool { return f.Delivery == model.Transactional }

// counts reports whether a flow proves what has arrived by counting records.
func counts(f *model.Flow) bool {
	return f.Delivery == model.ExactlyOnce && !f.Repartitions() && f.MirrorMaker1 == nil
}

// transactionalIDs are those that the flow writes with, or takes producer ids from.
func transactionalIDs(f *model.Flow, _ []On) (string, []On) {
	return f.To, []On{Transactions(model.TransactionalID(f) + "-")}
}

// anchors reports whether a flow keeps its positions on the target.
func anchors(f *model.Flow) bool { return f.MirrorMaker1 == nil }

// imports reports whether a flow takes over the positions of a connector.
func imports(f *model.Flow) bool { return f.Positions != nil && anchors(f) }

// beginsAsGroup reports whether a flow begins where a group of the source is.
func beginsAsGroup(f *model.Flow) bool {
	_, ok := f.Start.Group()
	return ok
}

// commits reports whether a flow keeps its positions as MirrorMaker 1 does.
func commits(f *model.Flow) bool { return f.MirrorMaker1 != nil }

// creates reports whether a flow may create and change topics.
func creates(f *model.Flow) bool { return f.MirrorMaker1 == nil || !f.MirrorMaker1.LeaveTopics }

// grows reports whether a flow adds partitions: one that writes by key has no
// use for them.
func grows(f *model.Flow) bool { return creates(f) && (f.MirrorMaker1 == nil || !f.Repartitions()) }

// emits reports whether a flow writes heartbeats where it runs.
func emits(f *model.Flow) bool { return f.Control.EmitHeartbeatsEnabled && f.MirrorMaker1 == nil }

// syncs reports whether a flow writes offset syncs.
func syncs(f *model.Flow) bool { return f.TracksOffsets() && f.Control.EmitOffsetSyncsEnabled }

// checkpoints reports whether a flow writes checkpoints.
func checkpoints(f *model.Flow) bool { return f.TracksOffsets() && f.Control.EmitCheckpointsEnabled }

// commitsGroups reports whether a flow writes offsets of groups.
func commitsGroups(f *model.Flow) bool { return f.TracksOffsets() && f.Control.SyncGroupOffsetsEnabled }

// asksGroups reports whether a flow wants to know where groups are.
func asksGroups(f *model.Flow) bool { return checkpoints(f) || commitsGroups(f) }

// sourceTopics are the topics that are copied.
func sourceTopics(f *model.Flow, selected []On) (string, []On) { return f.From, selected }

// targetTopics are what they are called on the target.
func targetTopics(f *model.Flow, selected []On) (string, []On) { return f.To, onTarget(f, selected) }

// deadLetters is the topic of records that stages cannot be applied to.
func deadLetters(f *model.Flow, _ []On) (string, []On) {
	return f.To, []On{Topic(f.DeadLetterTopic)}
}

// imported is the topic in which a connector kept its positions.
func imported(f *model.Flow, _ []On) (string, []On) { return f.To, []On{Topic(f.Positions.Topic)} }

// allGroups is every group: that of the connector's workers is not known.
func allGroups(f *model.Flow, _ []On) (string, []On) { return f.To, []On{Group("*")} }

// target is the target cluster itself.
func target(f *model.Flow, _ []On) (string, []On) { return f.To, []On{Itself()} }

// positions is the topic of positions.
func positions(f *model.Flow, _ []On) (string, []On) {
	return f.To, []On{Topic("mm2-offsets." + f.From + ".internal")}
}

// written is the topic of the producer ids that the flow writes with.
func written(f *model.Flow, _ []On) (string, []On) {
	return f.To, []On{Topic("mm2-strait-index." + f.From + ".internal")}
}

// marked is the topic of the producer ids of a flow in the other direction.
func marked(f *model.Flow, _ []On) (string, []On) {
	return f.From, []On{Topic("mm2-strait-index." + f.To + ".internal")}
}

// group is the consumer group of a flow like MirrorMaker 1.
func group(f *model.Flow, _ []On) (string, []On) { return f.From, []On{Group(f.MirrorMaker1.Group)} }

// begun is the group where a flow begins.
func begun(f *model.Flow, _ []On) (string, []On) {
	name, _ := f.Start.Group()
	return f.From, []On{Group(name)}
}

// source is the source itself.
func source(f *model.Flow, _ []On) (string, []On) { return f.From, []On{Itself()} }

// members is the group in which processes share the work; that of a deployment has
// a longer name.
func members(f *model.Flow, _ []On) (string, []On) {
	return f.To, []On{{Kind: Groups, Name: f.From + "-mm2-strait", Prefixed: true}}
}

// workers is the group of MirrorMaker 2's workers.
func workers(f *model.Flow, _ []On) (string, []On) {
	return f.To, []On{Group(cmp.Or(f.Control.GroupID, f.From+"-mm2"))}
}

// beats is the topic of heartbeats.
func beats(f *model.Flow, _ []On) (string, []On) { return f.To, []On{Topic(rename.Heartbeats)} }

// syncsTopic is the topic of offset syncs.
func syncsTopic(f *model.Flow, _ []On) (string, []On) {
	if f.Control.OffsetSyncsTopicLocation == "source" {
		return f.From, []On{Topic(rename.ForFlow(f).OffsetSyncsTopic(f.To))}
	}
	return f.To, []On{Topic(rename.ForFlow(f).OffsetSyncsTopic(f.From))}
}

// aclsTopic is the topic of the ACLs that flows have created.
func aclsTopic(f *model.Flow, _ []On) (string, []On) {
	return f.To, []On{Topic("mm2-strait-acls." + f.From + ".internal")}
}

// placesTopic is the topic of known places.
func placesTopic(f *model.Flow, _ []On) (string, []On) {
	return f.To, []On{Topic("mm2-strait-places." + f.From + ".internal")}
}

// checkpointsTopic is the topic of checkpoints.
func checkpointsTopic(f *model.Flow, _ []On) (string, []On) {
	return f.To, []On{Topic(rename.ForFlow(f).CheckpointsTopic(f.From))}
}

// sourceGroups are the groups that a flow takes along, targetGroups the same at
// the target.
func sourceGroups(f *model.Flow, _ []On) (string, []On) { return f.From, groups(f) }
func targetGroups(f *model.Flow, _ []On) (string, []On) { return f.To, called(f, groups(f)) }

// called are groups as they are called at the target; all where that is not known
// before they are seen.
func called(f *model.Flow, groups []On) []On {
	names, problems := filter.GroupsForFlow(f)
	if problems.HasErrors() || !names.Renames() {
		return groups
	}
	out := make([]On, len(groups))
	for i, g := range groups {
		name, err := names.Name(g.Name)
		if err != nil || g.Prefixed || g == Group("*") {
			return []On{Group("*")}
		}
		out[i] = Group(name)
	}
	return out
}

func groups(f *model.Flow) []On {
	out := matched(f.Control.Groups)
	for i := range out {
		out[i].Kind = Groups
	}
	return out
}

// Need is why a permission is needed.
type Need struct {
	Flow    string
	Feature Feature
	Why     string
}

// Entry is a permission and everything that needs it.
type Entry struct {
	Grant
	Needs []Need
}

// OnCluster is what one cluster has to grant to one of our users.
type OnCluster struct {
	Alias     string
	Principal string
	As        *model.Cluster // how that user connects; nil: as the cluster says
	Entries   []Entry
}

// For returns the least set of permissions that flows need, by cluster and user in
// the order in which the flows name them. principal says who a cluster takes us
// for; settings are those of a client of its own, or nil.
func For(flows []*model.Flow, principal func(alias string, settings *model.Cluster) string) []OnCluster {
	var out []OnCluster
	add := func(alias string, as *model.Cluster, e Entry) {
		who := principal(alias, as)
		i := slices.IndexFunc(out, func(o OnCluster) bool { return o.Alias == alias && o.Principal == who })
		if i < 0 {
			i = len(out)
			out = append(out, OnCluster{Alias: alias, Principal: who, As: as})
		}
		out[i].Entries = append(out[i].Entries, e)
	}
	alive := heartbeats(flows)
	for _, f := range flows {
		selected := atSource(f)
		selected = append(selected, copies(f, alive[f.From], selected)...)
		for _, n := range needs() {
			if n.when != nil && !n.when(f) || f.HeartbeatsOnly && n.feature != Heartbeat {
				continue
			}
			alias, resources := n.on(f, selected)
			for _, on := range resources {
				add(alias, settingsOf(f, alias, n.by), Entry{Grant{n.op, on}, []Need{{Flow: f.Name, Feature: n.feature, Why: n.why}}})
			}
		}
	}
	for i := range out {
		out[i].Entries = least(out[i].Entries)
	}
	return out
}

// settingsOf is how a client of a flow connects; nil: as the cluster says.
func settingsOf(f *model.Flow, alias string, by client) *model.Cluster {
	own := f.Connections
	switch {
	case alias == f.From && by == records:
		return own.SourceConsumer
	case alias == f.From:
		return own.SourceAdmin
	case by == records:
		return own.TargetProducer
	}
	return own.TargetAdmin
}
