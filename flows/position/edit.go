package position

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/flows/internal/mm2fmt"
)

// Edit is a position that a person sets.
type Edit struct {
	Lane

	Offset int64 // last mirrored source offset; -1: the lane has no position any more
}

// Edit writes positions that say nothing but an offset, as MirrorMaker 2's own do,
// or none, and forgets the previous ones: whoever goes on there goes on behind
// Offset, whatever the target holds. Nobody may mirror these lanes meanwhile.
func (s *Store) Edit(ctx context.Context, edits []Edit) error {
	if len(edits) == 0 {
		return nil
	}
	if err := s.takeTurn(ctx); err != nil {
		return fmt.Errorf("editing %d positions: %w", len(edits), err)
	}
	defer func() { s.turn <- struct{}{} }()
	if err := s.requestID(ctx); err != nil {
		return fmt.Errorf("editing %d positions: %w", len(edits), err)
	}
	var records []*kgo.Record
	for _, e := range edits {
		key := mm2fmt.OffsetKey{Connector: s.p.Owner, Cluster: s.p.SourceAlias, Topic: e.Topic, Partition: e.Partition}
		r := &kgo.Record{Topic: s.p.Topic, Key: key.Append(nil)} // without a value: deleted
		if e.Offset >= 0 {
			r.Value = mm2fmt.BareOffset(e.Offset).Append(nil)
		}
		key.Connector = s.previousOwner()
		records = append(records, r, &kgo.Record{Topic: s.p.Topic, Key: key.Append(nil)})
	}
	if err := s.produce(ctx, records); err != nil {
		return fmt.Errorf("editing %d positions: %w", len(edits), err)
	}
	return nil
}
