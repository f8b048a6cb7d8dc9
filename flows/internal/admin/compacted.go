package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// EnsureCompacted creates a topic of one partition with cleanup.policy=compact,
// as MirrorMaker 2 creates its own, and waits up to within until it has a leader.
// It returns what it created: nil where the topic was there, and where the cluster
// refused to create it, which need not mean that there is none, since who may not
// create topics is not told. replicas is -1 for the broker's default. That is also
// what a cluster gets that has not so many brokers: there MirrorMaker 2 fails to
// create the topic, and its first record has the broker do it.
func EnsureCompacted(ctx context.Context, cl *kgo.Client, name string, replicas int16, within time.Duration) (created *NewTopic, refused, err error) {
	return Ensure(ctx, cl, name, NewTopic{Partitions: 1, ReplicationFactor: replicas, Settings: map[string]string{"cleanup.policy": "compact"}}, within)
}

// Ensure is EnsureCompacted for a topic of any kind.
func Ensure(ctx context.Context, cl *kgo.Client, name string, wanted NewTopic, within time.Duration) (created *NewTopic, refused, err error) {
	topic, replicas := &wanted, wanted.ReplicationFactor
	refused, err = createOne(ctx, cl, name, topic)
	if err == nil && errors.Is(refused, kerr.InvalidReplicationFactor) && replicas > 0 {
		topic.ReplicationFactor = -1
		refused, err = createOne(ctx, cl, name, topic)
	}
	switch {
	case err != nil:
		return nil, nil, err
	case errors.Is(refused, kerr.TopicAlreadyExists):
		return nil, nil, nil
	case refused != nil:
		return nil, fmt.Errorf("creating topic %q: %w", name, refused), nil
	}
	_, err = WaitReady(ctx, cl, map[string]int32{name: max(topic.Partitions, 1)}, within)
	return topic, nil, err
}

func createOne(ctx context.Context, cl *kgo.Client, name string, topic *NewTopic) (refused, err error) {
	answers, err := Create(ctx, cl, map[string]NewTopic{name: *topic})
	return answers[name].Err, err
}
