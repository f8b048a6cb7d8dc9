package faults

import (
	"context"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// seed returns STRAIT_SEED, or a number of the day's own that the log shows.
func seed(t *testing.T) uint64 {
	t.Helper()
	s := rand.Uint64N(1 << 20) // not a secret
	if text := os.Getenv("STRAIT_SEED"); text != "" {
		var err error
		if s, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("STRAIT_SEED: %v", err)
		}
	}
	t.Logf("STRAIT_SEED=%d", s)
	return s
}

// storm runs storms side by side until ctx ends and all is sound.
func storm(ctx context.Context, t *testing.T, b *Bed, storms ...*Storm) {
	t.Helper()
	errs := make(chan error)
	for _, s := range storms {
		go func() { errs <- s.Run(ctx, t.Logf) }()
	}
	for range storms {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	heal, cancelHeal := context.WithTimeout(t.Context(), 2*reviveTimeout)
	defer cancelHeal()
	if err := b.Heal(heal); err != nil {
		t.Fatal(err)
	}
	for _, s := range storms {
		t.Logf("%d faults: %s", s.Total(), s)
	}
}

// stormFor runs storms for a while.
func stormFor(t *testing.T, b *Bed, length time.Duration, storms ...*Storm) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	storm(ctx, t, b, storms...)
}

// TestFaults shares one pair of clusters: a with one broker, b with three.
func TestFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("starts brokers")
	}
	b := NewBed(t, 1, 3, nil)
	strait := BuildStrait(t)
	t.Run("target brokers", func(t *testing.T) { testTarget(t, b, strait) })
	t.Run("source brokers", func(t *testing.T) { testSource(t, b, strait) })
	t.Run("kill", func(t *testing.T) { testKill(t, b, strait) })
	t.Run("kill old", func(t *testing.T) { testKillOld(t, b, strait) })
	t.Run("kill filtered", func(t *testing.T) { testKillFiltered(t, b, strait) })
	t.Run("kill merge", func(t *testing.T) { testKillMerge(t, b, strait) })
	t.Run("kill scattered", func(t *testing.T) { testKillScattered(t, b, strait) })
	t.Run("transactional", func(t *testing.T) { testTransactional(t, b, strait) })
	t.Run("group", func(t *testing.T) { testGroup(t, b, strait) })
	t.Run("group transactional", func(t *testing.T) { testGroupTransactional(t, b, strait) })
	t.Run("pause", func(t *testing.T) { testPause(t, b, strait) })
	t.Run("both ways", func(t *testing.T) { testBothWays(t, b, strait, 1) })
	t.Run("both ways, two processes", func(t *testing.T) { testBothWays(t, b, strait, 2) })
	t.Run("kill at least once", func(t *testing.T) { testKillAtLeastOnce(t, b, strait) })
	t.Run("truncated", func(t *testing.T) { testTruncated(t, b, strait) })
	t.Run("lost", func(t *testing.T) { testLost(t, b, strait) })
	t.Run("cut", func(t *testing.T) { testCut(t, b, strait) })
	t.Run("drain", func(t *testing.T) { testDrain(t, b, strait) })
	t.Run("down", func(t *testing.T) { testDown(t, b, strait) })
	t.Run("discovery", func(t *testing.T) { testDiscovery(t, b, strait) })
	t.Run("reload", func(t *testing.T) { testReload(t, b, strait) })
	t.Run("foreign writer", func(t *testing.T) { testForeign(t, b, strait) })
	t.Run("poison", func(t *testing.T) { testPoison(t, b, strait) })
}

// testTarget breaks the target's brokers and all connections. The mirror lives
// through it, so the copy is exact.
func testTarget(t *testing.T, b *Bed, strait string) {
	s := seed(t)
	tr := NewTrial(t, TrialParams{Strait: strait, From: b.A, To: b.B, Load: LoadParams{Topics: "target-", Seed: s}})
	moves := LeaderFaults(b.B, tr.remotes(), tr.Load.p.Partitions)
	brokers := &Storm{Seed: s, Calm: time.Second, Faults: slices.Concat(moves, BrokerFaults(b.B), MirrorFaults(tr.Mirror))}
	connections := &Storm{Seed: s + 1, Calm: time.Second, Faults: append(ConnectionFaults(b.A), ConnectionFaults(b.B)...)}
	stormFor(t, b, 10*time.Second, brokers, connections)
	tr.Verdict(false)
}

// testSource breaks the source's brokers. The mirror lives through it, so the
// copy is exact.
func testSource(t *testing.T, b *Bed, strait string) {
	s := seed(t)
	tr := NewTrial(t, TrialParams{Strait: strait, From: b.B, To: b.A, Load: LoadParams{Topics: "source-", Seed: s}})
	moves := LeaderFaults(b.B, tr.Load.Topics(), tr.Load.p.Partitions)
	brokers := &Storm{Seed: s, Calm: time.Second, Faults: slices.Concat(moves, BrokerFaults(b.B), MirrorFaults(tr.Mirror))}
	connections := &Storm{Seed: s + 1, Calm: time.Second, Faults: append(ConnectionFaults(b.A), ConnectionFaults(b.B)...)}
	stormFor(t, b, 10*time.Second, brokers, connections)
	tr.Verdict(false)
}

// testKill kills the mirror. It goes on exactly where it was.
func testKill(t *testing.T, b *Bed, strait string) {
	s := seed(t)
	tr := NewTrial(t, TrialParams{Strait: strait, From: b.A, To: b.B, Load: LoadParams{Topics: "kill-", Seed: s}})
	const kills = 6
	if err := tr.killLoop(kills, 3*time.Second, rand.New(rand.NewPCG(s, 3))); err != nil { // not a secret
		t.Fatal(err)
	}
	tr.Verdict(false)
	tr.proven()
}

// testKillOld kills a mirror of records that are older than brokers remember their
// producer for, among requests that arrive late.
func testKillOld(t *testing.T, b *Bed, strait string) {
	s := seed(t)
	tr := NewTrial(t, TrialParams{Strait: strait, From: b.A, To: b.B, Load: LoadParams{Topics: "oldkill-", Seed: s, Tx: -1, Age: 48 * time.Hour}})
	storming, calm := context.WithCancel(t.Context())
	killing := make(chan error, 1)
	go func() {
		defer calm()
		killing <- tr.killLoop(3, 3*time.Second, rand.New(rand.NewPCG(s, 11))) // not a secret
	}()
	storm(storming, t, b, &Storm{Seed: s, Calm: time.Second, Faults: []Fault{LateFault(b.B, 100, 3000)}})
	if err := <-killing; err != nil {
		t.Fatal(err)
	}
	v := tr.Verdict(false)
	tr.proven()
	tr.markers(v)
}

// markers returns how many offsets of the copies no record has, which are those of
// the markers that shut out producers.
func (tr *Trial) markers(v Verdict) (n int64) {
	tr.t.Helper()
	ends, err := tr.To.Admin().ListEndOffsets(tr.t.Context(), tr.remotes()...)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		tr.t.Fatal(err)
	}
	ends.Each(func(o kadm.ListedOffset) { n += o.Offset })
	if n -= v.Target; n <= 0 {
		tr.t.Errorf("there are %d markers: no producer was ever shut out", n)
	}
	return n
}

// testKillAtLeastOnce kills the mirror. What it had copied since its last anchor
// is copied again, and nothing else is wrong.
func testKillAtLeastOnce(t *testing.T, b *Bed, strait string) {
	s := seed(t)
	tr := NewTrial(t, TrialParams{
		Strait: strait, From: b.A, To: b.B, Flow: "  delivery = \"at_least_once\"\n", Load: LoadParams{Topics: "atleast-", Seed: s},
	})
	const kills = 2
	if err := tr.killLoop(kills, 7*time.Second, rand.New(rand.NewPCG(s, 6))); err != nil { // not a secret
		t.Fatal(err)
	}
	v := tr.Verdict(true)
	tr.checkRepeats(v)
}

// testDrain ends the mirror in good order while producers write: nothing is
// copied twice.
func testDrain(t *testing.T, b *Bed, strait string) {
	s := seed(t)
	rnd := rand.New(rand.NewPCG(s, 4)) // not a secret
	tr := NewTrial(t, TrialParams{Strait: strait, From: b.A, To: b.B, Load: LoadParams{Topics: "drain-", Seed: s}})
	for range 3 {
		if err := pause(t.Context(), between(rnd, 300, 2000)); err != nil {
			t.Fatal(err)
		}
		code, took, err := tr.Mirror.Terminate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if code != 0 {
			t.Fatalf("strait ended with %d %s after SIGTERM", code, took)
		}
		t.Logf("drained in %s", took.Round(time.Millisecond))
		if err := tr.Mirror.Start(); err != nil {
			t.Fatal(err)
		}
	}
	tr.Verdict(false)
}

// unanchored is how old data without an anchor may get: 5 s, a quarter of a
// second to notice, and then the write, which takes its time on a busy machine.
const unanchored = 10 * time.Second

// checkRepeats holds the repeated runs to what the kills explain.
func (tr *Trial) checkRepeats(v Verdict) {
	tr.t.Helper()
	partitions := len(tr.Load.Topics()) * tr.Load.p.Partitions
	if most := len(tr.Mirror.Kills) * partitions; len(v.Repeats) > most {
		tr.t.Errorf("%d repeated runs after %d kills of %d partitions", len(v.Repeats), len(tr.Mirror.Kills), partitions)
	}
	for _, r := range v.Repeats {
		if r.Kill.IsZero() || r.Age > unanchored {
			tr.t.Errorf("a repeat that no kill explains: %s", r)
		}
	}
}

// proven holds that after every kill the mirror knew where to go on, and that it
// had something to know.
func (tr *Trial) proven() {
	tr.t.Helper()
	log := tr.Mirror.Output()
	if n := strings.Count(log, "exact position not proven"); n > 0 {
		tr.t.Errorf("%d partitions did not know where to go on", n)
	}
	found := strings.Count(log, "records behind the stored positions are on the target already")
	if found == 0 {
		tr.t.Errorf("none of %d kills left records behind the stored positions: nothing was put to the test", len(tr.Mirror.Kills))
	}
	tr.t.Logf("%d of %d starts found records behind the stored positions", found, len(tr.Mirror.Kills))
}
