package model

import (
	"time"
)

// MirrorMaker1 is what makes a flow behave as MirrorMaker 1: its positions are
// the committed offsets of a consumer group on its source, and records go where
// their keys name, not where they came from. Nothing but mirrored topics is
// written to the target.
type MirrorMaker1 struct {
	Group          string        // group.id on the source
	CommitInterval time.Duration // between two commits; after a crash so much is repeated
	KeepPartitions bool          // pass batches through to the partition of the same number
	LeaveTopics    bool          // topics of the target are neither created nor grown

	// The rest is of no concern with KeepPartitions.

	IgnoreKeys bool          // spread all records as those without a key
	BatchSize  int32         // bytes after which records without a key go to another partition
	Linger     time.Duration // how long a batch waits for more records
}

// Repartitions reports whether records of f go to the partitions that their
// keys name.
func (f *Flow) Repartitions() bool { return f.MirrorMaker1 != nil && !f.MirrorMaker1.KeepPartitions }
