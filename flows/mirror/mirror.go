// Package mirror runs one flow: it joins discovery (topicsync), fetching
// (source), appending (sink) and positions (position) for the topics that the
// flow selects, one lane per partition.
package mirror

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/batch"
	"github.com/strait-mirror/strait/flows/internal/memory"
	"github.com/strait-mirror/strait/flows/offsetsync"
)

// Budget is the byte budget that the flows of a process share.
type Budget struct{ bytes *memory.Budget }

// NewBudget returns a budget of limit bytes between fetch and acknowledgement.
func NewBudget(limit int64) *Budget { return &Budget{memory.NewBudget(limit)} }

// Used returns how many bytes are held, which may for a moment be more than Limit.
func (b *Budget) Used() int64 { return b.bytes.Limit() - b.bytes.Free() }

// Limit returns the budget's size in bytes.
func (b *Budget) Limit() int64 { return b.bytes.Limit() }

// SetLimit gives a budget another size while flows use it: they wait until they fit
// a smaller one.
func (b *Budget) SetLimit(limit int64) { b.bytes.SetLimit(limit) }

// Params is what New needs.
type Params struct {
	Flow   *model.Flow      // required
	Source *cluster.Cluster // required; the caller closes it
	Target *cluster.Cluster // required; the caller closes it
	Budget *Budget          // required
	Log    *slog.Logger     // required

	// Taken returns the flow of the process whose positions of a source topic are
	// where this flow's would be; "" for none. Nil: no topic is taken.
	Taken func(topic string) string

	// Offsets is told where lanes are on both sides; nil: nobody is.
	Offsets *offsetsync.Syncs

	// Share says what of the flow is this process's; default: all of it.
	Share Share

	// Returns says that another flow of the process mirrors in the other direction
	// under equal names: without a loop guard the flow must not run.
	Returns bool

	Once         bool          // mirror up to the readable ends seen at start
	Timeout      time.Duration // with Once: give up after so long without progress; 0: never
	DrainTimeout time.Duration // how long stopping may take
}

// Flow is one flow. Run may be called again after it returned an error.
type Flow struct {
	p             Params
	live          atomic.Pointer[live] // replaced by discovery alone
	next          atomic.Pointer[live] // what it is to be replaced by; nil: nothing
	updated       chan struct{}        // has a value when next was set
	readCommitted bool
	budget        *memory.Budget

	records  atomic.Int64 // acknowledged, since New
	bytes    atomic.Int64
	skipped  atomic.Int64 // records let go, since New
	limit    *limit
	dead     atomic.Int64 // records written to dead_letter_topic, since New
	read     atomic.Int64 // records read from the source, since New
	readSize atomic.Int64 // bytes of record batches that the source sent, since New
	filtered atomic.Int64 // records that stages dropped, since New
	unproven atomic.Int64 // partitions whose exact place was not found, since New
	foreign  atomic.Int64 // offsets of the target that somebody else took between the flow's, since New
	gaps     atomic.Int64 // times that records were found missing on the source or the target, since New
	progress atomic.Int64 // grows whenever anything moves

	latency             latency
	commits             commits
	stages              stages
	fetching, producing traffic // of each side's clients for records

	heldAfter, heldLook time.Duration // the constants of those names, but in tests

	reshared chan chan struct{} // asks discovery to yield; it closes what it is sent

	initial map[string]int32 // partitions, when the source was first listed, of topics without a position; only discovery touches it
	unlike  *rules           // those before the first change that initial does not know of; nil: there is none; likewise

	mu      sync.Mutex // guards the rest
	state   string
	cause   string
	session *session      // of the present or last Run
	running chan struct{} // closed when the lanes of the present Run have come to rest; nil: there are none
	reasons map[batch.Reason]int64
	notes   map[noteKey]Problem // problems beside those of lanes

	reports reports
}

// States of a flow, as status shows them.
const (
	Starting  = "starting"
	Waiting   = "waiting"
	Running   = "running"
	Paused    = "paused"
	Draining  = "draining"
	Stopped   = "stopped"
	Unhealthy = "unhealthy"
)

// New checks p and returns a stopped flow; it starts and dials nothing.
func New(p Params) (*Flow, error) {
	if p.Flow == nil || p.Source == nil || p.Target == nil || p.Budget == nil || p.Log == nil {
		return nil, errors.New("building mirror flow: flow, source, target, budget and log are required")
	}
	if p.Share == nil {
		p.Share = whole{}
	}
	r, err := newRules(p.Flow, p.Taken)
	if err != nil {
		return nil, err
	}
	f := &Flow{
		p: p, budget: p.Budget.bytes, updated: make(chan struct{}, 1),
		readCommitted: p.Flow.IsolationLevel != model.ReadUncommitted,
		state:         Starting,
		heldAfter:     heldAfter, heldLook: heldLook,
		reshared: make(chan chan struct{}),
		reasons:  map[batch.Reason]int64{},
		notes:    map[noteKey]Problem{},
		reports:  reports{open: map[string]*report{}, events: map[string]time.Time{}},
	}
	f.latency = newLatency()
	f.fetching.key, f.producing.key = int16(kmsg.Fetch), int16(kmsg.Produce)
	f.limit = newLimit(&f.progress, p.Flow)
	f.live.Store(&live{p.Flow, r})
	return f, nil
}

// Name returns the flow's name.
func (f *Flow) Name() string { return f.p.Flow.Name }

// From returns the alias of the source cluster, To that of the target.
func (f *Flow) From() string { return f.p.Flow.From }

// To returns the alias of the target cluster.
func (f *Flow) To() string { return f.p.Flow.To }

// Run mirrors until ctx ends and everything in flight is acknowledged and
// anchored, or, with Once, until every partition has reached the end it had at
// start. What heals is retried; an error means that the flow could not be set
// up, or that a single pass is incomplete.
func (f *Flow) Run(ctx context.Context) error {
	// Whatever reason ctx has to end, it is not one for the flow to complain of.
	run, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer context.AfterFunc(ctx, func() { cancel(errAsked) })()
	var wait sync.WaitGroup
	defer wait.Wait()
	defer cancel(nil)
	if f.p.Once && f.p.Timeout > 0 {
		wait.Go(func() { f.giveUpWithoutProgress(run, cancel) })
	}

	f.setState(Starting, "")
	s, err := f.open(run)
	if err == nil {
		err = s.run(run)
	}
	switch {
	case err == nil:
		f.setState(Stopped, "")
	case errors.Is(err, errAsked):
		f.setState(Stopped, "")
		return nil // asked to stop before there was anything to finish
	default:
		f.setState(Unhealthy, err.Error())
	}
	return err
}

// giveUpWithoutProgress ends a single pass that has come to a standstill.
func (f *Flow) giveUpWithoutProgress(ctx context.Context, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(min(f.p.Timeout/10+1, time.Second))
	defer tick.Stop()
	last, since := f.progress.Load(), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if now := f.progress.Load(); now != last {
			last, since = now, time.Now()
		}
		if time.Since(since) >= f.p.Timeout {
			cancel(&StalledError{After: f.p.Timeout, Cause: f.explain()})
			return
		}
	}
}

func (f *Flow) setState(state, cause string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state, f.cause = state, cause
}

// count adds what the target acknowledged.
func (f *Flow) count(records, bytes int64) {
	f.records.Add(records)
	f.bytes.Add(bytes)
	f.progress.Add(1)
}

// countRecoded notes that a batch could not pass as it was.
func (f *Flow) countRecoded(why batch.Reason) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reasons[why]++
}
