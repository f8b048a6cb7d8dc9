package faults

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/strait-mirror/strait/integration/compare"
)

// testKillFiltered kills the mirror while a stage drops records: exactly the
// others are on the target, each once, and every restart proves where it goes on
// by counting those.
func testKillFiltered(t *testing.T, b *Bed, strait string) {
	s := seed(t)
	tr := NewTrial(t, TrialParams{
		Strait: strait, From: b.A, To: b.B, Load: LoadParams{Topics: "filtered-", Seed: s},
		Flow: "  transform \"filter\" \"some\" {\n    when = \"'n' in headers || value == null || size(value) % 3 != 0\"\n  }\n",
		Kept: func(r compare.Record) bool {
			return len(r.Headers) > 0 || r.Value == nil || len(r.Value)%3 != 0
		},
	})
	const kills = 4
	if err := tr.killLoop(kills, 3*time.Second, rand.New(rand.NewPCG(s, 3))); err != nil { // not a secret
		t.Fatal(err)
	}
	v := tr.Verdict(false)
	if v.Source == 0 {
		t.Error("nothing was kept")
	}
	tr.proven()
}
