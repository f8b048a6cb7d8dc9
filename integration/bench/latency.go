package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/strait-mirror/strait/integration/kafka"
)

// The load of the latency measurement.
const (
	latencyRate       = 200 // records per second
	latencyPartitions = 3
	latencyValue      = 100 // bytes
)

// nameDirect is the contender that is none: the consumer reads the source.
const nameDirect = "no mirror"

// latency measures how long records take from a producer to a consumer at the
// target, in turns.
func (b *bench) latency(ctx context.Context) (*page, error) {
	p := &page{title: "Latency"}
	p.say("A producer without linger writes %d records of %d bytes a second to %d partitions of the source, each with its time in the value; a consumer at the target takes the time when its poll returns a record. One sample is %v long and begins %v after the first record came through. \"%s\" is the same producer and consumer on the source cluster alone: the share of producer, brokers, consumer and machine.",
		latencyRate, latencyValue, latencyPartitions, b.s.sample, b.s.settle, nameDirect)
	runs := table{head: []string{"run", "program", "records", "p50 ms", "p90 ms", "p99 ms", "largest ms"}}
	p50, p99 := map[string][]float64{}, map[string][]float64{}
	var names []string
	for i := range b.s.runs {
		names = nil
		for _, c := range append(b.contenders(), contender{name: nameDirect}) {
			ms, err := b.latencyOnce(ctx, c)
			if err != nil {
				return nil, fmt.Errorf("run %d of %s: %w", i+1, c.name, err)
			}
			names = append(names, c.name)
			p50[c.name] = append(p50[c.name], percentile(ms, 50))
			p99[c.name] = append(p99[c.name], percentile(ms, 99))
			runs.add(i+1, c.name, len(ms), number(percentile(ms, 50)), number(percentile(ms, 90)), number(percentile(ms, 99)), number(slices.Max(ms)))
			b.log.Info("run ended", "run", i+1, "program", c.name, "p50_ms", percentile(ms, 50), "p99_ms", percentile(ms, 99))
		}
	}
	spreads := spreadTable("milliseconds")
	for _, name := range names {
		spreads.spread(name+", p50", p50[name])
		spreads.spread(name+", p99", p99[name])
	}
	spreads.spread("ratio MirrorMaker 2 / Strait, p99, pair by pair", pairwise(p99[nameMM2], p99[nameStrait]))
	p.tables = append(p.tables, spreads, runs)
	p.goals = append(p.goals, atMost("Strait's p99 at 200 records/s in ms, median", p99[nameStrait], median, 10, " ms"))
	return p, nil
}

// latencyOnce takes one sample, in milliseconds.
func (b *bench) latencyOnce(ctx context.Context, c contender) ([]float64, error) {
	t := b.lab.topology("", false)
	topic := "latency-" + t.alias
	t.topics = topic
	if err := b.lab.source.CreateTopic(ctx, kafka.Topic{Name: topic, Partitions: latencyPartitions}); err != nil {
		return nil, err
	}
	if c.start == nil {
		return b.sampleLatency(ctx, topic, observer{cluster: b.lab.source, topics: []string{topic}, partitions: latencyPartitions})
	}
	w, err := b.launch(ctx, c, t, false)
	if err != nil {
		return nil, err
	}
	o := observer{cluster: b.lab.target, topics: []string{t.remote(topic)}, partitions: latencyPartitions}
	ms, err := b.sampleLatency(ctx, topic, o)
	if err != nil {
		err = fmt.Errorf("%w; last words:\n%s", err, w.Log(20))
	}
	if err := errors.Join(err, w.finish()); err != nil {
		return nil, err
	}
	return ms, b.lab.clean(ctx)
}

// sampleLatency writes to a topic of the source and reads where o looks.
func (b *bench) sampleLatency(ctx context.Context, topic string, o observer) ([]float64, error) {
	g, gctx := errgroup.WithContext(ctx)
	gctx, stop := context.WithCancel(gctx)
	defer stop()
	g.Go(func() error { return writeSteadily(gctx, b.lab.source, topic) })
	var ms []float64
	g.Go(func() error {
		defer stop()
		err := every(gctx, 50*time.Millisecond, startLimit, "a first record", func() (bool, error) {
			sum, err := o.sum(gctx)
			return sum > 0, err
		})
		if err != nil {
			return err
		}
		ms, err = readSteadily(gctx, o.cluster, o.topics[0], b.s.settle, b.s.sample)
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if want := int(b.s.sample.Seconds() * latencyRate * 0.9); len(ms) < want {
		return nil, fmt.Errorf("reading at the target: %d records came in %v, fewer than %d", len(ms), b.s.sample, want)
	}
	return ms, nil
}

// writeSteadily writes stamped records until ctx ends.
func writeSteadily(ctx context.Context, c *kafka.Cluster, topic string) error {
	cl, err := kgo.NewClient(append(c.AdminOpts(), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))...)
	if err != nil {
		return fmt.Errorf("making a producer: %w", err)
	}
	defer cl.Close()
	began := time.Now()
	failed := make(chan error, 1)
	for n := 0; ; n++ {
		// By the clock and not by a ticker, which drops what it is late for.
		due := time.After(time.Until(began.Add(time.Duration(n) * time.Second / latencyRate)))
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return fmt.Errorf("producing: %w", err)
		case <-due:
		}
		r := &kgo.Record{Topic: topic, Partition: int32(n % latencyPartitions), Value: stamped(time.Now(), latencyValue)}
		cl.Produce(ctx, r, func(_ *kgo.Record, err error) {
			if err != nil && ctx.Err() == nil {
				select {
				case failed <- err:
				default: // one is enough
				}
			}
		})
	}
}

// readSteadily reads for settle and then for sample, and returns the delays of
// the records that were written in the sample, in milliseconds.
func readSteadily(ctx context.Context, c *kafka.Cluster, topic string, settle, sample time.Duration) ([]float64, error) {
	cl, err := kgo.NewClient(append(c.AdminOpts(), kgo.ConsumeTopics(topic), kgo.FetchMinBytes(1), kgo.FetchMaxWait(500*time.Millisecond))...)
	if err != nil {
		return nil, fmt.Errorf("making a consumer: %w", err)
	}
	defer cl.Close()
	from := time.Now().Add(settle)
	to := from.Add(sample)
	// Records of the last moment still have to come; those that take longer
	// than this are counted as missing and make the sample too small.
	ctx, cancel := context.WithDeadline(ctx, to.Add(2*time.Second))
	defer cancel()
	var ms []float64
	for {
		fetches := cl.PollFetches(ctx)
		now := time.Now()
		if ctx.Err() != nil {
			if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return nil, fmt.Errorf("consuming: %w", context.Cause(ctx))
			}
			return ms, nil
		}
		if err := fetches.Err(); err != nil {
			return nil, fmt.Errorf("consuming: %w", err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if at, ok := stamp(r.Value); ok && at.After(from) && at.Before(to) {
				ms = append(ms, float64(now.Sub(at).Microseconds())/1e3)
			}
		})
	}
}
