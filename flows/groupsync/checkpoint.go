package groupsync

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/flows/internal/admin"
	"github.com/strait-mirror/strait/flows/internal/mm2fmt"
	"github.com/strait-mirror/strait/flows/reconcile"
)

// propagation is how long a topic just created may take to have a leader.
const propagation = 10 * time.Second

// startPatience is how long a pass waits for the flow to find its place.
const startPatience = 10 * time.Second

// Checkpoint writes a checkpoint for each offset of a group that moved. It is a
// pass of a reconcile.Loop.
func (g *Groups) Checkpoint(ctx context.Context, pass *reconcile.Pass) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.prepare(ctx, pass); err != nil {
		return err
	}
	began := time.Now()
	if err := g.ensure(ctx, pass); err != nil {
		return g.p.Target.Explain(fmt.Errorf("creating topic %q: %w", g.topic, err))
	}
	if err := g.read(ctx); err != nil {
		return g.p.Target.Explain(err)
	}
	positions, refused, err := g.observe(ctx)
	if err != nil {
		return err
	}
	tell(pass, refused)
	var records []*kgo.Record
	written := map[*kgo.Record]position{}
	for _, p := range positions {
		last, known := g.last[p.key]
		if known && !last.news(p.upstream, p.to.Offset) {
			continue
		}
		key, value, err := mm2fmt.Checkpoint{
			Group: p.group, Topic: p.topic, Partition: p.partition,
			Upstream: p.upstream, Downstream: p.to.Offset, Metadata: p.metadata,
		}.Encode()
		if err != nil {
			continue // a group of a longer name cannot be
		}
		r := &kgo.Record{Topic: g.topic, Key: key, Value: value, Timestamp: began}
		records, written[r] = append(records, r), p
	}
	return g.write(ctx, pass, records, written)
}

// checkpoint is what was last written of a key.
type checkpoint struct {
	upstream, downstream int64
	before               int64 // downstream before the group went back on the source; -1: it did not
}

// news reports whether a checkpoint says more than the last one: the group went
// back on the source, or is further at the target (MirrorCheckpointTask, 4.2.0).
func (c checkpoint) news(upstream, downstream int64) bool {
	return upstream < c.upstream || downstream > c.downstream
}

// said reports whether a checkpoint said downstream, before the group went back on
// the source or since.
func (c checkpoint) said(downstream int64) bool {
	return downstream > 0 && (downstream == c.downstream || downstream == c.before)
}

// note takes over what was written.
func (g *Groups) note(k key, upstream, downstream int64) {
	last, known := g.last[k]
	now := checkpoint{upstream, downstream, -1}
	if known && downstream <= last.downstream { // what was read back is as it was
		if now.before = last.before; downstream < last.downstream {
			now.before = last.downstream
		}
	}
	g.last[k] = now
}

// prepare sees to it that the places of partitions are known.
func (g *Groups) prepare(ctx context.Context, pass *reconcile.Pass) error {
	if err := g.p.Offsets.Load(ctx, pass); err != nil {
		return err
	}
	g.p.Offsets.Await(ctx, startPatience)
	return nil
}

// write writes checkpoints.
func (g *Groups) write(ctx context.Context, pass *reconcile.Pass, records []*kgo.Record, of map[*kgo.Record]position) error {
	if len(records) == 0 || !pass.Leads() {
		return nil
	}
	writer, err := g.p.Target.Writer()
	if err != nil {
		return err
	}
	var failed error
	for _, result := range writer.ProduceSync(ctx, records...) {
		if result.Err != nil {
			failed = result.Err
			continue
		}
		p := of[result.Record]
		g.note(p.key, p.upstream, p.to.Offset)
	}
	if errors.Is(failed, kerr.UnknownTopicID) {
		writer.PurgeTopicsFromProducing(g.topic) // the client holds on to the old id
	}
	if errors.Is(failed, kerr.UnknownTopicID) || errors.Is(failed, kerr.UnknownTopicOrPartition) {
		g.there = false
	}
	if failed == nil {
		return nil
	}
	return g.p.Target.Explain(fmt.Errorf("writing checkpoints: %w", admin.Refused(failed, "WRITE", admin.OnTopic(g.topic))))
}

// ensure asks for the topic once, and again when it turned out to be missing.
func (g *Groups) ensure(ctx context.Context, pass *reconcile.Pass) error {
	if g.there || !pass.Leads() {
		return nil
	}
	created, refused, err := admin.EnsureCompacted(ctx, g.p.Target.Control(), g.topic, g.p.Flow.Control.CheckpointsTopicReplicationFactor, propagation)
	if err != nil {
		return err
	}
	if refused != nil && !errors.Is(refused, kerr.TopicAuthorizationFailed) && !errors.Is(refused, kerr.ClusterAuthorizationFailed) {
		return refused
	}
	g.there = true // who may not create it may find it there
	if created != nil {
		pass.Changed(reconcile.Event{
			Kind: "topic created", Cluster: g.p.Target.Alias(), Object: fmt.Sprintf("topic %q", g.topic),
			After: fmt.Sprintf("partitions=1 replication_factor=%d cleanup.policy=compact", created.ReplicationFactor),
		})
	}
	return nil
}

// read takes over what the topic says, whoever wrote it.
func (g *Groups) read(ctx context.Context) error {
	topics, err := admin.Topics(ctx, g.p.Target.Control(), []string{g.topic})
	if err != nil {
		return err
	}
	t := topics[g.topic]
	switch {
	case errors.Is(t.Err, kerr.UnknownTopicOrPartition):
		g.there = false
		return nil
	case t.Err != nil:
		return fmt.Errorf("describing topic %q: %w", g.topic, t.Err)
	case !t.Ready(1):
		return fmt.Errorf("describing topic %q: %w", g.topic, kerr.LeaderNotAvailable)
	}
	return g.log.Read(ctx, t, func(r *kgo.Record) {
		if c, err := mm2fmt.ParseCheckpoint(r.Key, r.Value); err == nil {
			g.note(key{c.Group, c.Topic, c.Partition}, c.Upstream, c.Downstream)
		}
	})
}

// tell reports groups that could not be asked for.
func tell(pass *reconcile.Pass, refused map[string]error) {
	for _, group := range slices.Sorted(maps.Keys(refused)) {
		pass.Problem(reconcile.Problem{Err: refused[group]})
	}
}
