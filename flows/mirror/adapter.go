package mirror

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/batch"
	"github.com/strait-mirror/strait/flows/internal/memory"
	"github.com/strait-mirror/strait/flows/internal/wire"
	"github.com/strait-mirror/strait/flows/sink"
)

// view shows a cluster to the fetcher and the sink in their own words.
type view struct{ *cluster.Cluster }

// Leader is as the fetcher and the sink want it.
//
//nolint:revive // their interfaces have four results
func (v view) Leader(topic string, partition int32) (broker, epoch int32, id wire.TopicID, ok bool) {
	l, ok := v.Metadata().Leader(topic, partition)
	return l.Broker, l.Epoch, l.ID, ok
}

func (v view) Refresh(ctx context.Context) error { return v.Metadata().Refresh(ctx) }

func (v view) Hint(topic string, partition, leader, epoch int32) {
	v.Metadata().Hint(topic, partition, leader, epoch)
}

func (v view) Earliest(ctx context.Context, topic string, partition int32) (int64, int32, error) {
	return v.one(ctx, cluster.Earliest, topic, partition)
}

func (v view) Latest(ctx context.Context, topic string, partition int32) (int64, int32, error) {
	return v.one(ctx, cluster.HighWatermark, topic, partition)
}

func (v view) one(ctx context.Context, at cluster.Position, topic string, partition int32) (int64, int32, error) {
	key := cluster.TopicPartition{Topic: topic, Partition: partition}
	o := v.ListOffsets(ctx, at, []cluster.TopicPartition{key})[key]
	return o.Offset, o.Epoch, o.Err
}

// targetLog reads back what a target partition holds.
type targetLog struct {
	cluster *cluster.Cluster
	client  *wire.Client
	budget  *memory.Budget
}

// readBack is how much of a log one request reads: all that a lane may have in
// flight is within a few of them.
const readBack = 4 << 20

// LastAppend walks the headers of the batches from an offset to the log's true
// end. It waits until all of it is replicated, since only that is shown.
func (t *targetLog) LastAppend(ctx context.Context, key wire.PartitionKey, from, producerID int64, epoch int16) (sink.Appended, error) {
	tp := cluster.TopicPartition{Topic: key.Topic, Partition: key.Partition}
	end := t.cluster.ListOffsets(ctx, cluster.LogEnd, []cluster.TopicPartition{tp})[tp]
	if end.Err != nil {
		return sink.Appended{}, end.Err
	}
	a := sink.Appended{End: end.Offset}
	w := writer{producerID, epoch}
	err := t.walk(ctx, key, from, end.Offset, func(b batch.Batch) {
		if b.NextOffset() > from && w.wrote(b) {
			a.Found, a.LastSequence, a.NextOffset = true, lastSequence(b), b.NextOffset()
		}
	})
	if err != nil {
		return sink.Appended{}, err
	}
	return a, nil
}

// walk shows the batches of a log from an offset to its end.
func (t *targetLog) walk(ctx context.Context, key wire.PartitionKey, from, end int64, show func(batch.Batch)) error {
	for at := from; at < end; {
		next, err := t.scan(ctx, key, at, readBack, show)
		if err != nil {
			return err
		}
		if next == at {
			// Not replicated yet, or nothing readable is left: the caller
			// tries again.
			return kerr.OffsetNotAvailable
		}
		at = next
	}
	return nil
}

// scan shows the batches of one fetch of about size bytes at an offset and
// returns the offset after them.
func (t *targetLog) scan(ctx context.Context, key wire.PartitionKey, at int64, size int32, show func(batch.Batch)) (int64, error) {
	leader, ok := t.cluster.Metadata().Leader(key.Topic, key.Partition)
	if !ok {
		return at, kerr.LeaderNotAvailable
	}
	resp, err := t.client.Fetch(ctx, leader.Broker, &wire.FetchRequest{
		MinBytes: 1, MaxBytes: size, SessionEpoch: -1,
		Partitions: []wire.FetchPartition{{
			PartitionKey: wire.PartitionKey{Topic: key.Topic, ID: leader.ID, Partition: key.Partition},
			Offset:       at, MaxBytes: size,
			CurrentEpoch: leader.Epoch, LastFetchedEpoch: wire.NoEpoch,
		}},
	}, t.budget)
	if err != nil {
		return at, err
	}
	defer func() {
		for i := range resp.Partitions {
			if b := resp.Partitions[i].Records; b != nil {
				b.Release()
			}
		}
	}()
	if resp.ErrorCode != 0 {
		return at, kerr.ErrorForCode(resp.ErrorCode)
	}
	if len(resp.Partitions) != 1 {
		return at, fmt.Errorf("reading back %s/%d: the answer has %d partitions, want 1", key.Topic, key.Partition, len(resp.Partitions))
	}
	p := &resp.Partitions[0]
	if p.ErrorCode != 0 {
		return at, kerr.ErrorForCode(p.ErrorCode)
	}
	if p.Records == nil {
		return at, nil
	}
	rest := p.Records.Bytes()
	for {
		b, tail, err := batch.Next(rest)
		if err != nil {
			return at, nil // the rest is cut off
		}
		show(b)
		at, rest = max(at, b.NextOffset()), tail
	}
}
