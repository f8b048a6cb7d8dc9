package reconcile

import (
	"errors"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/strait-mirror/strait/flows/cluster"
)

// remind is how long the log keeps silent about a problem that it has told.
const remind = 5 * time.Minute

// grace is how long the log keeps silent about what the protocol says passes by
// itself: a partition that was just created has no leader for a moment.
const grace = 5 * time.Second

// Problem is something that keeps part of the control plane from being as it
// should, or that a person should know of.
type Problem struct {
	Topic string // on the source; empty: it is not one topic's
	Err   error  // required; explained by the cluster that it is about
	Fix   string // what to do about it; empty: what the cluster proposes, if it does
	Since time.Time

	told time.Time // in the log
}

// hinter is an error that knows what to do about it.
type hinter interface {
	error
	Hint() string
}

// newProblem fills in what was left out.
func newProblem(p Problem) Problem {
	if hint, ok := errors.AsType[hinter](p.Err); ok && p.Fix == "" {
		p.Fix = hint.Hint()
	}
	if explained, ok := errors.AsType[*cluster.Problem](p.Err); ok && p.Fix == "" {
		p.Fix = explained.Fix
	}
	p.Since = time.Now()
	return p
}

// Problems returns a copy of what the last pass told.
func (l *Loop) Problems() []Problem {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.problems)
}

// settle replaces the problems of the last pass by those of this one. The log
// tells each when it begins, now and then while it lasts, and when all that it
// told of are solved.
func (l *Loop) settle(now []Problem) {
	l.mu.Lock()
	before := l.problems
	old := make(map[[2]string]Problem, len(before))
	told := false
	for _, p := range before {
		old[p.key()] = p
		told = told || !p.told.IsZero()
	}
	var news []Problem
	for i := range now {
		if was, known := old[now[i].key()]; known {
			now[i].Since, now[i].told = was.Since, was.told
		}
		if time.Since(now[i].told) >= remind && (!kerr.IsRetriable(now[i].Err) || time.Since(now[i].Since) >= grace) {
			now[i].told = time.Now()
			news = append(news, now[i])
		}
	}
	l.problems = now
	l.mu.Unlock()
	l.tell(news)
	if told && len(now) == 0 {
		l.p.Log.Info("control plane in order again", "problems", len(before), "since", before[0].Since)
	}
}

// most is how many problems of one pass the log tells one by one.
const most = 20

func (l *Loop) tell(news []Problem) {
	for i, p := range news {
		if i == most {
			l.p.Log.Warn("more of the control plane needs attention", "problems", len(news)-i)
			return
		}
		var attrs []any
		if p.Topic != "" {
			attrs = append(attrs, "topic", p.Topic)
		}
		attrs = append(attrs, "err", p.Err)
		if p.Fix != "" {
			attrs = append(attrs, "fix", p.Fix)
		}
		l.p.Log.Warn("control plane needs attention, retrying", attrs...)
	}
}

// key is equal for problems that are one that goes on.
func (p Problem) key() [2]string { return [2]string{p.Topic, p.Err.Error()} }
