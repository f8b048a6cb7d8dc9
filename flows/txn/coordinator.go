package txn

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/flows/internal/wire"
)

// producer is what a transactional id writes as.
type producer struct {
	id    int64
	epoch int16
}

// coordinator speaks for one transactional id with the broker that keeps its
// transactions. What passes by itself is tried again until ctx ends.
type coordinator struct {
	client  *kgo.Client
	id      string
	timeout time.Duration
	worry   func(error) // told what is in the way, when it does not pass soon
}

// begin makes us the owner of the id: whoever wrote under it is fenced, and what
// that one left open is aborted (InitProducerId, KIP-98).
func (c *coordinator) begin(ctx context.Context) (producer, error) {
	var p producer
	err := c.insist(ctx, func() error {
		req := kmsg.NewPtrInitProducerIDRequest()
		req.TransactionalID = &c.id
		req.TransactionTimeoutMillis = int32(c.timeout.Milliseconds())
		resp, err := req.RequestWith(ctx, c.client)
		if err != nil {
			return err
		}
		p = producer{resp.ProducerID, resp.ProducerEpoch}
		return kerr.ErrorForCode(resp.ErrorCode)
	})
	if err != nil {
		return producer{}, fmt.Errorf("taking over transactional id %q: %w", c.id, err)
	}
	return p, nil
}

// add makes partitions part of the open transaction, which brokers do by
// themselves with transaction.version 2.
func (c *coordinator) add(ctx context.Context, p producer, keys []wire.PartitionKey) error {
	req := kmsg.NewPtrAddPartitionsToTxnRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch = c.id, p.id, p.epoch
	places := map[string]int{}
	for _, k := range keys {
		at, ok := places[k.Topic]
		if !ok {
			at = len(req.Topics)
			places[k.Topic] = at
			t := kmsg.NewAddPartitionsToTxnRequestTopic()
			t.Topic = k.Topic
			req.Topics = append(req.Topics, t)
		}
		req.Topics[at].Partitions = append(req.Topics[at].Partitions, k.Partition)
	}
	err := c.insist(ctx, func() error {
		resp, err := req.RequestWith(ctx, c.client)
		if err != nil {
			return err
		}
		var errs []error
		for _, t := range resp.Topics {
			for _, p := range t.Partitions {
				// One that failed makes all others fail as not attempted.
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil && !errors.Is(err, kerr.OperationNotAttempted) {
					errs = append(errs, fmt.Errorf("%s/%d: %w", t.Topic, p.Partition, err))
				}
			}
		}
		return errors.Join(errs...)
	})
	if err != nil {
		return fmt.Errorf("adding partitions to a transaction of %q: %w", c.id, err)
	}
	return nil
}

// end commits or aborts the open transaction and returns as whom to go on. A
// repeated request is answered as the first was.
func (c *coordinator) end(ctx context.Context, p producer, commit bool) (producer, error) {
	next := p
	err := c.insist(ctx, func() error {
		req := kmsg.NewPtrEndTxnRequest()
		req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Commit = c.id, p.id, p.epoch, commit
		resp, err := req.RequestWith(ctx, c.client)
		if err != nil {
			return err
		}
		if resp.Version >= endTxnV2 && resp.ProducerID >= 0 {
			next = producer{resp.ProducerID, resp.ProducerEpoch}
		}
		return kerr.ErrorForCode(resp.ErrorCode)
	})
	if err != nil {
		return p, fmt.Errorf("ending a transaction of %q: %w", c.id, err)
	}
	return next, nil
}

// endTxnV2 is the version of EndTxn from which on it returns a new epoch
// (KIP-890).
const endTxnV2 = 5

// look returns what the coordinator knows of the id (DescribeTransactions,
// KIP-664).
func (c *coordinator) look(ctx context.Context) (glance, error) {
	req := kmsg.NewPtrDescribeTransactionsRequest()
	req.TransactionalIDs = []string{c.id}
	resp, err := req.RequestWith(ctx, c.client)
	if err == nil && len(resp.TransactionStates) != 1 {
		err = errors.New("the answer is about another transactional id")
	}
	if err == nil {
		err = kerr.ErrorForCode(resp.TransactionStates[0].ErrorCode)
	}
	if err != nil {
		return glance{}, fmt.Errorf("describing transactional id %q: %w", c.id, err)
	}
	t := resp.TransactionStates[0]
	return glance{producer{t.ProducerID, t.ProducerEpoch}, t.State, t.StartTimestamp}, nil
}

// glance is the state of a transactional id at one moment.
type glance struct {
	owner producer
	state string
	began int64 // of its transaction, ms; -1: none
}

// ours reports whether the coordinator aborted our own transaction, which had
// been open for too long: it raises the epoch by one then, as nobody else would
// leave it (TransactionCoordinator.abortTimedOutTransactions).
func (g glance) ours(p producer) bool {
	return g.owner.id == p.id && g.state == "CompleteAbort" && g.owner.epoch-p.epoch <= 1
}

// Pauses of insist.
const (
	soonest = 10 * time.Millisecond
	latest  = time.Second
	patient = 8 // attempts before anybody worries
)

// insist tries until it goes well, or fails in a way that stays.
func (c *coordinator) insist(ctx context.Context, try func() error) error {
	pause := soonest
	for attempt := 1; ; attempt++ {
		err := try()
		if err == nil || !passes(err) || ctx.Err() != nil {
			return err
		}
		if attempt >= patient && c.worry != nil {
			c.worry(err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		}
		pause = min(2*pause, latest)
	}
}

// passes reports whether an error may go away by itself: those of connections do,
// and those by which a broker asks for patience.
func passes(err error) bool {
	if errors.Is(err, kgo.ErrClientClosed) {
		return false
	}
	e, answered := errors.AsType[*kerr.Error](err)
	return !answered || e.Retriable || errors.Is(e, kerr.ConcurrentTransactions)
}

// fenced reports whether an error says that a newer producer has the id.
func fenced(err error) bool {
	return errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerEpoch)
}
