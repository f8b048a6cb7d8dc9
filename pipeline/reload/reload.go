// Package reload owns what becomes of an edit while a topology runs: it notices
// that files changed, reads them again, plans, and has the plan carried out; or
// says why not, and leaves everything as it is. How a plan is carried out is
// package supervisor's business.
package reload

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/config/watch"
	"github.com/strait-mirror/strait/pipeline/plan"
	"github.com/strait-mirror/strait/pipeline/status"
)

// Reading is what reading a topology gave.
type Reading struct {
	Config   *model.Config // only to be used when Problems has no errors
	Problems diag.List
	Files    []string          // everything that was read, or was to be
	Sum      [sha256.Size]byte // of what was read, so that equal text is known to be
	Sources  *diag.Sources     // for Found alone

	// Again returns what Sum would be now, for less than another reading costs. nil:
	// only that can tell.
	Again func() [sha256.Size]byte
}

// Params is what New needs.
type Params struct {
	First Reading        // required: what runs
	Paths []string       // that the user gave: files, and directories whose files count
	Read  func() Reading // required: reads Paths again; shows nothing
	Log   *slog.Logger   // required

	// Apply makes the running topology like cfg. Its error says that nothing was
	// changed; required.
	Apply func(ctx context.Context, cfg *model.Config) error

	// Found is told of an edit that something is to be said about, so that it can
	// be shown with the lines it is about; nil: nobody.
	Found func(Reading)

	// Retry is how long it takes until an edit that was in order, but could not be
	// applied, is tried again, as long as the files say it; default 30s.
	Retry time.Duration

	AllowDestructive bool // apply also what renames live data or reads it again
	// Ask has a value when somebody wants the files read now; Reload puts one into
	// it, too, if it has room for one. nil: nobody.
	Ask chan struct{}
}

// Reloader applies edits while a topology runs. Status and Revisions may be called
// from anywhere at any time.
type Reloader struct {
	p    Params
	sum  [sha256.Size]byte // of the last text that was looked at
	runs *model.Config     // what runs; only Run touches it

	// failed is set while an edit that was in order could not be applied, since a
	// cluster did not answer, say: it is tried again. Only Run touches it.
	failed bool

	mu    sync.Mutex // guards the rest
	st    status.Reload
	past  history
	began int           // passes, counted from 1
	ended int           // the last one of them that has
	next  chan struct{} // closed, and replaced, when one ends
}

// New returns a Reloader of a topology that was read at about this time.
func New(p Params) *Reloader {
	now := time.Now()
	p.Retry = cmp.Or(p.Retry, 30*time.Second)
	r := &Reloader{p: p, sum: p.First.Sum, runs: p.First.Config, st: status.Reload{Revision: 1, Applied: now, Successful: true}, next: make(chan struct{})}
	r.past.add(status.Revision{Revision: 1, Time: now, Trigger: status.ByStart, Outcome: status.Applied}, nil)
	return r
}

// Status returns what became of the last edit.
func (r *Reloader) Status() status.Reload {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.st
}

// Revisions returns the last topologies that were read, oldest first.
func (r *Reloader) Revisions() []status.Revision {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.past.list)
}

// Run applies edits until ctx ends.
func (r *Reloader) Run(ctx context.Context) {
	w := watch.New(r.p.Log)
	defer w.Close()
	files := r.p.First.Files
	w.Follow(slices.Concat(r.p.Paths, files))
	trigger := status.ByFiles
	for ctx.Err() == nil {
		next := r.pass(ctx, trigger)
		if !slices.Equal(next, files) {
			files = next
			w.Follow(slices.Concat(r.p.Paths, files))
			trigger = status.ByFiles
			continue // what changed before they were followed
		}
		trigger = r.wait(ctx, w)
	}
}

// wait returns why the files are to be read again.
func (r *Reloader) wait(ctx context.Context, w *watch.Watcher) (trigger string) {
	until := ctx
	if r.failed {
		var stop context.CancelFunc
		until, stop = context.WithTimeout(ctx, r.p.Retry)
		defer stop()
	}
	switch {
	case w.Next(until, r.p.Ask):
		return status.ByRequest
	case until.Err() != nil:
		return status.ByRetry
	default:
		return status.ByFiles
	}
}

// Reload has the files read now, and returns what became of what they say. Its
// error says that ctx ended before.
func (r *Reloader) Reload(ctx context.Context) (status.Reload, error) {
	r.mu.Lock()
	wanted := r.began + 1 // what is under way may have read them already
	r.mu.Unlock()
	select {
	case r.p.Ask <- struct{}{}:
	default: // one is waiting already
	}
	for {
		r.mu.Lock()
		st, ended, next := r.st, r.ended, r.next
		r.mu.Unlock()
		if ended >= wanted {
			return st, nil
		}
		select {
		case <-next:
		case <-ctx.Done():
			return st, fmt.Errorf("reading the topology again: %w", context.Cause(ctx))
		}
	}
}

// pass is once, and tells those who wait for it.
func (r *Reloader) pass(ctx context.Context, trigger string) []string {
	r.mu.Lock()
	r.began++
	r.mu.Unlock()
	files := r.once(ctx, trigger)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = r.began
	close(r.next)
	r.next = make(chan struct{})
	return files
}

// once reads the files again and does what they say. It returns what was read.
func (r *Reloader) once(ctx context.Context, trigger string) []string {
	if ctx.Err() != nil {
		return nil
	}
	got := r.p.Read()
	if trigger == status.ByRetry && got.Sum != r.sum {
		trigger = status.ByFiles
	}
	asked := trigger == status.ByRequest
	if again := asked && !r.Status().Successful || trigger == status.ByRetry; got.Sum == r.sum && !again {
		if asked {
			r.p.Log.Info("the topology is what it was, nothing to apply")
		}
		return got.Files
	}
	got = r.settled(ctx, got)
	if r.sum = got.Sum; ctx.Err() != nil {
		return got.Files
	}
	began := time.Now()
	p, err := r.apply(ctx, got)
	if ctx.Err() != nil {
		return got.Files
	}
	r.note(status.Revision{Time: began, Trigger: trigger}, p, err)
	return got.Files
}

// note keeps what became of an edit, and says it. p is nil where the edit could not
// be read; err is why it was refused.
func (r *Reloader) note(rev status.Revision, p *plan.Plan, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	took, before := time.Since(rev.Time), r.st.Error
	r.st.Tried, r.st.Successful, r.st.Error = rev.Time, err == nil, ""
	switch {
	case err != nil && rev.Trigger == status.ByRetry && err.Error() == before:
		r.st.Error = before
		return // that has been said
	case err != nil:
		rev.Outcome, rev.Error = status.Refused, err.Error()
		r.st.Error = rev.Error
		attrs := []any{"err", err}
		if r.failed {
			attrs = append(attrs, "retry_after", r.p.Retry)
		}
		r.p.Log.Error("the edit was not applied, the topology runs on as it was", attrs...)
	case p.Empty():
		rev.Outcome = status.Unchanged
		r.p.Log.Info("the edit changes nothing that runs")
	default:
		rev.Outcome = status.Applied
		r.st.Revision++
		r.st.Applied = time.Now()
		r.p.Log.Info("edit applied", "revision", r.st.Revision, "plan", brief(p), "took", took.Round(time.Millisecond))
	}
	rev.Revision, rev.Seconds = r.st.Revision, took.Seconds()
	r.past.add(rev, p)
}

// settled reads until two readings are equal: half of a file may be a topology,
// too, and who writes it needs a moment.
func (r *Reloader) settled(ctx context.Context, got Reading) Reading {
	const pause, most = 100 * time.Millisecond, 50
	for range most {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return got
		}
		if got.Again != nil && got.Again() == got.Sum {
			break
		}
		before := got.Sum
		if got = r.p.Read(); got.Sum == before {
			break
		}
	}
	return got
}

// apply checks, plans and applies a reading. The plan is there as soon as there is
// one, also with an error.
func (r *Reloader) apply(ctx context.Context, got Reading) (*plan.Plan, error) {
	r.failed = false
	if len(got.Problems) > 0 && r.p.Found != nil {
		r.p.Found(got)
	}
	if got.Problems.HasErrors() {
		return nil, firstOf(got.Problems)
	}
	if !slices.ContainsFunc(got.Config.Flows, func(f *model.Flow) bool { return f.Enabled || f.HeartbeatsOnly }) {
		return nil, errors.New("no flow is left; to stop all of them stop the process")
	}
	p := plan.New(r.runs, got.Config)
	if why := destructive(p); len(why) > 0 && !r.p.AllowDestructive {
		return p, fmt.Errorf("it is destructive: %s; run with --allow-destructive, or start anew, to apply it", strings.Join(why, "; "))
	}
	if err := r.p.Apply(ctx, got.Config); err != nil {
		r.failed = true
		return p, err
	}
	r.runs = got.Config
	return p, nil
}

// firstOf returns the first error of a list, with how many more there are.
func firstOf(problems diag.List) error {
	var first *diag.Diagnostic
	more := 0
	for i := range problems {
		switch {
		case problems[i].Severity != diag.Error:
		case first == nil:
			first = &problems[i]
		default:
			more++
		}
	}
	text := first.Summary
	if at := first.Subject.String(); at != "" {
		text = at + ": " + text
	}
	if more > 0 {
		text += fmt.Sprintf(" (and %d more errors)", more)
	}
	return errors.New(text)
}

// destructive lists the changes of a plan that need consent. Addresses are not
// among them: whoever applies the plan asks which cluster they lead to.
func destructive(p *plan.Plan) []string {
	var list []string
	add := func(what string, changes []plan.Change) {
		for _, c := range changes {
			if c.Action == plan.Destructive && c.Property != "bootstrap_servers" && c.Property != "cluster" {
				list = append(list, fmt.Sprintf("%s: %s %q -> %q", what, c.Property, c.Before, c.After))
			}
		}
	}
	add("topology", p.Changes)
	for _, c := range p.Clusters {
		add(fmt.Sprintf("cluster %q", c.Name), c.Changes)
	}
	for _, f := range p.Flows {
		what := fmt.Sprintf("flow %q", f.Name)
		add(what, f.Changes)
		for _, n := range f.Nodes {
			add(what, n.Changes)
		}
	}
	return list
}

// brief counts what a plan does.
func brief(p *plan.Plan) string {
	var parts []string
	for _, a := range plan.Actions() {
		if n := p.Count(a); n > 0 && a != plan.Keep {
			parts = append(parts, fmt.Sprintf("%s: %d", a, n))
		}
	}
	return strings.Join(parts, ", ")
}
