package shapes

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/integration/kafka"
)

// openFor is how long the coordinator leaves an open transaction open: the
// most that brokers allow by default (transaction.max.timeout.ms).
const openFor = 15 * time.Minute

// markerPoll is how often the end of a transaction is looked for.
const markerPoll = 3 * time.Millisecond

// transactions has transactions that end each way, with others' records in
// between.
func transactions() Shape {
	return Shape{
		Name: "transactions", Doc: "commits and aborts of several producers, interleaved with plain records", Partitions: 3,
		Write: func(ctx context.Context, c *kafka.Cluster, topic string, seed uint64) error {
			return writeTransactions(ctx, c, newSource(topic, seed), false)
		},
	}
}

// openTransaction is the same with a transaction that has not ended.
func openTransaction() Shape {
	return Shape{
		Name: "open-transaction", Doc: "as transactions, then one that stays open, with committed and plain records behind it", Partitions: 3,
		Write: func(ctx context.Context, c *kafka.Cluster, topic string, seed uint64) error {
			return writeTransactions(ctx, c, newSource(topic, seed), true)
		},
	}
}

// writeTransactions runs two transactional producers at a time, one of which
// often ends while the other goes on, beside an idempotent and a simple one.
func writeTransactions(ctx context.Context, c *kafka.Cluster, s *source, leaveOpen bool) error {
	var tx [2]*writer
	for i, codec := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.Lz4Compression()} {
		w, err := newWriter(c, kgo.TransactionalID(fmt.Sprintf("%s-%d", s.topic, i)), kgo.TransactionTimeout(openFor),
			kgo.ProducerBatchCompression(codec))
		if err != nil {
			return err
		}
		defer w.close()
		tx[i] = w
	}
	idempotent, err := newWriter(c)
	if err != nil {
		return err
	}
	defer idempotent.close()
	simple, err := newWriter(c, kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.LeaderAck()))
	if err != nil {
		return err
	}
	defer simple.close()

	if err := interleave(ctx, s, tx, idempotent, simple); err != nil || !leaveOpen {
		return err
	}
	if err := beginAndWrite(ctx, tx[0], s.records(0, 5, 100)); err != nil {
		return err
	}
	if err := beginAndWrite(ctx, tx[1], s.records(0, 5, 100)); err != nil {
		return err
	}
	if err := end(ctx, tx[1], true); err != nil {
		return err
	}
	return idempotent.write(ctx, s.records(0, 5, 100)...)
}

// interleave has the producers take turns at random and ends all transactions.
func interleave(ctx context.Context, s *source, tx [2]*writer, idempotent, simple *writer) error {
	some := func() []*kgo.Record { return s.records(int32(s.rnd.IntN(3)), 1+s.rnd.IntN(12), 200) }
	var open [2]bool
	for range 80 {
		i := s.rnd.IntN(len(tx))
		if !open[i] {
			if err := tx[i].client.BeginTransaction(); err != nil {
				return fmt.Errorf("beginning a transaction: %w", err)
			}
			open[i] = true
		}
		for _, w := range []*writer{tx[i], idempotent, tx[i], simple} {
			if s.rnd.IntN(3) == 0 {
				continue
			}
			if err := w.write(ctx, some()...); err != nil {
				return err
			}
		}
		if s.rnd.IntN(3) == 0 {
			if err := end(ctx, tx[i], s.rnd.IntN(3) > 0); err != nil {
				return err
			}
			open[i] = false
		}
	}
	for i, w := range tx {
		if !open[i] {
			continue
		}
		// An abort that is the last thing in its partitions.
		if err := end(ctx, w, i == 0); err != nil {
			return err
		}
	}
	return nil
}

// beginAndWrite leaves the transaction open.
func beginAndWrite(ctx context.Context, w *writer, rs []*kgo.Record) error {
	if err := w.client.BeginTransaction(); err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	return w.write(ctx, rs...)
}

// end commits or aborts, and waits until the markers are written: the
// coordinator answers before that, and what is produced next could overtake
// them.
func end(ctx context.Context, w *writer, commit bool) error {
	if err := w.client.EndTransaction(ctx, kgo.TransactionEndTry(commit)); err != nil {
		return fmt.Errorf("ending a transaction: %w", err)
	}
	tick := time.NewTicker(markerPoll)
	defer tick.Stop()
	adm := kadm.NewClient(w.client)
	id, _ := w.client.OptValue(kgo.TransactionalID).(string)
	for {
		d, err := adm.DescribeTransactions(ctx, id)
		if err == nil {
			err = d[id].Err
		}
		if err != nil {
			return fmt.Errorf("asking for the state of a transaction: %w", err)
		}
		if !strings.HasPrefix(d[id].State, "Prepare") {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the end of a transaction: %w", ctx.Err())
		case <-tick.C:
		}
	}
}
