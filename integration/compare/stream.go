package compare

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"
)

const (
	// historyRecords is how far back a target may go by default: 32 MiB of
	// digests per partition that is being compared.
	historyRecords = 4 << 20
	// damageWindow is how many records of either side are looked at to describe
	// damage; the description is of the first case alone.
	damageWindow = 500
)

// Side is one of the two topics that Streams compares.
type Side struct {
	Opts  []kgo.Opt // required: how to reach the cluster
	Topic string    // required
	ReadOptions
}

// StreamParams is what Streams needs.
type StreamParams struct {
	Source, Target Side // required
	Options        Options
	Parallel       int // partitions compared side by side; default 2
	History        int // records that a target may go back; default 4 Mi
}

// Streams is Read and Diff for topics that do not fit in memory: it
// reads both sides of a partition at a time and keeps a few megabytes of each.
// A partition is given up at its first damage, which the report describes.
func Streams(ctx context.Context, p StreamParams) (Report, error) {
	src, err := open(ctx, p.Source.Opts, p.Source.Topic, p.Source.ReadOptions)
	if err != nil {
		return Report{}, fmt.Errorf("reading source topic %s: %w", p.Source.Topic, err)
	}
	defer src.client.Close()
	dst, err := open(ctx, p.Target.Opts, p.Target.Topic, p.Target.ReadOptions)
	if err != nil {
		return Report{}, fmt.Errorf("reading target topic %s: %w", p.Target.Topic, err)
	}
	defer dst.client.Close()
	pairs := map[int32]*[2]*partition{}
	for side, t := range []*topic{src, dst} {
		for _, part := range t.partitions {
			if pairs[part.number] == nil {
				pairs[part.number] = &[2]*partition{}
			}
			pairs[part.number][side] = part
		}
	}
	numbers := slices.Sorted(maps.Keys(pairs))
	reports := make([]Report, len(numbers))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(cmp.Or(p.Parallel, 2))
	for i, n := range numbers {
		g.Go(func() error {
			var err error
			reports[i], err = comparePair(ctx, n, *pairs[n], p)
			if err != nil {
				return fmt.Errorf("comparing partition %d: %w", n, err)
			}
			return nil
		})
	}
	err = g.Wait()
	var all Report
	for _, r := range reports {
		all.merge(r)
	}
	return all, err
}

// errDone ends the readers of a comparison that has its result.
var errDone = errors.New("the comparison has its result")

// comparePair compares one partition while two goroutines read ahead.
func comparePair(ctx context.Context, number int32, pair [2]*partition, p StreamParams) (Report, error) {
	g, ctx := errgroup.WithContext(ctx)
	var cursors [2]cursor
	for i, part := range pair {
		if part == nil {
			cursors[i] = sliced(nil)
			continue
		}
		s := &stream{from: part, batches: make(chan []Record, 1)}
		cursors[i] = s
		g.Go(func() error { return s.run(ctx) })
	}
	w := walker{
		options: p.Options, seed: maphash.MakeSeed(), source: cursors[0], partition: number,
		limit: cmp.Or(p.History, historyRecords),
	}
	g.Go(func() error {
		if err := w.walk(ctx, cursors[1]); err != nil {
			return err
		}
		return errDone
	})
	err := g.Wait()
	if errors.Is(err, errDone) {
		err = nil
	}
	return w.report, err
}

// walk steps through the target and counts what the source has more.
func (w *walker) walk(ctx context.Context, target cursor) error {
	for {
		t, ok, err := target.next(ctx)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if ok, err = w.step(ctx, t); err != nil {
			return err
		}
		if !ok {
			return w.describe(ctx, t, target)
		}
	}
	for {
		s, err := w.peek(ctx)
		if err != nil || s == nil {
			return err
		}
		w.ahead = nil
		w.report.add(Finding{Kind: Missing, Partition: w.partition, Source: s, Detail: "the target has ended"})
	}
}

// describe finds out what damage stopped the walk, unless that is known.
func (w *walker) describe(ctx context.Context, t Record, target cursor) error {
	w.report.Stopped = []int32{w.partition}
	if len(w.report.Damage) > 0 {
		return nil
	}
	if w.last(w.options.digest(w.seed, t)) >= 0 {
		w.report.Duplicates++
		w.report.add(Finding{Kind: Duplicate, Partition: w.partition, Target: &t})
		return nil
	}
	var sources []Record
	targets := []Record{t}
	for len(sources) < damageWindow {
		s, err := w.peek(ctx)
		if err != nil {
			return err
		}
		if s == nil {
			break
		}
		sources, w.ahead = append(sources, *s), nil
	}
	for len(targets) < damageWindow {
		r, ok, err := target.next(ctx)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		w.report.Target++
		targets = append(targets, r)
	}
	// Both windows start at the damage, so the first finding is about it; later
	// ones may only come from where the windows end.
	strict := w.options
	strict.AllowDuplicates = false
	found := align(w.seed, w.partition, sources, targets, strict).report().Findings
	if len(found) == 0 {
		return errors.New("describing damage: the records that differed are equal")
	}
	w.report.add(found[0])
	return nil
}

// stream is the cursor of a partition that a goroutine reads ahead.
type stream struct {
	from    *partition
	batches chan []Record // closed by run at the end of the partition alone
	left    []Record
}

// run reads until the end of the partition or of ctx.
func (s *stream) run(ctx context.Context) error {
	for s.from.next < s.from.end {
		rs, err := s.from.read(ctx)
		if err != nil {
			return fmt.Errorf("reading %s at offset %d: %w", s.from.topic, s.from.next, err)
		}
		if len(rs) == 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case s.batches <- rs:
		}
	}
	close(s.batches)
	return nil
}

func (s *stream) next(ctx context.Context) (Record, bool, error) {
	for len(s.left) == 0 {
		select {
		case <-ctx.Done():
			return Record{}, false, ctx.Err()
		case rs, ok := <-s.batches:
			if !ok {
				return Record{}, false, nil
			}
			s.left = rs
		}
	}
	r := s.left[0]
	s.left = s.left[1:]
	return r, true, nil
}
