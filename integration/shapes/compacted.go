package shapes

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/integration/compare"
	"github.com/strait-mirror/strait/integration/kafka"
)

const (
	compactedPartitions = 2
	compactedKeys       = 40
	compactedHalves     = 2
	compactedBatches    = 20    // per half
	cleanerPause        = "100" // ms; brokers wait 15 s between looks by default
	pollEvery           = 100 * time.Millisecond
)

// compacted has holes between batches, within batches, and batches of which
// only the header is left.
func compacted() Shape {
	return Shape{
		Name: "compacted", Doc: "a compacted log: holes within and between batches, empty batches, tombstones", Partitions: compactedPartitions,
		TopicConfig: map[string]*string{
			"cleanup.policy":            new("compact"),
			"segment.ms":                new("60000"), // by the records' clock: a segment per batch
			"min.cleanable.dirty.ratio": new("0"),
		},
		Write: writeCompacted,
	}
}

// writeCompacted writes, then waits until only the last record of each key is
// left. A last record much later than the others closes their segments, since
// an active segment is never compacted.
func writeCompacted(ctx context.Context, c *kafka.Cluster, topic string, seed uint64) error {
	s := newSource(topic, seed)
	s.base = s.base.Add(-compactedHalves * compactedBatches * 3 * time.Minute) // all of it is past
	// Two producers, because the cleaner keeps the last batch of each, with or
	// without records, to remember its sequence number. The second one writes
	// every key anew, so nothing is left in the first one's last batch.
	for half := range compactedHalves {
		err := within(c, func(w *writer) error {
			for p := range int32(compactedPartitions) {
				for i := range compactedBatches {
					at := s.base.Add(time.Duration(2*(half*compactedBatches+i)) * time.Minute)
					if err := w.write(ctx, s.keyed(p, at, half > 0 && i == 0)...); err != nil {
						return err
					}
				}
			}
			if half+1 < compactedHalves {
				return nil
			}
			for p := range int32(compactedPartitions) {
				last := s.record(p, 10)
				last.Key, last.Timestamp = []byte("last"), s.base.Add(2*compactedHalves*compactedBatches*time.Minute)
				if err := w.write(ctx, last); err != nil {
					return err
				}
			}
			return nil
		}, kgo.ProducerBatchCompression(kgo.Lz4Compression()))
		if err != nil {
			return err
		}
	}
	if err := hurryCleaner(ctx, c); err != nil {
		return err
	}
	return waitCleaned(ctx, c, topic)
}

// keyed returns a batch of records with few keys, now and then a tombstone;
// with every key once, if all is set.
func (s *source) keyed(partition int32, at time.Time, all bool) []*kgo.Record {
	rs := s.records(partition, 1+s.rnd.IntN(30), 100)
	if all {
		rs = s.records(partition, compactedKeys, 100)
	}
	for i, r := range rs {
		key := s.rnd.IntN(compactedKeys)
		if all {
			key = i
		}
		r.Key, r.Timestamp = fmt.Appendf(nil, "key-%d", key), at
		if s.rnd.IntN(10) == 0 {
			r.Value = nil
		}
	}
	return rs
}

// hurryCleaner makes the brokers look for logs to compact more often.
func hurryCleaner(ctx context.Context, c *kafka.Cluster) error {
	set := kadm.AlterConfig{Op: kadm.SetConfig, Name: "log.cleaner.backoff.ms", Value: new(cleanerPause)}
	altered, err := c.Admin().AlterBrokerConfigs(ctx, []kadm.AlterConfig{set}) // no broker named: all of them
	for _, r := range altered {
		err = errors.Join(err, r.Err)
	}
	if err != nil {
		return fmt.Errorf("hurrying the log cleaner: %w", err)
	}
	return nil
}

// waitCleaned waits until each partition has one record of each key.
func waitCleaned(ctx context.Context, c *kafka.Cluster, topic string) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		got, err := compare.Read(ctx, c.AdminOpts(), topic, compare.ReadOptions{})
		if err != nil {
			return fmt.Errorf("waiting for compaction: %w", err)
		}
		left := 0
		for _, rs := range got {
			left += len(rs) - compactedKeys - 1
		}
		if left == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for compaction: %d records too many: %w", left, ctx.Err())
		case <-tick.C:
		}
	}
}
