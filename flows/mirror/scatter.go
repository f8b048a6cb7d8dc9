package mirror

import (
	"context"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/strait-mirror/strait/flows/internal/batch"
	"github.com/strait-mirror/strait/flows/internal/wire"
	"github.com/strait-mirror/strait/flows/sink"
	"github.com/strait-mirror/strait/flows/txn"
)

// scatter hands on what the target and the stages leave of a batch whose records go
// to several partitions. All of it is in one transaction with the position behind it,
// so that after a crash nothing has to be counted.
func (l *lane) scatter(ctx context.Context, b batch.Batch, limits batch.Limits, s *share, epoch int32) error {
	flow, rules := l.session.flow, l.session.flow.live.Load()
	targets := l.topic.pair().TargetPartitions
	place := func(r *batch.Record) int32 { return rules.Place(l.source.Partition, r.Key, targets) }
	var parts []txn.Part
	var dropped int
	edit := l.records.Edit(b, limits.Edit(l.next), false)
	refused, err := l.session.tolerating(edit, true, func(e batch.Edit) (err error) {
		discard(parts)
		parts = parts[:0]
		dropped, err = l.session.recoder.Scatter(b, e, place, func(to int32, made batch.Batch) {
			parts = append(parts, l.part(to, made, s))
		})
		return err
	})
	if err == nil {
		err = l.records.Failed()
	}
	var letters []txn.Part
	if err == nil {
		letters, err = l.session.dead.parts(ctx, l.records.Dead(), l.session)
	}
	if err != nil {
		discard(parts)
		return l.unmade(err, b, byKey)
	}
	l.session.skipped(l, refused, kerr.MessageTooLarge.Code, "")
	flow.stages.add(l.records.Counts())
	flow.filtered.Add(int64(dropped - refused - len(l.records.Dead())))
	flow.countRecoded(byKey)
	l.join(b, append(letters, parts...), epoch)
	return nil
}

// together hands on what is left of a batch with the letters of what is not.
func (l *lane) together(ctx context.Context, b batch.Batch, made *recoded, s *share, epoch int32) error {
	dead := l.records.Dead()
	parts, err := l.session.dead.parts(ctx, dead, l.session)
	if err != nil {
		return err
	}
	l.session.skipped(l, made.refused, kerr.MessageTooLarge.Code, "")
	l.session.flow.stages.add(l.records.Counts())
	l.session.flow.filtered.Add(int64(made.Dropped - made.refused - len(dead)))
	for _, one := range made.Parts {
		parts = append(parts, l.part(l.target.Partition, one.Batch, s))
	}
	l.join(b, parts, epoch)
	return nil
}

// join hands on all that was made of a batch: it is in one transaction with the
// position behind it.
func (l *lane) join(b batch.Batch, parts []txn.Part, epoch int32) {
	after := b.NextOffset()
	if len(parts) == 0 {
		l.out.Advance(after, epoch)
		return
	}
	for i := range parts {
		parts[i].SourceNext, parts[i].SourceEpoch = l.next, epoch
		if !parts[i].Aside {
			l.expect(after, int64(parts[i].Records), parts[i].MaxTimestamp)
		}
	}
	parts[len(parts)-1].SourceNext = after
	l.out.(*txn.Lane).AddParts(parts) //nolint:forcetypeassert // nothing else takes parts: chain.ForFlow refuses it
}

// part is a batch for one partition of the target topic, with the bytes in the
// budget's memory.
func (l *lane) part(to int32, made batch.Batch, s *share) txn.Part {
	s.refs.Add(1)
	target := wire.PartitionKey{Topic: l.target.Topic, ID: l.target.ID, Partition: to}
	owned := l.session.own(batch.Part{Batch: made}, s, wire.NoEpoch)
	return txn.Part{Batch: owned, Target: target, MaxBytes: l.begin.MaxBytes}
}

// discard gives back parts that are not handed on.
func discard(parts []txn.Part) {
	for _, p := range parts {
		release(p.Batch)
	}
}

// release gives back what a batch holds.
func release(b sink.Batch) {
	if b.Buffer != nil { // dead letters have none
		b.Buffer.Release()
		b.Owner.Release()
	}
}
