package fidelity_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/integration/compare"
	"github.com/strait-mirror/strait/integration/kafka"
)

// producer writes batches of every codec, some of them in transactions, one at
// a time.
type producer struct {
	rnd     *rand.Rand
	clients []*kgo.Client // the last is transactional
	made    int
}

func newProducer(t *testing.T, c *kafka.Cluster, id string) *producer {
	t.Helper()
	p := &producer{rnd: rand.New(rand.NewPCG(seed, 2))}
	for _, more := range [][]kgo.Opt{
		{kgo.ProducerBatchCompression(kgo.NoCompression())},
		{kgo.ProducerBatchCompression(kgo.GzipCompression())},
		{kgo.ProducerBatchCompression(kgo.SnappyCompression())},
		{kgo.ProducerBatchCompression(kgo.Lz4Compression())},
		{kgo.ProducerBatchCompression(kgo.ZstdCompression())},
		{kgo.ProducerBatchCompression(kgo.ZstdCompression()), kgo.TransactionalID(id)},
	} {
		cl, err := kgo.NewClient(append(append(c.AdminOpts(), kgo.RecordPartitioner(kgo.ManualPartitioner())), more...)...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cl.Close)
		p.clients = append(p.clients, cl)
	}
	return p
}

// write writes some batches into the partitions of a topic.
func (p *producer) write(ctx context.Context, topic string, partitions int32, batches int) error {
	for range batches {
		at := p.rnd.Int32N(partitions)
		rs := make([]*kgo.Record, 1+p.rnd.IntN(20))
		for i := range rs {
			p.made++
			rs[i] = &kgo.Record{
				Topic: topic, Partition: at, Key: fmt.Append(nil, p.made), Value: make([]byte, p.rnd.IntN(500)),
				Headers: []kgo.RecordHeader{{Key: "n", Value: fmt.Append(nil, p.made)}},
			}
		}
		if err := p.batch(ctx, p.clients[p.rnd.IntN(len(p.clients))], rs); err != nil {
			return fmt.Errorf("writing to %s/%d: %w", topic, at, err)
		}
	}
	return nil
}

// batch writes one batch; every third transaction is aborted.
func (p *producer) batch(ctx context.Context, cl *kgo.Client, rs []*kgo.Record) error {
	transactional := cl == p.clients[len(p.clients)-1]
	if transactional {
		if err := cl.BeginTransaction(); err != nil {
			return err
		}
	}
	if err := cl.ProduceSync(ctx, rs...).FirstErr(); err != nil {
		return err
	}
	if !transactional {
		return nil
	}
	return cl.EndTransaction(ctx, kgo.TransactionEndTry(p.rnd.IntN(3) > 0))
}

// testLive lets two flows run while a producer writes, a topic grows, another
// one appears, a target begins to refuse large batches, and the program is
// stopped and started again.
func testLive(ctx context.Context, t *testing.T, s *stage) {
	const live, latest = "live", "latest"
	const rounds, restarts = 150, 3
	create(ctx, t, s.source, "stream", 3)
	p := newProducer(t, s.source, "stream")
	if err := p.write(ctx, "stream", 3, 50); err != nil {
		t.Fatal(err)
	}
	// The markers of the last transaction come a moment after it was committed, and
	// move the place where a flow begins that starts at the latest record.
	var started map[int32]int64
	await(ctx, t, func() (string, bool) {
		started = ends(ctx, t, s.source, "stream", true)
		return "a transaction has no marker yet", maps.Equal(started, ends(ctx, t, s.source, "stream", false))
	})
	topics := []string{"stream", "newcomer"}
	c := s.config(
		flow(live, "t", append(topics, s.shapes...), nil),
		flow(latest, "t", topics, func(f *model.Flow) { f.Start = model.StartLatest }),
	)
	base := 0
	for _, name := range s.shapes {
		base += len(s.library.read(ctx, t, name, true))
	}
	r := run(ctx, t, c)
	r.caughtUp(ctx, t, latest, 3)
	r.caughtUp(ctx, t, live, base+3)

	// While it runs: more records, more partitions, a new topic, a lower limit.
	if err := p.write(ctx, "stream", 3, rounds); err != nil {
		t.Fatal(err)
	}
	if err := s.source.GrowTopic(ctx, "stream", 5); err != nil {
		t.Fatal(err)
	}
	create(ctx, t, s.source, "newcomer", 2)
	p = newProducer(t, s.source, "stream") // one that knows of them
	for topic, partitions := range map[string]int32{"stream": 5, "newcomer": 2} {
		if err := p.write(ctx, topic, partitions, rounds); err != nil {
			t.Fatal(err)
		}
	}
	r.caughtUp(ctx, t, latest, 7)
	// What was known of the target is wrong now: it refuses what it is sent.
	alter(ctx, t, s.target, "live.stream", "max.message.bytes", "1200")
	if err := p.write(ctx, "stream", 5, rounds); err != nil {
		t.Fatal(err)
	}
	arrived(ctx, t, s.pair, r, live, topics...)
	if why := r.flow(live).Reasons; why["too_large"] == 0 {
		t.Errorf("no batch that the target refused as too large is counted: %v", why)
	}

	// Stopped and started in the stream, which ends after the last start.
	restarted := make(chan struct{})
	writing, wctx := errgroup.WithContext(ctx)
	writing.Go(func() error {
		for {
			if err := p.write(wctx, "stream", 5, rounds/10); err != nil {
				return err
			}
			select {
			case <-restarted:
				return nil
			default:
			}
		}
	})
	for range restarts {
		await(ctx, t, func() (string, bool) { return "nothing is copied", r.flow(live).Records > 0 })
		r.stop(t)
		r = run(ctx, t, c)
		r.caughtUp(ctx, t, latest, 7)
		r.caughtUp(ctx, t, live, base+7)
	}
	close(restarted)
	if err := writing.Wait(); err != nil {
		t.Fatal(err)
	}
	for topic, partitions := range map[string]int32{"stream": 5, "newcomer": 2} {
		if err := p.write(ctx, topic, partitions, 10); err != nil {
			t.Fatal(err)
		}
	}
	arrived(ctx, t, s.pair, r, live, topics...)
	arrived(ctx, t, s.pair, r, latest, topics...)
	r.stop(t)

	for _, name := range topics {
		source := read(ctx, t, s.source, name, true)
		identical(t, source, read(ctx, t, s.target, live+"."+name, false), compare.Options{})
		last := map[int32]int64{}
		if name == "stream" {
			for p, end := range started {
				last[p] = end - 1
			}
		}
		identical(t, behind(source, last), read(ctx, t, s.target, latest+"."+name, false), compare.Options{})
	}
	for _, name := range s.shapes {
		if name != open { // ended since it was read
			identical(t, s.library.read(ctx, t, name, true), read(ctx, t, s.target, live+"."+name, false), compare.Options{})
		}
	}
	identical(t, read(ctx, t, s.source, open, true), read(ctx, t, s.target, live+"."+open, false), compare.Options{})
	anchoredAtEnds(ctx, t, s.pair, live, true, append(topics, s.shapes...)...)
	anchoredAtEnds(ctx, t, s.pair, latest, true, topics...)
}

// arrived waits until a running flow has copied as many records of topics as
// their sources hold and has nothing left to do.
func arrived(ctx context.Context, t *testing.T, p pair, r *running, from string, topics ...string) {
	t.Helper()
	partitions := r.flow(from).Partitions
	var last string
	await(ctx, t, func() (string, bool) {
		stable := map[string]map[int32]int64{}
		for _, name := range topics {
			stable[name] = ends(ctx, t, p.source, name, true)
		}
		// The position is only stored every few seconds; the lag may be from
		// before the last record. Together with what the log of the target says
		// they are proof: its end is that of the last round and the lag is 0.
		now := fmt.Sprint(stable)
		for _, name := range topics {
			now += fmt.Sprint(ends(ctx, t, p.target, from+"."+name, false))
		}
		same := now == last
		last = now
		f := r.flow(from)
		return "flow " + f.Name + ": " + describe(f), same && f.LagRecords == 0 && f.Partitions == partitions
	})
}
