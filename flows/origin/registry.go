package origin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/admin"
	"github.com/strait-mirror/strait/flows/internal/tail"
)

// propagation is how long a topic just created may take to have a leader that
// every broker knows of.
const propagation = 30 * time.Second

// RegistryParams is what NewRegistry needs. All of it is required.
type RegistryParams struct {
	Target *cluster.Cluster // where producer ids are entered
	Log    *slog.Logger

	SourceID    string // cluster id of where the records come from
	SourceAlias string // what that is called here

	ReplicationFactor int16 // of the topic, if it is created; -1: the broker's default
}

// Registry enters producer ids of a target cluster. Its methods are safe for
// concurrent use.
type Registry struct {
	p     RegistryParams
	entry entry

	mu      sync.Mutex // guards entered
	entered map[int64]bool
}

// NewRegistry returns a registry that must be opened.
func NewRegistry(p RegistryParams) (*Registry, error) {
	if p.SourceID == "" || p.SourceAlias == "" || p.Target == nil || p.Log == nil || p.ReplicationFactor == 0 {
		return nil, errors.New("building a registry of producer ids: target, log, source id, source alias and replication factor are required")
	}
	return &Registry{
		p: p, entry: entry{Version: entryVersion, ClusterID: p.SourceID, Alias: p.SourceAlias}, entered: map[int64]bool{},
	}, nil
}

// CleanupPolicyError says that the topic would lose entries, after which copies
// would be taken for local records.
type CleanupPolicyError struct {
	Topic  string
	Policy string // its cleanup.policy
}

func (e *CleanupPolicyError) Error() string {
	return fmt.Sprintf("topic %q keeps the producer ids of mirrors and needs cleanup.policy=compact, not %q", e.Topic, e.Policy)
}

// Hint says what to do about it.
func (e *CleanupPolicyError) Hint() string {
	return fmt.Sprintf("kafka-configs.sh --alter --entity-type topics --entity-name %s --add-config cleanup.policy=compact", e.Topic)
}

// Open creates the topic if it is missing and reads what is entered. It may be
// called again, after it failed or when the topic was deleted.
func (r *Registry) Open(ctx context.Context) error {
	name := Topic(r.p.SourceAlias)
	topic, err := r.ensure(ctx, name)
	if err != nil {
		return fmt.Errorf("opening the registry of producer ids for loop_guard: %w", err)
	}
	entered := map[int64]bool{}
	in := tail.New(r.p.Target)
	err = in.Read(ctx, topic, func(record *kgo.Record) {
		if id, e, err := parse(record.Key, record.Value); err == nil && e.ClusterID == r.entry.ClusterID {
			entered[id] = true
		}
	})
	if err != nil {
		return fmt.Errorf("opening the registry of producer ids for loop_guard: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entered = entered
	return nil
}

// ensure creates the topic, or sees to the settings of the one that is there.
func (r *Registry) ensure(ctx context.Context, name string) (*admin.Topic, error) {
	client := r.p.Target.Control()
	topics, err := admin.Topics(ctx, client, []string{name})
	if err != nil {
		return nil, err
	}
	if errors.Is(topics[name].Err, kerr.UnknownTopicOrPartition) {
		created, err := admin.Create(ctx, client, map[string]admin.NewTopic{name: {
			Partitions: 1, ReplicationFactor: r.p.ReplicationFactor, Settings: map[string]string{"cleanup.policy": "compact"},
		}})
		if err == nil {
			err = created[name].Err
		}
		if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			return nil, fmt.Errorf("creating topic %q: %w", name, err)
		}
		r.p.Log.Info("registry of producer ids created", "topic", name)
	} else if err := topics[name].Err; err != nil && !kerr.IsRetriable(err) {
		return nil, fmt.Errorf("describing topic %q: %w", name, err)
	}
	if topics, err = admin.WaitReady(ctx, client, map[string]int32{name: 1}, propagation); err != nil {
		return nil, err
	}
	if t := topics[name]; !t.Ready(1) {
		return nil, fmt.Errorf("topic %q has no leader after %v: %w", name, propagation, errors.Join(t.Err, kerr.LeaderNotAvailable))
	}
	return topics[name], r.checkPolicy(ctx, name)
}

// checkPolicy refuses a topic that deletes entries.
func (r *Registry) checkPolicy(ctx context.Context, name string) error {
	answers, err := admin.TopicSettings(ctx, r.p.Target.Control(), []string{name})
	if err != nil {
		return err
	}
	if err := answers[name].Err; err != nil {
		r.p.Log.Warn("settings of the registry of producer ids not checked", "topic", name, "err", err)
		return nil
	}
	if policy, ok := answers[name].Settings["cleanup.policy"]; ok && strings.TrimSpace(policy.Value) != "compact" {
		return &CleanupPolicyError{Topic: name, Policy: policy.Value}
	}
	return nil
}

// Enter enters producer ids that are not yet, and returns when all replicas have
// them. Nothing may be written with an id before. kerr.UnknownTopicOrPartition
// and kerr.UnknownTopicID ask for another Open: the topic was deleted.
func (r *Registry) Enter(ctx context.Context, ids ...int64) error {
	name := Topic(r.p.SourceAlias)
	var records []*kgo.Record
	r.mu.Lock()
	asked := map[int64]bool{}
	for _, id := range ids {
		if !r.entered[id] && !asked[id] {
			asked[id] = true
			records = append(records, &kgo.Record{Topic: name, Key: key(id), Value: r.entry.value()})
		}
	}
	r.mu.Unlock()
	if len(records) == 0 {
		return nil
	}
	client := r.p.Target.Control()
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		if errors.Is(err, kerr.UnknownTopicID) {
			client.PurgeTopicsFromProducing(name) // the client holds on to the old id
		}
		return fmt.Errorf("entering %d producer ids for loop_guard: %w", len(records), admin.Refused(err, "WRITE", admin.OnTopic(name)))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for id := range asked {
		r.entered[id] = true
	}
	return nil
}
