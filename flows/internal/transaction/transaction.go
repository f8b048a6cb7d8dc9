// Package transaction speaks for a transactional id with the broker that keeps its
// transactions. What transactions are good for is its callers' business.
package transaction

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

// Producer is what a transactional id writes as.
type Producer struct {
	ID    int64
	Epoch int16
}

// ID is a transactional id. What passes by itself is tried again until the context
// of a call ends.
type ID struct {
	Client  *kgo.Client
	Name    string
	Timeout time.Duration // transaction.timeout.ms
	Worry   func(error)   // told what is in the way, when it does not pass soon; may be nil
}

// Find asks once for the coordinator of the id. A cluster that has had no transaction
// yet makes its topic of them then.
func (i *ID) Find(ctx context.Context) error {
	const ofTransactions = 1
	req := kmsg.NewPtrFindCoordinatorRequest()
	req.CoordinatorType, req.CoordinatorKey, req.CoordinatorKeys = ofTransactions, i.Name, []string{i.Name}
	resp, err := req.RequestWith(ctx, i.Client)
	if err != nil {
		return fmt.Errorf("looking for the coordinator of transactional id %q: %w", i.Name, err)
	}
	code := resp.ErrorCode
	for _, c := range resp.Coordinators {
		code = c.ErrorCode
	}
	if err := kerr.ErrorForCode(code); err != nil {
		return fmt.Errorf("looking for the coordinator of transactional id %q: %w", i.Name, err)
	}
	return nil
}

// Begin makes us the owner of the id: whoever wrote under it is fenced, and what
// that one left open is aborted (InitProducerId, KIP-98). The epoch is 0 only for
// who begins with an id that the coordinator does not know.
func (i *ID) Begin(ctx context.Context) (Producer, error) {
	return i.begin(ctx, Producer{-1, -1})
}

// Renew raises the epoch of an id that we own: who has taken it over meanwhile keeps
// it, and the error is one that Fenced knows (KIP-360).
func (i *ID) Renew(ctx context.Context, as Producer) (Producer, error) { return i.begin(ctx, as) }

func (i *ID) begin(ctx context.Context, as Producer) (Producer, error) {
	var p Producer
	err := i.insist(ctx, func() error {
		req := kmsg.NewPtrInitProducerIDRequest()
		req.TransactionalID = &i.Name
		req.TransactionTimeoutMillis = int32(i.Timeout.Milliseconds())
		req.ProducerID, req.ProducerEpoch = as.ID, as.Epoch
		resp, err := req.RequestWith(ctx, i.Client)
		if err != nil {
			return err
		}
		p = Producer{resp.ProducerID, resp.ProducerEpoch}
		return kerr.ErrorForCode(resp.ErrorCode)
	})
	if err != nil {
		return Producer{}, fmt.Errorf("taking over transactional id %q: %w", i.Name, err)
	}
	return p, nil
}

// Add makes partitions part of the open transaction, which brokers do by
// themselves with transaction.version 2.
func (i *ID) Add(ctx context.Context, p Producer, keys []wire.PartitionKey) error {
	req := kmsg.NewPtrAddPartitionsToTxnRequest()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch = i.Name, p.ID, p.Epoch
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
	err := i.insist(ctx, func() error {
		resp, err := req.RequestWith(ctx, i.Client)
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
		return fmt.Errorf("adding partitions to a transaction of %q: %w", i.Name, err)
	}
	return nil
}

// End commits or aborts the open transaction and returns as whom to go on. A
// repeated request is answered as the first was.
func (i *ID) End(ctx context.Context, p Producer, commit bool) (Producer, error) {
	next := p
	err := i.insist(ctx, func() error {
		req := kmsg.NewPtrEndTxnRequest()
		req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Commit = i.Name, p.ID, p.Epoch, commit
		resp, err := req.RequestWith(ctx, i.Client)
		if err != nil {
			return err
		}
		if resp.Version >= endTxnV2 && resp.ProducerID >= 0 {
			next = Producer{resp.ProducerID, resp.ProducerEpoch}
		}
		return kerr.ErrorForCode(resp.ErrorCode)
	})
	if err != nil {
		return p, fmt.Errorf("ending a transaction of %q: %w", i.Name, err)
	}
	return next, nil
}

// endTxnV2 is the version of EndTxn from which on it returns a new epoch
// (KIP-890).
const endTxnV2 = 5

// Look returns what the coordinator knows of the id (DescribeTransactions,
// KIP-664).
func (i *ID) Look(ctx context.Context) (Glance, error) {
	req := kmsg.NewPtrDescribeTransactionsRequest()
	req.TransactionalIDs = []string{i.Name}
	resp, err := req.RequestWith(ctx, i.Client)
	if err == nil && len(resp.TransactionStates) != 1 {
		err = errors.New("the answer is about another transactional id")
	}
	if err == nil {
		err = kerr.ErrorForCode(resp.TransactionStates[0].ErrorCode)
	}
	if err != nil {
		return Glance{}, fmt.Errorf("describing transactional id %q: %w", i.Name, err)
	}
	t := resp.TransactionStates[0]
	return Glance{Producer{t.ProducerID, t.ProducerEpoch}, t.State, t.StartTimestamp}, nil
}

// Glance is the state of a transactional id at one moment. It is comparable.
type Glance struct {
	Owner Producer
	State string
	Began int64 // of its transaction, ms; -1: none
}

// Settled reports whether no transaction is open, nor being ended: its markers are
// written.
func (g Glance) Settled() bool {
	return g.State == "CompleteAbort" || g.State == "CompleteCommit" || g.State == "Empty"
}

// Ours reports whether the coordinator aborted our own transaction, which had
// been open for too long: it raises the epoch by one then, as nobody else would
// leave it (TransactionCoordinator.abortTimedOutTransactions).
func (g Glance) Ours(p Producer) bool {
	return g.Owner.ID == p.ID && g.State == "CompleteAbort" && g.Owner.Epoch-p.Epoch <= 1
}

// Pauses of insist.
const (
	soonest = 10 * time.Millisecond
	latest  = time.Second
	patient = 8 // attempts before anybody worries
)

// insist tries until it goes well, or fails in a way that stays.
func (i *ID) insist(ctx context.Context, try func() error) error {
	pause := soonest
	for attempt := 1; ; attempt++ {
		err := try()
		if err == nil || !passes(err) || ctx.Err() != nil {
			return err
		}
		if attempt >= patient && i.Worry != nil {
			i.Worry(err)
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

// Fenced reports whether an error says that a newer producer has the id.
func Fenced(err error) bool {
	return errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerEpoch)
}
