package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/flows/internal/wire"
)

// Leader is who leads a partition.
type Leader struct {
	Broker int32
	Epoch  int32        // wire.NoEpoch where the broker does not tell
	ID     wire.TopicID // of the topic; zero where the broker has none
}

const (
	// refreshInterval is the least time between two requests.
	refreshInterval = 50 * time.Millisecond

	// maxRefreshInterval is the most, however often they fail.
	maxRefreshInterval = 2 * time.Second
)

// Metadata knows the leaders of the tracked topics as the cluster last told
// them. It asks only when Refresh is called. All methods are safe for
// concurrent use.
type Metadata struct {
	request func(context.Context, kmsg.Request) (kmsg.Response, error)
	turn    chan struct{} // held by the Refresh that asks

	mu         sync.Mutex // guards the rest
	topics     map[string]*topicState
	generation uint64

	begun    uint64    // requests begun, by number
	ended    uint64    // number of the last one that ended with an outcome
	outcome  error     // of that one
	last     time.Time // when the last request began
	failures int       // in a row
}

type topicState struct {
	tracked int // times
	id      wire.TopicID
	err     error // what the cluster says of the topic; nil once it is known
	leaders []partitionLeader
}

type partitionLeader struct {
	broker, epoch int32 // broker is below 0 while there is none
}

// errNotAsked is the state of a topic between Track and Refresh.
var errNotAsked = errors.New("metadata was not asked for yet")

func newMetadata(request func(context.Context, kmsg.Request) (kmsg.Response, error)) *Metadata {
	return &Metadata{request: request, turn: make(chan struct{}, 1), topics: make(map[string]*topicState)}
}

// Track adds topics to what Refresh asks for. Each Track needs its own Forget.
func (m *Metadata) Track(topics ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, name := range topics {
		t := m.topics[name]
		if t == nil {
			t = &topicState{err: errNotAsked}
			m.topics[name] = t
		}
		t.tracked++
	}
}

// Forget undoes one Track of each topic.
func (m *Metadata) Forget(topics ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, name := range topics {
		if t := m.topics[name]; t != nil {
			if t.tracked--; t.tracked == 0 {
				delete(m.topics, name)
				m.generation++
			}
		}
	}
}

// Leader returns the leader of a partition, or false when the topic is not
// tracked, not known, or the partition has no leader now.
func (m *Metadata) Leader(topic string, partition int32) (Leader, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.topics[topic]
	if t == nil || partition < 0 || int(partition) >= len(t.leaders) || t.leaders[partition].broker < 0 {
		return Leader{}, false
	}
	l := t.leaders[partition]
	return Leader{Broker: l.broker, Epoch: l.epoch, ID: t.id}, true
}

// Partitions returns the number of a topic's partitions, zero while it is not
// known.
func (m *Metadata) Partitions(topic string) int32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if t := m.topics[topic]; t != nil {
		return int32(len(t.leaders))
	}
	return 0
}

// TopicID returns a topic's id, zero while it is not known or has none.
func (m *Metadata) TopicID(topic string) wire.TopicID {
	m.mu.Lock()
	defer m.mu.Unlock()
	if t := m.topics[topic]; t != nil {
		return t.id
	}
	return wire.TopicID{}
}

// Err returns what is wrong with a tracked topic: one of kerr's errors
// (UnknownTopicOrPartition for a deleted topic, TopicAuthorizationFailed), that
// it was not asked for yet, or nil.
func (m *Metadata) Err(topic string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if t := m.topics[topic]; t != nil {
		return t.err
	}
	return fmt.Errorf("topic %q is not tracked", topic)
}

// Generation changes whenever an answer of the other methods may have changed.
func (m *Metadata) Generation() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.generation
}

// Hint takes in what an error response says of a partition's new leader
// (KIP-951). It is ignored when the leader is unknown or its epoch is not newer
// than what is known. The endpoint is not needed: clients look for brokers they
// do not know.
func (m *Metadata) Hint(topic string, partition, leader, epoch int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.topics[topic]
	if t == nil || leader < 0 || partition < 0 || int(partition) >= len(t.leaders) {
		return
	}
	if known := t.leaders[partition]; epoch < known.epoch || epoch == known.epoch && known.broker >= 0 {
		return
	}
	t.leaders[partition] = partitionLeader{broker: leader, epoch: epoch}
	m.generation++
}

// Refresh asks the cluster for the tracked topics. The answer is newer than the
// call; calls that wait at the same time share one request. Requests are at
// least 50 ms apart, more after failures, up to 2 s. What is wrong with single
// topics is no error: ask Err.
func (m *Metadata) Refresh(ctx context.Context) error {
	m.mu.Lock()
	wanted := m.begun + 1
	m.mu.Unlock()

	select {
	case m.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-m.turn }()

	m.mu.Lock()
	ended, outcome, wait := m.ended, m.outcome, time.Until(m.last.Add(m.intervalLocked()))
	m.mu.Unlock()
	if ended >= wanted {
		return outcome
	}
	if err := sleep(ctx, wait); err != nil {
		return err
	}
	return m.refresh(ctx)
}

// intervalLocked returns the time between the last request and the next.
func (m *Metadata) intervalLocked() time.Duration {
	d := min(refreshInterval<<min(m.failures, 10), maxRefreshInterval)
	if m.failures > 0 {
		d = time.Duration(float64(d) * (0.8 + 0.2*rand.Float64()))
	}
	return d
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// refresh sends one request. m.turn is held.
func (m *Metadata) refresh(ctx context.Context) error {
	m.mu.Lock()
	m.begun++
	number := m.begun
	m.last = time.Now()
	names := make([]string, 0, len(m.topics))
	for name := range m.topics {
		names = append(names, name)
	}
	m.mu.Unlock()

	var response *kmsg.MetadataResponse
	var err error
	if len(names) > 0 {
		slices.Sort(names)
		response, err = askTopics(ctx, m.request, names)
	}
	if ctx.Err() != nil && err != nil {
		return context.Cause(ctx) // says nothing to the others who wait
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended, m.outcome = number, err
	if err != nil {
		m.failures++
		return err
	}
	m.failures = 0
	if response != nil {
		m.takeLocked(names, response)
	}
	return nil
}

func askTopics(ctx context.Context, request func(context.Context, kmsg.Request) (kmsg.Response, error), names []string) (*kmsg.MetadataResponse, error) {
	req := kmsg.NewPtrMetadataRequest()
	for _, name := range names {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = new(name)
		req.Topics = append(req.Topics, t)
	}
	response, err := request(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("asking for the leaders of %d topics: %w", len(names), err)
	}
	return response.(*kmsg.MetadataResponse), nil
}

func (m *Metadata) takeLocked(asked []string, r *kmsg.MetadataResponse) {
	answered := make(map[string]*kmsg.MetadataResponseTopic, len(r.Topics))
	for i := range r.Topics {
		if name := r.Topics[i].Topic; name != nil {
			answered[*name] = &r.Topics[i]
		}
	}
	for _, name := range asked {
		t := m.topics[name]
		if t == nil {
			continue // forgotten meanwhile
		}
		var changed bool
		if a := answered[name]; a != nil {
			changed = t.take(a)
		} else {
			changed = t.fail(kerr.UnknownTopicOrPartition)
		}
		if changed {
			m.generation++
		}
	}
}

// fail keeps what is known unless the cluster says that it is gone or none of
// our business.
func (t *topicState) fail(err error) bool {
	changed := !errors.Is(t.err, err)
	t.err = err
	if !kerr.IsRetriable(err) || errors.Is(err, kerr.UnknownTopicOrPartition) {
		t.leaders = nil
	}
	return changed
}

// take reports whether anything is different now.
func (t *topicState) take(a *kmsg.MetadataResponseTopic) bool {
	if err := kerr.ErrorForCode(a.ErrorCode); err != nil {
		return t.fail(err)
	}
	// An answer may come from a broker that lags behind: within one life of a
	// topic, leader epochs only grow. Without ids lives cannot be told apart.
	sameLife := t.id == wire.TopicID(a.TopicID) && t.id != wire.TopicID{}
	leaders := make([]partitionLeader, len(a.Partitions))
	for i := range leaders {
		leaders[i] = partitionLeader{broker: -1, epoch: wire.NoEpoch}
	}
	for i := range a.Partitions {
		p := &a.Partitions[i]
		if p.Partition < 0 || int(p.Partition) >= len(leaders) {
			continue // partitions are numbered without gaps
		}
		l := partitionLeader{broker: p.Leader, epoch: p.LeaderEpoch}
		if sameLife && int(p.Partition) < len(t.leaders) {
			if known := t.leaders[p.Partition]; l.epoch < known.epoch {
				l = known
			}
		}
		leaders[p.Partition] = l
	}
	if sameLife && len(leaders) < len(t.leaders) {
		leaders = append(leaders, t.leaders[len(leaders):]...) // partitions are never removed
	}
	changed := t.err != nil || t.id != wire.TopicID(a.TopicID) || !slices.Equal(leaders, t.leaders)
	t.err, t.id, t.leaders = nil, a.TopicID, leaders
	return changed
}
