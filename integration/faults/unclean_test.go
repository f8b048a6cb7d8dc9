package faults

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestUncleanElections has the target choose leaders that miss the end of what the
// mirror was told is there, positions included (unclean.leader.election.enable):
// what they lost is copied again, and nothing twice.
func TestUncleanElections(t *testing.T) {
	soak(t)
	s, built := seed(t), commit(t)
	b := NewBed(t, 1, 3, map[string]string{"unclean.leader.election.enable": "true", "min.insync.replicas": "1"})
	tr := NewTrial(t, TrialParams{Strait: BuildStrait(t), From: b.A, To: b.B, Load: LoadParams{Topics: "unclean-", Seed: s}})
	const elections, enough, alone = 3, 100, 8 * time.Second
	for round := range elections {
		tr.awaitAnchors(int64((round + 1) * enough))
		elect(t, b.B, round, alone, func() error { return nil })
	}
	v := tr.Verdict(false)
	lost := strings.Count(tr.Mirror.Output(), "target lost records")
	if lost == 0 {
		t.Error("the log does not say that the target lost records")
	}
	result(t, "Unclean elections on the target", built, s, []string{
		fmt.Sprintf("%d times the last broker of three died, and one that had stopped before led: %d times a partition said that its target lost records", elections, lost),
		fmt.Sprintf("%d records: %s", v.Source, verdictText(t)),
	})
}

// elect has brokers elect a leader that misses what the last of them took while it was
// alone; before that one dies, as well, then is called.
func elect(t *testing.T, s *Side, round int, alone time.Duration, then func() error) {
	t.Helper()
	brokers := slices.Clone(s.Brokers())
	i := round % len(brokers)
	others, last := slices.Concat(brokers[:i], brokers[i+1:]), brokers[i]
	for _, id := range others {
		if err := s.Crash(id); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(pause(t.Context(), alone), then(), s.Crash(last)); err != nil {
		t.Fatal(err)
	}
	for _, id := range append(others, last) {
		if err := s.Revive(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
}
