package mirror

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/batch"
	"github.com/strait-mirror/strait/flows/repartition"
	"github.com/strait-mirror/strait/flows/sink"
	"github.com/strait-mirror/strait/flows/topicsync"
)

// outlet is where a lane ends: in one target partition, a lane of package sink,
// or in all of a target topic, one of package repartition.
type outlet interface {
	Add(b sink.Batch)
	Advance(sourceNext int64, sourceEpoch int32)
	Close(ctx context.Context) bool
}

// byKey is why batches of a flow that re-partitions are decoded.
const byKey batch.Reason = "by_key"

// spread writes the records of a session to the partitions that their keys
// name. A nil one does nothing.
type spread struct {
	client *kgo.Client
	sink   *repartition.Sink
}

// buildSpread makes the spread of a flow that has one.
func (s *session) buildSpread() error {
	f, def := s.flow, s.flow.p.Flow
	if !def.Repartitions() {
		return nil
	}
	const least = 16 << 20 // so that one large record fits
	client, err := f.p.Target.Producer("records-"+def.Name,
		append(repartition.Options(def, max(def.BufferMemory/2, least), s.maxBatch), kgo.WithHooks(&f.producing))...)
	if err != nil {
		return fmt.Errorf("building the producer: %w", err)
	}
	s.spread = &spread{client: client}
	s.spread.sink, err = repartition.New(repartition.Params{
		Client: client, Recoder: s.recoder, Ping: f.p.Target.Ping, Skip: s.tolerant(),
	})
	return err
}

func (s *spread) start(ctx context.Context) {
	if s != nil {
		s.sink.Start(ctx)
	}
}

// stop ends what sends, whose context has ended. It may be called twice.
func (s *spread) stop() {
	if s != nil {
		s.client.Close()
		s.sink.Wait()
	}
}

// maxBatch returns how large a batch a target topic takes.
func (s *session) maxBatch(target string) int32 {
	const kafkas, least, most = 1048588, 512, 1 << 30 // brokers' default, and what kgo takes
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.known {
		if limit := t.limits().MaxMessageBytes; limit > 0 && t.pair().Target == target {
			return min(max(limit, least), most)
		}
	}
	return kafkas
}

// outletFor returns where a placed lane ends.
func (s *session) outletFor(l *lane) outlet {
	if s.spread != nil {
		return s.spread.sink.AddLane(repartition.LaneParams{Topic: l.target.Topic, Events: l})
	}
	if s.transactions != nil {
		return s.transactions.outlet(l)
	}
	return s.sink.AddLane(l.begin)
}

// targetOf returns the target partition of a source partition; ok is false where
// the target has none for it. Records that go to any partition have theirs.
func (s *session) targetOf(partition int32, p topicsync.Pair) (to int32, ok bool) {
	if s.spread != nil {
		return partition, true
	}
	return s.flow.live.Load().Partition(partition, p.TargetPartitions)
}

// targetEnds returns where the logs of target partitions end. Records that go to
// any partition are expected nowhere.
func (s *session) targetEnds(ctx context.Context, targets []cluster.TopicPartition) map[cluster.TopicPartition]cluster.Offset {
	if s.spread == nil {
		return s.flow.p.Target.ListOffsets(ctx, cluster.LogEnd, targets)
	}
	ends := make(map[cluster.TopicPartition]cluster.Offset, len(targets))
	for _, t := range targets {
		ends[t] = cluster.Offset{Offset: -1}
	}
	return ends
}

// limits say what the batches of a lane must keep to. Those that are decoded for
// their records need keep to nothing.
func (l *lane) limits() batch.Limits {
	if l.session.spread != nil {
		return batch.Limits{ProducerTimestamps: true}
	}
	return l.topic.limits()
}

// Skipped counts records that were let go one by one.
func (l *lane) Skipped(records int, err error) {
	code := kerr.UnknownServerError.Code
	if e, ok := errors.AsType[*kerr.Error](err); ok {
		code = e.Code
	}
	l.session.skipped(l, records, code, "")
}

// refusalOf says in a person's words why the target takes a record never; other
// errors it returns as they are.
func (l *lane) refusalOf(err error) error {
	e, ok := errors.AsType[*kerr.Error](err)
	if !ok || l.session.spread == nil {
		return err
	}
	switch e.Code {
	case kerr.MessageTooLarge.Code, kerr.RecordListTooLarge.Code, kerr.InvalidRecord.Code, kerr.InvalidTimestamp.Code:
		_, r := l.session.judge(l, e.Code, "")
		return r
	}
	return err
}
