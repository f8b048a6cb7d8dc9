package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/strait-mirror/strait/integration/kafka"
)

// LoadParams say what a Load writes. A zero optional field means its default.
type LoadParams struct {
	To         *Side  // required
	Topics     string // required: prefix of the names
	Keys       string // begins every key, where several loads write to one topic
	Seed       uint64
	Plain      int           // topics of one codec each, taken in turn; default 3
	Tx         int           // topics written in transactions, a third of which are aborted; default 1, below 0: none
	Partitions int           // of each topic; default 4
	Rate       int           // records a second in all; default 2000
	MaxValue   int           // bytes of the largest value; default 1000
	Age        time.Duration // how old the records' timestamps are; default none
	Names      int           // keys in all, values are unique then; default: every key is
	Once       bool          // producers send nothing twice: what fails is given up
	Config     map[string]*string
	Jumps      bool  // the producers' clocks jump by up to two months back and half an hour ahead
	Bytes      int64 // end once so many bytes of values were made; default: only with ctx
}

// Load is a set of topics and the producers that write them. Every record's key
// is unique in its partition.
type Load struct {
	p       LoadParams
	topics  []string
	enough  context.CancelFunc // ends Run
	text    []byte             // what values are cut from
	made    atomic.Int64       // bytes of values
	Records atomic.Int64       // acknowledged, aborted ones among them
	Lost    atomic.Int64       // given up by their producer, which may yet be in the log
}

// producerTick is how often each producer writes.
const producerTick = 50 * time.Millisecond

// sentinel is the key of the last record of every partition.
const sentinel = "the end"

// NewLoad creates the topics.
func NewLoad(ctx context.Context, p LoadParams) (*Load, error) {
	setDefault(&p.Plain, 3)
	setDefault(&p.Tx, 1)
	p.Tx = max(p.Tx, 0)
	setDefault(&p.Partitions, 4)
	setDefault(&p.Rate, 2000)
	setDefault(&p.MaxValue, 1000)
	l := &Load{p: p, text: text(p.Seed, textSize+p.MaxValue)}
	for i := range p.Plain + p.Tx {
		name := fmt.Sprintf("%splain-%d", p.Topics, i)
		if i >= p.Plain {
			name = fmt.Sprintf("%stx-%d", p.Topics, i-p.Plain)
		}
		if err := p.To.CreateTopic(ctx, kafka.Topic{Name: name, Partitions: p.Partitions, Config: p.Config}); err != nil {
			return nil, err
		}
		l.topics = append(l.topics, name)
	}
	return l, nil
}

// textSize is the number of places where a value may begin.
const textSize = 1 << 20

// text returns n bytes of which about half can be compressed away.
func text(seed uint64, n int) []byte {
	const digits = "0123456789abcdef"
	rnd := rand.New(rand.NewPCG(seed, 0x5354524149540003)) // not a secret
	b := make([]byte, n)
	for i := range b {
		b[i] = digits[rnd.IntN(len(digits))]
	}
	return b
}

func setDefault(v *int, def int) {
	if *v == 0 {
		*v = def
	}
}

// Topics returns the names.
func (l *Load) Topics() []string { return l.topics }

// Run writes until ctx ends, or there is enough. What a broken cluster refuses is tried again or
// counted as lost; errors are those of the test.
func (l *Load) Run(ctx context.Context) error {
	ctx, l.enough = context.WithCancel(ctx)
	defer l.enough()
	g, gctx := errgroup.WithContext(ctx)
	for i, topic := range l.topics {
		w := &writer{
			load: l, topic: topic, tx: i >= l.p.Plain, codec: codecs()[i%len(codecs())],
			rnd: rand.New(rand.NewPCG(l.p.Seed, uint64(i))), // not a secret
		}
		g.Go(func() error { return w.run(gctx) })
	}
	if err := g.Wait(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("producing: %w", err)
	}
	return nil
}

func codecs() []kgo.CompressionCodec {
	return []kgo.CompressionCodec{
		kgo.NoCompression(), kgo.Lz4Compression(), kgo.ZstdCompression(), kgo.SnappyCompression(), kgo.GzipCompression(),
	}
}

// writer is the producer of one topic.
type writer struct {
	load  *Load
	topic string
	tx    bool
	codec kgo.CompressionCodec
	rnd   *rand.Rand
	made  int
	off   time.Duration // by which its clock is wrong
}

func (w *writer) connect() (*kgo.Client, error) {
	opts := append(w.load.p.To.AdminOpts(),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(w.codec),
		kgo.RequestTimeoutOverhead(5*time.Second), kgo.MaxBufferedRecords(20_000))
	if w.tx {
		// A transaction whose producer is lost holds up readers for so long.
		opts = append(opts, kgo.TransactionalID(w.topic), kgo.TransactionTimeout(10*time.Second))
	}
	if w.load.p.Once {
		opts = append(opts, kgo.DisableIdempotentWrite(), kgo.RecordRetries(0), kgo.MaxProduceRequestsInflightPerBroker(1))
	}
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("making a producer: %w", err)
	}
	return cl, nil
}

// run writes until ctx ends, with a new producer after each that failed.
func (w *writer) run(ctx context.Context) error {
	for ctx.Err() == nil {
		cl, err := w.connect()
		if err != nil {
			return err
		}
		if w.tx {
			err = w.transactions(ctx, cl)
		} else {
			err = w.plain(ctx, cl)
		}
		cl.Close()
		if err != nil && ctx.Err() == nil {
			_ = pause(ctx, 200*time.Millisecond) // ends with ctx, as the loop does
		}
	}
	return nil
}

// plain writes at every tick and, at the end, waits for what is under way.
func (w *writer) plain(ctx context.Context, cl *kgo.Client) error {
	tick := time.NewTicker(producerTick)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return w.flush(context.WithoutCancel(ctx), cl)
		case <-tick.C:
			w.some(ctx, cl)
		}
	}
}

// transactions writes one transaction after the other, some of them slowly.
func (w *writer) transactions(ctx context.Context, cl *kgo.Client) error {
	tick := time.NewTicker(producerTick)
	defer tick.Stop()
	outlive := context.WithoutCancel(ctx)
	for ctx.Err() == nil {
		if err := cl.BeginTransaction(); err != nil {
			return fmt.Errorf("beginning a transaction: %w", err)
		}
		for range 1 + w.rnd.IntN(6) {
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
			w.some(ctx, cl)
		}
		if err := w.flush(outlive, cl); err != nil {
			return err
		}
		end := kgo.TransactionEndTry(w.rnd.IntN(3) > 0)
		limited, cancel := context.WithTimeout(outlive, 30*time.Second)
		err := cl.EndTransaction(limited, end)
		cancel()
		if err != nil {
			return fmt.Errorf("ending a transaction: %w", err)
		}
	}
	return nil
}

func (w *writer) flush(ctx context.Context, cl *kgo.Client) error {
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	if err := cl.Flush(ctx); err != nil {
		return fmt.Errorf("flushing: %w", err)
	}
	return nil
}

// some writes this tick's records; it waits while the producer's buffer is full.
func (w *writer) some(ctx context.Context, cl *kgo.Client) {
	if most := w.load.p.Bytes; most > 0 && w.load.made.Load() >= most {
		w.load.enough()
		return
	}
	n := max(1, w.load.p.Rate/len(w.load.topics)*int(producerTick/time.Millisecond)/1000)
	for range n {
		cl.Produce(context.WithoutCancel(ctx), w.record(), func(_ *kgo.Record, err error) {
			if err != nil {
				w.load.Lost.Add(1)
				return
			}
			w.load.Records.Add(1)
		})
	}
}

// record makes the next record: values and headers are now and then null or
// empty.
func (w *writer) record() *kgo.Record {
	at := w.rnd.IntN(textSize)
	r := &kgo.Record{
		Topic: w.topic, Partition: int32(w.rnd.IntN(w.load.p.Partitions)), Key: fmt.Appendf(nil, "%s%s-%d", w.load.p.Keys, w.topic, w.made),
		Value: w.load.text[at : at+w.rnd.IntN(w.load.p.MaxValue)],
	}
	if age := w.load.p.Age; age > 0 {
		r.Timestamp = time.Now().Add(-age)
	}
	if w.load.p.Jumps {
		if w.rnd.IntN(500) == 0 {
			off := []time.Duration{0, time.Hour / 2, -time.Hour, -30 * time.Hour, -60 * 24 * time.Hour}
			w.off = off[w.rnd.IntN(len(off))]
		}
		r.Timestamp = time.Now().Add(w.off)
	}
	if w.rnd.IntN(20) == 0 {
		r.Value = nil
	}
	if n := w.load.p.Names; n > 0 {
		r.Key, r.Value = fmt.Append(nil, w.rnd.IntN(n)), fmt.Appendf(nil, "%d %s", w.made, r.Value)
	}
	if w.rnd.IntN(4) == 0 {
		r.Headers = []kgo.RecordHeader{{Key: "n", Value: fmt.Append(nil, w.made)}, {Key: "n"}}
	}
	w.made++
	w.load.made.Add(int64(len(r.Value)))
	return r
}

// Finish writes the last record of every partition.
func (l *Load) Finish(ctx context.Context) error {
	cl, err := kgo.NewClient(append(l.p.To.AdminOpts(), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		return fmt.Errorf("making a producer: %w", err)
	}
	defer cl.Close()
	var rs []*kgo.Record
	for _, topic := range l.topics {
		for p := range l.p.Partitions {
			rs = append(rs, &kgo.Record{Topic: topic, Partition: int32(p), Key: []byte(sentinel)})
		}
	}
	var errs []error
	for _, r := range cl.ProduceSync(ctx, rs...) {
		errs = append(errs, r.Err)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("writing the last records: %w", err)
	}
	return nil
}

// pause waits, or returns the cause of ctx's end.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
