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

// merged is several topics that are mirrored into one.
type merged struct {
	t      *testing.T
	b      *Bed
	load   *Load
	mirror *Mirror
	whole  string
}

// merging has the topics of a load become one.
const merging = "  transform \"rename\" \"one\" {\n    pattern = \"%s.*\"\n    replacement = \"%swhole\"\n    merge = true\n  }\n"

func newMerged(t *testing.T, b *Bed, strait, prefix string, seed uint64) *merged {
	t.Helper()
	l, err := NewLoad(t.Context(), LoadParams{To: b.A, Topics: prefix, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	return &merged{t: t, b: b, load: l, whole: prefix + "whole", mirror: NewMirror(t, MirrorParams{
		Strait: strait, From: b.A, To: b.B, Topics: prefix + ".*", Flow: fmt.Sprintf(merging, prefix, prefix),
	})}
}

// survive kills the mirror while producers write: the one topic holds each record
// once, those of each source partition in their order.
func (m *merged) survive(kills int, rnd *rand.Rand) (records int64) {
	t := m.t
	t.Helper()
	loading, stop := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	var loadErr error
	wait.Go(func() { loadErr = m.load.Run(loading) })
	defer func() {
		stop()
		wait.Wait()
	}()
	if err := m.mirror.Start(); err != nil {
		t.Fatal(err)
	}
	first, cancel := context.WithTimeout(t.Context(), catchUp)
	defer cancel()
	if err := poll(first, sampleEvery, func() (bool, error) {
		all, err := compare.Read(first, m.b.B.AdminOpts(), m.whole, compare.ReadOptions{})
		return len(all[0]) > 0, err
	}); err != nil {
		t.Fatalf("waiting for the first records: %v", err)
	}
	for range kills {
		if err := pause(t.Context(), between(rnd, 300, 3000)); err != nil {
			t.Fatal(err)
		}
		if err := m.mirror.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := m.mirror.Start(); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	wait.Wait()
	if loadErr != nil {
		t.Fatal(loadErr)
	}
	ctx, cancel := context.WithTimeout(t.Context(), catchUp)
	defer cancel()
	if err := poll(ctx, time.Second, func() (bool, error) {
		_, err := m.compare(ctx)
		return err == nil, err
	}); err != nil {
		t.Fatal(err)
	}
	end(t, m.mirror)
	records, err := m.compare(ctx)
	if err != nil {
		t.Fatal(err)
	}
	log := m.mirror.Output()
	if n := strings.Count(log, "exact position not proven"); n > 0 {
		t.Errorf("%d partitions did not know where to go on", n)
	}
	found := strings.Count(log, "records behind the stored positions are on the target already")
	if found == 0 {
		t.Error("no kill left records behind the stored positions: nothing was put to the test")
	}
	t.Logf("%d records of %d topics, %d starts behind records that were there", records, len(m.load.Topics()), found)
	return records
}

// compare holds every source topic against its part of the one topic.
func (m *merged) compare(ctx context.Context) (records int64, err error) {
	all, err := compare.Read(ctx, m.b.B.AdminOpts(), m.whole, compare.ReadOptions{})
	if err != nil {
		return 0, err
	}
	total := 0
	for _, part := range all {
		total += len(part)
	}
	for _, topic := range m.load.Topics() {
		source, err := compare.Read(ctx, m.b.A.AdminOpts(), topic, compare.ReadOptions{ReadCommitted: true})
		if err != nil {
			return 0, err
		}
		part := map[int32][]compare.Record{}
		for p, held := range all {
			part[p] = nil
			for _, r := range held {
				if strings.HasPrefix(string(r.Key), topic+"-") {
					part[p] = append(part[p], r)
				}
			}
		}
		r := compare.Diff(source, part, compare.Options{})
		if err := r.Err(); err != nil {
			return 0, fmt.Errorf("records of %s: %w", topic, err)
		}
		records += r.Source
	}
	if records == 0 || records != int64(total) {
		return 0, fmt.Errorf("the one topic holds %d records, its sources %d", total, records)
	}
	return records, nil
}

// testKillMerge kills a mirror whose lanes meet in their target partitions.
func testKillMerge(t *testing.T, b *Bed, strait string) {
	s := seed(t)
	const kills = 4
	newMerged(t, b, strait, "merged-", s).survive(kills, rand.New(rand.NewPCG(s, 12))) // not a secret
}
