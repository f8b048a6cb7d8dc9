package faults

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/strait-mirror/strait/integration/compare"
)

// testKillFiltered kills the mirror while stages drop and change records: exactly
// what they leave is on the target, each record once, and every restart proves where
// it goes on by counting those.
func testKillFiltered(t *testing.T, b *Bed, strait string) {
	s := seed(t)
	tr := NewTrial(t, TrialParams{
		Strait: strait, From: b.A, To: b.B, Load: LoadParams{Topics: "filtered-", Seed: s},
		Flow: "  transform \"filter\" \"some\" {\n    when = \"'n' in headers || value == null || size(value) % 3 != 0\"\n  }\n" +
			"  transform \"headers\" \"from\" {\n    add = { by = \"strait\" }\n    provenance = \"from.\"\n  }\n" +
			"  transform \"set\" \"time\" {\n    when = \"value != null && size(value) % 2 == 0\"\n    value = \"b'<' + value + b'>'\"\n    timestamp = \"timestamp - duration('1s')\"\n  }\n",
		Staged: func(topic string, r *compare.Record) bool {
			if len(r.Headers) == 0 && r.Value != nil && len(r.Value)%3 == 0 {
				return false
			}
			add := func(key, value string) { r.Headers = append(r.Headers, compare.Header{Key: key, Value: []byte(value)}) }
			add("by", "strait")
			add("from.cluster", "a")
			add("from.topic", topic)
			add("from.partition", fmt.Sprint(r.Partition))
			add("from.offset", fmt.Sprint(r.Offset))
			if r.Value != nil && len(r.Value)%2 == 0 {
				r.Value, r.Timestamp = slices.Concat([]byte("<"), r.Value, []byte(">")), r.Timestamp-1000
			}
			return true
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
