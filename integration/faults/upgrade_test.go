package faults

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/strait-mirror/strait/integration/kafka"
)

// TestRollingUpgrade brings the target from Kafka 3.9 to the newest version node by
// node, and its features with it, while the mirror is killed now and then: also
// transactions begin in the old version and end in the new one.
func TestRollingUpgrade(t *testing.T) {
	soak(t)
	s, built := seed(t), commit(t)
	strait := BuildStrait(t)
	for name, p := range map[string]TrialParams{
		"exactly_once":  {Load: LoadParams{Topics: "upgrade-", Seed: s}},
		"transactional": {Load: LoadParams{Topics: "upgrade-", Seed: s}, Flow: `  delivery = "transactional"`, Committed: true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, kafka.Options{}, kafka.Options{Brokers: 3, Version: kafka.Version39})
			p.Strait, p.From, p.To = strait, b.A, b.B
			tr := NewTrial(t, p)
			rnd := rand.New(rand.NewPCG(s, 12)) // not a secret
			from := b.B.Version()
			err := b.B.Upgrade(t.Context(), kafka.DefaultVersion, func(int) {
				if err := pause(t.Context(), between(rnd, 500, 4000)); err != nil {
					t.Fatal(err)
				}
				if err := tr.killLoop(1, between(rnd, 300, 2000), rnd); err != nil {
					t.Fatal(err)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := tr.killLoop(2, between(rnd, 2000, 4000), rnd); err != nil {
				t.Fatal(err)
			}
			v := tr.Verdict(false)
			result(t, "Rolling upgrade of the target, "+name, built, s, []string{
				fmt.Sprintf("from Kafka %s to %s: the controller, three brokers, then all features; %d kills of the mirror in between",
					from, b.B.Version(), len(tr.Mirror.Kills)),
				fmt.Sprintf("%d records: %s", v.Source, verdictText(t)),
			})
		})
	}
}
