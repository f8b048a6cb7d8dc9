package mirror

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/admin"
	"github.com/strait-mirror/strait/flows/internal/batch"
	"github.com/strait-mirror/strait/flows/internal/wire"
	"github.com/strait-mirror/strait/flows/position"
	"github.com/strait-mirror/strait/flows/topicsync"
	"github.com/strait-mirror/strait/flows/txn"
)

// transactions are the buckets of a transactional flow, with the client that
// speaks to their coordinators. A nil one is that of another flow.
type transactions struct {
	session *session
	set     *txn.Set
	client  *kgo.Client
	read    bool // positions were; of discovery
}

// openTransactions makes them, for a flow that wants them.
func (s *session) openTransactions(ctx context.Context) error {
	f := s.flow
	if f.p.Flow.Delivery != model.Transactional || f.p.Flow.MirrorMaker1 != nil {
		return nil // positions on the source cannot be part of a transaction
	}
	s.transactions = &transactions{session: s}
	return f.waitFor(ctx, f.p.Target, func(ctx context.Context) error {
		v2, err := f.p.Target.TransactionsV2(ctx)
		s.v2 = v2
		return err
	})
}

// build makes the buckets; it starts nothing.
func (t *transactions) build() error {
	if t == nil {
		return nil
	}
	s, def := t.session, t.session.flow.p.Flow
	var err error
	if t.client, err = s.flow.p.Target.Coordinator("transactions-"+def.Name, s.v2); err != nil {
		return fmt.Errorf("building the client of transactions: %w", err)
	}
	params := txn.Params{
		ID: model.TransactionalID(def), Coordinator: t.client, V2: s.v2, Positions: t,
		Enter:  func(ctx context.Context, id int64) error { return s.enter(ctx, id) },
		Stored: s.flow.commits.took,
		Client: s.produce, Leaders: view{s.flow.p.Target}, Budget: s.flow.budget, Log: s.flow.p.Log,
		MaxRequestSize: int(def.MaxRequestSize), RequestTimeout: def.RequestTimeout, Interval: def.TransactionInterval,
	}
	if def.Coalesce != "off" {
		params.Coalesce = s.recoder
	}
	t.set, err = txn.New(params)
	return err
}

func (t *transactions) start(ctx context.Context) {
	if t != nil {
		t.set.Start(ctx)
	}
}

// stop ends what runs, whose context has ended. It may be called twice.
func (t *transactions) stop() {
	if t == nil || t.client == nil {
		return
	}
	const longest = 3 * time.Second // for aborting what is open
	late := time.AfterFunc(longest, t.client.Close)
	defer late.Stop()
	t.set.Wait()
	t.client.Close()
}

// own takes over the buckets of topics, and reads positions where that may have
// fenced somebody: what that one had committed by then is what holds. Before, what
// it left open would keep positions from being read.
func (t *transactions) own(ctx context.Context, pairs []topicsync.Pair) error {
	if t == nil {
		return nil
	}
	f := t.session.flow
	numbers := map[int32]bool{}
	for _, p := range pairs {
		for n := range p.Partitions {
			if f.owns(p.Source, n) {
				numbers[txn.Bucket(p.Source, n)] = true
			}
		}
	}
	opened, err := t.set.Open(ctx, numbers)
	t.read = t.read && !opened
	if err == nil && !t.read {
		err = t.readOwn(ctx)
		t.read = err == nil
	}
	return f.p.Target.Explain(deniedTransactions(f.p.Flow, err))
}

// readOwn reads the positions. Where the work is shared it does not wait for long:
// what another process left open is aborted by whoever takes it over, and that may
// be this one, as soon as it looks.
func (t *transactions) readOwn(ctx context.Context) error {
	if !t.session.flow.shared() {
		return t.Refresh(ctx)
	}
	const patience = 2 * time.Second
	short, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := t.Refresh(short)
	if err != nil && short.Err() != nil && ctx.Err() == nil {
		return errHeldUp
	}
	return err
}

// errHeldUp is why positions could not be read in time.
var errHeldUp = errors.New("positions are held up, most likely by a transaction that another process left open and whoever takes it over aborts")

// has reports whether a partition's bucket is open: it may have become the
// process's since they were opened.
func (t *transactions) has(topic string, partition int32) bool {
	return t == nil || t.set.Has(txn.Bucket(topic, partition))
}

// leave lets go of the buckets that are another process's by now, and have no lane
// left: what is owned may have become less since lanes were ended, and a lane must not
// outlive its bucket.
func (t *transactions) leave() {
	if t == nil {
		return
	}
	used := map[int32]bool{}
	for _, l := range t.session.list() {
		used[l.bucket()] = true
	}
	id := model.TransactionalID(t.session.flow.p.Flow)
	t.set.Close(func(n int32) bool { return used[n] || t.session.flow.p.Share.Owns(id, n) })
}

// deniedTransactions names the permission that the transactions of a flow lack, if
// that is what an error says.
func deniedTransactions(f *model.Flow, err error) error {
	if !errors.Is(err, kerr.TransactionalIDAuthorizationFailed) {
		return err
	}
	return &admin.MissingPermissionError{
		Operation: "WRITE", Resource: admin.OnTransactions(model.TransactionalID(f) + "-"), Err: kerr.TransactionalIDAuthorizationFailed,
	}
}

func (l *lane) bucket() int32 { return txn.Bucket(l.source.Topic, l.source.Partition) }

// outlet returns where a placed lane ends.
func (t *transactions) outlet(l *lane) outlet {
	return t.set.AddLane(txn.LaneParams{
		Bucket: l.bucket(), Target: l.target, MaxBytes: l.begin.MaxBytes,
		Next: l.ack.SourceNext, Epoch: l.ack.SourceEpoch, Events: l,
	})
}

// Refresh implements txn.Positions.
func (t *transactions) Refresh(ctx context.Context) error {
	s := t.session
	if err := s.store.on.Await(ctx, s.store.Open); err != nil {
		return fmt.Errorf("reading positions: %w", err)
	}
	return nil
}

// storedAtOnce is the most positions in one batch, some 500 bytes each.
const storedAtOnce = 1000

// Stage implements txn.Positions.
func (t *transactions) Stage(places []txn.Place) ([]txn.Stored, func(), error) {
	s := t.session
	anchors := make([]position.Anchor, len(places))
	for i, p := range places {
		a := p.Events.(*lane).makeAnchor() //nolint:forcetypeassert // all Events here are lanes
		a.Offset, a.LeaderEpoch, a.TargetEnd = p.Next-1, p.Epoch, p.TargetEnd
		a.ProducerID, a.ProducerEpoch, a.NextSequence = -1, -1, -1 // no count goes on from it
		anchors[i] = a
	}
	partitions := s.flow.p.Target.Metadata().Partitions(s.store.topic)
	if partitions == 0 {
		return nil, nil, fmt.Errorf("topic %q: %w", s.store.topic, errNotKnown(s.flow.p.Target, s.store.topic))
	}
	records, committed := s.store.stage(anchors)
	choose := kgo.StickyKeyPartitioner(nil).ForTopic(s.store.topic) // Kafka's own
	byPartition, now := map[int32][]batch.Record{}, time.Now().UnixMilli()
	for _, r := range records {
		n := int32(choose.Partition(r, int(partitions)))
		byPartition[n] = append(byPartition[n], batch.Record{Timestamp: now, Key: r.Key, Value: r.Value})
	}
	var stored []txn.Stored
	for n, all := range byPartition {
		for len(all) > 0 {
			some := all[:min(len(all), storedAtOnce)]
			all = all[len(some):]
			b, err := s.recoder.Build(some)
			if err != nil {
				return nil, nil, err
			}
			stored = append(stored, txn.Stored{
				Key: wire.PartitionKey{Topic: s.store.topic, Partition: n}, Batch: b, Records: int32(len(some)),
			})
		}
	}
	return stored, committed, nil
}

// errNotKnown is why nothing is known of a topic's partitions.
func errNotKnown(c *cluster.Cluster, topic string) error {
	if err := c.Metadata().Err(topic); err != nil {
		return err
	}
	return errors.New("it has no partitions")
}

// Restart implements txn.Events.
func (l *lane) Restart() { l.arrive(arrival{again: true}) }

// goBack goes on from what is committed. That may be beyond what the lane was
// told, where the answer to a commit was lost, and behind it never.
func (l *lane) goBack() {
	a, ok := l.session.store.Get(l.source.Topic, l.source.Partition)
	l.mu.Lock()
	if ok && a.Next() > l.ack.SourceNext && (a.Bare() || a.SourceTopicID == [16]byte(l.source.ID)) {
		l.ack.SourceNext, l.ack.SourceEpoch = a.Next(), a.LeaderEpoch
	}
	to, epoch := l.ack.SourceNext, l.ack.SourceEpoch
	l.mu.Unlock()
	l.out.(*txn.Lane).Resume(to, epoch) //nolint:forcetypeassert // who restarts lanes is where they end
	if l.skip != nil {
		return // nothing was handed on yet
	}
	l.next = to
	l.session.retry(l, to, epoch)
}

// provenUpTo notes that records that were counted are on the target, beside what
// is committed.
func (l *lane) provenUpTo(next int64, epoch int32) {
	if l.session.transactions == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ack.SourceNext, l.ack.SourceEpoch = next, epoch
}
