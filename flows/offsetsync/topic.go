package offsetsync

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/admin"
	"github.com/strait-mirror/strait/flows/internal/tail"
	"github.com/strait-mirror/strait/flows/reconcile"
)

// propagation is how long a topic just created may take to have a leader.
const propagation = 10 * time.Second

// topic is one of those in which is kept what is known of lanes. It is used by one
// goroutine at a time.
type topic struct {
	on       *cluster.Cluster
	name     string // "": there is none
	what     string // it holds
	replicas int16  // of a new one; -1: the broker's default
	readOnly bool   // it is not created
	log      *tail.Reader

	there  bool // as far as is known
	loaded bool // what it held was read
}

// load creates the topic where it is missing, and reads it once.
func (t *topic) load(ctx context.Context, pass *reconcile.Pass, take func(*kgo.Record)) error {
	if t.name == "" {
		return nil
	}
	if err := t.ensure(ctx, pass); err != nil {
		return t.on.Explain(fmt.Errorf("creating topic %q: %w", t.name, err))
	}
	if t.loaded {
		return nil
	}
	err := t.read(ctx, take)
	t.loaded = err == nil
	return t.on.Explain(err)
}

// ensure asks for the topic once, and again when it turned out to be missing.
func (t *topic) ensure(ctx context.Context, pass *reconcile.Pass) error {
	if t.there || t.readOnly {
		return nil
	}
	created, refused, err := admin.EnsureCompacted(ctx, t.on.Control(), t.name, t.replicas, propagation)
	if err != nil {
		return err
	}
	if refused != nil && !errors.Is(refused, kerr.TopicAuthorizationFailed) && !errors.Is(refused, kerr.ClusterAuthorizationFailed) {
		return refused
	}
	t.there = true // who may not create it may find it there
	if created != nil {
		pass.Changed(reconcile.Event{
			Kind: "topic created", Cluster: t.on.Alias(), Object: fmt.Sprintf("topic %q", t.name),
			After: fmt.Sprintf("partitions=1 replication_factor=%d cleanup.policy=compact", created.ReplicationFactor),
		})
	}
	return nil
}

// read shows the records of the topic that were not shown before; none of one that
// is not there.
func (t *topic) read(ctx context.Context, take func(*kgo.Record)) error {
	topics, err := admin.Topics(ctx, t.on.Control(), []string{t.name})
	if err != nil {
		return err
	}
	is := topics[t.name]
	switch {
	case errors.Is(is.Err, kerr.UnknownTopicOrPartition):
		return nil
	case is.Err != nil:
		return fmt.Errorf("describing topic %q: %w", t.name, is.Err)
	case !is.Ready(1):
		return fmt.Errorf("describing topic %q: %w", t.name, kerr.LeaderNotAvailable)
	}
	return t.log.Read(ctx, is, take)
}

// write writes records to the topic and calls again for each that was not written.
func (t *topic) write(ctx context.Context, records []*kgo.Record, again func(*kgo.Record)) error {
	if len(records) == 0 {
		return nil
	}
	writer, err := t.on.Writer()
	if err != nil {
		return err
	}
	var first error
	for _, result := range writer.ProduceSync(ctx, records...) {
		if result.Err == nil {
			continue
		}
		again(result.Record)
		if first == nil {
			first = result.Err
		}
	}
	if errors.Is(first, kerr.UnknownTopicID) {
		writer.PurgeTopicsFromProducing(t.name) // the client holds on to the old id
	}
	if errors.Is(first, kerr.UnknownTopicID) || errors.Is(first, kerr.UnknownTopicOrPartition) {
		t.there = false
	}
	if first == nil {
		return nil
	}
	return t.on.Explain(fmt.Errorf("writing %s: %w", t.what, admin.Refused(first, "WRITE", admin.OnTopic(t.name))))
}
