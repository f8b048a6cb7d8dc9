package position

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/strait-mirror/strait/flows/internal/admin"
)

// propagation is how long a topic just created may take to have leaders that
// every broker knows of.
const propagation = 30 * time.Second

// settings are those of a topic of anchors. A thousand busy partitions write
// 200 anchors a second, 4 GB a day before compression; what must be read again
// at a start is the active segments and what the cleaner has not got to yet.
// So segments are as small as Kafka takes (KIP-1030: 1 MiB from 4.1), rolled
// at least every ten minutes, and cleaned whenever one is complete.
func settings() map[string]string {
	return map[string]string{
		"segment.bytes":             "1048576",
		"segment.ms":                "600000",
		"min.cleanable.dirty.ratio": "0.01",
		"min.compaction.lag.ms":     "0",
		"max.compaction.lag.ms":     "600000", // cleans a lane's topic that stays below the dirty ratio too
		"compression.type":          "producer",
	}
}

// CleanupPolicyError says that the topic of anchors would lose anchors:
// MirrorMaker 2 refuses to start on such a topic, and so does a store.
type CleanupPolicyError struct {
	Topic  string
	Policy string // its cleanup.policy
}

func (e *CleanupPolicyError) Error() string {
	return fmt.Sprintf("topic %q keeps positions and needs cleanup.policy=compact, not %q", e.Topic, e.Policy)
}

// Hint says what to do about it.
func (e *CleanupPolicyError) Hint() string {
	return fmt.Sprintf("kafka-configs.sh --alter --entity-type topics --entity-name %s --add-config cleanup.policy=compact", e.Topic)
}

// ensureTopic creates the topic, or sees to the settings of the one that is
// there.
func (s *Store) ensureTopic(ctx context.Context) error {
	topics, err := admin.Topics(ctx, s.p.Client, []string{s.p.Topic})
	if err != nil {
		return fmt.Errorf("opening positions: %w", err)
	}
	t := topics[s.p.Topic]
	switch {
	case errors.Is(t.Err, kerr.UnknownTopicOrPartition):
		created, err := s.createTopic(ctx)
		if err != nil {
			return fmt.Errorf("opening positions: creating topic %q: %w", s.p.Topic, err)
		}
		if created {
			return s.waitForLeaders(ctx, s.p.Partitions)
		}
	case t.Err != nil && !kerr.IsRetriable(t.Err):
		return fmt.Errorf("opening positions: describing topic %q: %w", s.p.Topic, t.Err)
	}
	if err := s.waitForLeaders(ctx, 1); err != nil {
		return err
	}
	return s.checkSettings(ctx)
}

func (s *Store) newTopic() admin.NewTopic {
	topic := admin.NewTopic{Partitions: s.p.Partitions, ReplicationFactor: s.p.ReplicationFactor, Settings: settings()}
	topic.Settings["cleanup.policy"] = "compact"
	return topic
}

// createTopic returns false when another member created the topic first.
func (s *Store) createTopic(ctx context.Context) (bool, error) {
	topic := s.newTopic()
	answer, err := s.createAs(ctx, topic)
	if errors.Is(err, kerr.InvalidConfig) || errors.Is(err, kerr.PolicyViolation) {
		s.p.Log.Warn("creation of positions topic with small segments refused", "topic", s.p.Topic, "error", err)
		topic.Settings = map[string]string{"cleanup.policy": "compact"}
		answer, err = s.createAs(ctx, topic)
	}
	if errors.Is(err, kerr.TopicAlreadyExists) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	s.p.Log.Info("positions topic created", "topic", s.p.Topic, "partitions", topic.Partitions,
		"replication_factor", topic.ReplicationFactor, "topic_id", fmt.Sprintf("%x", answer.ID))
	return true, nil
}

func (s *Store) createAs(ctx context.Context, topic admin.NewTopic) (admin.Created, error) {
	answers, err := admin.Create(ctx, s.p.Client, map[string]admin.NewTopic{s.p.Topic: topic})
	if err != nil {
		return admin.Created{}, err
	}
	return answers[s.p.Topic], answers[s.p.Topic].Err
}

// waitForLeaders waits until the topic has at least partitions partitions. A
// partition without a leader is waited for by whoever reads it.
func (s *Store) waitForLeaders(ctx context.Context, partitions int32) error {
	topics, err := admin.WaitReady(ctx, s.p.Client, map[string]int32{s.p.Topic: partitions}, propagation)
	if err != nil {
		return fmt.Errorf("opening positions: waiting for topic %q: %w", s.p.Topic, err)
	}
	if t := topics[s.p.Topic]; !t.Ready(partitions) {
		return fmt.Errorf("opening positions: topic %q has partitions without a leader after %v: %w",
			s.p.Topic, propagation, errors.Join(t.Err, kerr.LeaderNotAvailable))
	}
	return nil
}

// checkSettings refuses a topic that deletes positions and improves the
// settings of one that is cleaned lazily.
func (s *Store) checkSettings(ctx context.Context) error {
	answers, err := admin.TopicSettings(ctx, s.p.Client, []string{s.p.Topic})
	if err != nil {
		return fmt.Errorf("opening positions: %w", err)
	}
	described := answers[s.p.Topic]
	if described.Err != nil {
		s.warnOnce("settings of positions topic not checked", "topic", s.p.Topic, "err", described.Err)
		return nil
	}
	if policy, ok := described.Settings["cleanup.policy"]; ok && strings.TrimSpace(policy.Value) != "compact" {
		return fmt.Errorf("opening positions: %w", &CleanupPolicyError{Topic: s.p.Topic, Policy: policy.Value})
	}
	if s.p.KeepSettings {
		return nil
	}
	return s.improve(ctx, described.Settings)
}

// improve sets what improvements finds. What the broker refuses is a warning: the
// topic grows larger and takes longer to read, no more.
func (s *Store) improve(ctx context.Context, have admin.Settings) error {
	change := improvements(have)
	if len(change) == 0 {
		return nil
	}
	var changes []string
	for _, name := range slices.Sorted(maps.Keys(change)) {
		changes = append(changes, name+": "+have[name].Value+" -> "+change[name])
	}
	refused, err := admin.Alter(ctx, s.p.Client, map[string]map[string]string{s.p.Topic: change})
	if err != nil {
		return fmt.Errorf("opening positions: %w", err)
	}
	if err := refused[s.p.Topic]; err != nil {
		s.warnOnce("better settings of positions topic refused", "topic", s.p.Topic,
			"settings", slices.Sorted(maps.Keys(change)), "err", err)
		return nil
	}
	s.p.Log.Info("settings of positions topic improved", "topic", s.p.Topic, "changes", changes)
	return nil
}

// improvements are the settings that are not as settings wants them and that nobody
// set on the topic by hand.
func improvements(have admin.Settings) map[string]string {
	change := make(map[string]string)
	for name, want := range settings() {
		if now, ok := have[name]; ok && !now.Explicit() && !sameNumber(now.Value, want) {
			change[name] = want
		}
	}
	return change
}

// warnOnce logs what a store that is opened again and again meets each time.
func (s *Store) warnOnce(message string, attrs ...any) {
	s.mu.Lock()
	told := s.warned[message]
	s.warned[message] = true
	s.mu.Unlock()
	if !told {
		s.p.Log.Warn(message, attrs...) //nolint:sloglint // its callers give constants
	}
}

func sameNumber(a, b string) bool {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return a == b || errX == nil && errY == nil && x == y
}
