package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/integration/compare"
)

// bothWays are two or more clusters whose topics have the same names, each with
// producers of its own, mirrored from each to all others.
type bothWays struct {
	t       *testing.T
	sides   []*Side
	loads   []*Load
	mirrors []*Mirror
}

// testBothWays kills mirrors with unchanged names in both directions, in one
// process or in two.
func testBothWays(t *testing.T, b *Bed, strait string, processes int) {
	s := seed(t)
	newBothWays(t, []*Side{b.A, b.B}, strait, processes, s).survive(s)
}

// survive kills the mirrors while producers write: each side holds its own records
// and the others', each once and in the order of its producers.
func (bw *bothWays) survive(s uint64) {
	t := bw.t
	t.Helper()
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

func newBothWays(t *testing.T, sides []*Side, strait string, processes int, seed uint64) *bothWays {
	t.Helper()
	bw := &bothWays{t: t, sides: sides}
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
	var more string // clusters beside the first two
	guard := model.LoopGuardAuto
	for _, side := range sides[2:] {
		more += clusterBlock(side)
		guard = model.LoopGuardLocal
	}
	var flows []string
	for _, from := range sides {
		for _, to := range sides {
			if from != to {
				flows = append(flows, flowBetween(from, to, prefix, guard))
			}
		}
	}
	if processes == 1 {
		flows = []string{strings.Join(flows, "")}
	}
	for _, hcl := range flows {
		bw.mirrors = append(bw.mirrors, NewMirror(t, MirrorParams{Strait: strait, From: sides[0], To: sides[1], HCL: more + hcl}))
	}
	return bw
}

// flowBetween writes a flow of topics whose names it keeps.
func flowBetween(from, to *Side, prefix, guard string) string {
	return fmt.Sprintf("flow \"%s->%s\" {\n  topics = [%q]\n  replication_policy = \"identity\"\n  loop_guard = %q\n}\n",
		from.Alias, to.Alias, prefix+".*", guard)
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
			for i := range now {
				if now[i] <= before[i] {
					return false, err
				}
			}
			return err == nil, err
		})
	}
	if err != nil {
		bw.t.Fatalf("waiting for records to arrive on both sides: %v", err)
	}
}

// arrived returns how many records of all others each side has of one topic.
func (bw *bothWays) arrived(ctx context.Context) (counts []int, err error) {
	counts = make([]int, len(bw.sides))
	for i, side := range bw.sides {
		all, err := compare.Read(ctx, side.AdminOpts(), bw.loads[0].Topics()[0], compare.ReadOptions{})
		if err != nil {
			return counts, err
		}
		for j, l := range bw.loads {
			if j != i {
				for _, records := range written(all, l) {
					counts[i] += len(records)
				}
			}
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
	t.Logf("%d records in all directions, %d kills of %d processes, %d starts behind records that were there",
		records, kills, len(bw.mirrors), found)
}

// compare holds what each side's producers wrote against what of it each other
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
			for j, other := range held {
				if j == i {
					continue
				}
				r := compare.Diff(written(held[i], l), written(other, l), compare.Options{})
				if err := r.Err(); err != nil {
					return 0, fmt.Errorf("records of %s in %s on %s: %w", bw.sides[i].Alias, topic, bw.sides[j].Alias, err)
				}
				if r.Source == 0 {
					return 0, fmt.Errorf("nobody wrote to %s on %s", topic, bw.sides[i].Alias)
				}
				records += r.Source
			}
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
