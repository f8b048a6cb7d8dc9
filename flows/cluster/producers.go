package cluster

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Producer is what the leader of a partition remembers of one producer.
type Producer struct {
	Epoch        int16
	LastSequence int32 // of the last record it appended; -1: none under this epoch
	LastTime     int64 // timestamp of the last batch or marker, ms
	Open         int64 // offset of the first record of its open transaction; -1: it has none
}

// Producers are the producers that a partition's leader remembers, by id, or why
// that is not known. A producer that has not written for the broker's
// producer.id.expiration.ms is missing.
type Producers struct {
	ByID map[int64]Producer
	Err  error // one of kerr's, or what kept the leader from being asked
}

// DescribeProducers asks the leaders of partitions which producers they remember
// (KIP-664, brokers from 2.8 on): one request per broker, all at once. It needs
// READ on the topics. What the answers count may not be replicated yet.
func (c *Cluster) DescribeProducers(ctx context.Context, partitions []TopicPartition) map[TopicPartition]Producers {
	return askLeaders(ctx, c, partitions, func(err error) Producers { return Producers{Err: err} }, c.describeProducers)
}

func (c *Cluster) describeProducers(ctx context.Context, broker int32, partitions []TopicPartition, _ map[TopicPartition]Leader) (map[TopicPartition]Producers, error) {
	req := kmsg.NewPtrDescribeProducersRequest()
	places := make(map[string]int)
	for _, p := range partitions {
		place, ok := places[p.Topic]
		if !ok {
			place = len(req.Topics)
			places[p.Topic] = place
			t := kmsg.NewDescribeProducersRequestTopic()
			t.Topic = p.Topic
			req.Topics = append(req.Topics, t)
		}
		req.Topics[place].Partitions = append(req.Topics[place].Partitions, p.Partition)
	}
	response, err := c.control.Broker(int(broker)).RetriableRequest(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("asking broker %d for producers: %w", broker, err)
	}
	answer := make(map[TopicPartition]Producers, len(partitions))
	for _, t := range response.(*kmsg.DescribeProducersResponse).Topics {
		for _, p := range t.Partitions {
			all := Producers{Err: kerr.ErrorForCode(p.ErrorCode), ByID: make(map[int64]Producer, len(p.ActiveProducers))}
			for _, a := range p.ActiveProducers {
				all.ByID[a.ProducerID] = Producer{Epoch: int16(a.ProducerEpoch), LastSequence: a.LastSequence, LastTime: a.LastTimestamp, Open: a.CurrentTxnStartOffset}
			}
			answer[TopicPartition{t.Topic, p.Partition}] = all
		}
	}
	return answer, nil
}
