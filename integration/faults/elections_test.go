package faults

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// TestSourceElections has the source choose leaders that miss the end of what was
// copied from it (unclean.leader.election.enable), also while the mirror is dead: what
// the source holds is on the target once and in order, and what is gone is named.
func TestSourceElections(t *testing.T) {
	soak(t)
	s, built := seed(t), commit(t)
	// The source is b, which has three brokers.
	b := NewBed(t, 1, 3, map[string]string{"unclean.leader.election.enable": "true", "min.insync.replicas": "1"})
	tr := NewTrial(t, TrialParams{
		Strait: BuildStrait(t), From: b.B, To: b.A,
		Load: LoadParams{Topics: "elected-", Seed: s, Tx: -1, Once: true},
	})
	rnd := rand.New(rand.NewPCG(s, 14)) // not a secret
	const elections, alone = 4, 8 * time.Second
	for round := range elections {
		dead := round%2 == 1 // with the last broker
		die := func() error { return nil }
		if dead {
			die = tr.Mirror.Kill
		}
		elect(t, b.B, round, alone, die)
		if err := pause(t.Context(), between(rnd, 500, 4000)); err != nil {
			t.Fatal(err)
		}
		if dead {
			if err := tr.Mirror.Start(); err != nil {
				t.Fatal(err)
			}
		} else if err := tr.killLoop(1, 3*time.Second, rnd); err != nil {
			t.Fatal(err)
		}
		if err := pause(t.Context(), alone); err != nil {
			t.Fatal(err)
		}
	}
	source, target := tr.within()
	log := tr.Mirror.Output()
	told := strings.Count(log, "the source's log was cut")
	if told == 0 || target <= source {
		t.Errorf("%d cuts were reported, the source holds %d records and the target %d: nothing was cut", told, source, target)
	}
	if n := strings.Count(log, "exact position not proven"); n > 0 {
		t.Errorf("%d positions were not proven", n)
	}
	result(t, "Unclean elections on the source", built, s, []string{
		fmt.Sprintf("%d times the last broker of three died, and one that had stopped before led, every other time while the mirror was dead; %d kills of the mirror",
			elections, len(tr.Mirror.Kills)),
		fmt.Sprintf("%d records were copied, of which the source still holds %d: %s", target, source, verdictText(t)),
		fmt.Sprintf("%d cuts named with partition and offset", told),
	})
}
