package faults

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// TestVanishingRecords has the source compact its topics, and delete what is a few
// seconds old, as fast as it can while they are mirrored, and the mirror be killed: what
// was copied is not copied again, and what is there is copied. With STRAIT_SOAK it does
// so STRAIT_SOAK_KILLS times, else twice.
func TestVanishingRecords(t *testing.T) {
	kills, longest, long := killings(t, 8*time.Second)
	s := seed(t)
	b := newBed(t, eager(), eager())
	policies := map[string]map[string]*string{
		"compact": {"cleanup.policy": new("compact"), "min.cleanable.dirty.ratio": new("0.01"), "max.compaction.lag.ms": new("200"), "segment.ms": new("500")},
		"delete":  {"retention.ms": new("3000"), "segment.ms": new("500")},
	}
	for policy, config := range policies {
		t.Run(policy, func(t *testing.T) {
			tr := NewTrial(t, TrialParams{
				Strait: BuildStrait(t), From: b.A, To: b.B,
				Load: LoadParams{Topics: policy + "-", Seed: s, Names: 50, Config: config},
				// The copy keeps all, so that it can be compared.
				Flow: `  topic_configs = { "cleanup.policy" = "delete", "retention.ms" = "-1", "segment.ms" = "604800000", "max.compaction.lag.ms" = "9223372036854775807" }`,
			})
			if err := tr.killLoop(kills, longest, rand.New(rand.NewPCG(s, 13))); err != nil { // not a secret
				t.Fatal(err)
			}
			tr.keep(policy)
			source, target := tr.within()
			log := tr.Mirror.Output()
			if n := strings.Count(log, "exact position not proven"); n > 0 {
				t.Errorf("%d positions were not proven", n)
			}
			if target <= source {
				t.Errorf("the source holds %d records and the target %d: nothing vanished", source, target)
			}
			t.Logf("the source holds %d records, the target %d", source, target)
			if long {
				result(t, "A source that loses records, cleanup.policy="+policy, commit(t), s, []string{
					fmt.Sprintf("%d kills of the mirror; %d records were copied, of which the source holds %d: %s",
						len(tr.Mirror.Kills), target, source, verdictText(t)),
					fmt.Sprintf("%d reports of records that were gone before they were copied", strings.Count(log, "source lost records")),
				})
			}
		})
	}
}

// keep has a source keep what it holds.
func (tr *Trial) keep(policy string) {
	tr.t.Helper()
	changes := []kadm.AlterConfig{{Name: "retention.ms", Value: new("-1")}}
	if policy == "compact" {
		return // keeps the last record of each key
	}
	altered, err := tr.From.Admin().AlterTopicConfigs(tr.t.Context(), changes, tr.Load.Topics()...)
	for _, r := range altered {
		err = errors.Join(err, r.Err)
	}
	if err != nil {
		tr.t.Fatal(err)
	}
}
