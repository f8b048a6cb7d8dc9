package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/integration/kafka"
)

// Times of the measurement of starts.
const (
	lookOften  = 2 * time.Millisecond
	startLimit = 3 * time.Minute
)

// start is what one start of one program showed.
type start struct {
	waiting time.Duration // from the start of the process until a record that waited was readable
	fresh   time.Duration // until one was that was written right after the start, from its acknowledgement
	cpu     time.Duration // processor time when both were
}

// firstOnce starts a program on a topic of two partitions: one holds a record,
// the other gets one right after the start.
func (b *bench) firstOnce(ctx context.Context, c contender) (start, error) {
	t := b.lab.topology("", false)
	topic := "first-" + t.alias
	t.topics = topic
	if err := b.lab.source.CreateTopic(ctx, kafka.Topic{Name: topic, Partitions: 2}); err != nil {
		return start{}, err
	}
	g := generator{
		shape:  shape{partitions: 1, records: 1, perBatch: 1, least: 100, most: 100},
		random: rand.New(rand.NewPCG(b.s.seed, 0)), // data that anybody can make again
	}
	if err := g.produce(ctx, b.lab.source, topic, &set{}); err != nil {
		return start{}, err
	}
	cl, err := kgo.NewClient(append(b.lab.source.AdminOpts(), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))...)
	if err != nil {
		return start{}, fmt.Errorf("making a producer: %w", err)
	}
	defer cl.Close()
	if err := cl.Ping(ctx); err != nil {
		return start{}, fmt.Errorf("connecting a producer: %w", err)
	}

	w, err := b.launch(ctx, c, t, false)
	if err != nil {
		return start{}, err
	}
	defer w.finish() //nolint:errcheck // on the way to an error; without one it has been waited for
	if err := cl.ProduceSync(ctx, &kgo.Record{Topic: topic, Partition: 1, Value: []byte("fresh")}).FirstErr(); err != nil {
		return start{}, fmt.Errorf("producing right after the start: %w", err)
	}
	s, err := b.awaitFirst(ctx, w, t.remote(topic))
	if err != nil {
		return start{}, fmt.Errorf("starting %s: %w; last words:\n%s", c.name, err, w.Log(20))
	}
	if s.cpu, err = w.CPUTime(); err != nil {
		return start{}, fmt.Errorf("measuring the start of %s: %w", c.name, err)
	}
	if err := w.finish(); err != nil {
		return start{}, err
	}
	return s, b.lab.clean(ctx)
}

// awaitFirst is called when the fresh record has been acknowledged.
func (b *bench) awaitFirst(ctx context.Context, w *watched, topic string) (start, error) {
	acked := time.Now()
	o := observer{cluster: b.lab.target, topics: []string{topic}, partitions: 2}
	var s start
	err := every(ctx, lookOften, startLimit, "a first record at the target", func() (bool, error) {
		ends, err := o.ends(ctx)
		if err != nil {
			return false, err
		}
		if s.waiting == 0 && ends[topic][0] > 0 {
			s.waiting = time.Since(w.began)
		}
		if s.fresh == 0 && ends[topic][1] > 0 {
			s.fresh = time.Since(acked)
		}
		return s.waiting > 0 && s.fresh > 0, nil
	})
	return s, err
}

// first measures starts in turns.
func (b *bench) first(ctx context.Context) (*page, error) {
	p := &page{title: "Time to the first record"}
	p.say("A topic of two partitions: one holds a record before the program starts, the other gets one right after. Measured until each is readable at the target, looking every %v: for the first from the start of the process, for the second from its acknowledgement by the source. The target topic and the program's internal topics do not exist before.", lookOften)
	runs := table{head: []string{"run", "program", "waiting record s", "fresh record s", "CPU s until both"}}
	waiting := map[string][]float64{}
	fresh := map[string][]float64{}
	for i := range b.s.runs {
		for _, c := range b.contenders() {
			s, err := b.firstOnce(ctx, c)
			if err != nil {
				return nil, fmt.Errorf("run %d: %w", i+1, err)
			}
			b.log.Info("run ended", "run", i+1, "program", c.name, "first", s.waiting, "fresh", s.fresh, "cpu", s.cpu)
			runs.add(i+1, c.name, number(s.waiting.Seconds()), number(s.fresh.Seconds()), number(s.cpu.Seconds()))
			waiting[c.name] = append(waiting[c.name], s.waiting.Seconds())
			fresh[c.name] = append(fresh[c.name], s.fresh.Seconds())
		}
	}
	spreads := spreadTable("seconds")
	for _, c := range b.contenders() {
		spreads.spread(c.name+", waiting record", waiting[c.name])
		spreads.spread(c.name+", fresh record", fresh[c.name])
	}
	spreads.spread("ratio MirrorMaker 2 / Strait, waiting record, pair by pair", pairwise(waiting[nameMM2], waiting[nameStrait]))
	p.tables = append(p.tables, spreads, runs)
	p.goals = append(p.goals, atMost("Strait's first record, seconds after the start, largest", waiting[nameStrait], slices.Max, 1, " s"))
	return p, nil
}

// stampBytes is the size of the time at the front of a value.
const stampBytes = 8

// stamped returns a value of size bytes that begins with a time.
func stamped(at time.Time, size int) []byte {
	value := make([]byte, size)
	binary.BigEndian.PutUint64(value, uint64(at.UnixNano()))
	return value
}

// stamp reads the time of a value.
func stamp(value []byte) (time.Time, bool) {
	if len(value) < stampBytes {
		return time.Time{}, false
	}
	return time.Unix(0, int64(binary.BigEndian.Uint64(value))), true
}
