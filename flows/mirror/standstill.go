package mirror

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/admin"
)

// A transaction that nobody ends holds what comes behind its first record from
// every reader of committed records, and so from a flow: the last stable offset
// stands still while the log goes on. A flow that says nothing then is behind for
// no reason that anybody sees.

const (
	// heldAfter is for how long a partition has to be held until it is looked into.
	// Producers' transactions take a minute at most by default
	// (transaction.timeout.ms), and fifteen where brokers keep theirs
	// (transaction.max.timeout.ms).
	heldAfter = 5 * time.Minute
	// heldLook is how often partitions are looked through for such, and for others
	// that write to their targets. It takes no request where there are none.
	heldLook = 5 * time.Second
)

// standstill tells since when a partition's last stable offset has stood while
// there was more behind it.
type standstill struct {
	stable int64
	since  time.Time // zero: nothing is behind it
}

// saw notes a partition's high watermark and last stable offset.
func (s *standstill) saw(high, stable int64, now time.Time) {
	switch {
	case stable < 0 || stable >= high:
		*s = standstill{stable: stable}
	case s.since.IsZero() || stable != s.stable:
		*s = standstill{stable: stable, since: now}
	}
}

// lasts reports whether it has stood for so long.
func (s standstill) lasts(least time.Duration, now time.Time) bool {
	return !s.since.IsZero() && now.Sub(s.since) >= least
}

// watchOthers names those whose doings keep a flow from its own, until ctx ends:
// transactions that hold up partitions, quotas, and who else writes to its topics.
func (s *session) watchOthers(ctx context.Context) {
	tick := time.NewTicker(s.flow.heldLook)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s.flow.noteThrottled(time.Now())
		if s.flow.readCommitted {
			s.noteHeld(ctx)
		}
		s.noteForeign(ctx)
	}
}

// noteHeld has the problems of kind noteHeld say which partitions are held up now.
func (s *session) noteHeld(ctx context.Context) {
	held := s.heldLanes()
	f := s.flow
	f.clearNotes(noteHeld, func(at cluster.TopicPartition) bool { return held[at] == nil })
	if len(held) == 0 {
		return
	}
	asked := make([]cluster.TopicPartition, 0, len(held))
	for at := range held {
		asked = append(asked, at)
	}
	for at, open := range f.p.Source.OldestTransactions(ctx, asked) {
		l := held[at]
		stable := l.stands()
		if ctx.Err() != nil || open.Err == nil && open.Start != stable {
			continue // it ended meanwhile, or the leader has not told all yet
		}
		f.note(l.noteKey(noteHeld), f.heldProblem(at, stable, open))
	}
}

// heldUp returns how many partitions are held up.
func (f *Flow) heldUp() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for key := range f.notes {
		if key.kind == noteHeld {
			n++
		}
	}
	return n
}

// heldLanes returns the lanes whose partitions are held up.
func (s *session) heldLanes() map[cluster.TopicPartition]*lane {
	held, now := map[cluster.TopicPartition]*lane{}, time.Now()
	for _, l := range s.list() {
		l.mu.Lock()
		if !l.closed && l.stable.lasts(s.flow.heldAfter, now) {
			held[cluster.TopicPartition{Topic: l.source.Topic, Partition: l.source.Partition}] = l
		}
		l.mu.Unlock()
	}
	return held
}

// stands returns the lane's last stable offset as last seen.
func (l *lane) stands() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stable.stable
}

// heldProblem says which transaction holds up a partition, and what ends that.
func (f *Flow) heldProblem(at cluster.TopicPartition, stable int64, open cluster.OpenTransaction) Problem {
	behind := fmt.Sprintf("committed records end at offset %d of the source, the log goes on", stable)
	if open.Err != nil {
		err := open.Err
		if errors.Is(err, kerr.TopicAuthorizationFailed) {
			err = admin.Refused(err, "READ", admin.OnTopic(at.Topic))
		}
		err = f.p.Source.Explain(err)
		return Problem{Err: fmt.Errorf("%s, and the transaction that is open there is not known: %w", behind, err), Fix: fixFor(err)}
	}
	by := fmt.Sprintf("a transaction of producer id %d, epoch %d", open.ProducerID, open.Epoch)
	abort := f.p.Source.AbortCommand(at, open.Start)
	switch {
	case open.ListErr != nil:
		return Problem{
			Err: fmt.Errorf("%s: %s is open there; whose it is, is not known: %w", behind, by, open.ListErr),
			Fix: "end it; where its application is gone: " + abort,
		}
	case open.Coordinated:
		return Problem{
			Err: fmt.Errorf("%s: %s, transactional id %q, is open there (%s)", behind, by, open.ID, strings.ToLower(open.State)),
			Fix: fmt.Sprintf("have the application with that transactional id end it; the broker aborts it after its transaction.timeout.ms, which is %s", open.Timeout),
		}
	case open.ID != "":
		return Problem{
			Err: fmt.Errorf("%s: %s, transactional id %q, hangs there: its coordinator knows of none in this partition", behind, by, open.ID),
			Fix: abort,
		}
	}
	return Problem{
		Err: fmt.Errorf("%s: %s is open there, and no coordinator shows it to our user: it hangs, or DESCRIBE on its transactional id is missing", behind, by),
		Fix: fmt.Sprintf("where kafka-transactions.sh list, run by an administrator, does not show producer id %d: %s", open.ProducerID, abort),
	}
}
