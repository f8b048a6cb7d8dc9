package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"
)

const (
	// rate is how many records are written per second on both sides together.
	rate = 4_000
	// beat is how often a producer that keeps to a rate writes.
	beat = 50 * time.Millisecond
	// txnRecords is how many records a transaction holds at most.
	txnRecords = 8
	// abortEvery is how many of the transactions are aborted: 1 in so many.
	abortEvery = 6
	// burst is how many records an unpaced producer writes at a time.
	burst = 40
	// finish is how long writing the last records may take.
	finish = 10 * time.Second
)

// written counts what the producers wrote.
type written struct {
	mu        sync.Mutex // guards the maps
	committed map[partition]int64
	aborted   map[string]int64 // "side/topic" to records in aborted transactions

	total atomic.Int64
}

// partition names one partition of one side.
type partition struct {
	side, topic string
	number      int32
}

func newWritten() *written {
	return &written{committed: map[partition]int64{}, aborted: map[string]int64{}}
}

func (w *written) add(s *side, records []*kgo.Record, commit bool) {
	w.total.Add(int64(len(records)))
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range records {
		if commit {
			w.committed[partition{s.name, r.Topic, r.Partition}]++
		} else {
			w.aborted[s.name+"/"+r.Topic]++
		}
	}
}

// produceParams says how much is written and how fast.
type produceParams struct {
	records int64 // in all; 0: until the context ends
	paced   bool  // at the demo's rate rather than as fast as possible
}

// produce writes the workload of both sides until ctx ends or all records are
// written, and counts in w what the clusters took.
func produce(ctx context.Context, p produceParams, w *written, sides ...*side) error {
	g, ctx := errgroup.WithContext(ctx)
	for i, s := range sides {
		for j, st := range s.streams {
			job := streamJob{side: s, stream: st, w: w, random: rand.New(rand.NewPCG(uint64(i), uint64(j)))}
			job.left = -1
			if p.records > 0 {
				job.left = quota(p.records, i, j, sides)
			}
			if p.paced {
				job.perBeat = max(1, rate*int64(st.share)/100*int64(beat)/int64(time.Second))
			}
			g.Go(func() error {
				if err := job.run(ctx); err != nil {
					return fmt.Errorf("producing to %s on %s: %w", job.stream.topic, job.side.name, err)
				}
				return nil
			})
		}
	}
	return g.Wait()
}

// quota is the share of records that stream j of side i writes. The last stream
// also writes what rounding leaves over.
func quota(records int64, i, j int, sides []*side) int64 {
	rest, mine := records, int64(0)
	for a, s := range sides {
		for b, st := range s.streams {
			n := records * int64(st.share) / 100
			rest -= n
			if a == i && b == j {
				mine = n
			}
		}
	}
	if i == len(sides)-1 && j == len(sides[i].streams)-1 {
		mine += rest
	}
	return mine
}

// streamJob writes one stream.
type streamJob struct {
	side    *side
	stream  stream
	w       *written
	random  *rand.Rand
	left    int64 // records still to write; negative: no end
	perBeat int64 // records per beat; 0: no pace
	count   int64 // records made so far
	rounds  int   // batches written so far
}

func (j *streamJob) run(ctx context.Context) error {
	clients, err := j.connect()
	if err != nil {
		return err
	}
	defer func() {
		for _, c := range clients {
			c.Close()
		}
	}()
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for j.left != 0 && ctx.Err() == nil {
		for todo := j.next(); len(todo) > 0; {
			n := len(todo)
			if j.stream.inTxn {
				n = min(n, txnRecords)
			}
			if err := j.write(ctx, clients[j.rounds%len(clients)], todo[:n]); err != nil {
				return err
			}
			todo = todo[n:]
			j.rounds++
		}
		if j.perBeat > 0 && j.left != 0 {
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
		}
	}
	return nil
}

// connect returns one client per codec, so that batches of every codec meet in
// each partition.
func (j *streamJob) connect() ([]*kgo.Client, error) {
	codecs := []kgo.CompressionCodec{
		kgo.Lz4Compression(), kgo.NoCompression(), kgo.ZstdCompression(),
		kgo.SnappyCompression(), kgo.GzipCompression(),
	}
	var clients []*kgo.Client
	for i, codec := range codecs {
		opts := []kgo.Opt{
			kgo.SeedBrokers(j.side.address()),
			kgo.ClientID("strait-demo-producer"),
			kgo.DefaultProduceTopic(j.stream.topic),
			kgo.ProducerBatchCompression(codec),
			kgo.ProducerLinger(0),
		}
		if j.stream.inTxn {
			opts = append(opts, kgo.TransactionalID(fmt.Sprintf("strait-demo-%s-%s-%d", j.side.name, j.stream.topic, i)))
		}
		c, err := kgo.NewClient(opts...)
		if err != nil {
			for _, c := range clients {
				c.Close()
			}
			return nil, fmt.Errorf("making a client: %w", err)
		}
		clients = append(clients, c)
	}
	return clients, nil
}

// next makes the records of one beat.
func (j *streamJob) next() []*kgo.Record {
	n := j.perBeat
	if n == 0 {
		n = burst
	}
	if j.left > 0 {
		n = min(n, j.left)
		j.left -= n
	}
	records := make([]*kgo.Record, n)
	for i := range records {
		records[i] = j.stream.record(j.random, j.count)
		j.count++
	}
	return records
}

// write writes records and waits for them. What has begun is finished even when
// ctx ends, so that the count in w is right.
func (j *streamJob) write(ctx context.Context, c *kgo.Client, records []*kgo.Record) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finish)
	defer cancel()
	if !j.stream.inTxn {
		if err := c.ProduceSync(ctx, records...).FirstErr(); err != nil {
			return fmt.Errorf("writing records: %w", err)
		}
		j.w.add(j.side, records, true)
		return nil
	}
	commit := j.rounds%abortEvery != 1
	if err := c.BeginTransaction(); err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	err := c.ProduceSync(ctx, records...).FirstErr()
	if err := errors.Join(err, c.EndTransaction(ctx, kgo.TransactionEndTry(commit && err == nil))); err != nil {
		return fmt.Errorf("writing a transaction: %w", err)
	}
	j.w.add(j.side, records, commit)
	return nil
}
