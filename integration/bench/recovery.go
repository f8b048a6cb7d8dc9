package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// recoveryLimit is how long a program may take to go on everywhere: workers of
// MirrorMaker 2 leave the tasks of one that was lost alone for five minutes.
const recoveryLimit = 10 * time.Minute

// oldRecords is said of Strait where the records are older than the target
// remembers producers for.
const oldRecords = ", old records"

// recoveryCase is a program and what it copies.
type recoveryCase struct {
	contender
	shape shape
}

// recovered is what one restart after a crash showed.
type recovered struct {
	half, all time.Duration // from the start until half of the partitions, and all, had their fresh record
	cpu       time.Duration // processor time when all had
	twice     int64         // records at the target beyond those of the source
}

// recovery measures how soon a program that was killed goes on in all of many
// partitions.
func (b *bench) recovery(ctx context.Context) (*page, error) {
	s := shape{
		prefix: "recovery", topics: b.s.lanes / topicPartitions, partitions: topicPartitions,
		records: 200, perBatch: 10, least: 500, most: 1000,
	}
	s = s.scaled(b.s.scale)
	old := s
	old.prefix, old.age = "recovery-old", 3*24*time.Hour // brokers forget producers after a day, and keep records for seven
	p := &page{title: "Recovery of many partitions"}
	p.say("%d topics of %d partitions with %d records each. Once all are at the target, the program is killed with SIGKILL: what it stored last of where it is, is seconds old. Each partition of the source then gets one more record, and the program is started again, with the brokers' default settings. Measured from the start of the process until those records are readable in half of the partitions, and in all.",
		s.topics, s.partitions, s.records)
	p.say("The same with records that are three days old: the target has forgotten who wrote them, and each partition is fenced before its records are counted.")
	cases := []recoveryCase{{contender: b.strait(), shape: s}, {contender: b.strait(), shape: old}}
	cases[1].name += oldRecords
	if b.s.mm2 {
		cases = append(cases, recoveryCase{contender: b.mirrorMaker(), shape: s})
	}
	runs := table{head: []string{"run", "program", "half s", "all s", "CPU s", "records twice"}}
	half, all := map[string][]float64{}, map[string][]float64{}
	var twice int64
	for i := range b.s.runs {
		for _, c := range cases {
			r, err := b.recoverOnce(ctx, c.contender, c.shape)
			if err != nil {
				return nil, fmt.Errorf("run %d of %s: %w", i+1, c.name, err)
			}
			b.log.Info("run ended", "run", i+1, "program", c.name, "half", r.half, "all", r.all, "twice", r.twice)
			runs.add(i+1, c.name, number(r.half.Seconds()), number(r.all.Seconds()), number(r.cpu.Seconds()), r.twice)
			half[c.name], all[c.name] = append(half[c.name], r.half.Seconds()), append(all[c.name], r.all.Seconds())
			if c.name != nameMM2 {
				twice += r.twice
			}
		}
	}
	spreads := spreadTable("seconds")
	for _, c := range cases {
		spreads.spread(c.name+", half of the partitions", half[c.name])
		spreads.spread(c.name+", all partitions", all[c.name])
	}
	spreads.spread("ratio MirrorMaker 2 / Strait, all partitions, pair by pair", pairwise(all[nameMM2], all[nameStrait]))
	p.tables = append(p.tables, spreads, runs)
	for _, c := range cases[:2] {
		p.goals = append(p.goals, atMost(fmt.Sprintf("%s: recovery of %d partitions, seconds after the start, largest", c.name, s.topics*s.partitions), all[c.name], slices.Max, 3, " s"))
	}
	p.goals = append(p.goals, atMost("records that Strait repeated", []float64{float64(twice)}, slices.Max, 0, ""))
	return p, nil
}

// recoverOnce has a program copy everything, kills it, and starts it again.
func (b *bench) recoverOnce(ctx context.Context, c contender, s shape) (recovered, error) {
	data, err := b.fill(ctx, s)
	if err != nil {
		return recovered{}, err
	}
	t := b.lab.topology(data.pattern(), false)
	o := b.observe(t, s)
	dir, err := b.lab.newDir(t.alias)
	if err != nil {
		return recovered{}, err
	}
	w, err := b.launchIn(ctx, dir, c, t, false)
	if err != nil {
		return recovered{}, err
	}
	_, err = o.await(ctx, w, data.total(), lookEvery)
	if err := errors.Join(err, w.finish()); err != nil {
		return recovered{}, err
	}
	if err := pause(ctx, 10*time.Millisecond); err != nil { // timestamps are in milliseconds
		return recovered{}, err
	}
	since := time.Now()
	fresh := s
	fresh.records, fresh.perBatch, fresh.age = 1, 1, 0
	for i, topic := range s.names() {
		g := generator{shape: fresh, random: rand.New(rand.NewPCG(b.s.seed, uint64(i)))} // data that anybody can make again
		if err := g.produce(ctx, b.lab.source, topic, &set{}); err != nil {
			return recovered{}, fmt.Errorf("producing after the crash: %w", err)
		}
	}
	if w, err = b.launchIn(ctx, dir, c, t, false); err != nil {
		return recovered{}, err
	}
	r, err := o.awaitFresh(ctx, w, since)
	if err == nil {
		err = b.countTwice(ctx, o, data.total()+fresh.total(), &r)
	}
	if err != nil {
		err = fmt.Errorf("restarting %s: %w; last words:\n%s", c.name, err, w.Log(20))
	}
	if err := errors.Join(err, w.finish()); err != nil {
		return recovered{}, err
	}
	return r, b.lab.forget(ctx, s.prefix)
}

// awaitFresh waits until every partition has a record that is not older than since.
func (o observer) awaitFresh(ctx context.Context, w *watched, since time.Time) (recovered, error) {
	want := len(o.topics) * o.partitions
	var r recovered
	err := every(ctx, lookEvery, recoveryLimit, "a record in every partition", func() (bool, error) {
		found, err := o.offsets(ctx, since.UnixMilli())
		if err != nil {
			return false, err
		}
		n := 0
		for _, at := range found {
			for _, offset := range at {
				if offset >= 0 {
					n++
				}
			}
		}
		if r.half == 0 && n >= want/2 {
			r.half = time.Since(w.began)
		}
		return n == want, nil
	})
	r.all = time.Since(w.began)
	if err == nil {
		r.cpu, err = w.CPUTime()
	}
	return r, err
}

// countTwice counts the records beyond those that the source holds, without the
// markers between them. Those of MirrorMaker 2 may still be arriving.
func (b *bench) countTwice(ctx context.Context, o observer, want int64, r *recovered) error {
	if err := pause(ctx, b.s.settle); err != nil {
		return err
	}
	have, err := storedIn(o.cluster.LogDir(1), o.topics, o.partitions)
	r.twice = have.records - want
	return err
}
