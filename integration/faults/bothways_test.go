package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/strait-mirror/strait/integration/compare"
)

// bothWays are two clusters whose topics have the same names, each with producers
// of its own, mirrored in both directions.
type bothWays struct {
	t       *testing.T
	sides   []*Side
	loads   []*Load
	mirrors []*Mirror
}

// testBothWays kills mirrors with unchanged names in both directions, in one
// process or in two: each side holds its own records and the other's, each once
// and in the order of its producers.
func testBothWays(t *testing.T, b *Bed, strait string, processes int) {
	s := seed(t)
	bw := newBothWays(t, b, strait, processes, s)
	loading, stop := context.WithCancel(t.Context())
	defer stop()
	var wait sync.WaitGroup
	errs := make([]error, len(bw.loads))
	for i, l := range bw.loads {
		wait.Go(func() { errs[i] = l.Run(loading) })
	}
	bw.each((*Mirror).Start)
	const kills = 3
	rnd := rand.New(rand.NewPCG(s, 7)) // not a secret
	for range kills {
		bw.copies()
		if err := pause(t.Context(), between(rnd, 500, 2000)); err != nil {
			t.Fatal(err)
		}
		bw.each(func(m *Mirror) error {
			if err := m.Kill(); err != nil {
				return err
			}
			return m.Start()
		})
	}
	bw.copies()
	stop()
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	bw.verdict(kills)
}

func newBothWays(t *testing.T, b *Bed, strait string, processes int, seed uint64) *bothWays {
	t.Helper()
	bw := &bothWays{t: t, sides: []*Side{b.A, b.B}}
	prefix := fmt.Sprintf("both-%d-", processes)
	for i, side := range bw.sides {
		l, err := NewLoad(t.Context(), LoadParams{
			To: side, Topics: prefix, Keys: "from " + side.Alias + ": ", Seed: seed + uint64(i), Plain: 2, Tx: 1, Rate: 1500,
		})
		if err != nil {
			t.Fatal(err)
		}
		bw.loads = append(bw.loads, l)
	}
	flows := []string{flowBetween(b.A, b.B, prefix), flowBetween(b.B, b.A, prefix)}
	if processes == 1 {
		flows = []string{flows[0] + flows[1]}
	}
	for _, hcl := range flows {
		bw.mirrors = append(bw.mirrors, NewMirror(t, MirrorParams{Strait: strait, From: b.A, To: b.B, HCL: hcl}))
	}
	return bw
}

// flowBetween writes a flow of topics whose names it keeps.
func flowBetween(from, to *Side, prefix string) string {
	return fmt.Sprintf("flow \"%s->%s\" {\n  topics = [%q]\n  replication_policy = \"identity\"\n}\n", from.Alias, to.Alias, prefix+".*")
}

func (bw *bothWays) each(do func(*Mirror) error) {
	bw.t.Helper()
	for _, m := range bw.mirrors {
		if err := do(m); err != nil {
			bw.t.Fatal(err)
		}
	}
}

// copies waits until records arrive on both sides.
func (bw *bothWays) copies() {
	bw.t.Helper()
	ctx, cancel := context.WithTimeout(bw.t.Context(), catchUp)
	defer cancel()
	before, err := bw.arrived(ctx)
	if err == nil {
		err = poll(ctx, 200*time.Millisecond, func() (bool, error) {
			now, err := bw.arrived(ctx)
			return err == nil && now[0] > before[0] && now[1] > before[1], err
		})
	}
	if err != nil {
		bw.t.Fatalf("waiting for records to arrive on both sides: %v", err)
	}
}

// arrived returns how many records of the other side each side has of one topic.
func (bw *bothWays) arrived(ctx context.Context) (counts [2]int, err error) {
	for i, side := range bw.sides {
		all, err := compare.Read(ctx, side.AdminOpts(), bw.loads[0].Topics()[0], compare.ReadOptions{})
		if err != nil {
			return counts, err
		}
		for _, records := range written(all, bw.loads[1-i]) {
			counts[i] += len(records)
		}
	}
	return counts, nil
}

// verdict waits until both sides are equal, has what might still be under way
// arrive, and compares once more.
func (bw *bothWays) verdict(kills int) {
	t := bw.t
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), catchUp)
	defer cancel()
	if err := poll(ctx, time.Second, func() (bool, error) {
		_, err := bw.compare(ctx)
		return err == nil, err
	}); err != nil {
		t.Fatal(err)
	}
	for _, m := range bw.mirrors {
		end(t, m)
		m.p.Args = []string{"--once"}
		if err := m.Start(); err != nil {
			t.Fatal(err)
		}
		if code, err := m.program.Wait(ctx); err != nil || code != 0 {
			t.Fatalf("a single pass ended with %d, %v", code, err)
		}
	}
	records, err := bw.compare(ctx)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, m := range bw.mirrors {
		log := m.Output()
		if n := strings.Count(log, "exact position not proven"); n > 0 {
			t.Errorf("%d partitions did not know where to go on", n)
		}
		found += strings.Count(log, "records behind the stored positions are on the target already")
	}
	if found == 0 {
		t.Error("no kill left records behind the stored positions: nothing was put to the test")
	}
	t.Logf("%d records in both directions, %d kills of %d processes, %d starts behind records that were there",
		records, kills, len(bw.mirrors), found)
}

// compare holds what each side's producers wrote against what of it the other
// side has.
func (bw *bothWays) compare(ctx context.Context) (records int64, err error) {
	for _, topic := range bw.loads[0].Topics() {
		held := make([]map[int32][]compare.Record, len(bw.sides))
		for i, side := range bw.sides {
			if held[i], err = compare.Read(ctx, side.AdminOpts(), topic, compare.ReadOptions{ReadCommitted: true}); err != nil {
				return 0, err
			}
		}
		for i, l := range bw.loads {
			other := held[1-i]
			r := compare.Diff(written(held[i], l), written(other, l), compare.Options{})
			if err := r.Err(); err != nil {
				return 0, fmt.Errorf("records of %s in %s: %w", bw.sides[i].Alias, topic, err)
			}
			if r.Source == 0 {
				return 0, fmt.Errorf("nobody wrote to %s on %s", topic, bw.sides[i].Alias)
			}
			records += r.Source
		}
	}
	return records, nil
}

// written returns the records of a load.
func written(all map[int32][]compare.Record, l *Load) map[int32][]compare.Record {
	out := map[int32][]compare.Record{}
	for p, records := range all {
		out[p] = nil
		for _, r := range records {
			if strings.HasPrefix(string(r.Key), l.p.Keys) {
				out[p] = append(out[p], r)
			}
		}
	}
	return out
}
