// Package heartbeat owns the heartbeats of one pair of clusters: MirrorMaker 2's
// topic of them on one cluster, and a record in it at every interval. Watchers
// tell from their age, there and behind any number of mirrors, which mirrors are
// alive. When to send one is package reconcile's business; that heartbeats topics
// are mirrored, package mirror's.
package heartbeat

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/admin"
	"github.com/strait-mirror/strait/flows/internal/mm2fmt"
	"github.com/strait-mirror/strait/flows/internal/tail"
	"github.com/strait-mirror/strait/flows/reconcile"
	"github.com/strait-mirror/strait/transforms/rename"
)

// propagation is how long a topic just created may take to have a leader.
const propagation = 10 * time.Second

// Params is what New needs.
type Params struct {
	On *cluster.Cluster // where they are written; required

	Source, Target string // aliases of the pair; required

	ReplicationFactor int16 // of a new topic; -1: the broker's default
}

// Heartbeats writes the heartbeats of a pair. Its method must not overlap with
// itself.
type Heartbeats struct {
	p       Params
	there   bool  // the topic, as far as is known
	refused error // why it was not created
}

// New checks p and returns heartbeats of which none was sent.
func New(p Params) (*Heartbeats, error) {
	if p.On == nil || p.Source == "" || p.Target == "" {
		return nil, errors.New("building heartbeats: cluster, source and target are required")
	}
	return &Heartbeats{p: p}, nil
}

// Beat writes one heartbeat, into a topic that it creates where it is missing.
func (h *Heartbeats) Beat(ctx context.Context, pass *reconcile.Pass) error {
	if err := h.ensure(ctx, pass); err != nil {
		return h.p.On.Explain(fmt.Errorf("creating topic %q: %w", rename.Heartbeats, err))
	}
	if !pass.Leads() {
		return nil
	}
	writer, err := h.p.On.Writer()
	if err != nil {
		return err
	}
	now := time.Now()
	key, value, err := mm2fmt.Heartbeat{Source: h.p.Source, Target: h.p.Target, Timestamp: now.UnixMilli()}.Encode()
	if err != nil {
		return err
	}
	err = writer.ProduceSync(ctx, &kgo.Record{Topic: rename.Heartbeats, Key: key, Value: value, Timestamp: now}).FirstErr()
	if err == nil {
		return nil
	}
	if errors.Is(err, kerr.UnknownTopicID) {
		writer.PurgeTopicsFromProducing(rename.Heartbeats) // the client holds on to the old id
	}
	if errors.Is(err, kerr.UnknownTopicID) || errors.Is(err, kerr.UnknownTopicOrPartition) {
		h.there = false
		if h.refused != nil {
			return h.p.On.Explain(h.refused)
		}
	}
	return h.p.On.Explain(fmt.Errorf("writing a heartbeat: %w", admin.Refused(err, "WRITE", admin.OnTopic(rename.Heartbeats))))
}

// Foresee returns what the first Beat would create, and creates and sends nothing.
func (h *Heartbeats) Foresee(ctx context.Context) ([]reconcile.Event, error) {
	return tail.Foresee(ctx, h.p.On, rename.Heartbeats, admin.Compacted(h.p.ReplicationFactor))
}

// ensure asks for the topic once, and again when it turned out to be missing.
func (h *Heartbeats) ensure(ctx context.Context, pass *reconcile.Pass) error {
	if h.there || !pass.Leads() {
		return nil
	}
	created, refused, err := admin.EnsureCompacted(ctx, h.p.On.Control(), rename.Heartbeats, h.p.ReplicationFactor, propagation)
	if err != nil {
		return err
	}
	h.there, h.refused = true, refused
	if created != nil {
		pass.Changed(reconcile.Event{
			Kind: "topic created", Cluster: h.p.On.Alias(), Object: admin.OnTopic(rename.Heartbeats), After: created.String(),
		})
	}
	return nil
}
