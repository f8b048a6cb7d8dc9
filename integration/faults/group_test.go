package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// team is several mirrors of one topology.
type team struct {
	*Trial
	members []*Mirror
	counts  map[string]int // of what was done to them
}

// newTeam starts a trial that so many processes share. Their sessions are as
// short as brokers allow.
func newTeam(t *testing.T, n int, p TrialParams) *team {
	t.Helper()
	p.Flow += "  session_timeout = \"6s\"\n"
	tr := NewTrial(t, p)
	tm := &team{Trial: tr, members: []*Mirror{tr.Mirror}, counts: map[string]int{}}
	ctx, cancel := context.WithTimeout(t.Context(), catchUp)
	defer cancel()
	for range n - 1 {
		m := NewMirror(t, MirrorParams{Strait: p.Strait, From: p.From, To: p.To, Topics: p.Load.Topics + ".*", Flow: p.Flow, More: p.HCL})
		if err := tm.start(m); err != nil {
			t.Fatal(err)
		}
		tm.members = append(tm.members, m)
	}
	// The first one ran everything, so it has something to hand over.
	if err := tr.Mirror.WaitOutput(ctx, "partitions handed over"); err != nil {
		t.Fatal(err)
	}
	return tm
}

// start starts a member and waits until it takes signals.
func (tm *team) start(m *Mirror) error {
	shown := func() int { return strings.Count(m.Output(), " "+tm.From.Alias+"->") }
	before := shown()
	if err := m.Start(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(tm.t.Context(), catchUp)
	defer cancel()
	return poll(ctx, 20*time.Millisecond, func() (bool, error) {
		return shown() > before, errors.New("strait has shown no flow")
	})
}

// trouble ends a member as a crash does, in good order, or freezes it, sometimes
// for so long that the others take over what it has, and lets it go on.
func (tm *team) trouble(rnd *rand.Rand) error {
	m := tm.members[rnd.IntN(len(tm.members))]
	ctx := tm.t.Context()
	switch what := rnd.IntN(10); {
	case what < 6:
		tm.counts["kill"]++
		if err := m.Kill(); err != nil {
			return err
		}
		if rnd.IntN(3) == 0 { // long enough for some of the others to go on
			_ = pause(ctx, between(rnd, 100, 8000))
		}
		return tm.start(m)
	case what < 8:
		tm.counts["stop"]++
		code, took, err := m.Terminate(ctx)
		if err == nil && code != 0 {
			err = fmt.Errorf("strait ended with %d %s after SIGTERM", code, took)
		}
		if err != nil {
			return err
		}
		return tm.start(m)
	default:
		tm.counts["freeze"]++
		if err := m.Program().Pause(); err != nil {
			return err
		}
		_ = pause(ctx, between(rnd, 100, 9000))
		return m.Program().Resume()
	}
}

// judge leaves one member, which gets what the others had.
func (tm *team) judge() Verdict {
	tm.t.Helper()
	for _, m := range tm.members[1:] {
		end(tm.t, m)
	}
	v := tm.Verdict(false)
	shared := 0
	for i, m := range tm.members {
		log := m.Output()
		if n := strings.Count(log, "exact position not proven"); n > 0 {
			tm.t.Errorf("member %d did not know %d times where to go on", i, n)
		}
		shared += strings.Count(log, "partitions handed over")
	}
	if shared == 0 {
		tm.t.Error("no member handed over anything: nothing was put to the test")
	}
	tm.t.Logf("%v; %d hand-overs", tm.counts, shared)
	return v
}

// testGroup has three members share the work while they are killed, stopped and
// frozen. Whoever has a partition goes on exactly where it was.
func testGroup(t *testing.T, b *Bed, strait string) {
	s := seed(t)
	tm := newTeam(t, 3, TrialParams{Strait: strait, From: b.A, To: b.B, Load: LoadParams{Topics: "group-", Seed: s}})
	tm.suffer(10*time.Second, rand.New(rand.NewPCG(s, 7))) // not a secret
	tm.judge()
}

// testGroupTransactional is testGroup in transactions: whoever takes a part over
// aborts what the member before left open.
func testGroupTransactional(t *testing.T, b *Bed, strait string) {
	s := seed(t)
	tm := newTeam(t, 3, TrialParams{
		Strait: strait, From: b.A, To: b.B, Flow: inTransactions, Committed: true, Load: LoadParams{Topics: "group-tx-", Seed: s},
	})
	tm.suffer(10*time.Second, rand.New(rand.NewPCG(s, 7))) // not a secret
	tm.judge()
}

// suffer gives the team trouble for a while.
func (tm *team) suffer(length time.Duration, rnd *rand.Rand) {
	tm.t.Helper()
	for began := time.Now(); time.Since(began) < length; {
		if err := pause(tm.t.Context(), between(rnd, 200, 3000)); err != nil {
			tm.t.Fatal(err)
		}
		if err := tm.trouble(rnd); err != nil {
			tm.t.Fatal(err)
		}
	}
}

// kill gives the team trouble until so many members were killed.
func (tm *team) kill(kills int, rnd *rand.Rand) {
	tm.t.Helper()
	for tm.counts["kill"] < kills {
		if err := pause(tm.t.Context(), between(rnd, 200, 5000)); err != nil {
			tm.t.Fatal(err)
		}
		if err := tm.trouble(rnd); err != nil {
			tm.t.Fatal(err)
		}
	}
}
