package tail

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/admin"
	"github.com/strait-mirror/strait/flows/reconcile"
)

// propagation is how long a topic just created may take to have a leader.
const propagation = 10 * time.Second

// Topic is a compacted topic of one partition in which a mirror keeps what it knows.
// It is used by one goroutine at a time.
type Topic struct {
	on       *cluster.Cluster
	name     string
	what     string // it holds
	replicas int16
	log      *Reader

	there   bool  // as far as is known
	refused error // why it could not be created, where it may be there all the same
}

// NewTopic returns a topic of which nothing was read. what says what it holds, for
// errors; replicas are those of a new one, -1 the broker's default.
func NewTopic(on *cluster.Cluster, name, what string, replicas int16) *Topic {
	return &Topic{on: on, name: name, what: what, replicas: replicas, log: New(on)}
}

// Name returns the topic's name.
func (t *Topic) Name() string { return t.name }

// Ensure creates the topic where it is missing: it asks once, and again when the
// topic turned out to be missing. What was created is told to pass.
func (t *Topic) Ensure(ctx context.Context, pass *reconcile.Pass) error {
	if t.there {
		return nil
	}
	created, refused, err := admin.EnsureCompacted(ctx, t.on.Control(), t.name, t.replicas, propagation)
	if err == nil && !mayBeThere(refused) {
		err = refused
	}
	if err != nil {
		return t.on.Explain(fmt.Errorf("creating topic %q: %w", t.name, err))
	}
	t.there, t.refused = true, refused // who may not create it may find it there
	if created != nil {
		pass.Changed(reconcile.Event{
			Kind: "topic created", Cluster: t.on.Alias(), Object: admin.OnTopic(t.name), After: created.String(),
		})
	}
	return nil
}

// mayBeThere reports whether a topic that was refused can be there all the same: others
// may have created it (TopicAdmin of Kafka Connect, 4.2.0).
func mayBeThere(refused error) bool {
	for _, err := range []error{kerr.TopicAuthorizationFailed, kerr.ClusterAuthorizationFailed, kerr.UnsupportedVersion} {
		if errors.Is(refused, err) {
			return true
		}
	}
	return false
}

// Foresee returns what Ensure would create, and creates nothing.
func (t *Topic) Foresee(ctx context.Context) ([]reconcile.Event, error) {
	return Foresee(ctx, t.on, t.name, admin.Compacted(t.replicas))
}

// Foresee returns what there would be to tell of creating a topic where it is
// missing, and creates nothing.
func Foresee(ctx context.Context, on *cluster.Cluster, name string, wanted admin.NewTopic) ([]reconcile.Event, error) {
	created, refused, err := admin.Foresee(ctx, on.Control(), name, wanted)
	if err = cmp.Or(err, refused); err != nil {
		return nil, on.Explain(err)
	}
	if created == nil {
		return nil, nil
	}
	return []reconcile.Event{{Kind: "topic created", Cluster: on.Alias(), Object: admin.OnTopic(name), After: created.String()}}, nil
}

// Read shows the records of the topic that were not shown before; none of one that
// is not there.
func (t *Topic) Read(ctx context.Context, take func(*kgo.Record)) error {
	topics, err := admin.Topics(ctx, t.on.Control(), []string{t.name})
	if err != nil {
		return t.on.Explain(err)
	}
	is := topics[t.name]
	switch {
	case errors.Is(is.Err, kerr.UnknownTopicOrPartition):
		t.there = false
		return nil
	case is.Err != nil:
		err = fmt.Errorf("describing topic %q: %w", t.name, is.Err)
	case !is.Ready(1):
		err = fmt.Errorf("describing topic %q: %w", t.name, kerr.LeaderNotAvailable)
	default:
		err = t.log.Read(ctx, is, take)
	}
	return t.on.Explain(err)
}

// Write writes records to the topic and shows those that were not written to lost.
func (t *Topic) Write(ctx context.Context, records []*kgo.Record, lost func(*kgo.Record)) error {
	if len(records) == 0 {
		return nil
	}
	writer, err := t.on.Writer()
	if err != nil {
		for _, r := range records {
			lost(r)
		}
		return err
	}
	var first error
	for _, result := range writer.ProduceSync(ctx, records...) {
		if result.Err == nil {
			continue
		}
		lost(result.Record)
		if first == nil {
			first = result.Err
		}
	}
	if first == nil {
		return nil
	}
	if errors.Is(first, kerr.UnknownTopicID) {
		writer.PurgeTopicsFromProducing(t.name) // the client holds on to the old id
	}
	if errors.Is(first, kerr.UnknownTopicID) || errors.Is(first, kerr.UnknownTopicOrPartition) {
		t.there = false
		if t.refused != nil {
			return t.on.Explain(admin.Refused(t.refused, "CREATE", admin.OnTopic(t.name)))
		}
	}
	return t.on.Explain(fmt.Errorf("writing %s: %w", t.what, admin.Refused(first, "WRITE", admin.OnTopic(t.name))))
}
