package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/strait-mirror/strait/integration/kafka"
)

// inTransactions is what a transactional flow says.
const inTransactions = "  delivery = \"transactional\"\n  transaction_interval = \"300ms\"\n"

// testTransactional kills the mirror, then freezes it while another one takes
// over and lets it go on beside that one: readers of committed records see each
// record once.
func testTransactional(t *testing.T, b *Bed, strait string) {
	s := seed(t)
	tr := NewTrial(t, TrialParams{
		Strait: strait, From: b.A, To: b.B, Flow: inTransactions, Committed: true, Load: LoadParams{Topics: "transactional-", Seed: s},
		Args: []string{"--alone"}, // in a group the older one would learn of it before it is fenced
	})
	const kills = 4
	if err := tr.killLoop(kills, 2*time.Second, rand.New(rand.NewPCG(s, 8))); err != nil { // not a secret
		t.Fatal(err)
	}
	tr.zombie(strait)
	v := tr.Verdict(false)
	all, err := Judge(t.Context(), JudgeParams{From: tr.From, To: tr.To, Topics: tr.Load.Topics(), Name: tr.Remote, Repeats: true})
	t.Logf("with what was aborted: %d records, %v", all.Target, err)
	if all.Target <= v.Target {
		t.Error("nothing was aborted: nothing was put to the test")
	}
}

// TestTransactionsOfOlderBrokers is testTransactional against brokers that do not
// know transaction.version 2.
func TestTransactionsOfOlderBrokers(t *testing.T) {
	if testing.Short() {
		t.Skip("starts brokers")
	}
	testTransactional(t, newBed(t, kafka.Options{}, kafka.Options{Version: kafka.Version39}), BuildStrait(t))
}

// TestTransactionalKillLoop kills the mirror 100 times (STRAIT_SOAK_KILLS) while
// the target's brokers and leaders have troubles of their own.
func TestTransactionalKillLoop(t *testing.T) {
	soak(t)
	transactionalKillLoop(t, "Kill loop of transactions", TrialParams{Flow: inTransactions})
}

// transactionalKillLoop is TestTransactionalKillLoop for a flow.
func transactionalKillLoop(t *testing.T, title string, p TrialParams) {
	t.Helper()
	s, built, kills := seed(t), commit(t), number(t, "STRAIT_SOAK_KILLS", 100)
	b := NewBed(t, 1, 3, nil)
	p.Strait, p.From, p.To, p.Committed = BuildStrait(t), b.A, b.B, true
	p.Load = LoadParams{Topics: "loop-", Seed: s, Rate: 1500, MaxValue: 300}
	tr := NewTrial(t, p)
	storming, calm := context.WithCancel(t.Context())
	defer calm()
	moves := LeaderFaults(b.B, tr.remotes(), tr.Load.p.Partitions)
	brokers := &Storm{Seed: s, Calm: 5 * time.Second, Faults: slices.Concat(moves, moves, BrokerFaults(b.B)[:2])}
	killing := make(chan error, 1)
	go func() {
		defer calm()
		killing <- tr.killLoop(kills, 8*time.Second, rand.New(rand.NewPCG(s, 9))) // not a secret
	}()
	storm(storming, t, b, brokers)
	if err := <-killing; err != nil {
		t.Fatal(err)
	}
	v := tr.Verdict(false)
	result(t, title, built, s, []string{
		fmt.Sprintf("%d kills of the mirror, %d faults of the target's brokers: %s", len(tr.Mirror.Kills), brokers.Total(), brokers),
		fmt.Sprintf("%d records, as readers of committed ones see them: %s", v.Source, verdictText(t)),
	})
}

// zombie freezes the mirror until another one has taken over. Then both run: the
// older one must say that it is fenced, and is ended.
func (tr *Trial) zombie(strait string) {
	t := tr.t
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), catchUp)
	defer cancel()
	old := tr.Mirror
	if err := tr.grow(ctx); err != nil { // before, it may not have taken over itself
		t.Fatal(err)
	}
	if err := old.Program().Pause(); err != nil {
		t.Fatal(err)
	}
	p := old.p
	p.Strait = strait
	tr.Mirror = NewMirror(t, p)
	tr.Mirror.Kills = old.Kills
	if err := tr.Mirror.Start(); err != nil {
		t.Fatal(err)
	}
	if err := tr.grow(ctx); err != nil {
		t.Fatal(err)
	}
	if err := old.Program().Resume(); err != nil {
		t.Fatal(err)
	}
	if err := old.WaitOutput(ctx, "another process took transactional id"); err != nil {
		t.Fatal(err)
	}
	if err := tr.grow(ctx); err != nil {
		t.Fatal(err)
	}
	if code, _, err := old.Terminate(ctx); err != nil || code != 0 {
		t.Fatalf("the fenced process ended with %d: %v", code, err)
	}
}

// grow waits until so much was written to every topic of the target that it was
// not markers alone.
func (tr *Trial) grow(ctx context.Context) error {
	const enough = 100
	before := map[string]int64{}
	return poll(ctx, sampleEvery, func() (bool, error) {
		ends, err := tr.To.Admin().ListEndOffsets(ctx, tr.remotes()...)
		if err == nil {
			err = ends.Error()
		}
		if err != nil {
			return false, err
		}
		for topic, partitions := range ends {
			var sum int64
			for _, p := range partitions {
				sum += p.Offset
			}
			if _, ok := before[topic]; !ok {
				before[topic] = sum
			}
			if sum < before[topic]+enough {
				return false, fmt.Errorf("nothing is written to %s", topic)
			}
		}
		return true, nil
	})
}
