package position

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sync/errgroup"

	"github.com/strait-mirror/strait/flows/internal/admin"
	"github.com/strait-mirror/strait/flows/internal/mm2fmt"
)

// Bounds of one fetch and its pauses.
const (
	fetchBytes          = 8 << 20
	fetchPartitionBytes = 1 << 20 // a segment
	fetchWait           = 500 * time.Millisecond
	retryMost           = 5 * time.Second
	stalledAfter        = 5 * time.Second // without progress below the end, a warning says why
)

// Refresh reads what was written to the topic since the last time, by anyone:
// up to the end each partition has when Refresh begins. Like MirrorMaker 2 it
// reads committed records only, and waits for a transaction that is open below
// that end. It retries until ctx ends and then returns what was in the way; a
// missing permission it returns at once. Writes wait meanwhile.
func (s *Store) Refresh(ctx context.Context) error {
	if err := s.takeTurn(ctx); err != nil {
		return fmt.Errorf("reading positions: %w", err)
	}
	defer func() { s.turn <- struct{}{} }()

	r := reader{store: s, found: make(map[string]*found), decompressor: kgo.DefaultDecompressor(), stalledSince: time.Now()}
	warned := false
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, retryMost) {
		err := r.round(ctx)
		s.apply(r.found)
		clear(r.found)
		if err == nil {
			return nil
		}
		if _, denied := errors.AsType[*PermissionError](err); denied {
			return fmt.Errorf("reading positions: %w", err)
		}
		if errors.Is(err, kerr.OffsetOutOfRange) {
			r.ends = nil // ask for the log's bounds again
		}
		s.p.Log.Debug("reading positions retried", "topic", s.p.Topic, "error", err)
		if ctx.Err() == nil && !warned && time.Since(r.stalledSince) > stalledAfter {
			warned = true
			s.p.Log.Warn("positions cannot be read yet, retrying", "topic", s.p.Topic, "err", err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("reading positions: %w", errors.Join(context.Cause(ctx), err))
		}
	}
}

// found is the last value read for a key. Its bytes are a copy: what a fetch
// returns would keep the whole batch around it.
type found struct {
	value   []byte
	deleted bool
}

// reader reads the topic once up to its end. Offsets read are kept in the
// store, so that a reader goes on where another one failed.
type reader struct {
	store        *Store
	ends         map[int32]int64 // high watermarks at the start; nil: not asked yet
	id           [16]byte
	stalledSince time.Time
	decompressor kgo.Decompressor

	mu    sync.Mutex        // guards found, store.next and stalledSince during a round
	found map[string]*found // by the key's bytes: parsing each record's key would cost more than reading it
}

// round fetches until every leader has answered to the end, or something went
// wrong, which is returned.
func (r *reader) round(ctx context.Context) error {
	cl, topic := r.store.p.Client, r.store.p.Topic
	topics, err := admin.Topics(ctx, cl, []string{topic})
	if err != nil {
		return err
	}
	t := topics[topic]
	if t.Err != nil {
		return fmt.Errorf("describing topic %q: %w", topic, t.Err)
	}
	r.id = t.ID
	r.store.forgetOther(t.ID)
	if r.ends == nil {
		if err := r.findEnds(ctx, t); err != nil {
			return err
		}
	}
	byLeader := make(map[int32][]int32)
	for _, p := range t.Partitions {
		if r.store.next[p.Number] >= r.ends[p.Number] {
			continue
		}
		if p.Leader < 0 {
			return fmt.Errorf("reading %s/%d: %w", topic, p.Number, kerr.LeaderNotAvailable)
		}
		byLeader[p.Leader] = append(byLeader[p.Leader], p.Number)
	}
	g, groupCtx := errgroup.WithContext(ctx)
	for leader, partitions := range byLeader {
		g.Go(func() error { return r.readFrom(groupCtx, leader, partitions) })
	}
	if err := g.Wait(); err != nil || r.store.readable {
		return err
	}
	return r.probe(ctx, t)
}

// probe asks for one partition's records even where there are none: a missing
// permission to read must show at the first start, not at the second.
func (r *reader) probe(ctx context.Context, t *admin.Topic) error {
	for _, p := range t.Partitions[:min(1, len(t.Partitions))] {
		req := r.request([]int32{p.Number})
		req.MaxWaitMillis = 0
		if err := r.fetch(ctx, p.Leader, req); err != nil {
			return err
		}
	}
	r.store.readable = true
	return nil
}

// readFrom fetches partitions from one broker until all are at their end.
func (r *reader) readFrom(ctx context.Context, leader int32, partitions []int32) error {
	for {
		partitions = slices.DeleteFunc(partitions, func(p int32) bool { return r.offset(p) >= r.ends[p] })
		if len(partitions) == 0 {
			return nil
		}
		if err := r.fetch(ctx, leader, r.request(partitions)); err != nil {
			return err
		}
	}
}

func (r *reader) fetch(ctx context.Context, leader int32, req *kmsg.FetchRequest) error {
	resp, err := r.store.p.Client.Broker(int(leader)).RetriableRequest(ctx, req)
	if err != nil {
		return fmt.Errorf("fetching topic %q from broker %d: %w", r.store.p.Topic, leader, err)
	}
	fetched := resp.(*kmsg.FetchResponse)
	if err := kerr.ErrorForCode(fetched.ErrorCode); err != nil {
		return fmt.Errorf("fetching topic %q from broker %d: %w", r.store.p.Topic, leader, err)
	}
	return r.process(fetched)
}

func (r *reader) request(partitions []int32) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis = int32(fetchWait.Milliseconds())
	req.MinBytes, req.MaxBytes = 1, fetchBytes
	req.IsolationLevel = 1 // read_committed
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic, rt.TopicID = r.store.p.Topic, r.id
	for _, p := range partitions {
		rp := kmsg.NewFetchRequestTopicPartition()
		rp.Partition, rp.FetchOffset, rp.PartitionMaxBytes = p, r.offset(p), fetchPartitionBytes
		rt.Partitions = append(rt.Partitions, rp)
	}
	// Which partition comes first gets its bytes first: the one read last
	// time goes to the end by its order of offsets left.
	slices.SortFunc(rt.Partitions, func(a, b kmsg.FetchRequestTopicPartition) int {
		return int(min(1, max(-1, (r.ends[b.Partition]-b.FetchOffset)-(r.ends[a.Partition]-a.FetchOffset))))
	})
	req.Topics = append(req.Topics, rt)
	return req
}

// process takes the records of one response.
func (r *reader) process(resp *kmsg.FetchResponse) error {
	topic := r.store.p.Topic
	for _, rt := range resp.Topics {
		for i := range rt.Partitions {
			rp := &rt.Partitions[i]
			if err := kerr.ErrorForCode(rp.ErrorCode); err != nil {
				return fmt.Errorf("fetching %s/%d: %w", topic, rp.Partition, admin.Refused(err, "READ", admin.OnTopic(topic)))
			}
			from := r.offset(rp.Partition)
			fetched, next := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{
				Offset: from, IsolationLevel: kgo.ReadCommitted(), Topic: topic, Partition: rp.Partition,
			}, rp, r.decompressor, nil)
			r.keep(rp, next, fetched.Records)
			if fetched.Err != nil {
				return fmt.Errorf("reading %s/%d at offset %d: %w", topic, rp.Partition, next, fetched.Err)
			}
		}
	}
	return nil
}

// keep notes what records say and how far the partition was read, and warns
// when an open transaction is all there is to read.
func (r *reader) keep(rp *kmsg.FetchResponseTopicPartition, next int64, records []*kgo.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	from := r.store.next[rp.Partition]
	for _, record := range records {
		f := r.found[string(record.Key)]
		if f == nil {
			f = &found{}
			r.found[string(record.Key)] = f
		}
		f.value, f.deleted = append(f.value[:0], record.Value...), record.Value == nil
	}
	r.store.next[rp.Partition] = next
	if next > from {
		r.stalledSince = time.Now()
		return
	}
	if rp.LastStableOffset >= 0 && rp.LastStableOffset <= next && time.Since(r.stalledSince) > stalledAfter {
		r.stalledSince = time.Now()
		r.store.p.Log.Warn("reading positions waited for an open transaction", "topic", r.store.p.Topic,
			"partition", rp.Partition, "offset", next, "end_offset", r.ends[rp.Partition])
	}
}

func (r *reader) offset(partition int32) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.store.next[partition]
}

// forgetOther forgets everything when the topic was deleted and created again,
// which is how positions are reset.
func (s *Store) forgetOther(id [16]byte) {
	if s.topicID != ([16]byte{}) && id != s.topicID {
		s.p.Log.Warn("positions topic was created anew", "topic", s.p.Topic)
		s.p.Client.PurgeTopicsFromProducing(s.p.Topic)
		clear(s.next)
		s.mu.Lock()
		clear(s.lanes)
		s.mu.Unlock()
	}
	s.topicID = id
}

// apply takes over what was read; a record without a value deletes, and keys
// that are none of this store's are skipped.
func (s *Store) apply(read map[string]*found) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, f := range read {
		key, err := mm2fmt.ParseOffsetKey([]byte(k))
		if err != nil || key.Cluster != s.p.SourceAlias {
			continue
		}
		at := Lane{key.Topic, key.Partition}
		switch key.Connector {
		case s.p.Owner:
			s.laneLocked(at).newest = s.anchorOf(at, f)
		case s.previousOwner():
			s.laneLocked(at).previous = s.anchorOf(at, f)
		}
	}
}

func (s *Store) anchorOf(at Lane, f *found) *Anchor {
	if f.deleted {
		return nil
	}
	v, err := mm2fmt.ParseOffsetValue(f.value)
	if err != nil {
		s.p.Log.Warn("position not fully understood", "source_topic", at.Topic, "source_partition", at.Partition, "error", err)
	}
	if v.Version == 0 && v.Offset < 0 {
		return nil
	}
	a := newAnchor(at, v)
	return &a
}
