package fidelity_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/integration/kafka"
)

// The bits of a batch's attributes.
const (
	codecBits     = 0x07
	logAppendTime = 0x08
	control       = 0x20
)

// rawBatch is a batch, or a message of an old format, as a log holds it. Its
// header is looked at here with code of its own.
type rawBatch []byte

func (b rawBatch) base() int64       { return int64(binary.BigEndian.Uint64(b)) }
func (b rawBatch) magic() byte       { return b[16] }
func (b rawBatch) attributes() int16 { return int16(binary.BigEndian.Uint16(b[21:])) }
func (b rawBatch) lastDelta() int32  { return int32(binary.BigEndian.Uint32(b[23:])) }
func (b rawBatch) count() int32      { return int32(binary.BigEndian.Uint32(b[57:])) }
func (b rawBatch) dense() bool       { return b.count() == b.lastDelta()+1 }
func (b rawBatch) payload() []byte   { return b[61:] }
func (b rawBatch) codec() int16      { return b.attributes() & codecBits }

// hasData reports whether a batch holds records of users.
func (b rawBatch) hasData() bool {
	return b.magic() < 2 || b.attributes()&control == 0 && b.count() > 0
}

// next is the offset behind a batch.
func (b rawBatch) next() int64 {
	if b.magic() < 2 {
		return b.base() + 1
	}
	return b.base() + int64(b.lastDelta()) + 1
}

// rawPartition fetches a partition from its start to its end as it lies there.
// The cluster has one broker.
func rawPartition(ctx context.Context, c *kafka.Cluster, topic string, id [16]byte, partition int32, end int64) ([]rawBatch, error) {
	var all []rawBatch
	for at := int64(0); at < end; {
		req := kmsg.NewPtrFetchRequest()
		req.MaxWaitMillis, req.MinBytes, req.MaxBytes = 500, 1, 16<<20
		rt := kmsg.NewFetchRequestTopic()
		rt.Topic, rt.TopicID = topic, id
		rp := kmsg.NewFetchRequestTopicPartition()
		rp.Partition, rp.FetchOffset, rp.PartitionMaxBytes, rp.CurrentLeaderEpoch = partition, at, 16<<20, -1
		rt.Partitions = append(rt.Partitions, rp)
		req.Topics = append(req.Topics, rt)
		answer, err := c.Client().Broker(c.Brokers()[0]).Request(ctx, req)
		if err != nil {
			return nil, fmt.Errorf("fetching %s/%d: %w", topic, partition, err)
		}
		got := answer.(*kmsg.FetchResponse).Topics[0].Partitions[0]
		if err := kerr.ErrorForCode(got.ErrorCode); err != nil {
			return nil, fmt.Errorf("fetching %s/%d: %w", topic, partition, err)
		}
		before := at
		for rest := got.RecordBatches; len(rest) > 17; {
			size := 12 + int(binary.BigEndian.Uint32(rest[8:]))
			if size > len(rest) {
				break
			}
			b := rawBatch(rest[:size])
			rest = rest[size:]
			if b.magic() == 2 && b.next() <= at || b.magic() < 2 && b.base() < at {
				continue
			}
			all, at = append(all, b), b.next()
		}
		if at == before {
			return all, nil // the rest of the log was compacted away
		}
	}
	return all, nil
}

// rawTopic returns the batches with data of each partition.
func rawTopic(ctx context.Context, t *testing.T, c *kafka.Cluster, topic string) map[int32][]rawBatch {
	t.Helper()
	listed, err := c.Admin().ListTopics(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	all := map[int32][]rawBatch{}
	for p, end := range ends(ctx, t, c, topic, false) {
		batches, err := rawPartition(ctx, c, topic, listed[topic].ID, p, end)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range batches {
			if b.hasData() {
				all[p] = append(all[p], b)
			}
		}
	}
	return all
}

// untouched compares two logs batch by batch and returns the reasons for which
// batches could not pass as they were. Those that could must be the same bytes
// but for the header's fields that belong to the target; the others must have
// kept their codec.
func untouched(t *testing.T, name string, source, target map[int32][]rawBatch) map[string]int64 {
	t.Helper()
	reasons := map[string]int64{}
	for p, batches := range source {
		if len(batches) != len(target[p]) {
			t.Errorf("%s/%d: the target has %d batches, the source %d", name, p, len(target[p]), len(batches))
			continue
		}
		for i, want := range batches {
			got := target[p][i]
			if why := obstacle(want); why != "" {
				reasons[why]++
				if want.magic() == 2 && got.codec() != want.codec() {
					t.Errorf("%s/%d: batch %d has codec %d at the target, %d at the source", name, p, i, got.codec(), want.codec())
				}
				continue
			}
			if diff := differs(want, got); diff != "" {
				t.Errorf("%s/%d: batch %d at source offset %d was not passed on as it was: %s", name, p, i, want.base(), diff)
			}
		}
	}
	return reasons
}

// obstacle says why a batch cannot pass as it is, in the words of status.
func obstacle(b rawBatch) string {
	switch {
	case b.magic() < 2:
		return "legacy_format"
	case !b.dense():
		return "sparse"
	case b.attributes()&logAppendTime != 0:
		return "log_append_time"
	}
	return ""
}

// differs says what of a batch that should have passed is not the source's.
func differs(source, target rawBatch) string {
	switch {
	case target.codec() != source.codec():
		return fmt.Sprintf("codec %d instead of %d", target.codec(), source.codec())
	case !bytes.Equal(source[23:43], target[23:43]):
		return fmt.Sprintf("last offset delta and timestamps are %x instead of %x", target[23:43], source[23:43])
	case source.count() != target.count():
		return fmt.Sprintf("%d records instead of %d", target.count(), source.count())
	case !bytes.Equal(source.payload(), target.payload()):
		return fmt.Sprintf("payloads of %d and %d bytes differ", len(source.payload()), len(target.payload()))
	}
	return ""
}
