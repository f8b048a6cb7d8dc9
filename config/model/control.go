package model

import (
	"slices"
	"time"
)

// Control is what of a flow is kept in step besides records: groups, topic
// settings, permissions and heartbeats, with MirrorMaker 2's names and
// defaults.
type Control struct {
	Groups                            []string // Java regular expressions, full match, any of
	GroupsExclude                     []string // beats Groups
	GroupPattern                      string   // groups that it matches as a whole are called GroupReplacement at the target
	GroupReplacement                  string   // "$0": as on the source
	RefreshGroupsEnabled              bool
	RefreshGroupsInterval             time.Duration
	EmitCheckpointsEnabled            bool
	EmitCheckpointsInterval           time.Duration
	SyncGroupOffsetsEnabled           bool
	SyncGroupOffsetsInterval          time.Duration
	SyncGroupOffsetsRewindsEnabled    bool
	CheckpointsTopicReplicationFactor int16 // -1: the broker's default, here and below

	RefreshTopicsEnabled                           bool
	DeleteTopicsEnabled                            bool          // copies of topics that were deleted on the source
	DeleteTopicsAfter                              time.Duration // how long those have to be gone
	SyncTopicConfigsEnabled                        bool
	SyncTopicConfigsInterval                       time.Duration
	SyncTopicACLsEnabled                           bool
	SyncTopicACLsInterval                          time.Duration
	SyncPrefixedACLsEnabled                        bool
	SyncGroupACLsEnabled                           bool // these need SyncTopicACLsEnabled
	SyncTransactionalIDACLsEnabled                 bool
	DeleteACLsEnabled                              bool // that the flow has created
	EmitOffsetSyncsEnabled                         bool
	OffsetSyncsTopicLocation                       string // "source" or "target"
	OffsetSyncsTopicReplicationFactor              int16
	OffsetLagMax                                   int64 // records a translated offset may be behind
	ReplicationPolicyInternalTopicSeparatorEnabled bool
	TasksMax                                       int // most partitions copied at a time; 0: no limit
	AdminTimeout                                   time.Duration

	EmitHeartbeatsEnabled            bool
	EmitHeartbeatsInterval           time.Duration
	HeartbeatsTopicReplicationFactor int16
	HeartbeatsReplicationEnabled     bool

	SessionTimeout                 time.Duration // of a process among those that share a flow; at least twice HeartbeatInterval
	HeartbeatInterval              time.Duration
	GroupID                        string // of MirrorMaker 2's workers on the target; "": <source>-mm2
	OffsetStorageTopic             string // "": mm2-offsets.<source>.internal
	OffsetStoragePartitions        int
	OffsetStorageReplicationFactor int16
	OffsetFlushInterval            time.Duration
	OffsetFlushTimeout             time.Duration
}

// EmitsHeartbeats reports whether f writes heartbeats to its target. A flow like
// MirrorMaker 1 knows none.
func (f *Flow) EmitsHeartbeats() bool {
	return (f.Enabled || f.HeartbeatsOnly) && f.Control.EmitHeartbeatsEnabled && f.MirrorMaker1 == nil
}

// SyncsACLs reports whether f copies permissions. One like MirrorMaker 1 does not.
func (f *Flow) SyncsACLs() bool { return f.Control.SyncTopicACLsEnabled && f.MirrorMaker1 == nil }

// KnowsCopies reports whether the name of a target topic says that it is a copy, and
// its partitions where those of the source end in it, so that what others wrote to it
// is told from what the flow did. Behind what it wrote in transactions are markers.
func (f *Flow) KnowsCopies() bool {
	return f.ReplicationPolicy == PolicyDefault && f.Delivery != Transactional && f.MirrorMaker1 == nil && !f.Renames() &&
		!slices.ContainsFunc(f.Stages, func(s *Stage) bool { return s.Kind == StagePartition })
}

// DeletesTopics reports whether f deletes copies of topics that were deleted on the
// source.
func (f *Flow) DeletesTopics() bool { return f.Control.DeleteTopicsEnabled && f.KnowsCopies() }

// TakesBackACLs reports whether f deletes permissions that it has created.
func (f *Flow) TakesBackACLs() bool { return f.SyncsACLs() && f.Control.DeleteACLsEnabled }

// TracksOffsets reports whether f keeps track of which offsets of its clusters are
// the same place, for readers of offset syncs or for the offsets of groups. A flow
// like MirrorMaker 1 does not, nor one that scatters records, nor one that leaves MirrorMaker 2's place to others.
func (f *Flow) TracksOffsets() bool {
	c := &f.Control
	return f.Enabled && f.MirrorMaker1 == nil && !f.Scatters() && f.OwnsOffsets != OwnsNo &&
		(c.EmitOffsetSyncsEnabled || c.EmitCheckpointsEnabled || c.SyncGroupOffsetsEnabled)
}
