package offsetsync

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/batch"
	"github.com/strait-mirror/strait/flows/internal/judge"
)

// Bounds of one fetch.
const (
	fetchBytes = 4 << 20
	fetchWait  = 100 // ms
)

// errBudget says that counting took more than it may.
var errBudget = errors.New("the budget for reading the source is used up")

// count returns how many records of the source that are mirrored are below an
// offset and not below at.below. It is exact where the log has as many between
// at.below and at.above as the target: nothing was compacted since, and nothing
// was left out for a reason that the log does not show.
func (t *Translator) count(ctx context.Context, l *Lane, at lookup, offset int64) (n int64, exact bool) {
	c := counter{translator: t, lane: l, judge: t.syncs.judge(l.topic, l.part), until: at.above.source, at: offset, next: at.below.source, nth: -1, found: -1}
	exact = c.exact(ctx, at)
	return c.below, exact
}

// find returns the offset of the n-th record of the source that is mirrored behind
// at.below, in the same way.
func (t *Translator) find(ctx context.Context, l *Lane, at lookup, n int64) (offset int64, exact bool) {
	c := counter{translator: t, lane: l, judge: t.syncs.judge(l.topic, l.part), until: at.above.source, at: at.below.source, next: at.below.source, nth: n, found: -1}
	exact = c.exact(ctx, at) && c.found >= 0
	return c.found, exact
}

// counter walks a stretch of one partition's log.
type counter struct {
	translator *Translator
	lane       *Lane
	judge      *judge.Judge // nil: every record is mirrored
	next       int64        // where to go on
	until      int64
	at         int64 // what is below is counted apart
	below, all int64 // records

	nth   int64 // the record that is looked for, from 0; -1: none
	found int64 // its offset; -1: it was not met
}

// exact walks the whole stretch, and reports whether it holds what the target does.
func (c *counter) exact(ctx context.Context, at lookup) bool {
	if err := c.run(ctx); err != nil {
		c.translator.syncs.p.Log.Debug("counting records between two known places failed",
			"topic", c.lane.topic, "partition", c.lane.part, "from", at.below.source, "until", at.above.source, "err", err)
		return false
	}
	if c.all != at.above.target-at.below.target {
		c.lane.giveUp(at.below)
		return false
	}
	return true
}

func (c *counter) run(ctx context.Context) error {
	for c.next < c.until {
		if c.translator.left <= 0 {
			return errBudget
		}
		from := c.next
		if err := c.fetch(ctx); err != nil {
			return err
		}
		if c.next == from {
			return kerr.OffsetNotAvailable
		}
	}
	return nil
}

// fetch asks the partition's leader for what comes next and counts it.
func (c *counter) fetch(ctx context.Context) error {
	s := c.translator.syncs
	key := cluster.TopicPartition{Topic: c.lane.topic, Partition: c.lane.part}
	leader, ok := s.p.Source.Metadata().Leader(key.Topic, key.Partition)
	if !ok {
		return cluster.ErrNoLeader
	}
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes = fetchWait, 1, fetchBytes
	if s.p.ReadCommitted {
		req.IsolationLevel = 1
	}
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic, topic.TopicID = key.Topic, leader.ID
	part := kmsg.NewFetchRequestTopicPartition()
	part.Partition, part.FetchOffset, part.PartitionMaxBytes = key.Partition, c.next, fetchBytes
	topic.Partitions = append(topic.Partitions, part)
	req.Topics = append(req.Topics, topic)
	resp, err := s.p.Source.Control().Broker(int(leader.Broker)).RetriableRequest(ctx, req)
	if err != nil {
		return fmt.Errorf("reading the source's log: %w", err)
	}
	answer := resp.(*kmsg.FetchResponse)
	if err := kerr.ErrorForCode(answer.ErrorCode); err != nil {
		return fmt.Errorf("reading the source's log: %w", err)
	}
	if len(answer.Topics) != 1 || len(answer.Topics[0].Partitions) != 1 {
		return errors.New("reading the source's log: the broker did not answer for the partition")
	}
	got := &answer.Topics[0].Partitions[0]
	if err := kerr.ErrorForCode(got.ErrorCode); err != nil {
		return fmt.Errorf("reading the source's log: %w", err)
	}
	c.translator.left -= int64(len(got.RecordBatches))
	return c.take(got)
}

// take counts the records of one answer as the mirror passed them on.
func (c *counter) take(got *kmsg.FetchResponseTopicPartition) error {
	var aborted *batch.AbortedFilter
	if c.translator.syncs.p.ReadCommitted {
		list := make([]batch.AbortedTransaction, len(got.AbortedTransactions))
		for i, a := range got.AbortedTransactions {
			list[i] = batch.AbortedTransaction{ProducerID: a.ProducerID, FirstOffset: a.FirstOffset}
		}
		aborted = batch.NewAbortedFilter(list)
	}
	for rest := got.RecordBatches; c.next < c.until; {
		b, tail, err := batch.Next(rest)
		if _, cut := errors.AsType[*batch.PartialError](err); cut {
			return nil
		}
		if err == nil {
			err = batch.Verify(b)
		}
		if err != nil {
			return fmt.Errorf("reading the source's log: %w", err)
		}
		rest = tail
		if d := batch.Classify(b, c.next, aborted, batch.Limits{}); d.Action != batch.Drop {
			if err := c.add(b); err != nil {
				return err
			}
		}
		c.next = max(c.next, b.NextOffset())
	}
	return nil
}

// addWhole counts a batch of which every offset has its record at the target.
func (c *counter) addWhole(b batch.Batch) {
	first := max(b.BaseOffset(), c.next)
	n := max(0, min(b.NextOffset(), c.until)-first)
	if c.nth >= c.all && c.nth < c.all+n {
		c.found = first + c.nth - c.all
	}
	c.all += n
	c.below += max(0, min(b.NextOffset(), c.until, c.at)-first)
}

// add counts the records of one batch.
func (c *counter) add(b batch.Batch) error {
	keep, known := c.judge.Whole(b)
	if known && !keep {
		return nil
	}
	if keep && b.Magic() >= 2 && b.Dense() {
		c.addWhole(b)
		return nil
	}
	for r, err := range c.translator.syncs.recoder.Records(b) {
		if err != nil {
			return fmt.Errorf("reading the batch at offset %d: %w", b.BaseOffset(), err)
		}
		if r.Offset < c.next || r.Offset >= c.until || !c.judge.Keeps(r) {
			continue
		}
		if c.all == c.nth {
			c.found = r.Offset
		}
		c.all++
		if r.Offset < c.at {
			c.below++
		}
	}
	if err := c.judge.Failed(); err != nil {
		return fmt.Errorf("reading the batch at offset %d: %w", b.BaseOffset(), err)
	}
	return nil
}
