package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// TestRightsDisksAndClocks takes permissions away under load and gives them back, has
// the disks of brokers be full, and the clocks of producers jump; meanwhile the mirror
// is killed. With STRAIT_SOAK it does so STRAIT_SOAK_KILLS times, else twice.
func TestRightsDisksAndClocks(t *testing.T) {
	kills, longest, long := killings(t, 10*time.Second)
	s := seed(t)
	b := newBed(t, guarded(1), guarded(3))
	tr := NewTrial(t, TrialParams{
		Strait: BuildStrait(t), From: b.A, To: b.B, Load: LoadParams{Topics: "odd-", Seed: s, Jumps: true},
		// What denies a READ of the source would stay on the copy.
		Flow: `  sync_topic_acls_enabled = false`,
	})
	rights := &Storm{Seed: s, Calm: time.Second, Faults: []Fault{
		RightsFault(b.A, kadm.OpRead, tr.Load.Topics()...),
		RightsFault(b.B, kadm.OpWrite, tr.remotes()...),
		RightsFault(b.B, kadm.OpWrite, "mm2-offsets.a.internal"),
	}}
	disks := &Storm{Seed: s + 1, Calm: 3 * time.Second, Faults: []Fault{DiskFault(b.B)}}
	storming, calm := context.WithCancel(t.Context())
	defer calm()
	killing := make(chan error, 1)
	go func() {
		defer calm()
		killing <- tr.killLoop(kills, longest, rand.New(rand.NewPCG(s, 11))) // not a secret
	}()
	storm(storming, t, b, rights, disks)
	if err := <-killing; err != nil {
		t.Fatal(err)
	}
	v := tr.Verdict(false)
	if long {
		tr.proven()
		result(t, "Permissions taken away, full disks, clocks that jump", commit(t), s, []string{
			fmt.Sprintf("%d kills of the mirror; %d permissions taken away for up to 5 s: %s; %d brokers of the target ended by a full disk",
				len(tr.Mirror.Kills), rights.Total(), rights, disks.Total()),
			fmt.Sprintf("%d records, of now, half an hour ahead, and up to 60 days back: %s", v.Source, verdictText(t)),
		})
	}
}
