package faults

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/integration/compare"
)

// byKey is a chain that drops records, says of the others where they come from and
// sends them where their keys say, and what is expected of it.
const byKey = inTransactions +
	"  transform \"filter\" \"some\" {\n    when = \"value == null || size(value) % 3 != 0\"\n  }\n" +
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
}
