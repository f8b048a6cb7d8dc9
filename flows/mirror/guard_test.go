package mirror

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/origin"
)

func unchanged(f *model.Flow) { f.ReplicationPolicy = model.PolicyIdentity }

// back returns the two with their parts exchanged. Flows of it call the clusters
// by each other's names, as different topologies may.
func (w *two) back() *two { return &two{source: w.target, target: w.source, client: w.client} }

// counts returns what a topic of the target holds in partition 0, and how often.
func (w *two) counts(t *testing.T, topic string) map[string]int {
	t.Helper()
	held := map[string]int{}
	for _, r := range records(t, w.target, topic) {
		held[string(r.Value)]++
	}
	return held
}

// produceAs writes each value under a producer id of its own.
func (w *two) produceAs(t *testing.T, topic string, values ...string) {
	t.Helper()
	for _, v := range values {
		cl, err := kgo.NewClient(kgo.SeedBrokers(w.source.ListenAddrs()...))
		if err != nil {
			t.Fatal(err)
		}
		if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte(v)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		cl.Close()
	}
}

func numbers(prefix string, n int) (values []string) {
	for i := range n {
		values = append(values, fmt.Sprint(prefix, i))
	}
	return values
}

// TestNothingReturns runs flows with unchanged names in both directions, and
// stops and starts them: each side has everything once.
func TestNothingReturns(t *testing.T) {
	there := newTwo(t)
	back := there.back()
	for _, w := range []*two{there, back} {
		w.create(t, "t", 1)
		w.create(t, "mirrored-only", 1)
	}
	want := map[string]int{}
	const rounds = 3
	for round := range rounds {
		flows := []*Flow{there.flow(t, false, unchanged), back.flow(t, false, unchanged)}
		var stops []func()
		for _, f := range flows {
			stops = append(stops, start(t, f))
		}
		for i, w := range []*two{there, back} {
			values := numbers(fmt.Sprintf("round %d side %d number ", round, i), 20)
			w.produceAs(t, "t", values[:5]...)
			w.produce(t, "t", values[5:]...)
			for _, v := range values {
				want[v]++
			}
		}
		until(t, "both sides have everything", func() bool {
			return there.held(t, "t") >= int64(len(want)) && back.held(t, "t") >= int64(len(want))
		})
		until(t, "both flows have read it", func() bool {
			return flows[0].Status().LagRecords == 0 && flows[1].Status().LagRecords == 0
		})
		for _, stop := range stops {
			stop()
		}
	}
	for _, w := range []*two{there, back} {
		if diff := cmp.Diff(want, w.counts(t, "t")); diff != "" {
			t.Error(diff)
		}
	}
}

// TestGuardIsOff has records return where the guard is off, by as much as one
// pass can: the guard is what keeps them from it.
func TestGuardIsOff(t *testing.T) {
	there := newTwo(t)
	there.create(t, "t", 1)
	there.produce(t, "t", "1", "2")
	off := func(f *model.Flow) { unchanged(f); f.LoopGuard = model.LoopGuardOff }
	for _, w := range []*two{there, there.back()} {
		if err := w.flow(t, true, off).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := there.back().held(t, "t"); got != 4 {
		t.Errorf("the source holds %d records, want 4", got)
	}
}

// TestManyProducersTakeOneLook counts how often the guard asks for topics while
// it reads a log of a hundred producers.
func TestManyProducersTakeOneLook(t *testing.T) {
	w := newTwo(t)
	w.create(t, "t", 1)
	values := numbers("", 100)
	w.produceAs(t, "t", values...)
	var looks atomic.Int64
	w.source.ControlKey(int16(kmsg.Metadata), func(req kmsg.Request) (kmsg.Response, error, bool) {
		w.source.KeepControl()
		for _, topic := range req.(*kmsg.MetadataRequest).Topics {
			if topic.Topic != nil && *topic.Topic == origin.Topic("b") {
				looks.Add(1)
			}
		}
		return nil, nil, false
	})
	if err := w.flow(t, true, unchanged).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if held := w.counts(t, "t"); len(held) != len(values) {
		t.Errorf("the target holds %d records, want %d", len(held), len(values))
	}
	const most = 2 // at the start, and for the first batch
	if n := looks.Load(); n > most {
		t.Errorf("asked %d times for the producer ids of mirrors, want at most %d", n, most)
	}
}

// TestEveryIDIsEntered compares the ids in a target's log with those entered.
func TestEveryIDIsEntered(t *testing.T) {
	w := newTwo(t)
	w.create(t, "t", 1)
	for range 3 {
		w.produce(t, "t", "x")
		if err := w.flow(t, true, unchanged).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := kadm.NewClient(w.client[w.target]).DeleteTopics(t.Context(), origin.Topic("a")); err != nil {
			t.Fatal(err) // as nobody should
		}
	}
	w.produce(t, "t", "y")
	if err := w.flow(t, true, unchanged).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	entered := map[int64]bool{}
	for _, r := range records(t, w.target, origin.Topic("a")) {
		var id int64
		if _, err := fmt.Sscan(string(r.Key), &id); err != nil {
			t.Fatal(err)
		}
		entered[id] = true
	}
	for _, r := range records(t, w.target, "t") {
		if !entered[r.ProducerID] {
			t.Errorf("the record at offset %d has producer id %d, which is not entered", r.Offset, r.ProducerID)
		}
	}
}

// records reads partition 0 of a topic.
func records(t *testing.T, k *kfake.Cluster, topic string) (all []*kgo.Record) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(k.ListenAddrs()...), kgo.ConsumeTopics(topic))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ends, err := kadm.NewClient(cl).ListEndOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	for int64(len(all)) < ends[topic][0].Offset {
		fetches := cl.PollFetches(t.Context())
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		all = append(all, fetches.Records()...)
	}
	return all
}

// TestASilentTargetDoesNotHoldUpTheEnd ends while a producer id is being entered and
// nobody answers: a client waits for what it has sent, whatever becomes of its
// context.
func TestASilentTargetDoesNotHoldUpTheEnd(t *testing.T) {
	w := newTwo(t)
	w.create(t, "t", 1)
	w.produce(t, "t", "1")
	f := w.flow(t, false, unchanged)
	defer start(t, f)()
	until(t, "the record has arrived", func() bool { return f.Status().Records == 1 })
	asked, silent := make(chan struct{}, 1), make(chan struct{})
	defer close(silent)
	w.target.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		asked <- struct{}{}
		<-silent
		return nil, nil, false
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if _, _, err := f.session.newProducer(ctx); err == nil {
			t.Error("it was entered though nobody answered")
		}
	}()
	<-asked
	cancel()
	const enough = 5 * time.Second
	select {
	case <-ended:
	case <-time.After(enough):
		t.Errorf("it goes on %s after it was to end", enough)
	}
}
