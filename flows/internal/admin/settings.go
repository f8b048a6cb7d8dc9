package admin

import (
	"context"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Setting is the effective value of one topic configuration.
type Setting struct {
	Value     string
	Null      bool // there is no value, or the broker keeps it secret
	Source    kmsg.ConfigSource
	ReadOnly  bool
	Sensitive bool
}

// Explicit reports whether somebody set the value on the topic itself, rather
// than on a broker or not at all.
func (s Setting) Explicit() bool { return s.Source == kmsg.ConfigSourceDynamicTopicConfig }

// Settings are a topic's effective configurations by name.
type Settings map[string]Setting

// Described is one topic's answer to TopicSettings.
type Described struct {
	Settings Settings
	Err      error
}

// TopicSettings describes the configurations of topics. A topic the answers
// leave out counts as unknown.
func TopicSettings(ctx context.Context, cl *kgo.Client, topics []string) (map[string]Described, error) {
	described := make(map[string]Described, len(topics))
	for names := range slices.Chunk(topics, describeAtOnce) {
		req := kmsg.NewPtrDescribeConfigsRequest()
		for _, name := range names {
			r := kmsg.NewDescribeConfigsRequestResource()
			r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, name
			req.Resources = append(req.Resources, r)
			described[name] = Described{Err: kerr.UnknownTopicOrPartition}
		}
		resp, err := req.RequestWith(ctx, cl)
		if err != nil {
			return nil, fmt.Errorf("describing topic configurations: %w", err)
		}
		for i := range resp.Resources {
			r := &resp.Resources[i]
			described[r.ResourceName] = describe(r)
		}
	}
	return described, nil
}

func describe(r *kmsg.DescribeConfigsResponseResource) Described {
	if err := brokerError(r.ErrorCode, r.ErrorMessage); err != nil {
		return Described{Err: Refused(err, "DESCRIBE_CONFIGS", OnTopic(r.ResourceName))}
	}
	settings := make(Settings, len(r.Configs))
	for _, c := range r.Configs {
		settings[c.Name] = newSetting(c.Value, c.Source, c.ReadOnly, c.IsSensitive)
	}
	return Described{Settings: settings}
}

func newSetting(value *string, source kmsg.ConfigSource, readOnly, sensitive bool) Setting {
	s := Setting{Null: value == nil, Source: source, ReadOnly: readOnly, Sensitive: sensitive}
	if value != nil {
		s.Value = *value
	}
	return s
}

// Alter sets configurations of topics, leaving all others as they are, and
// returns an error for each topic that was refused.
func Alter(ctx context.Context, cl *kgo.Client, changes map[string]map[string]string) (map[string]error, error) {
	all := make(map[string]map[string]*string, len(changes))
	for topic, values := range changes {
		all[topic] = make(map[string]*string, len(values))
		for key, value := range values {
			all[topic][key] = &value
		}
	}
	return Change(ctx, cl, all)
}

// Change is Alter for values that may be nil: what was set on the topic itself is
// deleted then, and the broker's default holds.
func Change(ctx context.Context, cl *kgo.Client, changes map[string]map[string]*string) (map[string]error, error) {
	return change(ctx, cl, changes, false)
}

// ValidateChange asks what Change would answer, and changes nothing.
func ValidateChange(ctx context.Context, cl *kgo.Client, changes map[string]map[string]*string) (map[string]error, error) {
	return change(ctx, cl, changes, true)
}

func change(ctx context.Context, cl *kgo.Client, changes map[string]map[string]*string, validateOnly bool) (map[string]error, error) {
	refused := make(map[string]error)
	for _, names := range inGroups(changes, describeAtOnce, func(map[string]*string) int { return 1 }) {
		req := kmsg.NewPtrIncrementalAlterConfigsRequest()
		req.ValidateOnly = validateOnly
		for _, name := range names {
			r := kmsg.NewIncrementalAlterConfigsRequestResource()
			r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, name
			for key, value := range changes[name] {
				c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
				c.Name, c.Op, c.Value = key, kmsg.IncrementalAlterConfigOpSet, value
				if value == nil {
					c.Op = kmsg.IncrementalAlterConfigOpDelete
				}
				r.Configs = append(r.Configs, c)
			}
			req.Resources = append(req.Resources, r)
		}
		resp, err := req.RequestWith(ctx, cl)
		if err != nil {
			return nil, fmt.Errorf("altering topic configurations: %w", err)
		}
		for _, r := range resp.Resources {
			if err := brokerError(r.ErrorCode, r.ErrorMessage); err != nil {
				refused[r.ResourceName] = Refused(err, "ALTER_CONFIGS", OnTopic(r.ResourceName))
			}
		}
	}
	return refused, nil
}
