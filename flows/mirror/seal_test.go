package mirror

import (
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/flows/txn"
)

// TestSeal has an aborted transaction leave a position that a reader of all
// records takes for the last one: sealing writes the committed one behind it, and
// fences who writes in transactions.
func TestSeal(t *testing.T) {
	const positions, key = "mm2-offsets.a.internal", `["MirrorSourceConnector",{"cluster":"a","partition":0,"topic":"t"}]`
	w := newTwo(t)
	w.create(t, "t", 1)
	w.produce(t, "t", texts(0, 10)...)
	f := w.flow(t, false, transactional)
	stop := start(t, f)
	w.seen(t, "a.t", 10)
	until(t, "the position is committed", func() bool { return f.Status().LagRecords == 0 })

	other, err := kgo.NewClient(kgo.SeedBrokers(w.target.ListenAddrs()...), kgo.TransactionalID("other"))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := other.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	aborted := &kgo.Record{Topic: positions, Key: []byte(key), Value: []byte(`{"offset":999}`)}
	if err := other.ProduceSync(t.Context(), aborted).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := other.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
		t.Fatal(err)
	}
	if last := w.last(t, positions, aborted.Partition, key); last != `{"offset":999}` {
		t.Fatalf("a reader of all records finds %s, and nothing is put to the test", last)
	}
	n, err := Seal(t.Context(), SealParams{Flow: f.p.Flow, Target: f.p.Target, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil || n != 1 {
		t.Fatalf("sealed %d positions with %v, want 1", n, err)
	}
	if last := w.last(t, positions, aborted.Partition, key); len(last) < 12 || last[:12] != `{"offset":9,` {
		t.Errorf("a reader of all records finds %s after the sealing, want offset 9", last)
	}
	w.produce(t, "t", "x")
	until(t, "the flow is fenced", func() bool {
		return slices.ContainsFunc(f.Status().Problems, func(p Problem) bool {
			_, fenced := errors.AsType[*txn.FencedError](p.Err)
			return fenced
		})
	})
	stop()
}

// last returns the last value of a key that a reader of all records finds in a
// partition of the target.
func (w *two) last(t *testing.T, topic string, partition int32, key string) string {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(w.target.ListenAddrs()...), kgo.FetchMaxWait(100*time.Millisecond),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: kgo.NewOffset().AtStart()}}))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ends, err := kadm.NewClient(w.client[w.target]).ListEndOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	value := ""
	for next := int64(0); next < ends[topic][partition].Offset; {
		cl.PollFetches(t.Context()).EachRecord(func(r *kgo.Record) {
			if string(r.Key) == key {
				value = string(r.Value)
			}
			next = r.Offset + 2 // a marker may be the last
		})
	}
	return value
}
