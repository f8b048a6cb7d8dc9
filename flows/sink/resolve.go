package sink

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/strait-mirror/strait/flows/internal/batch"
)

// TruncatedError says that a target partition lost records it had acknowledged.
type TruncatedError struct {
	Expected int64 // offset where the lane's next record should be
	Got      int64 // offset where it was appended, or the log's end
}

func (e *TruncatedError) Error() string {
	return fmt.Sprintf("the target lost records it had acknowledged: its log goes on at offset %d, below %d (unclean leader election, or the topic was emptied)", e.Got, e.Expected)
}

// RecreatedError says that the target topic was deleted and made anew.
type RecreatedError struct{ Topic string }

func (e *RecreatedError) Error() string {
	return fmt.Sprintf("target topic %q was deleted and created again while it was being mirrored", e.Topic)
}

// RefusedError says that the target will not take a batch. Its words are those
// of Events.Refused, who knows what is to be done about it.
type RefusedError struct {
	Code error // Kafka's error
	Err  error // why there is no replacement
}

func (e *RefusedError) Error() string { return e.Err.Error() }

// Unwrap returns both errors.
func (e *RefusedError) Unwrap() []error { return []error{e.Err, e.Code} }

// ContradictionError says that the target's log holds something under the lane's
// producer id that this lane never sent.
type ContradictionError struct{ LastSequence, Expected int32 }

func (e *ContradictionError) Error() string {
	return fmt.Sprintf("the target holds sequence %d of this lane's producer, which is not the end of any batch sent (next is %d): another process is writing as this one", e.LastSequence, e.Expected)
}

// resolveIfDrainedLocked starts a new round once every send has an outcome:
// acting earlier could let an old request overtake a new one.
func (l *Lane) resolveIfDrainedLocked() {
	if l.state != stateDrain || l.out > 0 || l.resolving || l.sink.ctx.Err() != nil {
		return
	}
	l.resolving = true
	l.sink.wait.Go(func() { l.resolve(l.sink.ctx) })
}

// resolve finds out what the failed round did and opens the next.
func (l *Lane) resolve(ctx context.Context) {
	l.mu.Lock()
	f := l.failure
	l.sent = 0
	l.attempts++
	attempts := l.attempts
	head := len(l.window) > 0 && l.window[0].sequence == f.sequence
	old := len(l.window) > 0 && l.oldLocked(l.window[0].MaxTimestamp)
	l.reportLocked(f)
	l.mu.Unlock()

	err := l.act(ctx, f, head, old)
	if err == nil && f.kind != failRefused {
		l.lookAgain(ctx, f, attempts)
	}

	releaseAll(l.nextRound(ctx, err))
}

// nextRound ends a resolve. It returns what is left for release when the lane was
// closed meanwhile.
func (l *Lane) nextRound(ctx context.Context, err error) []entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.resolving = false
	switch {
	case l.state == stateStopped:
		return l.dropLocked()
	case err != nil && ctx.Err() == nil:
		l.stopLocked(err)
	default:
		l.state = stateOpen
		l.scheduleLocked()
		l.settleQuietLocked()
	}
	return nil
}

// act does what the failure of a round asks for. head says that it was the first
// batch of the window that failed, old that the broker may forget the producer.
func (l *Lane) act(ctx context.Context, f failure, head, old bool) error {
	sequence := f.kind == failSequence && head
	switch {
	case final(f.kind):
		return f.err
	case sequence && l.sink.transactional():
		return f.err // the transaction is begun again
	}
	refused := f.kind == failRefused && head
	renew := renewIfUnexplained
	switch {
	case f.kind == failUnsafe, f.lost && old:
		renew = renewAlways
	case !sequence && !refused:
		return nil
	}
	shut, err := l.shutOut(ctx)
	switch {
	case err != nil:
		return err
	case shut:
		return l.settle(ctx, renewAlways) // what was refused is so once more, and alone then
	case refused:
		return l.replaceHead(ctx, f)
	}
	return l.settle(ctx, renew)
}

// stopLocked ends the lane for good and says why.
func (l *Lane) stopLocked(err error) {
	l.state = stateStopped
	l.troubled = true
	l.events.Trouble(err, true)
	if l.quiet != nil {
		close(l.quiet)
	}
}

// reportLocked tells why the lane stands still, unless it is likely to move
// again at once.
func (l *Lane) reportLocked(f failure) {
	const soon = 4 // rounds; some 150 ms
	if final(f.kind) || f.kind == failMoved || f.kind == failUnsafe || f.kind == failSequence {
		return // reported when stopped, or nothing to report
	}
	if f.kind == failDenied || l.attempts >= soon {
		l.troubled = true
		err := f.err
		if f.message != "" {
			err = fmt.Errorf("%w (%s)", err, f.message)
		}
		l.events.Trouble(err, false)
	}
}

// lookAgain learns who leads the partition now and waits a moment, the longer
// the more often it has come to nothing.
func (l *Lane) lookAgain(ctx context.Context, f failure, attempts int) {
	if f.kind == failMoved || f.kind == failUnsafe {
		return
	}
	if f.kind != failRetry && f.kind != failSequence {
		// An error here is the next round's: there is no leader then.
		if err := l.sink.p.Leaders.Refresh(ctx); err != nil {
			l.sink.p.Logger.Debug("metadata refresh failed", "topic", l.target().Topic, "err", err)
		}
	}
	pause(ctx, backoff(f.kind, attempts))
}

func backoff(k failKind, attempts int) time.Duration {
	n := time.Duration(attempts)
	if k == failDenied {
		return min(n*n*100*time.Millisecond, 15*time.Second)
	}
	if attempts > 40 { // some 10 s of the pauses below
		return time.Second
	}
	return min(n*n*5*time.Millisecond, 300*time.Millisecond)
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// replaceHead asks for a batch that the target will take in place of the head.
// Nothing behind the head has landed, since the broker takes a producer's
// batches in order only, so all of the window may be numbered anew.
func (l *Lane) replaceHead(ctx context.Context, f failure) error {
	l.mu.Lock()
	head := l.window[0].Batch
	l.mu.Unlock()
	instead, err := l.events.Refused(ctx, head, f.code, f.message)
	if err != nil {
		return &RefusedError{Code: f.err, Err: err}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	rest := l.window[1:]
	window := make([]entry, 0, len(instead)+len(rest))
	for _, b := range instead {
		window = append(window, entry{Batch: b})
	}
	l.window = append(window, rest...)
	l.next = numbering{l.acked.NextSequence, l.acked.TargetEnd}
	l.renumberLocked()
	if len(instead) == 0 && len(l.window) == 0 {
		l.acked.SourceNext, l.acked.SourceEpoch = head.SourceNext, head.SourceEpoch
		l.events.Acked(l.acked)
	}
	return nil
}

// renumberLocked numbers the window from l.next on. Nothing is in flight, so the
// buffers may be stamped again.
func (l *Lane) renumberLocked() {
	for i := range l.window {
		e := &l.window[i]
		e.sequence, e.base, e.late = l.next.sequence, l.next.base, false
		batch.Stamp(e.Data, l.pid, l.pidEpoch, e.sequence, l.sink.transactional())
		l.next.sequence = addSequence(l.next.sequence, e.Records)
		l.next.base += int64(e.Records)
	}
}

// renewal says when settle goes on under a fresh producer id.
type renewal int

const (
	// renewIfUnexplained: the broker refused a sequence though nothing of the
	// window landed, so that its memory contradicts ours. Where something landed,
	// that was the reason, and the old id goes on: a request that is still on its
	// way is then refused, which it would not be beside a new id.
	renewIfUnexplained renewal = iota
	renewAlways                // the broker may forget the old id at any time
)

// settle reads from the target's log what of the window landed.
func (l *Lane) settle(ctx context.Context, renew renewal) error {
	for attempt := 1; ; attempt++ {
		l.mu.Lock()
		key, from, pid, epoch := l.key, l.acked.TargetEnd, l.pid, l.pidEpoch
		l.mu.Unlock()
		found, err := l.sink.p.Log.LastAppend(ctx, key, from, pid, epoch)
		if err == nil {
			return l.settled(ctx, found, renew)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if errors.Is(err, kerr.TopicAuthorizationFailed) {
			// Without READ nobody can tell; what was sent may be repeated.
			l.sink.p.Logger.Warn("target log could not be read back, records may be repeated",
				"topic", key.Topic, "partition", key.Partition, "err", err)
			return l.renew(ctx, from)
		}
		if attempt == 3 {
			l.mu.Lock()
			l.troubled = true
			l.events.Trouble(fmt.Errorf("reading back the target's log: %w", err), false)
			l.mu.Unlock()
		}
		if err := l.sink.p.Leaders.Refresh(ctx); err != nil {
			l.sink.p.Logger.Debug("metadata refresh failed", "topic", key.Topic, "err", err)
		}
		pause(ctx, backoff(failAmbiguous, attempt))
	}
}

func (l *Lane) settled(ctx context.Context, found Appended, renew renewal) error {
	l.mu.Lock()
	if found.End < l.acked.TargetEnd {
		l.mu.Unlock()
		return &TruncatedError{Expected: l.acked.TargetEnd, Got: found.End}
	}
	landed := 0
	if found.Found {
		next := addSequence(found.LastSequence, 1)
		if len(l.window) == 0 && next != l.acked.NextSequence {
			l.mu.Unlock()
			return &ContradictionError{LastSequence: found.LastSequence, Expected: l.acked.NextSequence}
		}
		for landed < len(l.window) && next != l.acked.NextSequence {
			landed++
			if l.window[landed-1].end() == next {
				break
			}
			if landed == len(l.window) {
				l.mu.Unlock()
				return &ContradictionError{LastSequence: found.LastSequence, Expected: l.acked.NextSequence}
			}
		}
	}
	var gone []entry
	if landed > 0 {
		last := &l.window[landed-1]
		shift := found.NextOffset - (last.base + int64(last.Records))
		for i := range l.window {
			l.window[i].base += shift
		}
		l.next.base += shift
		l.sink.stats.Recognised.Add(int64(landed))
		gone = l.popLocked(landed)
	}
	l.mu.Unlock()
	releaseAll(gone)
	if renew == renewAlways || landed == 0 {
		return l.renew(ctx, found.End)
	}
	return nil
}

// renew goes on under a fresh producer id, at sequence 0.
func (l *Lane) renew(ctx context.Context, end int64) error {
	for attempt := 1; ; attempt++ {
		p, err := l.freshProducer(ctx)
		if err == nil {
			return l.adopt(ctx, p, end)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if errors.Is(err, ErrTaken) {
			return err
		}
		l.mu.Lock()
		l.troubled = true
		l.events.Trouble(fmt.Errorf("getting a producer id: %w", err), false)
		l.mu.Unlock()
		pause(ctx, backoff(failAmbiguous, attempt))
	}
}

// adopt makes a new producer id the lane's, once its owner knows. end is the log's:
// what the owner is told is where the lane's own records end, since somebody else may
// have taken it over and written behind them.
func (l *Lane) adopt(ctx context.Context, p producer, end int64) error {
	l.mu.Lock()
	a := l.acked
	l.mu.Unlock()
	a.ProducerID, a.ProducerEpoch, a.NextSequence = p.id, p.epoch, 0
	if err := l.events.Renewing(ctx, a); err != nil {
		return fmt.Errorf("going on under another producer id: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pid, l.pidEpoch, l.acked = p.id, p.epoch, a
	l.fenced, l.fencedAt, l.shut = p.fenced, time.Now(), false
	l.next = numbering{0, end}
	l.renumberLocked()
	return nil
}
