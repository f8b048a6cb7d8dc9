package admin

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// NewTopic is a topic to create.
type NewTopic struct {
	Partitions        int32
	ReplicationFactor int16             // -1: the broker's default
	Settings          map[string]string // explicit configurations
}

// String lists what the topic is created with.
func (t NewTopic) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "partitions=%d replication_factor=%d", t.Partitions, t.ReplicationFactor)
	for _, name := range slices.Sorted(maps.Keys(t.Settings)) {
		b.WriteString(" " + name + "=" + t.Settings[name])
	}
	return b.String()
}

// Created is one topic's answer to Create and Validate.
type Created struct {
	ID       [16]byte // zero: the broker has none, or nothing was created
	Settings Settings // effective, explicit ones included; nil where the broker does not tell
	Err      error
}

// Create creates topics by name.
func Create(ctx context.Context, cl *kgo.Client, topics map[string]NewTopic) (map[string]Created, error) {
	return create(ctx, cl, topics, false)
}

// Validate asks what Create would answer, and creates nothing. Its answer's
// settings are those the topics would have.
func Validate(ctx context.Context, cl *kgo.Client, topics map[string]NewTopic) (map[string]Created, error) {
	return create(ctx, cl, topics, true)
}

func create(ctx context.Context, cl *kgo.Client, topics map[string]NewTopic, validateOnly bool) (map[string]Created, error) {
	answers := make(map[string]Created, len(topics))
	for _, names := range inGroups(topics, createAtOnce, func(t NewTopic) int { return 1 + int(t.Partitions) }) {
		req := kmsg.NewPtrCreateTopicsRequest()
		req.ValidateOnly = validateOnly
		req.TimeoutMillis = int32(changeTimeout.Milliseconds())
		for _, name := range names {
			req.Topics = append(req.Topics, topics[name].request(name))
			answers[name] = Created{Err: kerr.UnknownServerError}
		}
		resp, err := req.RequestWith(ctx, cl)
		if err != nil {
			return nil, fmt.Errorf("creating topics: %w", err)
		}
		for i := range resp.Topics {
			answers[resp.Topics[i].Topic] = created(&resp.Topics[i])
		}
	}
	return answers, nil
}

func (t NewTopic) request(name string) kmsg.CreateTopicsRequestTopic {
	rt := kmsg.NewCreateTopicsRequestTopic()
	rt.Topic, rt.NumPartitions, rt.ReplicationFactor = name, t.Partitions, t.ReplicationFactor
	for key, value := range t.Settings {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = key, new(value)
		rt.Configs = append(rt.Configs, c)
	}
	return rt
}

func created(rt *kmsg.CreateTopicsResponseTopic) Created {
	if err := brokerError(rt.ErrorCode, rt.ErrorMessage); err != nil {
		return Created{Err: Refused(err, "CREATE", OnTopic(rt.Topic)+" or cluster")}
	}
	answer := Created{ID: rt.TopicID}
	if rt.ConfigErrorCode != 0 || len(rt.Configs) == 0 {
		return answer
	}
	answer.Settings = make(Settings, len(rt.Configs))
	for _, c := range rt.Configs {
		answer.Settings[c.Name] = newSetting(c.Value, kmsg.ConfigSource(c.Source), c.ReadOnly, c.IsSensitive)
	}
	return answer
}

// Grow raises the number of partitions of topics to the given ones and returns
// an error for each topic that was refused.
func Grow(ctx context.Context, cl *kgo.Client, partitions map[string]int32) (map[string]error, error) {
	return grow(ctx, cl, partitions, false)
}

// ValidateGrow asks what Grow would answer, and adds nothing.
func ValidateGrow(ctx context.Context, cl *kgo.Client, partitions map[string]int32) (map[string]error, error) {
	return grow(ctx, cl, partitions, true)
}

func grow(ctx context.Context, cl *kgo.Client, partitions map[string]int32, validateOnly bool) (map[string]error, error) {
	refused := make(map[string]error)
	for _, names := range inGroups(partitions, createAtOnce, func(n int32) int { return 1 + int(n) }) {
		req := kmsg.NewPtrCreatePartitionsRequest()
		req.ValidateOnly = validateOnly
		req.TimeoutMillis = int32(changeTimeout.Milliseconds())
		for _, name := range names {
			rt := kmsg.NewCreatePartitionsRequestTopic()
			rt.Topic, rt.Count = name, partitions[name]
			req.Topics = append(req.Topics, rt)
		}
		resp, err := req.RequestWith(ctx, cl)
		if err != nil {
			return nil, fmt.Errorf("creating partitions: %w", err)
		}
		for _, rt := range resp.Topics {
			if err := brokerError(rt.ErrorCode, rt.ErrorMessage); err != nil {
				refused[rt.Topic] = Refused(err, "ALTER", OnTopic(rt.Topic))
			}
		}
	}
	return refused, nil
}
