package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Topic says what CreateTopic creates.
type Topic struct {
	Name        string             // required
	Partitions  int                // default 1
	Replication int                // default 3, or the number of brokers where that is less
	Config      map[string]*string // topic properties; kadm.StringPtr makes the values
}

// running returns the brokers whose process runs.
func (c *Cluster) running() []*node {
	return slices.DeleteFunc(slices.Clone(c.brokers), func(n *node) bool { return !n.proc.running() })
}

// metadata asks one broker for its view of the cluster and of some topics.
func (c *Cluster) metadata(ctx context.Context, n *node, topics ...string) (*kmsg.MetadataResponse, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{}
	for _, name := range topics {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = &name
		req.Topics = append(req.Topics, t)
	}
	resp, err := c.client.Broker(n.id).Request(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("asking broker %d for metadata: %w", n.id, err)
	}
	m, ok := resp.(*kmsg.MetadataResponse)
	if !ok {
		return nil, fmt.Errorf("asking broker %d for metadata: it answered %T", n.id, resp)
	}
	return m, nil
}

// waitBrokers waits until every running broker knows all the running ones.
func (c *Cluster) waitBrokers(ctx context.Context) error {
	up := c.running()
	return poll(ctx, up, func() (bool, error) {
		for _, n := range up {
			m, err := c.metadata(ctx, n)
			if err != nil {
				return false, err
			}
			if len(m.Brokers) < len(up) {
				return false, fmt.Errorf("broker %d knows %d of %d brokers", n.id, len(m.Brokers), len(up))
			}
		}
		return true, nil
	})
}

// CreateTopic creates a topic and waits until every running broker knows the
// leader of each partition, so that no client is refused for being early.
func (c *Cluster) CreateTopic(ctx context.Context, t Topic) error {
	if t.Replication == 0 {
		t.Replication = min(3, len(c.brokers))
	}
	t.Partitions = max(t.Partitions, 1)
	if _, err := c.Admin().CreateTopic(ctx, int32(t.Partitions), int16(t.Replication), t.Config, t.Name); err != nil {
		return fmt.Errorf("creating topic %s: %w", t.Name, err)
	}
	if err := c.waitTopic(ctx, t.Name, func(p kmsg.MetadataResponseTopicPartition) bool { return p.Leader >= 0 }, t.Partitions); err != nil {
		return fmt.Errorf("waiting for the leaders of topic %s: %w", t.Name, err)
	}
	return nil
}

// GrowTopic gives a topic more partitions and waits until every running broker
// knows the leader of each of them.
func (c *Cluster) GrowTopic(ctx context.Context, topic string, partitions int) error {
	resp, err := c.Admin().UpdatePartitions(ctx, partitions, topic)
	if err == nil {
		err = resp.Error()
	}
	if err != nil {
		return fmt.Errorf("growing topic %s: %w", topic, err)
	}
	if err := c.waitTopic(ctx, topic, func(p kmsg.MetadataResponseTopicPartition) bool { return p.Leader >= 0 }, partitions); err != nil {
		return fmt.Errorf("waiting for the leaders of topic %s: %w", topic, err)
	}
	return nil
}

// waitTopic waits until every running broker sees at least n partitions of a
// topic and finds each of them ok.
func (c *Cluster) waitTopic(ctx context.Context, topic string, ok func(kmsg.MetadataResponseTopicPartition) bool, n int) error {
	up := c.running()
	return poll(ctx, up, func() (bool, error) {
		for _, b := range up {
			m, err := c.metadata(ctx, b, topic)
			if err != nil {
				return false, err
			}
			t := m.Topics[0]
			if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
				return false, fmt.Errorf("broker %d: %w", b.id, err)
			}
			good := 0
			for _, p := range t.Partitions {
				if ok(p) {
					good++
				}
			}
			if good < max(n, len(t.Partitions)) {
				return false, fmt.Errorf("broker %d: %d of %d partitions are as wanted", b.id, good, len(t.Partitions))
			}
		}
		return true, nil
	})
}

// WaitISR waits until every partition of a topic has at least n replicas in
// sync.
func (c *Cluster) WaitISR(ctx context.Context, topic string, n int) error {
	err := c.waitTopic(ctx, topic, func(p kmsg.MetadataResponseTopicPartition) bool {
		return p.Leader >= 0 && len(p.ISR) >= n
	}, 1)
	if err != nil {
		return fmt.Errorf("waiting for %d replicas of topic %s in sync: %w", n, topic, err)
	}
	return nil
}

// MoveLeader makes a broker the leader of a partition and waits until every
// running broker knows. A broker without a replica gets one, in the place of
// the last.
func (c *Cluster) MoveLeader(ctx context.Context, topic string, partition int32, to int) error {
	if err := c.moveLeader(ctx, topic, partition, to); err != nil {
		return fmt.Errorf("moving the leader of %s/%d to broker %d: %w", topic, partition, to, err)
	}
	return nil
}

func (c *Cluster) moveLeader(ctx context.Context, topic string, partition int32, to int) error {
	adm := c.Admin()
	topics, err := adm.ListTopics(ctx, topic)
	if err != nil {
		return fmt.Errorf("listing replicas: %w", err)
	}
	p, ok := topics[topic].Partitions[partition]
	if !ok {
		return errors.New("no such partition")
	}
	replicas := []int32{int32(to)}
	for _, r := range p.Replicas {
		if r != int32(to) && len(replicas) < len(p.Replicas) {
			replicas = append(replicas, r)
		}
	}
	var want kadm.AlterPartitionAssignmentsReq
	want.Assign(topic, partition, replicas)
	assigned, err := adm.AlterPartitionAssignments(ctx, want)
	if err == nil {
		err = assigned.Error()
	}
	if err != nil {
		return fmt.Errorf("assigning replicas: %w", err)
	}
	var set kadm.TopicsSet
	set.Add(topic, partition)
	up := c.running()
	err = poll(ctx, up, func() (bool, error) {
		busy, err := adm.ListPartitionReassignments(ctx, set)
		if err != nil {
			return false, err
		}
		if len(busy) > 0 {
			return false, errors.New("replicas are still being reassigned")
		}
		elected, err := adm.ElectLeaders(ctx, kadm.ElectPreferredReplica, set)
		if err != nil {
			return false, err
		}
		err = elected[topic][partition].Err
		return err == nil || errors.Is(err, kerr.ElectionNotNeeded), err
	})
	if err != nil {
		return fmt.Errorf("electing: %w", err)
	}
	return c.waitTopic(ctx, topic, func(p kmsg.MetadataResponseTopicPartition) bool {
		return p.Partition != partition || p.Leader == int32(to)
	}, 1)
}
