package faults

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/integration/compare"
)

// byKey is a chain that drops records of three, nine, ... bytes and has letters of six,
// twelve, ... instead, says of the others where they come from and sends them where
// their keys say. keyed is what is expected of it.
const byKey = inTransactions +
	"  dead_letter_topic = \"dead-letters\"\n" +
	"  transform \"filter\" \"some\" {\n    when = \"value == null || size(value) % 3 != 0 || 1 / (size(value) % 2) > 1\"\n    on_error = \"dead_letter\"\n  }\n" +
	"  transform \"headers\" \"from\" {\n    provenance = \"from.\"\n  }\n" +
	"  transform \"partition\" \"keys\" {\n    mapping = \"key\"\n    partitions = 6\n  }\n"

func keyed(topic string, r *compare.Record) bool {
	for name, value := range []string{"a", topic, fmt.Sprint(r.Partition), fmt.Sprint(r.Offset)} {
		r.Headers = append(r.Headers, compare.Header{
			Key: "from." + []string{"cluster", "topic", "partition", "offset"}[name], Value: []byte(value),
		})
	}
	return r.Value == nil || len(r.Value)%3 != 0
}

const keysPartitions = 6

func keysPlace(key []byte, _ int32) int32 {
	return int32(kgo.StickyKeyPartitioner(nil).ForTopic("").Partition(&kgo.Record{Key: key}, keysPartitions))
}

// TestScatteredKillLoop is TestTransactionalKillLoop with records that go where their
// keys say.
func TestScatteredKillLoop(t *testing.T) {
	soak(t)
	transactionalKillLoop(t, "Kill loop of records by key", TrialParams{Flow: byKey, Staged: keyed, Scattered: scattered()})
}

func scattered() *Scattered {
	return &Scattered{Provenance: "from.", Partitions: keysPartitions, Place: keysPlace}
}

// testKillScattered kills the mirror while the records of each partition go to several,
// and lets a frozen one go on beside its successor: readers of committed records see
// each record once, in its place.
func testKillScattered(t *testing.T, b *Bed, strait string) {
	s := seed(t)
	tr := NewTrial(t, TrialParams{
		Strait: strait, From: b.A, To: b.B, Flow: byKey, Committed: true, Load: LoadParams{Topics: "scattered-", Seed: s},
		Staged: keyed, Scattered: scattered(), Args: []string{"--alone"},
	})
	const kills = 4
	if err := tr.killLoop(kills, 2*time.Second, rand.New(rand.NewPCG(s, 12))); err != nil { // not a secret
		t.Fatal(err)
	}
	tr.zombie(strait)
	if v := tr.Verdict(false); v.Source == 0 {
		t.Error("nothing was kept")
	}
	tr.letters("dead-letters")
}

// letters compares the dead letters of a chain such as byKey with the records of the
// source that they stand for: each is there once.
func (tr *Trial) letters(topic string) {
	t := tr.t
	t.Helper()
	want, got := map[string]int{}, map[string]int{}
	for _, name := range tr.Load.Topics() {
		source, err := compare.Read(t.Context(), tr.From.AdminOpts(), name, compare.ReadOptions{ReadCommitted: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, rs := range source {
			for _, r := range rs {
				if r.Value != nil && len(r.Value)%6 == 0 {
					want[fmt.Sprintf("%s/%d/%d %q", name, r.Partition, r.Offset, r.Value)]++
				}
			}
		}
	}
	held, err := compare.Read(t.Context(), tr.To.AdminOpts(), topic, compare.ReadOptions{ReadCommitted: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, rs := range held {
		for _, r := range rs {
			said := map[string]string{}
			for _, h := range r.Headers {
				said[h.Key] = string(h.Value)
			}
			const of = "__connect.errors."
			got[fmt.Sprintf("%s/%s/%s %q", said[of+"topic"], said[of+"partition"], said[of+"offset"], r.Value)]++
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
		t.Errorf("of %d letters (-want +got): %.2000s", len(want), diff)
	}
	t.Logf("%d dead letters", len(got))
}
