package shapes

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/integration/kafka"
)

// writer is a producer whose every batch is what one call of write was given,
// as far as sizes allow.
type writer struct {
	client *kgo.Client
}

// newWriter connects a writer with more options than its own.
func newWriter(c *kafka.Cluster, more ...kgo.Opt) (*writer, error) {
	opts := append(c.AdminOpts(),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ManualFlushing(),
		kgo.MaxBufferedRecords(100_000),
		kgo.MaxBufferedBytes(256<<20),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
	)
	cl, err := kgo.NewClient(append(opts, more...)...)
	if err != nil {
		return nil, fmt.Errorf("making a producer: %w", err)
	}
	return &writer{client: cl}, nil
}

// close ends the writer.
func (w *writer) close() { w.client.Close() }

// write produces records and waits for all of them.
func (w *writer) write(ctx context.Context, rs ...*kgo.Record) error {
	var mu sync.Mutex // guards errs
	var errs []error
	for _, r := range rs {
		w.client.Produce(ctx, r, func(_ *kgo.Record, err error) {
			if err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			}
		})
	}
	if err := w.client.Flush(ctx); err != nil {
		return fmt.Errorf("flushing: %w", err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(errs) > 0 {
		return fmt.Errorf("producing: %d of %d records refused: %w", len(errs), len(rs), errors.Join(errs[:min(3, len(errs))]...))
	}
	return nil
}

// within calls do with a writer and closes it.
func within(c *kafka.Cluster, do func(w *writer) error, more ...kgo.Opt) error {
	w, err := newWriter(c, more...)
	if err != nil {
		return err
	}
	defer w.close()
	return do(w)
}
