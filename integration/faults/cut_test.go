package faults

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/flows/position"
	"github.com/strait-mirror/strait/integration/compare"
)

// testCut has a mirror die with more on the target than it stored, and the source lose
// records before it comes back: what was copied is not copied again, what is new is,
// and what is gone is named.
func testCut(t *testing.T, b *Bed, strait string) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*catchUp)
	defer cancel()
	const topic = "cut-behind-t"
	x := newLost(t, b, strait, topic)
	x.create(ctx)
	x.write(ctx, 30, 30)
	x.start()
	x.arrive(ctx)

	// The log is cut behind the stored position.
	stored := x.die(ctx)
	left := x.cut(ctx, 1)
	if left <= stored {
		t.Fatalf("the log was cut at %d, which is not behind the stored position %d", left, stored)
	}
	x.write(ctx, 5, 5)
	x.start()
	x.says(ctx, fmt.Sprintf("it does not hold %d records any more that were copied from offset %d on; mirroring went on at offset %d",
		x.copies-5-left, left, left))
	x.arrive(ctx)

	// And before it, and is longer again than it was.
	stored = x.die(ctx)
	for left = stored; left >= stored; {
		left = x.cut(ctx, 1)
	}
	x.write(ctx, 60, 60)
	x.start()
	x.says(ctx, "the source's log was cut", fmt.Sprintf("mirroring went on at offset %d", left))
	x.arrive(ctx)

	// Retention takes a part of what was copied.
	stored = x.die(ctx)
	var below kadm.Offsets
	below.AddOffset(topic, 0, stored+2, -1)
	if _, err := b.A.Admin().DeleteRecords(ctx, below); err != nil {
		t.Fatal(err)
	}
	x.write(ctx, 5, 5)
	x.start()
	x.says(ctx, "is below the source's log", fmt.Sprintf("mirroring went on at offset %d", stored+2))
	x.arrive(ctx)
	end(t, x.m)
	x.within(ctx)
	if n := strings.Count(x.m.Output(), "exact position not proven"); n > 0 {
		t.Errorf("%d positions were not proven", n)
	}
}

// die kills the mirror with records on the target that its stored position, which is
// returned, does not tell of.
func (x *lost) die(ctx context.Context) int64 {
	x.t.Helper()
	const tries, more = 5, 20
	for range tries {
		before := x.end(ctx)
		if err := poll(ctx, sampleEvery, func() (bool, error) {
			next := x.stored(ctx)
			return next >= before, fmt.Errorf("the stored position is %d, want %d", next, before)
		}); err != nil {
			x.t.Fatal(err)
		}
		x.write(ctx, more, more)
		x.arrive(ctx)
		if err := x.m.Kill(); err != nil {
			x.t.Fatal(err)
		}
		if next := x.stored(ctx); next == before {
			return next
		}
		x.start()
	}
	x.t.Fatalf("the mirror stored its position behind every record %d times", tries)
	return 0
}

// stored returns the source offset behind which the mirror goes on.
func (x *lost) stored(ctx context.Context) int64 {
	x.t.Helper()
	cl, err := kgo.NewClient(x.b.B.AdminOpts()...)
	if err != nil {
		x.t.Fatal(err)
	}
	defer cl.Close()
	store, err := position.NewStore(position.Params{Client: cl, SourceAlias: x.b.A.Alias, Log: slog.New(slog.DiscardHandler), KeepSettings: true})
	if err == nil {
		err = store.Open(ctx)
	}
	if err != nil {
		x.t.Fatal(err)
	}
	a, ok := store.Get(x.topic, 0)
	if !ok {
		x.t.Fatal("no position is stored")
	}
	return a.Next()
}

// end returns where the source's log ends.
func (x *lost) end(ctx context.Context) int64 {
	x.t.Helper()
	ends, err := x.b.A.Admin().ListEndOffsets(ctx, x.topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		x.t.Fatal(err)
	}
	return ends[x.topic][0].Offset
}

// cut takes the end of the source's log away and returns where it ends then.
func (x *lost) cut(ctx context.Context, broker int) int64 {
	x.t.Helper()
	if err := x.b.A.Crash(broker); err != nil {
		x.t.Fatal(err)
	}
	cut(x.t, x.b.A, x.topic, 0)
	if err := x.b.A.Revive(ctx, broker); err != nil {
		x.t.Fatal(err)
	}
	return x.end(ctx)
}

// within compares both sides: what the source holds is on the target, in order, and
// nothing is there twice.
func (x *lost) within(ctx context.Context) {
	x.t.Helper()
	read := func(s *Side, topic string) []compare.Record {
		all, err := compare.Read(ctx, s.AdminOpts(), topic, compare.ReadOptions{})
		if err != nil {
			x.t.Fatal(err)
		}
		return all[0]
	}
	if err := within(read(x.b.A, x.topic), read(x.b.B, "a."+x.topic)); err != nil {
		x.t.Error(err)
	}
}

// within compares a source that lost records after they were copied with its copy: what
// it still holds is on the target, in order, and nothing is there twice. No two records
// have the same key and value.
func within(source, target []compare.Record) error {
	name := func(r compare.Record) string { return fmt.Sprintf("%s=%s", r.Key, r.Value) }
	seen := map[string]int64{}
	met := 0
	for _, r := range target {
		if first, twice := seen[name(r)]; twice {
			return fmt.Errorf("what is at %d of the target is at %d as well", first, r.Offset)
		}
		seen[name(r)] = r.Offset
		if met < len(source) && name(source[met]) == name(r) {
			met++
		}
	}
	if met < len(source) {
		return fmt.Errorf("%d records, from offset %d of the source on, are not on the target in their order", len(source)-met, source[met].Offset)
	}
	return nil
}

// within says what became of a load whose source lost records.
func (tr *Trial) within() (source, target int) {
	tr.t.Helper()
	if err := tr.conclude(); err != nil {
		tr.t.Fatal(err)
	}
	for _, topic := range tr.Load.Topics() {
		from, err := compare.Read(tr.t.Context(), tr.From.AdminOpts(), topic, compare.ReadOptions{ReadCommitted: true})
		if err != nil {
			tr.t.Fatal(err)
		}
		to, err := compare.Read(tr.t.Context(), tr.To.AdminOpts(), tr.Remote(topic), compare.ReadOptions{})
		if err != nil {
			tr.t.Fatal(err)
		}
		for p := range from {
			if err := within(from[p], to[p]); err != nil {
				tr.t.Errorf("%s/%d: %v", topic, p, err)
			}
			source, target = source+len(from[p]), target+len(to[p])
		}
	}
	return source, target
}
