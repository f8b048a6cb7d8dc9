package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/flows/internal/admin"
	"github.com/strait-mirror/strait/flows/internal/wire"
)

// Position is a place in a partition's log that a broker knows.
type Position uint8

// Positions. The zero value is none of them.
const (
	Earliest      Position = iota + 1 // the log's start
	HighWatermark                     // where read_uncommitted ends
	StableEnd                         // where read_committed ends
	LogEnd                            // the leader's own end, replicated or not
)

// TopicPartition names one partition.
type TopicPartition struct {
	Topic     string
	Partition int32
}

// Offset is where a Position is, or why that is not known.
type Offset struct {
	Offset int64
	Epoch  int32 // leader epoch of the offset; wire.NoEpoch where the broker does not tell
	Err    error // one of kerr's, or what kept its leader from being asked
}

// ErrNoLeader says that a partition's leader is not known.
var ErrNoLeader = errors.New("the partition has no known leader")

// ListOffsets asks for the same position of many partitions: one request per
// leader, all at once. Leaders and epochs are those of Metadata for tracked
// topics, which are neither refreshed nor asked twice; others are asked for.
// Each partition has an entry in the result, whose Err says whether it counts.
func (c *Cluster) ListOffsets(ctx context.Context, position Position, partitions []TopicPartition) map[TopicPartition]Offset {
	return c.findOffsets(ctx, position.query(), partitions)
}

// OffsetsFrom is ListOffsets of the first record whose timestamp is at or later: -1
// where there is none.
func (c *Cluster) OffsetsFrom(ctx context.Context, at time.Time, partitions []TopicPartition) map[TopicPartition]Offset {
	return c.findOffsets(ctx, query{timestamp: at.UnixMilli(), replica: -1}, partitions)
}

func (c *Cluster) findOffsets(ctx context.Context, q query, partitions []TopicPartition) map[TopicPartition]Offset {
	return askLeaders(ctx, c, partitions, failedOffset,
		func(ctx context.Context, broker int32, parts []TopicPartition, leaders map[TopicPartition]Leader) (map[TopicPartition]Offset, error) {
			return c.listOffsets(ctx, broker, q, parts, leaders)
		})
}

// query is what a broker is asked for.
type query struct {
	timestamp int64 // ms; -1: the end, -2: the start
	isolation int8
	replica   int32 // -1: none
}

func (p Position) query() query {
	q := query{timestamp: -1, replica: -1}
	switch p {
	case Earliest:
		q.timestamp = -2
	case StableEnd:
		q.isolation = 1
	case LogEnd:
		q.replica = 0 // a follower may see what is not replicated yet
	case HighWatermark:
	}
	return q
}

// askLeaders asks the leader of every partition once, all brokers at the same
// time. What failed says is the answer for partitions that have none.
func askLeaders[T any](
	ctx context.Context, c *Cluster, partitions []TopicPartition, failed func(error) T,
	ask func(ctx context.Context, broker int32, parts []TopicPartition, leaders map[TopicPartition]Leader) (map[TopicPartition]T, error),
) map[TopicPartition]T {
	result := make(map[TopicPartition]T, len(partitions))
	leaders, err := c.leadersOf(ctx, partitions)
	byBroker := make(map[int32][]TopicPartition)
	for _, p := range partitions {
		if _, twice := result[p]; twice {
			continue // the broker would refuse both
		}
		l, ok := leaders[p]
		if ok {
			byBroker[l.Broker] = append(byBroker[l.Broker], p)
			result[p] = failed(errors.New("the broker did not answer for this partition"))
		} else {
			result[p] = failed(err)
		}
	}
	var mu sync.Mutex // guards result
	var asked sync.WaitGroup
	for broker, parts := range byBroker {
		asked.Go(func() {
			answer, err := ask(ctx, broker, parts, leaders)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				for _, p := range parts {
					result[p] = failed(err)
				}
			}
			for p, a := range answer {
				if _, wanted := result[p]; wanted {
					result[p] = a
				}
			}
		})
	}
	asked.Wait()
	return result
}

func failedOffset(err error) Offset { return Offset{Offset: -1, Epoch: wire.NoEpoch, Err: err} }

// leadersOf returns the leaders it can find, and why the others are missing.
func (c *Cluster) leadersOf(ctx context.Context, partitions []TopicPartition) (map[TopicPartition]Leader, error) {
	found := make(map[TopicPartition]Leader, len(partitions))
	var unknown []string
	for _, p := range partitions {
		if l, ok := c.metadata.Leader(p.Topic, p.Partition); ok {
			found[p] = l
		} else {
			unknown = append(unknown, p.Topic)
		}
	}
	if len(unknown) == 0 {
		return found, nil
	}
	slices.Sort(unknown)
	other := newMetadata(requestor{c}.Request)
	other.Track(slices.Compact(unknown)...)
	if err := other.Refresh(ctx); err != nil {
		return found, err
	}
	for _, p := range partitions {
		if l, ok := other.Leader(p.Topic, p.Partition); ok {
			if _, known := found[p]; !known {
				found[p] = l
			}
		}
	}
	return found, ErrNoLeader
}

func (c *Cluster) listOffsets(ctx context.Context, broker int32, q query, partitions []TopicPartition, leaders map[TopicPartition]Leader) (map[TopicPartition]Offset, error) {
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID, req.IsolationLevel = q.replica, q.isolation
	req.TimeoutMillis = int32(controlTimeout / time.Millisecond)
	places := make(map[string]int)
	for _, p := range partitions {
		place, ok := places[p.Topic]
		if !ok {
			place = len(req.Topics)
			places[p.Topic] = place
			t := kmsg.NewListOffsetsRequestTopic()
			t.Topic = p.Topic
			req.Topics = append(req.Topics, t)
		}
		asked := kmsg.NewListOffsetsRequestTopicPartition()
		asked.Partition, asked.Timestamp, asked.CurrentLeaderEpoch = p.Partition, q.timestamp, leaders[p].Epoch
		req.Topics[place].Partitions = append(req.Topics[place].Partitions, asked)
	}
	response, err := c.control.Broker(int(broker)).RetriableRequest(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("asking broker %d for offsets: %w", broker, err)
	}
	answer := make(map[TopicPartition]Offset, len(partitions))
	for _, t := range response.(*kmsg.ListOffsetsResponse).Topics {
		for _, p := range t.Partitions {
			o := Offset{Offset: p.Offset, Epoch: p.LeaderEpoch, Err: kerr.ErrorForCode(p.ErrorCode)}
			if o.Err == nil && o.Offset < 0 && q.timestamp < 0 {
				o.Err = errors.New("the broker names no offset")
			}
			answer[TopicPartition{t.Topic, p.Partition}] = o
		}
	}
	return answer, nil
}

// InitProducerID asks for a new producer id outside any transaction.
func (c *Cluster) InitProducerID(ctx context.Context) (id int64, epoch int16, err error) {
	req := kmsg.NewPtrInitProducerIDRequest()
	req.ProducerID, req.ProducerEpoch = -1, -1
	req.TransactionTimeoutMillis = int32(controlTimeout / time.Millisecond) // of no meaning here, and validated
	response, err := req.RequestWith(ctx, requestor{c})
	if err == nil {
		err = admin.Refused(kerr.ErrorForCode(response.ErrorCode),
			"IDEMPOTENT_WRITE", "cluster (from Kafka 3.0 on, WRITE on any topic will do)")
	}
	if err != nil {
		return 0, 0, fmt.Errorf("asking for a producer id: %w", err)
	}
	return response.ProducerID, response.ProducerEpoch, nil
}
