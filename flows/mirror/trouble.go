package mirror

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/admin"
	"github.com/strait-mirror/strait/flows/sink"
	"github.com/strait-mirror/strait/flows/txn"
)

// side is where a lane has a problem: both may have one at a time.
type side int

const (
	reading side = iota // from the source
	writing             // to the target, or making what is to be written
	sides
)

// trouble notes why a lane does not move.
func (l *lane) trouble(at side, err error, stopped bool) {
	l.blame(at, Problem{Err: l.explain(at, err), Stopped: stopped})
}

// explain tells an error in the words of the cluster it came from.
func (l *lane) explain(at side, err error) error {
	if _, told := errors.AsType[*refusal](err); told {
		return err
	}
	if other, ok := errors.AsType[*txn.OtherTopicError](err); ok {
		return l.session.dead.failed(other.Err)
	}
	c, operation, topic := l.session.flow.p.Source, "READ", l.source.Topic
	if at == writing {
		c, operation, topic = l.session.flow.p.Target, "WRITE", l.target.Topic
	}
	switch {
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		err = admin.Refused(err, operation, admin.OnTopic(topic))
	case at == writing && errors.Is(err, kerr.ClusterAuthorizationFailed):
		err = admin.Refused(err, "IDEMPOTENT_WRITE", "cluster")
	}
	return c.Explain(err)
}

// blame records a lane's problem, and logs it when nobody has yet.
func (l *lane) blame(at side, p Problem) {
	p.Topic, p.Partition, p.Since = l.source.Topic, l.source.Partition, time.Now()
	if p.Fix == "" {
		p.Fix = fixFor(p.Err)
	}
	l.mu.Lock()
	old := l.problems[at]
	if old != nil {
		p.Since = old.Since
		p.Stopped = p.Stopped || old.Stopped && !old.untilMoved
		p.stoppedAt = old.stoppedAt
	}
	if p.Stopped {
		p.stoppedAt = time.Now()
	}
	l.problems[at] = &p
	l.mu.Unlock()
	f := l.session.flow
	if old != nil && old.Err.Error() == p.Err.Error() && old.Stopped == p.Stopped {
		return
	}
	f.reports.begin(p, func() {
		attrs := append(p.attrs(), "err", p.Err)
		if p.Fix != "" {
			attrs = append(attrs, "fix", p.Fix)
		}
		switch {
		case p.Stopped && l.heals(p.Err):
			f.p.Log.Error("partition stopped, retrying", append(attrs, "retry_after", retryAfter(p.Err))...)
		case p.Stopped:
			f.p.Log.Error("partition stopped", attrs...)
		default:
			f.p.Log.Warn("partition does not move, retrying", attrs...)
		}
	})
	if old != nil {
		f.reports.end(*old, nil)
	}
}

// recovered ends a lane's problem on one side, unless the lane has stopped.
func (l *lane) recovered(at side) {
	l.mu.Lock()
	p := l.problems[at]
	if p == nil || p.Stopped && !p.untilMoved {
		l.mu.Unlock()
		return
	}
	l.problems[at] = nil
	l.mu.Unlock()
	f := l.session.flow
	f.reports.end(*p, func(had int, lasted time.Duration) { f.logSolved(*p, had, lasted) })
}

// hasMoved ends the problems that last until the lane moves.
func (l *lane) hasMoved() {
	for at := range sides {
		l.mu.Lock()
		over := l.problems[at] != nil && l.problems[at].untilMoved
		l.mu.Unlock()
		if over {
			l.recovered(at)
		}
	}
}

// present returns the lane's problems.
func (l *lane) present() []Problem {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []Problem
	for _, p := range l.problems {
		if p != nil {
			all = append(all, *p)
		}
	}
	return all
}

// retryStopped is how long a stopped partition rests before it is tried again:
// somebody may have raised the target's limit meanwhile.
const retryStopped = 30 * time.Second

// retryAfter returns how long a partition rests that an error stopped. Where only
// its place is to be found anew there is nothing to wait for.
func retryAfter(err error) time.Duration {
	_, ahead := errors.AsType[*sink.ContradictionError](err)
	_, cut := errors.AsType[*sink.TruncatedError](err)
	_, recreated := errors.AsType[*sink.RecreatedError](err)
	if cut || recreated || ahead || errors.Is(err, sink.ErrTaken) {
		return time.Second
	}
	return retryStopped
}

// heals reports whether a stopped partition may be tried again. Where the
// target's log contradicts what was sent, a person must look first, unless the
// partition was taken over: whoever had it before may have appended a little more
// of the same stream, behind which the lane goes on.
func (l *lane) heals(err error) bool {
	if _, ok := errors.AsType[*UnprovenError](err); ok {
		return false
	}
	if _, ok := errors.AsType[*HeldError](err); ok {
		return false
	}
	_, ok := errors.AsType[*sink.ContradictionError](err)
	return !ok || l.session.flow.shared() && l.session.flow.p.Share.Holds()
}

// reviveStopped ends lanes that stopped a while ago for a reason that may have
// passed, so that this pass starts them again. Their problem stays in sight
// until they move.
func (s *session) reviveStopped(ctx context.Context) {
	if s.flow.p.Once {
		return
	}
	for _, l := range s.list() {
		l.mu.Lock()
		due := l.dueLocked()
		var kept [sides]*Problem
		for at, p := range l.problems {
			if due && p != nil {
				again := *p
				again.untilMoved = true
				kept[at] = &again
			}
		}
		l.mu.Unlock()
		if due {
			s.endLanes(ctx, l)
			s.topics.Recheck(l.source.Topic) // its settings may be why
			s.mu.Lock()
			s.revived[l.name()] = kept
			s.mu.Unlock()
		}
	}
}

// dueLocked reports whether a stopped lane has rested long enough. l.mu is held.
func (l *lane) dueLocked() bool {
	for _, p := range l.problems {
		if p != nil && p.Stopped && l.heals(p.Err) && time.Since(p.stoppedAt) >= retryAfter(p.Err) {
			return true
		}
	}
	return false
}

// hinter is an error that knows what to do about it.
type hinter interface {
	error
	Hint() string
}

// fixFor says what a person can do about an error.
func fixFor(err error) string {
	if p, ok := errors.AsType[*cluster.Problem](err); ok && p.Fix != "" {
		return p.Fix
	}
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.fix
	}
	if h, ok := errors.AsType[hinter](err); ok {
		return h.Hint()
	}
	if errors.Is(err, kerr.InvalidReplicationFactor) {
		return "set replication_factor to at most the number of brokers of the target, or -1 for their default"
	}
	if _, ok := errors.AsType[*sink.TruncatedError](err); ok {
		return "wait: the partition is about to go on from an older stored position"
	}
	if _, ok := errors.AsType[*sink.RecreatedError](err); ok {
		return "wait: the partition is about to begin again as on_recreate says"
	}
	_, fenced := errors.AsType[*txn.FencedError](err)
	if _, ok := errors.AsType[*sink.ContradictionError](err); ok || fenced || errors.Is(err, sink.ErrTaken) {
		return "make sure that one Strait only runs this flow, then restart it"
	}
	return ""
}

// attrs names the place of a problem in the log.
func (p Problem) attrs() []any {
	switch {
	case p.Topic == "":
		return nil
	case p.Partition == WholeTopic:
		return []any{"topic", p.Topic}
	}
	return []any{"topic", p.Topic, "partition", p.Partition}
}

// logSolved says that a problem has passed, for all whom it concerned.
func (f *Flow) logSolved(p Problem, had int, lasted time.Duration) {
	attrs := p.attrs()
	if had > 1 {
		attrs = []any{"concerned", had}
	}
	f.p.Log.Info("problem solved", append(attrs, "was", p.Err, "lasted", lasted.Round(time.Second))...)
}
