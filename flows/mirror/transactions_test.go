package mirror

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/config/model"
)

func transactional(f *model.Flow) {
	f.Delivery, f.TransactionInterval = model.Transactional, 50*time.Millisecond
}

// seen returns the values that a reader of committed records sees in
// partition 0 of a target topic, once there are n of them.
func (w *two) seen(t *testing.T, topic string, n int) []string {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(w.target.ListenAddrs()...), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var values []string
	for len(values) < n && ctx.Err() == nil {
		cl.PollFetches(ctx).EachRecord(func(r *kgo.Record) { values = append(values, string(r.Value)) })
	}
	return values
}

func texts(from, to int) []string {
	var all []string
	for i := from; i < to; i++ {
		all = append(all, fmt.Sprint(i))
	}
	return all
}

// TestTransactional mirrors in single passes: each goes on where the one before
// committed, and aborted attempts are seen by nobody who reads what is committed.
func TestTransactional(t *testing.T) {
	w := newTwo(t)
	w.create(t, "t", 1)
	for pass := range 3 {
		w.produce(t, "t", texts(10*pass, 10*pass+10)...)
		if err := w.flow(t, true, transactional).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := texts(0, 10*pass+10)
		if d := cmp.Diff(want, w.seen(t, "a.t", len(want))); d != "" {
			t.Fatalf("committed after pass %d (-want +got):\n%s", pass, d)
		}
	}
}

// TestTransactionalAborts has commits fail in every way: what was written is
// written again, and seen once.
func TestTransactionalAborts(t *testing.T) {
	for _, code := range []*kerr.Error{
		kerr.InvalidTxnState, kerr.ConcurrentTransactions, kerr.TransactionAbortable, kerr.InvalidProducerIDMapping, kerr.NotCoordinator,
	} {
		t.Run(code.Message, func(t *testing.T) {
			w := newTwo(t)
			w.create(t, "t", 1)
			w.produce(t, "t", texts(0, 20)...)
			left := 2
			w.target.ControlKey(int16(kmsg.EndTxn), func(req kmsg.Request) (kmsg.Response, error, bool) {
				w.target.KeepControl()
				if !req.(*kmsg.EndTxnRequest).Commit || left == 0 { //nolint:forcetypeassert // by its key
					return nil, nil, false
				}
				left--
				resp := req.ResponseKind().(*kmsg.EndTxnResponse) //nolint:forcetypeassert // by its key
				resp.ErrorCode = code.Code
				return resp, nil, true
			})
			stop := start(t, w.flow(t, false, transactional))
			got := w.seen(t, "a.t", 20)
			w.produce(t, "t", texts(20, 40)...)
			got = append(got, w.seen(t, "a.t", 40)[min(20, len(got)):]...)
			stop()
			if d := cmp.Diff(texts(0, 40), got); d != "" {
				t.Errorf("committed (-want +got):\n%s", d)
			}
		})
	}
}

// TestTransactionalTakeover has a second owner take over while the first goes on:
// the first writes nothing more, and both together write everything once.
func TestTransactionalTakeover(t *testing.T) {
	w := newTwo(t)
	w.create(t, "t", 1)
	w.produce(t, "t", texts(0, 10)...)
	stopFirst := start(t, w.flow(t, false, transactional))
	w.seen(t, "a.t", 10)
	second := w.flow(t, false, transactional)
	stopSecond := start(t, second)
	until(t, "the second runs", func() bool { st := second.Status(); return st.LagRecords == 0 })
	w.produce(t, "t", texts(10, 200)...)
	got := w.seen(t, "a.t", 200)
	stopFirst()
	stopSecond()
	if d := cmp.Diff(texts(0, 200), got); d != "" {
		t.Errorf("committed (-want +got):\n%s", d)
	}
	if err := w.flow(t, true, transactional).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if all := w.seen(t, "a.t", 200); !slices.Equal(all, got) {
		t.Errorf("a third owner wrote something again")
	}
}

// TestTransactionalAfterCounting changes from exactly_once to transactional and
// back: nothing is repeated, nothing is left out.
func TestTransactionalAfterCounting(t *testing.T) {
	w := newTwo(t)
	w.create(t, "t", 1)
	modes := []func(*model.Flow){func(*model.Flow) {}, transactional, func(*model.Flow) {}, transactional}
	for pass, mode := range modes {
		w.produce(t, "t", texts(10*pass, 10*pass+10)...)
		if err := w.flow(t, true, mode).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff(texts(0, 40), w.seen(t, "a.t", 40)); d != "" {
		t.Errorf("committed (-want +got):\n%s", d)
	}
}
