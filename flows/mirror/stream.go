package mirror

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/strait-mirror/strait/flows/internal/batch"
	"github.com/strait-mirror/strait/flows/internal/wire"
	"github.com/strait-mirror/strait/flows/sink"
	"github.com/strait-mirror/strait/flows/source"
	"github.com/strait-mirror/strait/transforms/program"
)

// chosen is why batches are built anew without the records that a stage drops.
const chosen batch.Reason = "stage"

// process walks the batches of one response.
func (l *lane) process(ctx context.Context, f source.Fetched) {
	s := &share{in: l.in, bytes: f.Records.Size()}
	s.refs.Store(1)
	defer s.Release()
	defer f.Records.Release()

	var aborted *batch.AbortedFilter
	if l.session.flow.readCommitted {
		aborted = batch.NewAbortedFilter(abortedOf(f.Aborted))
	}
	rest, epoch := f.Data(), wire.NoEpoch
	for len(rest) > 0 && !l.complete() {
		b, tail, err := batch.Next(rest)
		if err == nil && f.End-len(tail) > f.Sound {
			err = batch.Verify(b)
		}
		if err != nil {
			// What was damaged on the way comes right when it is fetched again;
			// what is damaged on the source's disk stays, and stays visible.
			l.blame(reading, Problem{Err: fmt.Errorf("reading the source's log: %w", err), untilMoved: true})
			l.session.retry(l, l.next, epoch)
			return
		}
		rest = tail
		if b.Magic() >= 2 {
			epoch = b.LeaderEpoch() // once it is handed on it is the sink's
		}
		if err := l.handle(ctx, b, f, s, aborted); err != nil {
			l.unhandled(ctx, err)
			return
		}
	}
	l.passed(ctx, f)
}

// passed looks how far the lane is once a response was processed.
func (l *lane) passed(ctx context.Context, f source.Fetched) {
	end := f.HighWatermark
	if l.session.flow.readCommitted && f.LastStableOffset >= 0 {
		end = f.LastStableOffset
	}
	switch {
	case l.skip == nil && l.complete():
		l.session.satisfied(l)
	case l.skip == nil || l.next < end && !l.complete():
	case l.skip.compared != nil:
		l.ended(ctx)
	case l.complete():
		l.disproved(ctx, &UnprovenError{Why: "the target holds more records than the source"})
	case l.session.align(ctx, l, 0) == nil:
		l.fromAnchor() // else what is to be counted may still come
	}
}

// unhandled deals with why a batch was not handed on.
func (l *lane) unhandled(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	unproven, ok := errors.AsType[*UnprovenError](err)
	switch {
	case errors.Is(err, errAligned):
		l.aligned(ctx)
	case ok && l.skip != nil && l.skip.compared == nil:
		l.disproved(ctx, unproven)
	case ok:
		l.unproven(ctx, unproven)
	default:
		l.giveUp(err)
	}
}

func abortedOf(list []wire.AbortedTransaction) []batch.AbortedTransaction {
	out := make([]batch.AbortedTransaction, len(list))
	for i, a := range list {
		out[i] = batch.AbortedTransaction(a)
	}
	return out
}

// handle decides what becomes of one batch and hands it on.
func (l *lane) handle(ctx context.Context, b batch.Batch, f source.Fetched, s *share, aborted *batch.AbortedFilter) error {
	limits := l.limits()
	d := batch.Classify(b, l.next, aborted, limits)
	if d.Action != batch.Drop {
		returned, err := l.returned(ctx, b, f.HighWatermark)
		if err != nil {
			return fmt.Errorf("judging the batch at offset %d: %w", b.BaseOffset(), err)
		}
		if returned {
			d = batch.Decision{Action: batch.Drop, Reason: batch.Returned}
		}
	}
	after, epoch, count := b.NextOffset(), wire.NoEpoch, b.NextOffset()-l.next
	if b.Magic() >= 2 {
		epoch, count = b.LeaderEpoch(), int64(b.Count())
	}
	l.session.flow.limit.read(count)
	l.session.flow.read.Add(max(0, count))
	switch {
	case d.Reason == batch.Behind:
		return nil
	case l.skip != nil && d.Action == batch.Drop: // the sink is told once all is counted
		l.skip.drop(b, l.next)
	case l.skip != nil:
		return l.passOver(ctx, b, d, s, epoch)
	case d.Action == batch.Drop:
		l.out.Advance(after, epoch)
	default:
		if err := l.deliver(ctx, b, d, limits, f, s, epoch); err != nil {
			return err
		}
	}
	l.next = after
	return nil
}

// deliver hands on a batch as it is, or what the target and the stages leave of it.
func (l *lane) deliver(ctx context.Context, b batch.Batch, d batch.Decision, limits batch.Limits, f source.Fetched, s *share, epoch int32) error {
	after := b.NextOffset()
	keep, known := l.records.Whole(b)
	if known && !keep {
		l.session.flow.filtered.Add(l.countWhole(b))
		l.out.Advance(after, epoch)
		return nil
	}
	if l.session.flow.p.Flow.Scatters() {
		return l.scatter(ctx, b, limits, s, epoch)
	}
	intact := d.Action == batch.Pass && keep
	if intact {
		l.countWhole(b)
	} else {
		var err error
		if intact, err = l.rebuild(ctx, b, d, limits, s, epoch); err != nil {
			return err
		}
	}
	if intact {
		l.pass(b, f, s, after, epoch)
	} else {
		l.out.Advance(after, epoch)
	}
	return nil
}

// pass hands on a batch as it is.
func (l *lane) pass(b batch.Batch, f source.Fetched, s *share, after int64, epoch int32) {
	if l.session.spread != nil {
		l.session.flow.countRecoded(byKey)
	}
	f.Records.Retain()
	s.refs.Add(1)
	l.expect(after, int64(b.Count()), b.MaxTimestamp())
	l.out.Add(sink.Batch{
		Data: b, Buffer: f.Records, Owner: s, Records: b.Count(),
		SourceNext: after, SourceEpoch: epoch, MaxTimestamp: b.MaxTimestamp(),
	})
}

// rebuild hands on what the target and the stages leave of a batch. intact says
// that this is the batch itself, which is left to the caller.
func (l *lane) rebuild(ctx context.Context, b batch.Batch, d batch.Decision, limits batch.Limits, s *share, epoch int32) (intact bool, err error) {
	reason := d.Reason
	if d.Action == batch.Pass {
		reason = chosen
	}
	intact, err = l.recode(ctx, b, l.records.Edit(b, limits.Edit(l.next), d.Action == batch.Pass), s, epoch)
	if err != nil {
		return false, l.unmade(err, b, reason)
	}
	if !intact {
		l.session.flow.countRecoded(reason)
	}
	return intact, nil
}

// unmade says why nothing could be made of a batch.
func (l *lane) unmade(err error, b batch.Batch, reason batch.Reason) error {
	if alone, ok := errors.AsType[*batch.RecordTooLargeError](err); ok {
		return l.tooLarge(alone, true, fmt.Sprintf("the record at offset %d", alone.Offset))
	}
	_, stage := errors.AsType[*program.Error](err)
	if _, ok := errors.AsType[*DeadLetterError](err); ok || stage {
		return err
	}
	return fmt.Errorf("re-encoding the batch at offset %d (%s): %w", b.BaseOffset(), reason, err)
}

// recode hands on what an edit makes of a batch, unless that is the batch itself.
func (l *lane) recode(ctx context.Context, b batch.Batch, e batch.Edit, s *share, epoch int32) (intact bool, err error) {
	made, err := l.session.fit(b, e, true)
	if err != nil {
		return false, err
	}
	defer made.free()
	if err := l.records.Failed(); err != nil {
		return false, err
	}
	dead := l.records.Dead()
	if l.session.transactions != nil && len(dead) > 0 {
		return false, l.together(ctx, b, made, s, epoch)
	}
	if err := l.session.dead.write(ctx, dead); err != nil {
		return false, err
	}
	l.session.skipped(l, made.refused, kerr.MessageTooLarge.Code, "")
	l.session.flow.stages.add(l.records.Counts())
	l.session.flow.filtered.Add(int64(made.Dropped - made.refused - len(dead)))
	for _, part := range made.Parts {
		s.refs.Add(1)
		one := l.session.own(part, s, epoch)
		l.expect(part.Next, int64(one.Records), one.MaxTimestamp)
		l.out.Add(one)
	}
	return made.Intact, nil
}

// complete reports whether the lane has read all that a single pass wants.
func (l *lane) complete() bool { return l.until >= 0 && l.next >= l.until }

// Refused makes a batch that the target will not take into one that it does:
// smaller ones, where it was too large.
func (l *lane) Refused(_ context.Context, b sink.Batch, code int16, message string) ([]sink.Batch, error) {
	return l.session.replace(l, b, code, message)
}
