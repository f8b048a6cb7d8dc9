package txn

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/strait-mirror/strait/flows/internal/transaction"
	"github.com/strait-mirror/strait/flows/internal/wire"
	"github.com/strait-mirror/strait/flows/sink"
)

// round is the transactions that a bucket writes without a failure.
type round struct {
	b       *bucket
	sink    *sink.Sink
	streams map[wire.PartitionKey]*stream // by target partition without the topic's id
	open    bool                          // a transaction may be

	handed, batches int64 // bytes and batches that were handed on
}

// produceV1 is the last version of Produce with which a broker does not add
// partitions to transactions (KIP-890).
const produceV1 = 11

// abortWithin is how long the end of the process waits for an abort. Without one
// the coordinator aborts after the transaction's timeout.
const abortWithin = 2 * time.Second

// round writes transactions until one fails, or ctx ends.
func (b *bucket) round(ctx context.Context) error {
	p := &b.set.p
	params := sink.Params{
		Client: p.Client, Leaders: p.Leaders, Budget: p.Budget, Logger: p.Log, Coalesce: p.Coalesce,
		MaxRequestSize: p.MaxRequestSize, RequestTimeout: p.RequestTimeout, TransactionalID: b.c.Name,
	}
	if !p.V2 {
		params.MaxVersion = produceV1
	}
	s, err := sink.New(params)
	if err != nil {
		return err
	}
	r := &round{b: b, sink: s, streams: map[wire.PartitionKey]*stream{}}
	sending, stop := context.WithCancel(ctx)
	s.Start(sending)
	for err == nil {
		err = r.transaction(ctx)
	}
	stop()
	for _, st := range r.streams {
		st.lane.Close(sending) // what is in flight is fenced by whoever takes over
	}
	s.Wait()
	if r.open && ctx.Err() != nil {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortWithin)
		defer cancel()
		if _, err := b.c.End(ending, b.who, false); err != nil {
			p.Log.Debug("open transaction left to its timeout", "transactional_id", b.c.Name, "err", err)
		}
	}
	return err
}

// transaction fills a transaction for an interval and commits it.
func (r *round) transaction(ctx context.Context) error {
	b := r.b
	if err := b.await(ctx); err != nil {
		return err
	}
	r.open, b.began = true, time.Now()
	if err := r.fill(ctx); err != nil {
		return err
	}
	if err := r.drain(ctx); err != nil {
		return err
	}
	places, lanes := r.places()
	if len(places) == 0 {
		r.open = false // whoever had something to write was closed
		return nil
	}
	began := time.Now()
	batches, committed, err := b.set.p.Positions.Stage(places)
	if err != nil {
		return fmt.Errorf("preparing positions: %w", err)
	}
	if err := r.store(ctx, batches); err != nil {
		return err
	}
	// Once asked for, a commit is asked for until its outcome is known.
	who, err := b.c.End(ctx, b.who, true)
	if err != nil {
		return err
	}
	r.open = false
	committed()
	if stored := b.set.p.Stored; stored != nil {
		stored(began)
	}
	b.committed(places, lanes)
	return r.goOn(ctx, who)
}

// await waits for something to write.
func (b *bucket) await(ctx context.Context) error {
	for {
		if err := b.failure(); err != nil || b.due() {
			return err
		}
		select {
		case <-b.wake:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// due reports whether there is something to write.
func (b *bucket) due() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) > 0 {
		return true
	}
	for _, l := range b.lanes {
		if l.moved {
			return true
		}
	}
	return false
}

// fill hands batches on as they come until the transaction is old or large
// enough.
func (r *round) fill(ctx context.Context) error {
	b := r.b
	end := time.NewTimer(b.set.p.Interval)
	defer end.Stop()
	size := int64(0)
	for {
		n, err := r.feed(ctx)
		if err != nil {
			return err
		}
		size += n
		b.mu.Lock()
		enough := b.hurry || size >= b.set.p.MaxBytes
		b.hurry = false
		b.mu.Unlock()
		if enough {
			return nil
		}
		select {
		case <-b.wake:
		case <-end.C:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// hand gives batches to the lanes of their target partitions.
func (r *round) hand(ctx context.Context, portions []portion) error {
	var fresh []wire.PartitionKey
	for _, p := range portions {
		st := r.stream(p.target, p.maxBytes)
		if !st.added {
			st.added = true
			fresh = append(fresh, p.target)
		}
	}
	var err error
	if len(fresh) > 0 && !r.b.set.p.V2 {
		err = r.b.c.Add(ctx, r.b.who, fresh)
	}
	for _, p := range portions {
		st := r.stream(p.target, p.maxBytes)
		for _, q := range p.batches {
			if err != nil {
				release(q)
				continue
			}
			st.lane.Add(q)
		}
	}
	return err
}

// patience is how long a commit waits for the next acknowledgement before the
// partitions that lack one must leave the bucket for a while.
const patience = 20 * time.Second

// drain waits until everything that was handed on is acknowledged.
func (r *round) drain(ctx context.Context) error {
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for before := math.MaxInt; ; {
		if err := r.b.failure(); err != nil {
			return err
		}
		var late []*stream
		pending := 0
		for _, st := range r.streams {
			if n := st.lane.Pending(); n > 0 {
				late = append(late, st)
				pending += n
			}
		}
		if len(late) == 0 {
			return nil
		}
		if pending < before {
			before = pending
			limit.Reset(patience)
		}
		select {
		case <-r.b.wake:
		case <-limit.C:
			return r.expel(late)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// expel ends the lanes of streams that hold up everybody. Their owner tries them
// again after a while.
func (r *round) expel(late []*stream) error {
	err := errLane
	for _, st := range late {
		lanes := st.users()
		cause := st.cause()
		if len(lanes) == 0 {
			err = fmt.Errorf("storing positions: %w", cause)
			continue
		}
		r.b.end(lanes, st.about(lanes[0], fmt.Errorf("the partition held up a transaction for %s and left it: %w", patience, cause)))
	}
	return err
}

// places returns how far the lanes that moved are.
func (r *round) places() ([]Place, []*Lane) {
	b := r.b
	b.mu.Lock()
	defer b.mu.Unlock()
	var places []Place
	var lanes []*Lane
	writers := map[wire.PartitionKey]int{}
	for _, l := range b.lanes {
		writers[plain(l.p.Target)]++
		for other := range l.others {
			writers[other]++
		}
	}
	for _, l := range b.lanes {
		if !l.moved {
			continue
		}
		end := int64(-1)
		if st := r.streams[plain(l.p.Target)]; st != nil && writers[plain(l.p.Target)] == 1 && l.aloneLocked() && st.acked {
			end = st.ack.TargetEnd
		}
		places = append(places, Place{l.p.Events, l.next, l.epoch, end})
		lanes = append(lanes, l)
	}
	return places, lanes
}

// store makes positions part of the transaction.
func (r *round) store(ctx context.Context, batches []Stored) error {
	portions := make([]portion, len(batches))
	for i, s := range batches {
		portions[i] = portion{target: s.Key, batches: []sink.Batch{{Data: s.Batch, Records: s.Records, MaxTimestamp: s.Batch.MaxTimestamp()}}}
	}
	if err := r.hand(ctx, portions); err != nil {
		return err
	}
	return r.drain(ctx)
}

// committed tells lanes what is committed.
func (b *bucket) committed(places []Place, lanes []*Lane) {
	b.attempts = 0
	b.pace(time.Since(b.began))
	acks := make([]sink.Ack, len(lanes))
	b.mu.Lock()
	for i, l := range lanes {
		acks[i] = sink.Ack{
			SourceNext: places[i].Next, SourceEpoch: places[i].Epoch, TargetEnd: places[i].TargetEnd,
			ProducerID: -1, ProducerEpoch: -1, Records: l.records, Bytes: l.bytes, Aside: l.aside,
		}
		l.records, l.bytes, l.aside = 0, 0, 0
		l.moved = l.next != places[i].Next
	}
	b.lanes = slices.DeleteFunc(b.lanes, func(l *Lane) bool { return l.closed && !l.moved })
	troubled := b.troubled
	b.broadcastLocked()
	b.mu.Unlock()
	for i, l := range lanes {
		l.p.Events.Acked(acks[i])
	}
	if troubled {
		b.complain(nil)
	}
}

// goOn prepares the next transaction, which with transaction.version 2 is
// another epoch's.
func (r *round) goOn(ctx context.Context, who transaction.Producer) error {
	same := who == r.b.who
	if err := r.b.become(ctx, who); err != nil {
		return err
	}
	for key, st := range r.streams {
		st.added = false
		if !same {
			st.lane.Rebegin(sink.LaneParams{
				Target: key, ProducerID: who.ID, ProducerEpoch: who.Epoch, TargetEnd: st.end(),
			})
		}
	}
	return nil
}
