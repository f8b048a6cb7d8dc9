package position

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/flows/internal/admin"
	"github.com/strait-mirror/strait/flows/internal/mm2fmt"
)

// Write writes anchors, at most one per lane, and returns when all replicas
// have all of them. Calls reach the log in their order. After an error any of
// the anchors may or may not be in the log, which is harmless as long as each
// was true: its caller writes newer ones. Some calls also write a lane's
// previous anchor (Params.PreviousEvery). kerr.UnknownTopicID and
// kerr.UnknownTopicOrPartition ask for another Open: the topic was deleted.
func (s *Store) Write(ctx context.Context, anchors []Anchor) error {
	if len(anchors) == 0 {
		return nil
	}
	if err := s.takeTurn(ctx); err != nil {
		return fmt.Errorf("writing %d positions: %w", len(anchors), err)
	}
	defer func() { s.turn <- struct{}{} }()

	if err := s.requestID(ctx); err != nil {
		return fmt.Errorf("writing %d positions: %w", len(anchors), err)
	}
	writes := s.prepare(anchors)
	records := make([]*kgo.Record, 0, len(writes)+len(writes)/s.p.PreviousEvery+1)
	for i := range writes {
		records = append(records, s.records(&writes[i])...)
	}
	if err := s.produce(ctx, records); err != nil {
		return fmt.Errorf("writing %d positions: %w", len(anchors), err)
	}
	s.commit(writes)
	return nil
}

// Topic returns the name of the topic.
func (s *Store) Topic() string { return s.p.Topic }

// Stage returns the records of anchors, for a transaction of the caller's, and
// what to call once that is committed. Transactions keep no previous anchors: a
// target that lost the end of its log lost it for data and anchors alike.
func (s *Store) Stage(anchors []Anchor) (records []*kgo.Record, committed func()) {
	writes := make([]write, len(anchors))
	for i, a := range anchors {
		a.Version = mm2fmt.OffsetVersion
		writes[i].newest = a
		records = append(records, s.record(s.p.Owner, &writes[i].newest))
	}
	return records, func() { s.commit(writes) }
}

// requestID asks for a producer id before the first write. The client does so
// by itself, but after one refusal it never asks again, and a permission
// granted later would not help it.
func (s *Store) requestID(ctx context.Context) error {
	if s.granted {
		return nil
	}
	req := kmsg.NewPtrInitProducerIDRequest()
	resp, err := req.RequestWith(ctx, s.p.Client)
	if err != nil {
		return fmt.Errorf("asking for a producer id: %w", err)
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return fmt.Errorf("asking for a producer id: %w",
			admin.Refused(err, "WRITE", admin.OnTopic(s.p.Topic)+" (before Kafka 3.0 also IDEMPOTENT_WRITE on cluster)"))
	}
	s.granted = true
	return nil
}

// write is what one call does to one lane.
type write struct {
	newest   Anchor
	rotate   bool    // the lane's previous key is due
	previous *Anchor // what is written to it; nil: nothing is known yet
	next     *Anchor // the candidate after a rotation
}

// prepare decides which previous anchors are due. With every n-th write the
// anchor that was set aside n writes ago is written to the previous key and
// the one being replaced now is set aside, so that the previous anchor is
// always n to 2n writes old: old enough for a target that lost the end of its
// log, at a fraction of the traffic.
func (s *Store) prepare(anchors []Anchor) []write {
	s.mu.Lock()
	defer s.mu.Unlock()
	writes := make([]write, 0, len(anchors))
	for _, a := range anchors {
		a.Version = mm2fmt.OffsetVersion
		w := write{newest: a}
		l := s.lanes[a.Lane()]
		if l != nil && l.newest != nil && !l.newest.Bare() && l.writes%s.p.PreviousEvery == 0 {
			w.rotate, w.next, w.previous = true, l.newest, l.candidate
			if w.previous == nil && l.previous == nil {
				w.previous = l.newest // nothing older is kept anywhere
			}
		}
		writes = append(writes, w)
	}
	return writes
}

// commit takes over what has been written.
func (s *Store) commit(writes []write) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range writes {
		w := &writes[i]
		l := s.laneLocked(w.newest.Lane())
		if l.newest != nil {
			l.writes++
		}
		if w.rotate {
			l.candidate = w.next
		}
		if w.previous != nil {
			l.previous = w.previous
		}
		l.newest = &w.newest
	}
}

// records returns the one or two records of a write.
func (s *Store) records(w *write) []*kgo.Record {
	records := []*kgo.Record{s.record(s.p.Owner, &w.newest)}
	if w.previous != nil {
		records = append(records, s.record(s.previousOwner(), w.previous))
	}
	return records
}

func (s *Store) record(owner string, a *Anchor) *kgo.Record {
	key := mm2fmt.OffsetKey{Connector: owner, Cluster: s.p.SourceAlias, Topic: a.Topic, Partition: a.Partition}
	return &kgo.Record{Topic: s.p.Topic, Key: key.Append(nil), Value: a.value().Append(nil)}
}

// previousOwner returns the first element of the keys of previous anchors.
func (s *Store) previousOwner() string {
	if s.p.Owner == mm2fmt.SourceConnector {
		return previousName
	}
	return previousName + ":" + s.p.Owner
}

// produce hands all records to the client and waits for all outcomes.
func (s *Store) produce(ctx context.Context, records []*kgo.Record) error {
	var errs []error
	seen := make(map[string]bool) // a thousand records fail for one reason
	for _, result := range s.p.Client.ProduceSync(ctx, records...) {
		if result.Err == nil || seen[result.Err.Error()] {
			continue
		}
		seen[result.Err.Error()] = true
		if errors.Is(result.Err, kerr.UnknownTopicID) {
			s.p.Client.PurgeTopicsFromProducing(s.p.Topic) // the client holds on to the old id
		}
		errs = append(errs, admin.Refused(result.Err, "WRITE", admin.OnTopic(s.p.Topic)))
	}
	return errors.Join(errs...)
}
