package faults

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/integration/compare"
)

// Trial is one load being mirrored while the test breaks things.
type Trial struct {
	t      *testing.T
	From   *Side
	To     *Side
	Load   *Load
	Mirror *Mirror
	Watch  *Watch

	committed bool // only committed records of the target count
	staged    func(topic string, r *compare.Record) bool
	scattered *Scattered
	catchUp   time.Duration
	stopLoad  context.CancelFunc
	loaded    chan struct{} // closed when the producers have ended
	loadErr   error         // of the producers; valid after loaded
	wait      sync.WaitGroup
}

// TrialParams is what NewTrial needs.
type TrialParams struct {
	Strait    string // required: the program
	From, To  *Side  // required
	Load      LoadParams
	Flow      string                                     // more HCL inside the flow block
	Args      []string                                   // more of the command line
	HCL       string                                     // more HCL beside the flow block
	Committed bool                                       // only committed records of the target count
	Staged    func(topic string, r *compare.Record) bool // what stages make of a record, and whether they keep it; nil: all stay as they are
	Scattered *Scattered                                 // where stages send records; nil: to the partition of the same number
	CatchUp   time.Duration                              // how long the end may take to arrive once all is sound; default catchUp
}

// catchUp bounds how long a mirror may take to reach the end once all is sound.
const catchUp = 90 * time.Second

// NewTrial creates the topics and starts producers and mirror.
func NewTrial(t *testing.T, p TrialParams) *Trial {
	t.Helper()
	ctx := t.Context()
	p.Load.To = p.From
	l, err := NewLoad(ctx, p.Load)
	if err != nil {
		t.Fatal(err)
	}
	tr := &Trial{t: t, From: p.From, To: p.To, Load: l, catchUp: cmp.Or(p.CatchUp, catchUp), committed: p.Committed, staged: p.Staged, scattered: p.Scattered}
	tr.Watch = NewWatch(p.To, tr.remotes()...)
	tr.Mirror = NewMirror(t, MirrorParams{
		Strait: p.Strait, From: p.From, To: p.To, Topics: p.Load.Topics + ".*", Flow: p.Flow, More: p.HCL, Args: p.Args,
	})
	loading, stopLoad := context.WithCancel(ctx)
	watching, stopWatch := context.WithCancel(ctx)
	tr.stopLoad, tr.loaded = stopLoad, make(chan struct{})
	tr.wait.Go(func() {
		defer close(tr.loaded)
		tr.loadErr = l.Run(loading)
	})
	tr.wait.Go(func() { tr.Watch.Run(watching) })
	t.Cleanup(func() {
		stopLoad()
		stopWatch()
		tr.wait.Wait()
	})
	if err := tr.Mirror.Start(); err != nil {
		t.Fatal(err)
	}
	tr.Flows()
	return tr
}

// Remote returns the name of a topic on the target.
func (tr *Trial) Remote(topic string) string { return tr.From.Alias + "." + topic }

func (tr *Trial) remotes() []string {
	var names []string
	for _, topic := range tr.Load.Topics() {
		names = append(names, tr.Remote(topic))
	}
	return names
}

// Flows waits until something of every topic has arrived.
func (tr *Trial) Flows() {
	tr.t.Helper()
	ctx, cancel := context.WithTimeout(tr.t.Context(), catchUp)
	defer cancel()
	err := poll(ctx, sampleEvery, func() (bool, error) {
		for _, topic := range tr.remotes() {
			if _, ok := tr.Watch.written(place{topic, 0}, 0); !ok {
				return false, fmt.Errorf("nothing of %s/0 is on the target", topic)
			}
		}
		return true, nil
	})
	if err != nil {
		tr.t.Fatalf("waiting for the first records: %v", err)
	}
}

// Verdict stops producers and mirror, in good order, once everything has
// arrived, and compares.
func (tr *Trial) Verdict(repeats bool) Verdict {
	tr.t.Helper()
	if err := tr.conclude(); err != nil {
		tr.t.Fatal(err)
	}
	v, err := Judge(tr.t.Context(), JudgeParams{
		From: tr.From, To: tr.To, Topics: tr.Load.Topics(), Name: tr.Remote,
		Repeats: repeats, Committed: tr.committed, Staged: tr.staged, Scattered: tr.scattered, Watch: tr.Watch, Kills: tr.Mirror.Kills,
	})
	if err != nil {
		tr.t.Fatal(err)
	}
	tr.t.Logf("%d records, %d repeated in %d runs, the oldest written %s before the kill; producers gave up %d",
		v.Source, v.Duplicates, v.Runs, v.Oldest().Round(10*time.Millisecond), tr.Load.Lost.Load())
	return v
}

// conclude ends the producers, waits until the last record of every partition
// has arrived, and ends the mirror.
func (tr *Trial) conclude() error {
	ctx, cancel := context.WithTimeout(tr.t.Context(), 3*tr.catchUp)
	defer cancel()
	tr.stopLoad()
	select {
	case <-tr.loaded:
		if tr.loadErr != nil {
			return tr.loadErr
		}
	case <-ctx.Done():
		return fmt.Errorf("waiting for the producers to end: %w", ctx.Err())
	}
	if err := tr.Load.Finish(ctx); err != nil {
		return err
	}
	arrive, cancel := context.WithTimeout(ctx, tr.catchUp)
	defer cancel()
	began := time.Now()
	at, opts := kgo.NewOffset().AtEnd().Relative(-1), []kgo.Opt(nil)
	if tr.committed { // markers are at the end
		at, opts = kgo.NewOffset().AtStart(), []kgo.Opt{kgo.FetchIsolationLevel(kgo.ReadCommitted())}
	}
	if err := awaitEnd(arrive, tr.To, tr.remotes(), tr.Load.p.Partitions, at, tr.scattered, opts...); err != nil {
		return err
	}
	tr.t.Logf("the end arrived %s after the last record was written", time.Since(began).Round(time.Millisecond))
	code, took, err := tr.Mirror.Terminate(ctx)
	if err != nil {
		return err
	}
	if code != 0 {
		return fmt.Errorf("strait ended with %d %s after SIGTERM", code, took)
	}
	return nil
}
