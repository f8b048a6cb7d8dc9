package groupsync

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/flows/internal/mm2fmt"
	"github.com/strait-mirror/strait/flows/reconcile"
)

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
	if pass.Leads() {
		if err := g.checkpoints.Ensure(ctx, pass); err != nil {
			return err
		}
	}
	if err := g.read(ctx); err != nil {
		return err
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
		r := &kgo.Record{Topic: g.checkpoints.Name(), Key: key, Value: value, Timestamp: began}
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

// write writes checkpoints, and notes what was.
func (g *Groups) write(ctx context.Context, pass *reconcile.Pass, records []*kgo.Record, of map[*kgo.Record]position) error {
	if len(records) == 0 || !pass.Leads() {
		return nil
	}
	err := g.checkpoints.Write(ctx, records, func(lost *kgo.Record) { delete(of, lost) })
	now := time.Now()
	g.timing.Lock()
	defer g.timing.Unlock()
	for _, r := range records {
		if p, written := of[r]; written {
			g.note(p.key, p.upstream, p.to.Offset)
			g.took.Add(now, now.Sub(r.Timestamp).Seconds(), 1)
		}
	}
	return err
}

// read takes over what the topic of checkpoints says, whoever wrote it.
func (g *Groups) read(ctx context.Context) error {
	return g.checkpoints.Read(ctx, func(r *kgo.Record) {
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
