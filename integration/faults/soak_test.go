package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/strait-mirror/strait/integration/compare"
	"github.com/strait-mirror/strait/integration/kafka"
)

// number returns an environment variable's number, or a default.
func number(t *testing.T, name string, def int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return def
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

func soak(t *testing.T) {
	t.Helper()
	if os.Getenv("STRAIT_SOAK") == "" {
		t.Skip("STRAIT_SOAK is not set")
	}
}

// killings returns how often a mirror is killed, and after how long at most: twice in a
// cut, and with STRAIT_SOAK STRAIT_SOAK_KILLS times.
func killings(t *testing.T, longest time.Duration) (kills int, within time.Duration, soaking bool) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts brokers")
	}
	if os.Getenv("STRAIT_SOAK") == "" {
		return 2, 6 * time.Second, false
	}
	return number(t, "STRAIT_SOAK_KILLS", 50), longest, true
}

// TestSoak mirrors 10 GB (STRAIT_SOAK_GB) while leaders move on the target, its
// brokers crash, restart and freeze, the source's broker restarts, connections
// fail on both sides and the mirror itself is frozen. It is never killed, so the
// copy is exact.
func TestSoak(t *testing.T) {
	soak(t)
	s, built, gb := seed(t), commit(t), number(t, "STRAIT_SOAK_GB", 10)
	b := NewBed(t, 1, 3, nil)
	strait := BuildStrait(t)
	began := time.Now()
	tr := NewTrial(t, TrialParams{Strait: strait, From: b.A, To: b.B, CatchUp: 15 * time.Minute, Load: LoadParams{
		Topics: "soak-", Seed: s, Plain: 5, Tx: 1, Partitions: 4, Rate: 24_000, MaxValue: 4000, Bytes: int64(gb) * 1e9,
	}})
	moves := LeaderFaults(b.B, tr.remotes(), tr.Load.p.Partitions)
	brokers := &Storm{Seed: s, Calm: 4 * time.Second, Faults: slices.Concat(
		moves, moves, moves, BrokerFaults(b.B), MirrorFaults(tr.Mirror), BrokerFaults(b.A)[1:2])}
	connections := &Storm{Seed: s + 1, Calm: 3 * time.Second, Faults: slices.Concat(ConnectionFaults(b.A), ConnectionFaults(b.B))}
	storming, calm := context.WithCancel(t.Context())
	defer calm()
	tr.wait.Go(func() {
		<-tr.loaded // the storm ends with the load
		calm()
	})
	storm(storming, t, b, brokers, connections)
	if err := tr.conclude(); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	cpu, err := tr.Mirror.Program().CPUTime()
	if err != nil {
		t.Fatal(err)
	}
	rss, err := tr.Mirror.Program().PeakRSS()
	if err != nil {
		t.Fatal(err)
	}
	var all compare.Report
	for _, topic := range tr.Load.Topics() {
		r, err := compare.Streams(t.Context(), compare.StreamParams{
			Source: compare.Side{Opts: b.A.AdminOpts(), Topic: topic, ReadOptions: compare.ReadOptions{ReadCommitted: true}},
			Target: compare.Side{Opts: b.B.AdminOpts(), Topic: tr.Remote(topic)},
		})
		if err == nil {
			err = r.Err()
		}
		if err != nil {
			t.Errorf("%s: %v", topic, err)
		}
		all.Source += r.Source
		all.Target += r.Target
	}
	result(t, "Soak with moving leaders and broker restarts", built, s, []string{
		fmt.Sprintf("%.1f GB of values in %d records (%d on the target), %s: %s", float64(tr.Load.made.Load())/1e9,
			all.Source, all.Target, took.Round(time.Second), verdictText(t)),
		fmt.Sprintf("%d faults of brokers and leaders: %s", brokers.Total(), brokers),
		fmt.Sprintf("%d faults of connections: %s", connections.Total(), connections),
		fmt.Sprintf("Strait used %s of processor time and %d MiB at its peak", cpu.Round(time.Second), rss>>20),
	})
}

func verdictText(t *testing.T) string {
	t.Helper()
	if t.Failed() {
		return "**damaged**"
	}
	return "nothing missing, repeated, changed or out of order"
}

// TestKillLoop kills the mirror 100 times (STRAIT_SOAK_KILLS) while the target's
// brokers and leaders have troubles of their own.
func TestKillLoop(t *testing.T) {
	soak(t)
	s, built, kills := seed(t), commit(t), number(t, "STRAIT_SOAK_KILLS", 100)
	b := NewBed(t, 1, 3, nil)
	strait := BuildStrait(t)
	tr := NewTrial(t, TrialParams{Strait: strait, From: b.A, To: b.B, Load: LoadParams{Topics: "loop-", Seed: s, Rate: 1500, MaxValue: 300}})
	storming, calm := context.WithCancel(t.Context())
	defer calm()
	moves := LeaderFaults(b.B, tr.remotes(), tr.Load.p.Partitions)
	brokers := &Storm{Seed: s, Calm: 5 * time.Second, Faults: slices.Concat(moves, moves, BrokerFaults(b.B)[:2])}
	killing := make(chan error, 1)
	go func() {
		defer calm()
		killing <- tr.killLoop(kills, 8*time.Second, rand.New(rand.NewPCG(s, 5))) // not a secret
	}()
	storm(storming, t, b, brokers)
	if err := <-killing; err != nil {
		t.Fatal(err)
	}
	v := tr.Verdict(false)
	tr.proven()
	result(t, "Kill loop", built, s, []string{
		fmt.Sprintf("%d kills of the mirror, %d faults of the target's brokers: %s", len(tr.Mirror.Kills), brokers.Total(), brokers),
		fmt.Sprintf("%d records: %s", v.Source, verdictText(t)),
	})
}

// TestGroupKillLoop kills members of a group of three 100 times
// (STRAIT_SOAK_KILLS), and stops and freezes them in between.
func TestGroupKillLoop(t *testing.T) {
	soak(t)
	s, built, kills := seed(t), commit(t), number(t, "STRAIT_SOAK_KILLS", 100)
	b := NewBed(t, 1, 3, nil)
	tm := newTeam(t, 3, TrialParams{
		Strait: BuildStrait(t), From: b.A, To: b.B, Load: LoadParams{Topics: "team-", Seed: s, Rate: 1500, MaxValue: 300},
	})
	tm.kill(kills, rand.New(rand.NewPCG(s, 8))) // not a secret
	v := tm.judge()
	result(t, "Kill loop of a group of three", built, s, []string{
		fmt.Sprintf("%d kills, %d stops and %d freezes of members", tm.counts["kill"], tm.counts["stop"], tm.counts["freeze"]),
		fmt.Sprintf("%d records: %s", v.Source, verdictText(t)),
	})
}

// TestTransactionalGroupKillLoop is TestGroupKillLoop in transactions.
func TestTransactionalGroupKillLoop(t *testing.T) {
	soak(t)
	s, built, kills := seed(t), commit(t), number(t, "STRAIT_SOAK_KILLS", 100)
	b := NewBed(t, 1, 3, nil)
	tm := newTeam(t, 3, TrialParams{
		Strait: BuildStrait(t), From: b.A, To: b.B, Flow: inTransactions, Committed: true,
		Load: LoadParams{Topics: "txteam-", Seed: s, Rate: 1500, MaxValue: 300},
	})
	tm.kill(kills, rand.New(rand.NewPCG(s, 11))) // not a secret
	v := tm.judge()
	result(t, "Kill loop of a group of three in transactions", built, s, []string{
		fmt.Sprintf("%d kills, %d stops and %d freezes of members", tm.counts["kill"], tm.counts["stop"], tm.counts["freeze"]),
		fmt.Sprintf("%d records, as readers of committed ones see them: %s", v.Source, verdictText(t)),
	})
}

// TestMergeKillLoop kills a mirror of several topics into one 100 times
// (STRAIT_SOAK_KILLS) while leaders move.
func TestMergeKillLoop(t *testing.T) {
	soak(t)
	s, built, kills := seed(t), commit(t), number(t, "STRAIT_SOAK_KILLS", 100)
	b := NewBed(t, 1, 3, nil)
	m := newMerged(t, b, BuildStrait(t), "merged-", s)
	if err := b.B.CreateTopic(t.Context(), kafka.Topic{Name: m.whole, Partitions: m.load.p.Partitions}); err != nil {
		t.Fatal(err)
	}
	storming, calm := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	moves := &Storm{Seed: s, Calm: 5 * time.Second, Faults: LeaderFaults(b.B, []string{m.whole}, m.load.p.Partitions)}
	wait.Go(func() { storm(storming, t, b, moves) })
	records := m.survive(kills, rand.New(rand.NewPCG(s, 13))) // not a secret
	calm()
	wait.Wait()
	result(t, "Kill loop of a merge", built, s, []string{
		fmt.Sprintf("%d kills of the mirror, %d leader moves", len(m.mirror.Kills), moves.Total()),
		fmt.Sprintf("%d records of %d topics in one: %s", records, len(m.load.Topics()), verdictText(t)),
	})
}

// killLoop kills and restarts the mirror n times, each after longest at most.
func (tr *Trial) killLoop(n int, longest time.Duration, rnd *rand.Rand) error {
	for range n {
		if err := pause(tr.t.Context(), between(rnd, 200, int(longest.Milliseconds()))); err != nil {
			return err
		}
		if err := tr.Mirror.Kill(); err != nil {
			return err
		}
		if err := tr.Mirror.Start(); err != nil {
			return err
		}
	}
	return nil
}

// forgetful has brokers forget every producer of old records within half a second,
// and a marker after a quarter of a minute.
func forgetful() map[string]string {
	return map[string]string{"producer.id.expiration.ms": "15000", "producer.id.expiration.check.interval.ms": "500"}
}

// TestOldData mirrors records that are older than the target remembers their
// producer for, while connections fail, leaders move and the mirror is killed.
// Some requests arrive up to twelve seconds after their connection was lost.
func TestOldData(t *testing.T) {
	soak(t)
	s, built, kills := seed(t), commit(t), number(t, "STRAIT_SOAK_OLD_KILLS", 20)
	b := NewBed(t, 1, 3, forgetful())
	strait := BuildStrait(t)
	tr := NewTrial(t, TrialParams{Strait: strait, From: b.A, To: b.B, Load: LoadParams{
		Topics: "old-", Seed: s, Tx: -1, Age: 48 * time.Hour,
	}})
	storming, calm := context.WithCancel(t.Context())
	defer calm()
	brokers := &Storm{Seed: s, Calm: time.Second, Faults: LeaderFaults(b.B, tr.remotes(), tr.Load.p.Partitions)}
	connections := &Storm{Seed: s + 1, Calm: time.Second, Faults: append(ConnectionFaults(b.B), LateFault(b.B, 5000, 12000))}
	killing := make(chan error, 1)
	go func() {
		defer calm()
		killing <- tr.killLoop(kills, 15*time.Second, rand.New(rand.NewPCG(s, 9))) // not a secret
	}()
	storm(storming, t, b, brokers, connections)
	if err := <-killing; err != nil {
		t.Fatal(err)
	}
	v := tr.Verdict(false)
	tr.proven()
	result(t, "Data older than the target remembers producers for", built, s, []string{
		fmt.Sprintf("%d records of 48 hours ago, producer.id.expiration.ms 15000, %d markers: %s", v.Source, tr.markers(v), verdictText(t)),
		fmt.Sprintf("%d kills of the mirror; %d leader moves; %d faults of connections: %s", len(tr.Mirror.Kills), brokers.Total(), connections.Total(), connections),
	})
}

// TestOldDataGroup has three members share records that are older than the target
// remembers their producer for, while members are killed, stopped and frozen: for
// moments two may believe that a partition is theirs, and the broker knows neither.
func TestOldDataGroup(t *testing.T) {
	soak(t)
	s, built, kills := seed(t), commit(t), number(t, "STRAIT_SOAK_OLD_KILLS", 20)
	b := NewBed(t, 1, 3, forgetful())
	tm := newTeam(t, 3, TrialParams{
		Strait: BuildStrait(t), From: b.A, To: b.B, Load: LoadParams{Topics: "oldteam-", Seed: s, Tx: -1, Age: 48 * time.Hour},
	})
	tm.kill(kills, rand.New(rand.NewPCG(s, 10))) // not a secret
	v := tm.judge()
	result(t, "Kill loop of a group of three, data older than the target remembers producers for", built, s, []string{
		fmt.Sprintf("%d kills, %d stops and %d freezes of members", tm.counts["kill"], tm.counts["stop"], tm.counts["freeze"]),
		fmt.Sprintf("%d records of 48 hours ago, producer.id.expiration.ms 15000: %s", v.Source, verdictText(t)),
	})
}
