package offsets

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/groupsync"
	"github.com/strait-mirror/strait/flows/mirror"
	"github.com/strait-mirror/strait/flows/position"
)

// quiet is how long positions are looked at before they are set: while a flow
// moves it stores them every five seconds, on a busy machine somewhat later.
const quiet = 10 * time.Second

// Position is how far a flow has mirrored a partition.
type Position struct {
	At        cluster.TopicPartition // on the source
	Offset    int64                  // of the last mirrored record; -1: none
	TargetEnd int64                  // where its copy ends on the target; -1: not known
	End       int64                  // of the partition on the source now; -1: not known
	Bare      bool                   // as MirrorMaker 2 writes it, or a person
}

// Positions lists how far the flow is, by partition.
func (p *Pair) Positions(ctx context.Context) ([]Position, error) {
	if err := p.reach(ctx); err != nil {
		return nil, err
	}
	anchors, err := p.Anchors(ctx)
	if err != nil {
		return nil, err
	}
	var out []Position
	var all []cluster.TopicPartition
	for _, a := range anchors {
		if !p.names.Selected(a.Topic) {
			continue
		}
		at := cluster.TopicPartition{Topic: a.Topic, Partition: a.Partition}
		all = append(all, at)
		out = append(out, Position{At: at, Offset: a.Offset, TargetEnd: a.TargetEnd, End: -1, Bare: a.Bare()})
		if a.Bare() {
			out[len(out)-1].TargetEnd = -1
		}
	}
	ends := p.source.ListOffsets(ctx, cluster.HighWatermark, all)
	for i := range out {
		if end := ends[out[i].At]; end.Err == nil {
			out[i].End = end.Offset
		}
	}
	slices.SortFunc(out, func(a, b Position) int { return byPlace(a.At, b.At) })
	return out, nil
}

// Edit is a position that is to be set.
type Edit struct {
	At     cluster.TopicPartition // on the source
	Offset int64                  // of the last record that counts as mirrored; -1: none, as for a new partition
	Now    int64                  // the position it has; -1: none
}

// Plan returns what setting positions changes. to has -1 for positions that are to
// be deleted. It refuses what the flow does not mirror.
func (p *Pair) Plan(ctx context.Context, to map[cluster.TopicPartition]int64) ([]Edit, error) {
	now, err := p.Positions(ctx)
	if err != nil {
		return nil, err
	}
	has := map[cluster.TopicPartition]int64{}
	for _, n := range now {
		has[n.At] = n.Offset
	}
	var out []Edit
	var foreign []error
	for _, at := range slices.SortedFunc(maps.Keys(to), byPlace) {
		if !p.names.Selected(at.Topic) {
			foreign = append(foreign, fmt.Errorf("topic %q is nothing that this flow mirrors", at.Topic))
			continue
		}
		e := Edit{At: at, Offset: to[at], Now: -1}
		if is, ok := has[at]; ok {
			e.Now = is
		}
		if e.Offset != e.Now {
			out = append(out, e)
		}
	}
	return out, errors.Join(foreign...)
}

// RunningError says that positions were not set since somebody mirrors the flow.
type RunningError struct{ Why string }

func (e *RunningError) Error() string {
	return e.Why + ": whoever mirrors would overwrite what is set; stop it first"
}

// Set sets positions. It refuses while MirrorMaker 2 runs between the clusters, or
// while positions of the flow move.
func (p *Pair) Set(ctx context.Context, edits []Edit) error {
	if len(edits) == 0 {
		return nil
	}
	if err := p.still(ctx); err != nil {
		return err
	}
	if p.flow.Delivery == model.Transactional {
		if err := mirror.Fence(ctx, p.flow, p.target); err != nil {
			return err
		}
	}
	var list []position.Edit
	for _, e := range edits {
		list = append(list, position.Edit{Lane: position.Lane{Topic: e.At.Topic, Partition: e.At.Partition}, Offset: e.Offset})
	}
	return p.target.Explain(p.store.Edit(ctx, list))
}

// still reports whether nobody seems to mirror the flow.
func (p *Pair) still(ctx context.Context) error {
	// That is how MirrorMaker 2 calls the group of its workers for this pair.
	err := groupsync.Free(ctx, p.target, p.flow.From+"-mm2")
	if used, ok := errors.AsType[*groupsync.InUseError](err); ok {
		return &RunningError{fmt.Sprintf("MirrorMaker 2 runs on %q in group %q", p.target.Alias(), used.Group)}
	}
	if err != nil {
		return err
	}
	before := p.store.All()
	select {
	case <-time.After(quiet):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	after, err := p.Anchors(ctx)
	if err != nil {
		return err
	}
	byLane := func(a, b position.Anchor) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	}
	slices.SortFunc(before, byLane)
	slices.SortFunc(after, byLane)
	if !slices.Equal(before, after) {
		return &RunningError{fmt.Sprintf("positions of %q on %q moved while they were looked at", p.flow.From, p.target.Alias())}
	}
	return nil
}
