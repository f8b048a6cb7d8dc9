package cluster

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// OpenTransaction is the transaction in a partition that was begun first of all that
// are open there: readers of committed records get nothing from its first record on.
type OpenTransaction struct {
	ProducerID int64
	Epoch      int16
	Start      int64 // offset of its first record; -1: no transaction is open

	ID          string        // its transactional id; empty: no coordinator shows one of this producer
	State       string        // of that id, as its coordinator names it
	Timeout     time.Duration // of that id: after so long the coordinator aborts a transaction
	Coordinated bool          // the coordinator knows that it is under way in this partition, and so will end it

	ListErr error // why ID and what follows it are not known; nil: they are
	Err     error // why nothing is known
}

// OldestTransactions returns what of the partitions' transactions was begun first.
// It needs READ on the topics, and DESCRIBE on transactional ids to name these:
// brokers leave out those that may not be seen (KIP-664, brokers from 3.0 on).
func (c *Cluster) OldestTransactions(ctx context.Context, partitions []TopicPartition) map[TopicPartition]OpenTransaction {
	oldest := make(map[TopicPartition]OpenTransaction, len(partitions))
	var ids []int64
	for at, known := range c.DescribeProducers(ctx, partitions) {
		open := OpenTransaction{Start: -1, Err: known.Err}
		for id, p := range known.ByID {
			if p.Open >= 0 && (open.Start < 0 || p.Open < open.Start) {
				open.ProducerID, open.Epoch, open.Start = id, p.Epoch, p.Open
			}
		}
		if open.Start >= 0 {
			ids = append(ids, open.ProducerID)
		}
		oldest[at] = open
	}
	if len(ids) == 0 {
		return oldest
	}
	slices.Sort(ids)
	states, err := c.transactionsOf(ctx, slices.Compact(ids))
	for at, open := range oldest {
		if open.Start >= 0 {
			open.ListErr = err
			open.tell(at, states[open.ProducerID])
			oldest[at] = open
		}
	}
	return oldest
}

// tell adds what the coordinator of a transaction's producer says.
func (o *OpenTransaction) tell(at TopicPartition, s *kmsg.DescribeTransactionsResponseTransactionState) {
	if s == nil {
		return
	}
	o.ID, o.State, o.Timeout = s.TransactionalID, s.State, time.Duration(s.TimeoutMillis)*time.Millisecond
	for _, t := range s.Topics {
		o.Coordinated = o.Coordinated || t.Topic == at.Topic && slices.Contains(t.Partitions, at.Partition)
	}
}

// transactionsOf asks all brokers for the transactional ids of producers, and their
// coordinators for the state of these.
func (c *Cluster) transactionsOf(ctx context.Context, ids []int64) (map[int64]*kmsg.DescribeTransactionsResponseTransactionState, error) {
	list := kmsg.NewPtrListTransactionsRequest()
	list.ProducerIDFilters = ids
	listed, err := list.RequestWith(ctx, c.control)
	if err == nil {
		err = kerr.ErrorForCode(listed.ErrorCode)
	}
	if err != nil {
		return nil, fmt.Errorf("listing transactions: %w", err)
	}
	describe := kmsg.NewPtrDescribeTransactionsRequest()
	for _, s := range listed.TransactionStates {
		describe.TransactionalIDs = append(describe.TransactionalIDs, s.TransactionalID)
	}
	states := make(map[int64]*kmsg.DescribeTransactionsResponseTransactionState)
	if len(describe.TransactionalIDs) == 0 {
		return states, nil
	}
	described, err := describe.RequestWith(ctx, c.control)
	if err != nil {
		return nil, fmt.Errorf("describing transactions: %w", err)
	}
	for i := range described.TransactionStates {
		s := &described.TransactionStates[i]
		err = cmp.Or(err, kerr.ErrorForCode(s.ErrorCode))
		states[s.ProducerID] = s
	}
	if err != nil {
		return nil, fmt.Errorf("describing transactions: %w", err)
	}
	return states, nil
}
