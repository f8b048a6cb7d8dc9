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
	return Ensure(ctx, cl, name, Compacted(replicas), within)
}

// Compacted is the topic that EnsureCompacted creates.
func Compacted(replicas int16) NewTopic {
	return NewTopic{Partitions: 1, ReplicationFactor: replicas, Settings: map[string]string{"cleanup.policy": "compact"}}
}

// Foresee returns what Ensure would create and what it would be refused, and
// creates nothing.
func Foresee(ctx context.Context, cl *kgo.Client, name string, wanted NewTopic) (created *NewTopic, refused, err error) {
	topics, err := Topics(ctx, cl, []string{name})
	if err != nil || topics[name].Err == nil {
		return nil, nil, err // it is there, which who may not create topics would not be told otherwise
	}
	created = &wanted
	refused, err = createOne(ctx, cl, name, created, Validate)
	return madeUnless(created, name, refused, err)
}

// Ensure is EnsureCompacted for a topic of any kind.
func Ensure(ctx context.Context, cl *kgo.Client, name string, wanted NewTopic, within time.Duration) (created *NewTopic, refused, err error) {
	refused, err = createOne(ctx, cl, name, &wanted, Create)
	created, refused, err = madeUnless(&wanted, name, refused, err)
	if created != nil {
		_, err = WaitReady(ctx, cl, map[string]int32{name: max(created.Partitions, 1)}, within)
	}
	return created, refused, err
}

// madeUnless says what became of creating a topic: nothing where it was refused, or is
// there already.
func madeUnless(topic *NewTopic, name string, refused, err error) (*NewTopic, error, error) {
	switch {
	case err != nil:
		return nil, nil, err
	case errors.Is(refused, kerr.TopicAlreadyExists):
		return nil, nil, nil
	case refused != nil:
		return nil, fmt.Errorf("creating topic %q: %w", name, refused), nil
	}
	return topic, nil, nil
}

// createOne creates a topic by create, with the broker's default of replicas where
// there are not so many brokers, which topic says then.
func createOne(ctx context.Context, cl *kgo.Client, name string, topic *NewTopic, create func(context.Context, *kgo.Client, map[string]NewTopic) (map[string]Created, error)) (refused, err error) {
	answers, err := create(ctx, cl, map[string]NewTopic{name: *topic})
	if err == nil && errors.Is(answers[name].Err, kerr.InvalidReplicationFactor) && topic.ReplicationFactor > 0 {
		topic.ReplicationFactor = -1
		answers, err = create(ctx, cl, map[string]NewTopic{name: *topic})
	}
	return answers[name].Err, err
}
