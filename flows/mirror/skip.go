package mirror

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/internal/admin"
	"github.com/strait-mirror/strait/flows/internal/batch"
	"github.com/strait-mirror/strait/flows/sink"
)

// skip counts the records behind an anchor that are on the target already. Until
// none is left nothing is handed to the sink, so that no anchor is written: the
// one there is stays true.
type skip struct {
	left  int64  // records
	last  digest // of the last of them; zero: not known
	holes bool   // the source has no record at some offsets among them

	records  int64      // that there were at first
	from, to int64      // where they are on the target
	writers  []writer   // of them
	compared *alignment // nil: they are only counted
}

// drop lets a batch go by that is not in the lane's stream; next is the offset wanted.
func (k *skip) drop(b batch.Batch, next int64) {
	k.holes = k.holes || b.BaseOffset() > next || lacking(b) > 0
	if a := k.compared; a != nil {
		a.gone(b.BaseOffset())
		// What compaction left of a batch stands for the records that were in it.
		a.lacks(lacking(b))
		a.leaves(b.NextOffset())
	}
}

// lacking returns at how many of its offsets a batch has no record; of old formats
// nobody knows without looking inside.
func lacking(b batch.Batch) int64 {
	if b.Magic() < 2 {
		return 0
	}
	return int64(b.LastOffsetDelta()) + 1 - int64(b.Count())
}

// passOver lets a batch go by that d would hand on, or the part of it that is on
// the target.
func (l *lane) passOver(ctx context.Context, b batch.Batch, d batch.Decision, s *share, epoch int32) error {
	if l.skip.compared != nil {
		return l.compare(b, epoch)
	}
	l.skip.holes = l.skip.holes || b.BaseOffset() > l.next || lacking(b) > 0
	count, err := l.emitted(b, d)
	if err != nil {
		return err
	}
	after := b.NextOffset()
	if count < l.skip.left {
		l.skip.left -= count
		l.next = after
		return nil
	}
	next, last, err := l.find(b, l.skip.left)
	if err != nil {
		return err
	}
	known := l.skip.last != (digest{})
	if known && last != l.skip.last || !known && l.skip.holes { // compacted on both sides
		return &UnprovenError{Why: "the source does not hold what the target ends with: its log was compacted or cut short meanwhile, or records were left out"}
	}
	l.counted()
	if next < after { // the batch was split, and a part of it is missing
		l.next = next
		l.out.Advance(next, epoch) // a place of its own, should the part need another producer id
		limits := l.topic.limits()
		if _, err := l.recode(ctx, b, l.records.Edit(b, limits.Edit(next), false), s, epoch); err != nil {
			return err
		}
	}
	l.next = after
	l.provenUpTo(after, epoch)
	l.out.Advance(after, epoch)
	return nil
}

// emitted returns how many records a batch puts into the lane's stream.
func (l *lane) emitted(b batch.Batch, d batch.Decision) (int64, error) {
	keep, known := l.records.Whole(b)
	switch {
	case known && !keep:
		return 0, nil
	case keep && d.Action == batch.Pass:
		return int64(b.Count()), nil
	}
	l.records.Begin()
	var count int64
	for r, err := range l.session.recoder.Records(b) {
		if err != nil {
			return 0, fmt.Errorf("counting the records of the batch at offset %d: %w", b.BaseOffset(), err)
		}
		if r.Offset >= l.next && l.records.Keeps(r) {
			count++
		}
	}
	return count, l.records.Failed()
}

// find returns the digest of record n of those that a batch puts into the lane's
// stream, and the offset of the record behind it.
func (l *lane) find(b batch.Batch, n int64) (next int64, last digest, err error) {
	l.records.Begin()
	for r, err := range l.session.recoder.Records(b) {
		switch {
		case err != nil:
			return 0, digest{}, fmt.Errorf("counting the records of the batch at offset %d: %w", b.BaseOffset(), err)
		case r.Offset < l.next || !l.records.Keeps(r):
		case n == 0:
			return r.Offset, last, l.records.Failed()
		default:
			if n--; n == 0 {
				last = digestOf(r)
			}
		}
	}
	return b.NextOffset(), last, l.records.Failed()
}

// disproved has both logs compared where the source does not bear out what was counted
// on the target.
func (l *lane) disproved(ctx context.Context, e *UnprovenError) {
	err := l.session.align(ctx, l, comparePatience)
	switch {
	case err == nil:
		l.fromAnchor()
	case ctx.Err() == nil:
		e.Why = fmt.Sprintf("%s; both sides could not be compared: %v", e.Why, err)
		l.unproven(ctx, e)
	}
}

// fromAnchor reads again what is to be compared.
func (l *lane) fromAnchor() {
	a := l.skip.compared
	l.next = a.next
	l.session.retry(l, l.next, a.on.epoch)
}

// unproven goes back to the anchor, or stops the lane.
func (l *lane) unproven(ctx context.Context, e *UnprovenError) {
	s := l.session
	l.counted()
	s.noteUnproven(l, e)
	if s.flow.def().OnUnproven == model.UnprovenStop {
		l.giveUp(e)
		return
	}
	back := l.acknowledged()
	err := s.anew(ctx, l)
	if err == nil {
		err = s.writeAnchors(ctx, []*lane{l})
	}
	if err != nil {
		l.giveUp(fmt.Errorf("going back to the stored position: %w", s.flow.p.Target.Explain(err)))
		return
	}
	if out, ok := l.out.(*sink.Lane); ok { // nobody else's records are counted
		out.Rebegin(l.begin)
	}
	l.next = back.SourceNext
	s.retry(l, l.next, back.SourceEpoch)
}

// Renewing stores the place from which the lane writes under another producer
// id, before it does: what an anchor counts from is one producer's sequence.
func (l *lane) Renewing(ctx context.Context, a sink.Ack) error {
	if !l.session.exactly() {
		return nil
	}
	l.mu.Lock()
	a.SourceNext, a.SourceEpoch = l.ack.SourceNext, l.ack.SourceEpoch
	l.ack = a
	l.mu.Unlock()
	const pause = time.Second
	for {
		err := l.session.writeAnchor(ctx, l)
		if err == nil || ctx.Err() != nil {
			return err
		}
		err = l.session.flow.p.Target.Explain(err)
		l.session.flow.note(noteKey{kind: noteAnchors, partition: WholeTopic}, Problem{Err: err, Fix: fixFor(err)})
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// explainRead says which permission is missing on the target topic.
func (l *lane) explainRead(error) error {
	return l.session.flow.p.Target.Explain(admin.Refused(kerr.TopicAuthorizationFailed, "READ", admin.OnTopic(l.target.Topic)))
}
