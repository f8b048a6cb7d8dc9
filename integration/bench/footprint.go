package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// topicPartitions is how many partitions a topic has in measurements with many.
const topicPartitions = 10

// idle measures what many partitions cost in which nothing happens.
func (b *bench) idle(ctx context.Context) (*page, error) {
	data, err := b.fill(ctx, shape{
		prefix: "idle", topics: b.s.lanes / topicPartitions, partitions: topicPartitions,
		records: 1, perBatch: 1, least: 100, most: 100,
	})
	if err != nil {
		return nil, err
	}
	p := &page{title: "Idle"}
	p.say("%d topics of %d partitions with one record each. Once all %d records are at the target, the program is left alone for %v and its processor time is then taken over %v, in percent of one core. Peak memory is since the start of the process.",
		data.topics, data.partitions, data.total(), b.s.settle, b.s.idle)
	runs := table{head: []string{"run", "program", "CPU %", "peak RSS MiB", "all records copied after s"}}
	cpu, rss := map[string][]float64{}, map[string][]float64{}
	for i := range b.s.runs {
		for _, c := range b.contenders() {
			percent, s, err := b.idleOnce(ctx, c, data)
			if err != nil {
				return nil, fmt.Errorf("run %d of %s: %w", i+1, c.name, err)
			}
			b.log.Info("run ended", "run", i+1, "program", c.name, "cpu_percent", percent, "rss", s.rss)
			runs.add(i+1, c.name, number(percent), number(mib(s.rss)), number(s.copied.Seconds()))
			cpu[c.name], rss[c.name] = append(cpu[c.name], percent), append(rss[c.name], mib(s.rss))
		}
	}
	spreads := spreadTable("measure")
	for _, c := range b.contenders() {
		spreads.spread(c.name+", CPU %", cpu[c.name])
		spreads.spread(c.name+", peak RSS MiB", rss[c.name])
	}
	spreads.spread("ratio MirrorMaker 2 / Strait, CPU, pair by pair", pairwise(cpu[nameMM2], cpu[nameStrait]))
	spreads.spread("ratio MirrorMaker 2 / Strait, RSS, pair by pair", pairwise(rss[nameMM2], rss[nameStrait]))
	p.tables = append(p.tables, spreads, runs)
	p.goals = append(p.goals,
		atMost(fmt.Sprintf("Strait's CPU with %d idle partitions in percent of a core, largest", data.total()), cpu[nameStrait], slices.Max, 1, " %"),
		atMost("Strait's peak RSS in MiB, largest", rss[nameStrait], slices.Max, 128, ""))
	return p, b.lab.forget(ctx, data.prefix)
}

// idleOnce takes one sample; copied in it is the time until all was copied.
func (b *bench) idleOnce(ctx context.Context, c contender, data set) (float64, *sample, error) {
	t := b.lab.topology(data.pattern(), false)
	w, err := b.launch(ctx, c, t, false)
	if err != nil {
		return 0, nil, err
	}
	percent, s, err := b.idleSample(ctx, w, b.observe(t, data.shape), data)
	if err := errors.Join(err, w.finish()); err != nil {
		return 0, nil, err
	}
	return percent, s, b.lab.clean(ctx)
}

func (b *bench) idleSample(ctx context.Context, w *watched, o observer, data set) (float64, *sample, error) {
	a, err := o.await(ctx, w, data.total(), 200*time.Millisecond)
	if err != nil {
		return 0, nil, err
	}
	if err := pause(ctx, b.s.settle); err != nil {
		return 0, nil, err
	}
	before, err := w.CPUTime()
	if err != nil {
		return 0, nil, fmt.Errorf("measuring an idle process: %w", err)
	}
	began := time.Now()
	if err := pause(ctx, b.s.idle); err != nil {
		return 0, nil, err
	}
	s := &sample{copied: a.all.Sub(w.began)}
	if err := s.take(w); err != nil {
		return 0, nil, err
	}
	return 100 * (s.cpu - before).Seconds() / time.Since(began).Seconds(), s, nil
}

// stall measures Strait's memory while the target stands still and the source
// has plenty.
func (b *bench) stall(ctx context.Context) (*page, error) {
	shape := shape{
		prefix: "stall", topics: b.s.lanes / topicPartitions, partitions: topicPartitions,
		records: 1024, perBatch: 16, least: 1000, most: 1000,
	}
	data, err := b.fill(ctx, shape.scaled(b.s.scale))
	if err != nil {
		return nil, err
	}
	p := &page{title: "A target that stands still", single: true}
	p.say("%d partitions with %s, %d runs. When a tenth of the records is at the target, its broker is stopped by SIGSTOP for %v and then goes on; the run ends when the target has everything. Peak memory is Strait's, before the pause, at its end, and at the end of the run.",
		data.topics*data.partitions, bytesText(data.wire), b.s.runs, b.s.stall)
	runs := table{head: []string{"run", "copied before the pause %", "peak RSS MiB before", "at the end of the pause", "at the end of the run", "records twice", "run s"}}
	var rss []float64
	for i := range b.s.runs {
		s, err := b.stallOnce(ctx, data)
		if err != nil {
			return nil, fmt.Errorf("run %d: %w", i+1, err)
		}
		b.log.Info("run ended", "run", i+1, "rss", s.after)
		runs.add(i+1, number(100*float64(s.done)/float64(data.total())), number(mib(s.before)), number(mib(s.during)), number(mib(s.after)), s.extra, number(s.wall.Seconds()))
		rss = append(rss, mib(s.after))
	}
	spreads := spreadTable("MiB")
	spreads.spread("Strait's peak RSS", rss)
	p.tables = append(p.tables, spreads, runs)
	p.goals = append(p.goals, atMost("Strait's peak RSS in MiB, largest", rss, slices.Max, 128, ""))
	return p, b.lab.forget(ctx, data.prefix)
}

// stalled is what one run with a pause of the target showed.
type stalled struct {
	done                  int64 // records copied before the pause
	before, during, after int64 // peak memory
	extra                 int64
	wall                  time.Duration
}

func (b *bench) stallOnce(ctx context.Context, data set) (stalled, error) {
	t := b.lab.topology(data.pattern(), false)
	w, err := b.launch(ctx, b.contenders()[0], t, false)
	if err != nil {
		return stalled{}, err
	}
	s, err := b.stallSample(ctx, w, b.observe(t, data.shape), data)
	if err := errors.Join(err, w.finish()); err != nil {
		return stalled{}, err
	}
	return s, b.lab.clean(ctx)
}

func (b *bench) stallSample(ctx context.Context, w *watched, o observer, data set) (s stalled, err error) {
	a, err := o.await(ctx, w, data.total()/10, 2*lookEvery)
	if err != nil {
		return s, err
	}
	s.done = a.sum
	if s.before, err = w.PeakRSS(); err != nil {
		return s, fmt.Errorf("measuring memory: %w", err)
	}
	if err := b.lab.target.Pause(1); err != nil {
		return s, err
	}
	err = pause(ctx, b.s.stall)
	if err == nil {
		s.during, err = w.PeakRSS()
	}
	if err := errors.Join(err, b.lab.target.Resume(1)); err != nil {
		return s, fmt.Errorf("stalling the target: %w", err)
	}
	if a, err = o.await(ctx, w, data.total(), 100*time.Millisecond); err != nil {
		return s, err
	}
	s.wall = a.all.Sub(w.began)
	s.extra = a.sum - data.total()
	if s.after, err = w.PeakRSS(); err != nil {
		return s, fmt.Errorf("measuring memory: %w", err)
	}
	return s, nil
}
