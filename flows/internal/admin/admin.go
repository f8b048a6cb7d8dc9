// Package admin asks brokers for topics and their settings and asks them to
// change these: one answer per topic, so that one refused topic never spoils
// the others, and each refusal names the permission it asks for. It decides
// nothing; what to ask for is its callers' business.
//
// kadm is not used here because it gives up a whole request at the first
// topic that is not authorised, and hides which settings are read-only.
package admin

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Most topics or partitions in one request. A DescribeConfigs answer has about
// 3 KB per topic; a KRaft controller takes at most 10,000 new partitions and
// topics in one request (MAX_RECORDS_PER_USER_OP).
const (
	describeAtOnce = 500
	createAtOnce   = 4000
)

// changeTimeout is how long a controller may take over a change.
const changeTimeout = 15 * time.Second

// MissingPermissionError says which permission a broker wants for what it
// refused. It names no principal: brokers do not tell it.
type MissingPermissionError struct {
	Operation string // as in ACLs: "DESCRIBE_CONFIGS"
	Resource  string // `topic "orders"`, `group "mirror"`, "cluster"
	Err       error  // the broker's
}

func (e *MissingPermissionError) Error() string {
	return fmt.Sprintf("missing permission %s on %s: %v", e.Operation, e.Resource, e.Err)
}

// Topic returns the topic that the permission is on; "" where it is on
// something else.
func (e *MissingPermissionError) Topic() string { return e.named("topic") }

// Group returns the consumer group that the permission is on; "" where it is on
// something else.
func (e *MissingPermissionError) Group() string { return e.named("group") }

// Transactions returns what the transactional ids that the permission is on begin
// with; "" where it is on something else.
func (e *MissingPermissionError) Transactions() string { return e.named("transactional ids from") }

// named returns the name of the resource if it is of a kind.
func (e *MissingPermissionError) named(kind string) string {
	var name string
	if _, err := fmt.Sscanf(e.Resource, kind+" %q", &name); err != nil {
		return ""
	}
	return name
}

// Unwrap returns the broker's error.
func (e *MissingPermissionError) Unwrap() error { return e.Err }

// Refused returns err as a MissingPermissionError when it is a broker's
// refusal to authorise, and as it is otherwise.
func Refused(err error, operation, resource string) error {
	for _, denied := range []*kerr.Error{kerr.TopicAuthorizationFailed, kerr.GroupAuthorizationFailed, kerr.ClusterAuthorizationFailed} {
		if errors.Is(err, denied) {
			return &MissingPermissionError{Operation: operation, Resource: resource, Err: denied}
		}
	}
	return err
}

// OnTopic is the resource of a topic's permissions.
func OnTopic(topic string) string { return fmt.Sprintf("topic %q", topic) }

// OnGroup is the resource of a consumer group's permissions.
func OnGroup(group string) string { return fmt.Sprintf("group %q", group) }

// OnTransactions is the resource of transactional ids that begin with prefix.
func OnTransactions(prefix string) string { return fmt.Sprintf("transactional ids from %q", prefix) }

// brokerError is a broker's answer about one topic, or nil.
func brokerError(code int16, message *string) error {
	err := kerr.ErrorForCode(code)
	if err != nil && message != nil && *message != "" {
		return fmt.Errorf("%w (%s)", err, *message)
	}
	return err
}

// Topic is what a cluster's metadata says of one topic.
type Topic struct {
	Name       string
	ID         [16]byte // zero: the broker has none
	Internal   bool
	Err        error       // why there are no partitions; kerr.UnknownTopicOrPartition: there is no such topic
	Partitions []Partition // by number

	// Operations has a bit for each operation on the topic that we are allowed,
	// by its number in ACLs; noOperations: not told.
	Operations int32
}

// noOperations is the broker's word for operations that it does not tell
// (Metadata's default).
const noOperations = math.MinInt32

// MayRead reports whether we may read the topic, as far as the broker tells.
func (t *Topic) MayRead() bool {
	return t.Operations == noOperations || t.Operations&(1<<kmsg.ACLOperationRead) != 0
}

// May reports whether the broker says that we may do operation, as in ACLs
// ("ALTER_CONFIGS"), with the topic. It need not tell.
func (t *Topic) May(operation string) bool {
	op, err := kmsg.ParseACLOperation(operation)
	return err == nil && t.Operations != noOperations && t.Operations&(1<<op) != 0
}

// Partition is one partition of a Topic.
type Partition struct {
	Number      int32
	Leader      int32 // broker id; -1: none now
	LeaderEpoch int32 // -1: not known
}

// Ready reports whether t has at least partitions partitions and each of its
// partitions has a leader.
func (t *Topic) Ready(partitions int32) bool {
	return t.Err == nil && len(t.Partitions) >= int(partitions) &&
		!slices.ContainsFunc(t.Partitions, func(p Partition) bool { return p.Leader < 0 })
}

// Topics returns the named topics, or all that may be described when names is
// nil. It never makes a broker create one. A named topic that the answer
// leaves out counts as unknown.
func Topics(ctx context.Context, cl *kgo.Client, names []string) (map[string]*Topic, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.AllowAutoTopicCreation = false
	topics := make(map[string]*Topic, len(names))
	if names != nil {
		if len(names) == 0 {
			return topics, nil
		}
		req.IncludeTopicAuthorizedOperations = true
		req.Topics = make([]kmsg.MetadataRequestTopic, 0, len(names))
		for _, name := range names {
			t := kmsg.NewMetadataRequestTopic()
			t.Topic = new(name)
			req.Topics = append(req.Topics, t)
			topics[name] = &Topic{Name: name, Err: kerr.UnknownTopicOrPartition, Operations: noOperations}
		}
	}
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return nil, fmt.Errorf("listing topics: %w", err)
	}
	for i := range resp.Topics {
		if t := newTopic(&resp.Topics[i]); t.Name != "" {
			topics[t.Name] = t
		}
	}
	return topics, nil
}

func newTopic(rt *kmsg.MetadataResponseTopic) *Topic {
	t := &Topic{ID: rt.TopicID, Internal: rt.IsInternal, Operations: rt.AuthorizedOperations}
	if rt.Topic != nil {
		t.Name = *rt.Topic
	}
	if err := kerr.ErrorForCode(rt.ErrorCode); err != nil {
		t.Err = Refused(err, "DESCRIBE", OnTopic(t.Name))
	}
	for _, rp := range rt.Partitions {
		leader := rp.Leader
		// A partition may name a leader and yet say that it is not there.
		if errors.Is(kerr.ErrorForCode(rp.ErrorCode), kerr.LeaderNotAvailable) {
			leader = -1
		}
		t.Partitions = append(t.Partitions, Partition{Number: rp.Partition, Leader: leader, LeaderEpoch: rp.LeaderEpoch})
	}
	slices.SortFunc(t.Partitions, func(a, b Partition) int { return int(a.Number - b.Number) })
	return t
}

// WaitReady asks for topics until each has its wanted number of partitions,
// all with leaders, and returns the last answer: a change is known to the
// controller before it is known to every broker. It gives up silently after
// within, so that the answer may hold topics that are not Ready.
func WaitReady(ctx context.Context, cl *kgo.Client, want map[string]int32, within time.Duration) (map[string]*Topic, error) {
	names := make([]string, 0, len(want))
	for name := range want {
		names = append(names, name)
	}
	slices.Sort(names)
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 500*time.Millisecond) {
		topics, err := Topics(ctx, cl, names)
		if err != nil {
			return nil, err
		}
		ready := true
		for name, partitions := range want {
			ready = ready && topics[name].Ready(partitions)
		}
		if ready {
			return topics, nil
		}
		select {
		case <-time.After(pause):
		case <-deadline.C:
			return topics, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// inGroups returns m's keys in order, in groups that weigh at most limit each,
// or hold a single heavier one.
func inGroups[V any](m map[string]V, limit int, weight func(V) int) [][]string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	var groups [][]string
	start, sum := 0, 0
	for i, name := range names {
		w := weight(m[name])
		if i > start && sum+w > limit {
			groups = append(groups, names[start:i])
			start, sum = i, 0
		}
		sum += w
	}
	if start < len(names) {
		groups = append(groups, names[start:])
	}
	return groups
}
