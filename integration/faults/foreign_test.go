package faults

import (
	"context"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/integration/compare"
)

// testForeign has another producer write to a target topic between the copies: it
// is named, and the copies are whole and in order.
func testForeign(t *testing.T, b *Bed, strait string) {
	ctx, cancel := context.WithTimeout(t.Context(), catchUp)
	defer cancel()
	l := loadOnce(ctx, t, b.A, "foreign-")
	topic := l.Topics()[0]
	m := NewMirror(t, MirrorParams{Strait: strait, From: b.A, To: b.B, Topics: "foreign-.*"})
	if err := m.Start(); err != nil {
		t.Fatal(err)
	}
	if err := AwaitEnd(ctx, b.B, []string{"a." + topic}, 1); err != nil {
		t.Fatal(err)
	}
	w := newPoisoner(t, b)
	cl, err := kgo.NewClient(b.B.AdminOpts()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	const foreign, other = 20, "not a copy"
	for range foreign {
		if err := cl.ProduceSync(ctx, &kgo.Record{Topic: "a." + topic, Value: []byte(other)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		w.roundTrip(ctx, place{topic, 0})
	}
	for _, text := range []string{"somebody else writes to a mirrored topic", "the producer with id ", "also writes to a." + topic + "/0"} {
		if err := m.WaitOutput(ctx, text); err != nil {
			t.Error(err)
		}
	}
	end(t, m)
	read := func(s *Side, topic string) map[int32][]compare.Record {
		t.Helper()
		rs, err := compare.Read(ctx, s.AdminOpts(), topic, compare.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return rs
	}
	copies := read(b.B, "a."+topic)
	all := len(copies[0])
	copies[0] = slices.DeleteFunc(copies[0], func(r compare.Record) bool { return string(r.Value) == other })
	if all != len(copies[0])+foreign {
		t.Errorf("%d of %d records are copies, want all but %d", len(copies[0]), all, foreign)
	}
	if err := compare.Diff(read(b.A, topic), copies, compare.Options{}).Err(); err != nil {
		t.Error(err)
	}
}
