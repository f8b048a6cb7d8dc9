// Package repartition appends records to the partitions that their keys name, by
// Kafka's default partitioner, as MirrorMaker 1 does: records of one source
// partition go to any partition of the target topic. Its lanes take what those
// of package sink take, and tell what became of it in the same words, but batches
// are decoded and their records written by an idempotent producer of kgo's.
//
// Records of one source partition that have one key keep their order. Delivery
// is at least once: what is not acknowledged when the process ends is read and
// written again by the next one.
package repartition

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/internal/batch"
	"github.com/strait-mirror/strait/flows/sink"
)

// Events is told what becomes of a lane. Calls for one lane come one at a time;
// they must be short and must not call the lane.
type Events interface {
	// Acked says that everything up to a source offset is on the target.
	Acked(ack sink.Ack)
	// Trouble says why the lane does not move. It is being retried, unless
	// stopped. A nil error says that it moves again.
	Trouble(err error, stopped bool)
	// Skipped says that records were let go, since the target refuses them.
	Skipped(records int, err error)
}

// Params is what New needs. All of it is required but Skip.
type Params struct {
	Client  *kgo.Client // made with Options; the caller closes it
	Recoder *batch.Recoder
	Ping    func(context.Context) error // asks whether the target answers
	Skip    bool                        // let go what the target refuses for good
}

// Sink writes the records of any number of lanes to one cluster. Its methods are
// safe for concurrent use.
type Sink struct {
	p    Params
	ctx  context.Context //nolint:containedctx // of Start: sending ends with it; set before any lane runs
	wait sync.WaitGroup

	mu    sync.Mutex // guards lanes
	lanes map[*Lane]struct{}
}

// recordOverhead is about what a record takes in kgo beside its bytes.
const recordOverhead = 512

// Options are the options of the client of f, which has a MirrorMaker1. Records are
// not compressed unless f says how, as in MirrorMaker 1. At most memory bytes wait in it for
// their acknowledgement; maxBatch is max.message.bytes of a topic.
func Options(f *model.Flow, memory int64, maxBatch func(topic string) int32) []kgo.Opt {
	codecs := map[string]kgo.CompressionCodec{
		"gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	m := f.MirrorMaker1
	codec, ok := codecs[string(f.CompressionType)]
	if !ok {
		codec = kgo.NoCompression()
	}
	const stickyLeast = 1 // the partitioner refuses 0, which Java takes for "each record"
	return []kgo.Opt{
		// KIP-794 and murmur2: Java's partitioner, bit for bit where there is a key.
		kgo.RecordPartitioner(kgo.UniformBytesPartitioner(max(int(m.BatchSize), stickyLeast), true, !m.IgnoreKeys, nil)),
		kgo.ProducerBatchCompression(codec),
		kgo.ProducerLinger(m.Linger),
		kgo.ProducerBatchMaxBytesFn(maxBatch),
		kgo.MaxBufferedBytes(int(memory)),
		kgo.MaxBufferedRecords(int(max(1, memory/recordOverhead))),
	}
}

// New checks p and returns a sink; it starts nothing.
func New(p Params) (*Sink, error) {
	if p.Client == nil || p.Recoder == nil || p.Ping == nil {
		return nil, errors.New("building re-partitioning sink: client, recoder and ping are required")
	}
	return &Sink{p: p, lanes: map[*Lane]struct{}{}}, nil
}

// Start makes the sink ready for lanes. Everything it starts ends with ctx and
// the closing of the client; Wait returns when it has.
func (s *Sink) Start(ctx context.Context) {
	s.ctx = ctx
	s.wait.Go(func() { s.watch(ctx) })
}

// Wait returns when everything that the sink started has ended.
func (s *Sink) Wait() { s.wait.Wait() }

// Pauses of watch.
const (
	watchEvery = time.Second
	patience   = 5 * time.Second // without an acknowledgement, while records wait for one
)

// watch says of lanes that wait for the target why they may do so: the client
// tries again and again without a word.
func (s *Sink) watch(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var stuck []*Lane
		s.mu.Lock()
		for l := range s.lanes {
			if l.stuck() {
				stuck = append(stuck, l)
			}
		}
		s.mu.Unlock()
		if len(stuck) == 0 {
			continue
		}
		err := s.p.Ping(ctx)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = fmt.Errorf("no record was acknowledged for %s", patience)
		}
		for _, l := range stuck {
			l.worry(err)
		}
	}
}
