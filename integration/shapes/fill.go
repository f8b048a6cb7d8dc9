package shapes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/integration/kafka"
)

// fillPool is how many different values Fill draws from: enough that batches
// differ, few enough to make them once.
const fillPool = 4096

// FillParams say how much Fill writes and how. Zero fields mean the defaults.
type FillParams struct {
	Records    int64                // required
	Partitions int32                // required: as many as the topic has
	Value      int                  // bytes; default 512
	Batch      int                  // bytes before compression; default 133,000
	Codec      kgo.CompressionCodec // default none
	Linger     time.Duration        // default 50 ms: full batches
	Seed       uint64
	Opts       []kgo.Opt // more client options, last
}

// Fill writes many records as fast as the cluster takes them, for benchmarks
// and soaks. Keys are the numbers of the records, so that each record differs;
// where batches end depends on the moment.
func Fill(ctx context.Context, c *kafka.Cluster, topic string, p FillParams) error {
	if p.Records <= 0 || p.Partitions <= 0 {
		return errors.New("filling a topic: records and partitions are required")
	}
	s := newSource(topic, p.Seed)
	pool := make([][]byte, min(fillPool, p.Records))
	for i := range pool {
		pool[i] = s.bytes(cmp.Or(p.Value, 512))
	}
	opts := append(c.AdminOpts(),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(p.Codec),
		kgo.ProducerBatchMaxBytes(int32(cmp.Or(p.Batch, 133_000))),
		kgo.ProducerLinger(cmp.Or(p.Linger, 50*time.Millisecond)),
		kgo.MaxBufferedRecords(200_000),
		kgo.MaxBufferedBytes(64<<20),
	)
	cl, err := kgo.NewClient(append(opts, p.Opts...)...)
	if err != nil {
		return fmt.Errorf("filling topic %s: %w", topic, err)
	}
	defer cl.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var once sync.Once
	for i := range p.Records {
		if ctx.Err() != nil {
			break
		}
		cl.Produce(ctx, fillRecord(s.rnd, topic, i, p.Partitions, pool), func(_ *kgo.Record, err error) {
			if err != nil {
				once.Do(func() { cancel(err) })
			}
		})
	}
	if err := cl.Flush(ctx); err != nil || ctx.Err() != nil {
		return fmt.Errorf("filling topic %s: %w", topic, cmp.Or(context.Cause(ctx), err))
	}
	return nil
}

// fillRecord makes one record of Fill.
func fillRecord(rnd *rand.Rand, topic string, i int64, partitions int32, pool [][]byte) *kgo.Record {
	return &kgo.Record{
		Topic: topic, Partition: int32(i % int64(partitions)),
		Key: fmt.Append(nil, i), Value: pool[rnd.IntN(len(pool))],
	}
}
