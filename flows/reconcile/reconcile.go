// Package reconcile owns how control-plane work of a flow runs: one pass after
// the other, at an interval, retried after an error, and how such work tells
// what is wrong and what it changed. What a pass observes, wants and writes is
// the business of the package that it is of; which passes a flow has is package
// supervisor's.
package reconcile

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// Pauses before a pass that failed is tried again; they double.
const (
	retryFirst = time.Second
	retryMost  = 30 * time.Second // design: whatever a cluster says is retried at most 30 s later
)

// idle is how often a loop that does not lead looks whether it does.
const idle = time.Second

// Params is what New needs. A zero optional field means its default.
type Params struct {
	Name     string        // required: "heartbeats"; names the work in logs and status
	Interval time.Duration // required: from the beginning of a pass to that of the next
	Log      *slog.Logger  // required

	// Do is one pass; required. It observes, writes what differs, and tells pass
	// what it changed and what is wrong with single objects. Its error says that
	// the pass as a whole failed and is to be tried again soon.
	Do func(ctx context.Context, pass *Pass) error

	Timeout time.Duration // of one pass; default none

	// Leads reports whether this process is the one that may write: it is asked
	// before each pass, and by Pass.Leads before each write. Default: always.
	Leads func() bool

	// Ready reports whether Run is to make passes at all now: not while others look
	// after what a pass would stumble over. Default: always.
	Ready func() bool

	// Await calls its second argument and returns what that returns, or at once
	// when ctx ends: a pass may hang in a silent broker. Whoever gives it waits for
	// the call. Default: it is waited for here.
	Await func(ctx context.Context, do func(context.Context) error) error
}

// Loop runs passes. Problems may be called from anywhere at any time; Run and
// Once must not overlap.
type Loop struct {
	p Params

	mu       sync.Mutex // guards problems
	problems []Problem
}

// New checks p and returns a loop that has not run yet.
func New(p Params) (*Loop, error) {
	if p.Name == "" || p.Interval <= 0 || p.Log == nil || p.Do == nil {
		return nil, errors.New("building a reconciler: name, interval, log and do are required")
	}
	if p.Leads == nil {
		p.Leads = func() bool { return true }
	}
	if p.Ready == nil {
		p.Ready = func() bool { return true }
	}
	if p.Await == nil {
		p.Await = func(ctx context.Context, do func(context.Context) error) error { return do(ctx) }
	}
	p.Log = p.Log.With("reconciler", p.Name)
	return &Loop{p: p}, nil
}

// Name returns what the loop was named.
func (l *Loop) Name() string { return l.p.Name }

// Run makes a pass at once and then at every interval, or soon after one that
// failed, until ctx ends. While this process does not lead, or is not ready, it
// makes none and has no problems: they are others'.
func (l *Loop) Run(ctx context.Context) {
	retry := retryFirst
	for ctx.Err() == nil {
		pause := idle
		if l.p.Leads() && l.p.Ready() {
			began := time.Now()
			if err := l.Once(ctx); err != nil {
				pause, retry = retry, min(2*retry, retryMost)
			} else {
				pause, retry = l.p.Interval-time.Since(began), retryFirst
			}
		} else {
			l.settle(nil)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// Try makes passes until one succeeds, or fails in a way that does not pass by
// itself, or has failed for as long as the log keeps silent about such. It returns
// the last one's error.
func (l *Loop) Try(ctx context.Context) error {
	began, pause := time.Now(), retryFirst
	for {
		err := l.Once(ctx)
		if err == nil || !kerr.IsRetriable(err) || time.Since(began) >= grace {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
		pause *= 2
	}
}

// Once makes one pass and returns its error. What is wrong with single objects
// is not an error.
func (l *Loop) Once(ctx context.Context) error {
	pass := &Pass{loop: l}
	err := l.p.Await(ctx, func(ctx context.Context) error {
		if l.p.Timeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, l.p.Timeout)
			defer cancel()
		}
		return l.p.Do(ctx, pass)
	})
	if ctx.Err() != nil {
		return context.Cause(ctx) // an interrupted pass knows nothing
	}
	problems := pass.end()
	if err != nil {
		problems = append(problems, newProblem(Problem{Err: err}))
	}
	l.settle(problems)
	return err
}
