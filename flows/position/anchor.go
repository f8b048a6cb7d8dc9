// Package position owns the anchors: how far each partition of a source has
// been mirrored, kept on the target in MirrorMaker 2's own topic and format so
// that either program can go on where the other stopped. It reads and writes
// mm2-offsets.<source>.internal and decides when an anchor is due. What an
// anchor proves after a crash is its readers' business; the bytes are package
// mm2fmt's.
package position

import (
	"github.com/strait-mirror/strait/flows/internal/mm2fmt"
)

// Anchor is how far one partition of the source has been mirrored, and what is
// needed to find the exact place to resume at when more was mirrored after the
// anchor was written.
//
// Before the first batch of a partition that starts at offset S0, its anchor
// has the Offset S0-1. For S0 = 0 that is -1, which MirrorMaker 2 takes for
// "no position": it starts where auto.offset.reset says, by default at the
// earliest record, which is the same place; offset 0 would make it skip one.
type Anchor struct {
	Topic     string // on the source
	Partition int32  // of Topic

	Offset  int64 // last mirrored or passed source offset; -1: none
	Version int   // 0: written by MirrorMaker 2, or by a newer Strait: only Offset counts; Write fills it in

	TargetEnd     int64    // end offset of the target partition behind Offset's record; -1: not known
	ProducerID    int64    // whose batches the target partition holds; -1: not known
	ProducerEpoch int16    // of ProducerID
	NextSequence  int32    // of the record behind Offset, which is the next index in the filtered stream
	LeaderEpoch   int32    // source leader epoch of the last batch; -1: not known
	SourceTopicID [16]byte // zero: the broker has none
	TargetTopicID [16]byte // zero: the broker has none
	Chain         string   // fingerprint of the stages of the lane, at most 1 KiB
	Generation    int32    // of the group when the anchor was written
	Fence         int32    // number of the transactional id that gave out ProducerID (package fence); 0: none did
}

// Next returns the source offset to resume at when nothing was mirrored after
// the anchor.
func (a Anchor) Next() int64 { return a.Offset + 1 }

// Bare reports whether the anchor is no more than a MirrorMaker 2 position:
// only Topic, Partition and Offset say something.
func (a Anchor) Bare() bool { return a.Version == 0 }

// Lane returns the partition the anchor belongs to.
func (a Anchor) Lane() Lane { return Lane{a.Topic, a.Partition} }

// Lane names a partition of the source.
type Lane struct {
	Topic     string
	Partition int32
}

func (a Anchor) value() mm2fmt.OffsetValue {
	return mm2fmt.OffsetValue{
		Offset: a.Offset, Version: mm2fmt.OffsetVersion,
		TargetEnd: a.TargetEnd, ProducerID: a.ProducerID, ProducerEpoch: a.ProducerEpoch,
		NextSequence: a.NextSequence, LeaderEpoch: a.LeaderEpoch,
		SourceTopicID: a.SourceTopicID, TargetTopicID: a.TargetTopicID,
		Chain: a.Chain, Generation: a.Generation, Fence: a.Fence,
	}
}

func newAnchor(lane Lane, v mm2fmt.OffsetValue) Anchor {
	return Anchor{
		Topic: lane.Topic, Partition: lane.Partition,
		Offset: v.Offset, Version: v.Version,
		TargetEnd: v.TargetEnd, ProducerID: v.ProducerID, ProducerEpoch: v.ProducerEpoch,
		NextSequence: v.NextSequence, LeaderEpoch: v.LeaderEpoch,
		SourceTopicID: v.SourceTopicID, TargetTopicID: v.TargetTopicID,
		Chain: v.Chain, Generation: v.Generation, Fence: v.Fence,
	}
}
