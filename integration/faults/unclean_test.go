package faults

import (
	"fmt"
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
	brokers := b.B.Brokers()
	for round := range elections {
		tr.awaitAnchors(int64((round + 1) * enough))
		last, others := brokers[round%len(brokers)], make([]int, 0, len(brokers))
		for _, id := range brokers {
			if id != last {
				others = append(others, id)
			}
		}
		for _, id := range others {
			if err := b.B.Crash(id); err != nil {
				t.Fatal(err)
			}
		}
		// One broker is left, and takes what nobody else has.
		if err := pause(t.Context(), alone); err != nil {
			t.Fatal(err)
		}
		if err := b.B.Crash(last); err != nil {
			t.Fatal(err)
		}
		for _, id := range append(others, last) {
			if err := b.B.Revive(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
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
