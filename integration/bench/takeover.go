package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// sessionTimeout is Strait's default of session_timeout: for so long a member that
// was killed keeps its share.
const sessionTimeout = 10 * time.Second

// takeover is how long partitions had nothing new at the target after a member of a
// group of two left it, by being stopped or killed, the longest of all.
type takeover struct{ stopped, killed time.Duration }

// takeover measures how soon the other member goes on with what one ran. MirrorMaker 2
// is not measured: its workers leave the tasks of a lost one alone for five minutes.
func (b *bench) takeover(ctx context.Context) (*page, error) {
	s := shape{
		prefix: "takeover", topics: 10, partitions: topicPartitions,
		records: 100, perBatch: 10, least: 100, most: 200,
	}
	s = s.scaled(b.s.scale)
	p := &page{title: "Taking over the share of another member"}
	p.say("Two processes share %d topics of %d partitions, with the default settings of Strait and the brokers. One of them is stopped in good order or killed with SIGKILL; right then each partition of the source gets a record. Measured from that moment until all of those are readable at the target.",
		s.topics, s.partitions)
	runs := table{head: []string{"run", "stopped s", "killed s"}}
	var stopped, killed []float64
	for i := range b.s.runs {
		r, err := b.takeOver(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("run %d: %w", i+1, err)
		}
		b.log.Info("run ended", "run", i+1, "stopped", r.stopped, "killed", r.killed)
		runs.add(i+1, number(r.stopped.Seconds()), number(r.killed.Seconds()))
		stopped, killed = append(stopped, r.stopped.Seconds()), append(killed, r.killed.Seconds())
	}
	spreads := spreadTable("seconds")
	spreads.spread("after a member was stopped", stopped)
	spreads.spread("after a member was killed", killed)
	p.tables = append(p.tables, spreads, runs)
	p.goals = append(p.goals,
		atMost("all partitions go on after a member was stopped, largest", stopped, slices.Max, 1, " s"),
		atMost("after one was killed, session_timeout and a second, largest", killed, slices.Max, (sessionTimeout+time.Second).Seconds(), " s"))
	return p, nil
}

// takeOver has one member of two leave in both ways.
func (b *bench) takeOver(ctx context.Context, s shape) (r takeover, err error) {
	data, err := b.fill(ctx, s)
	if err != nil {
		return r, err
	}
	t := b.lab.topology(data.pattern(), false)
	o := b.observe(t, s)
	stays, err := b.member(ctx, t)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, stays.finish()) }()
	if _, err := o.await(ctx, stays, data.total(), lookEvery); err != nil {
		return r, err
	}
	if r.stopped, err = b.leave(ctx, t, s, o, func(w *watched) error { return w.Terminate() }); err != nil {
		return r, err
	}
	if r.killed, err = b.leave(ctx, t, s, o, func(w *watched) error { return w.Kill() }); err != nil {
		return r, err
	}
	return r, b.lab.forget(ctx, s.prefix)
}

// member starts Strait in a directory of its own.
func (b *bench) member(ctx context.Context, t topology) (*watched, error) {
	return b.launch(ctx, contender{name: nameStrait, start: b.startStrait}, t, false)
}

// leave has another member join, and leave once the work is divided.
func (b *bench) leave(ctx context.Context, t topology, s shape, o observer, how func(*watched) error) (time.Duration, error) {
	w, err := b.member(ctx, t)
	if err != nil {
		return 0, err
	}
	// What it has runs when it says so.
	err = every(ctx, lookEvery, startLimit, "a share of the work", func() (bool, error) {
		return strings.Contains(w.Log(200), " lag 0"), nil
	})
	if err != nil {
		return 0, errors.Join(err, w.finish())
	}
	cl, err := kgo.NewClient(append(b.lab.source.AdminOpts(), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))...)
	if err != nil {
		return 0, errors.Join(fmt.Errorf("making a producer: %w", err), w.finish())
	}
	defer cl.Close()
	if err := everywhere(ctx, cl, s); err != nil { // it knows all leaders then
		return 0, errors.Join(err, w.finish())
	}
	if err := pause(ctx, b.s.settle); err != nil {
		return 0, errors.Join(err, w.finish())
	}
	since := time.Now()
	w.began = since
	if err := errors.Join(how(w), everywhere(ctx, cl, s)); err != nil {
		return 0, errors.Join(err, w.finish())
	}
	found, err := o.awaitFresh(ctx, w, since)
	return found.all, errors.Join(err, w.finish())
}

// everywhere writes a record to each partition.
func everywhere(ctx context.Context, cl *kgo.Client, s shape) error {
	var rs []*kgo.Record
	for _, topic := range s.names() {
		for p := range s.partitions {
			rs = append(rs, &kgo.Record{Topic: topic, Partition: int32(p), Value: []byte("fresh")})
		}
	}
	if err := cl.ProduceSync(ctx, rs...).FirstErr(); err != nil {
		return fmt.Errorf("producing to every partition: %w", err)
	}
	return nil
}
