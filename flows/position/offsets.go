package position

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/flows/internal/admin"
)

// findEnds asks for the bounds of the log. The end is the high watermark and
// not the last stable offset: behind an open transaction of MirrorMaker 2's
// there may be anchors of ours. A new leader answers only once it knows the
// true one (KIP-207).
func (r *reader) findEnds(ctx context.Context, t *admin.Topic) error {
	starts, err := r.listOffsets(ctx, t, -2)
	if err != nil {
		return err
	}
	ends, err := r.listOffsets(ctx, t, -1)
	if err != nil {
		return err
	}
	for partition, start := range starts {
		next := r.store.next[partition]
		if next > ends[partition] { // the topic was truncated or created anew
			next = start
		}
		r.store.next[partition] = max(next, start)
	}
	r.ends = ends
	return nil
}

// listOffsets asks the leaders one by one: the client would ask those it knew
// of some seconds ago, which for a new topic are none.
func (r *reader) listOffsets(ctx context.Context, t *admin.Topic, timestamp int64) (map[int32]int64, error) {
	offsets := make(map[int32]int64, len(t.Partitions))
	byLeader := make(map[int32]*kmsg.ListOffsetsRequest)
	for _, p := range t.Partitions {
		if p.Leader < 0 {
			return nil, fmt.Errorf("listing offsets of %s/%d: %w", t.Name, p.Number, kerr.LeaderNotAvailable)
		}
		req := byLeader[p.Leader]
		if req == nil {
			req = kmsg.NewPtrListOffsetsRequest()
			rt := kmsg.NewListOffsetsRequestTopic()
			rt.Topic = t.Name
			req.Topics = append(req.Topics, rt)
			byLeader[p.Leader] = req
		}
		rp := kmsg.NewListOffsetsRequestTopicPartition()
		rp.Partition, rp.Timestamp = p.Number, timestamp
		req.Topics[0].Partitions = append(req.Topics[0].Partitions, rp)
	}
	for leader, req := range byLeader {
		resp, err := r.store.p.Client.Broker(int(leader)).RetriableRequest(ctx, req)
		if err != nil {
			return nil, fmt.Errorf("listing offsets of topic %q on broker %d: %w", t.Name, leader, err)
		}
		if err := takeOffsets(offsets, resp.(*kmsg.ListOffsetsResponse)); err != nil {
			return nil, err
		}
	}
	if len(offsets) != len(t.Partitions) {
		return nil, fmt.Errorf("listing offsets of topic %q: %d of %d partitions answered", t.Name, len(offsets), len(t.Partitions))
	}
	return offsets, nil
}

func takeOffsets(offsets map[int32]int64, resp *kmsg.ListOffsetsResponse) error {
	for _, rt := range resp.Topics {
		for _, rp := range rt.Partitions {
			if err := kerr.ErrorForCode(rp.ErrorCode); err != nil {
				return fmt.Errorf("listing offsets of %s/%d: %w", rt.Topic, rp.Partition,
					admin.Refused(err, "DESCRIBE", admin.OnTopic(rt.Topic)))
			}
			offsets[rp.Partition] = rp.Offset
		}
	}
	return nil
}
