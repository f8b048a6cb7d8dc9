package sink

import (
	"context"
	"sync"
	"time"

	"github.com/strait-mirror/strait/flows/internal/wire"
)

// broker packs the batches of lanes that one broker leads into its requests.
// One goroutine sends, so that requests are written in the order they are made.
type broker struct {
	sink *Sink
	id   int32
	wake chan struct{} // holds one token when there may be something to send

	way distance

	mu       sync.Mutex // guards ready and inFlight
	ready    []*Lane    // lanes with something to send, each once, first come first served
	inFlight int        // requests without an outcome
}

// push adds a lane to those that have something to send.
func (b *broker) push(l *Lane) {
	b.mu.Lock()
	b.ready = append(b.ready, l)
	b.mu.Unlock()
	b.signal()
}

func (b *broker) signal() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func (b *broker) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.wake:
		}
		for b.reserve() {
			r := b.pack()
			if r == nil {
				b.done()
				break
			}
			b.send(ctx, r)
		}
	}
}

// reserve takes a place for a request, if there is one and something is ready.
func (b *broker) reserve() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.ready) == 0 || b.inFlight >= b.sink.p.MaxInFlight {
		return false
	}
	b.inFlight++
	return true
}

func (b *broker) done() {
	b.mu.Lock()
	b.inFlight--
	b.mu.Unlock()
}

// request is one Produce request with the lanes it carries batches of.
type request struct {
	produce wire.ProduceRequest
	sent    []sent // as produce.Partitions
}

type sent struct {
	lane     *Lane
	sequence int32 // of the batch: names it in the lane's window
}

// pack takes one batch of each ready lane until the request is full. A lane
// that has more to send goes to the end of the line, for the next request.
func (b *broker) pack() *request {
	b.mu.Lock()
	lanes := b.ready
	b.ready = nil
	b.mu.Unlock()

	var r *request
	size, taken := 0, 0
	var again, waiting []*Lane
	var there carried
	if b.sink.shared.Load() {
		there = carried{}
	}
	for _, l := range lanes {
		if r != nil && size >= b.sink.p.MaxRequestSize {
			break
		}
		if there != nil && there.has(l.target()) {
			taken++
			waiting = append(waiting, l)
			continue
		}
		room := b.sink.p.MaxRequestSize - size
		e, verdict := l.take(b, room, r == nil)
		if verdict == takeNoRoom {
			break
		}
		taken++
		if verdict == takeNothing {
			continue
		}
		if r == nil {
			r = &request{produce: wire.ProduceRequest{
				TransactionalID: b.sink.p.TransactionalID, MaxVersion: b.sink.p.MaxVersion, Timeout: b.sink.p.RequestTimeout,
			}}
		}
		key := l.target()
		there.add(key)
		r.produce.Partitions = append(r.produce.Partitions, wire.ProducePartition{PartitionKey: key, Batch: e.Data, Buffer: e.Buffer})
		r.sent = append(r.sent, sent{l, e.sequence})
		size += len(e.Data)
		if l.requeue(b) {
			again = append(again, l)
		}
	}
	b.mu.Lock()
	// Lanes whose partition this request has a batch of come first, then those it
	// had no room for, then who came meanwhile.
	waiting = append(waiting, lanes[taken:]...)
	b.ready = append(append(waiting, b.ready...), again...)
	b.mu.Unlock()
	return r
}

// carried are the target partitions that a request has a batch of, by their keys
// without the topic's id; nil where no two lanes meet in one.
type carried map[wire.PartitionKey]bool

// has reports whether the request has a batch of the partition: of two for one
// partition a broker would take one and answer OK for both.
func (c carried) has(key wire.PartitionKey) bool {
	key.ID = wire.TopicID{}
	return c[key]
}

func (c carried) add(key wire.PartitionKey) {
	if c != nil {
		key.ID = wire.TopicID{}
		c[key] = true
	}
}

func (b *broker) send(ctx context.Context, r *request) {
	b.sink.stats.Requests.Add(1)
	began := time.Now()
	b.sink.p.Client.Produce(ctx, b.id, &r.produce, func(resp *wire.ProduceResponse, err error) {
		if err == nil {
			now := time.Now()
			b.way.answered(now, now.Sub(began))
		}
		b.done()
		b.signal()
		b.answer(r, resp, err)
	})
	for _, p := range r.produce.Partitions { // the client holds on to them by now
		if p.Buffer != nil {
			p.Buffer.Release()
		}
	}
}

// answer tells each lane of a request what became of its batch.
func (b *broker) answer(r *request, resp *wire.ProduceResponse, err error) {
	if err != nil {
		for _, s := range r.sent {
			s.lane.outcome(s.sequence, result{err: err})
		}
		return
	}
	// Brokers answer in an order of their own, by id or by name.
	byKey := make(map[wire.PartitionKey]*wire.ProducedPartition, len(resp.Partitions))
	for i := range resp.Partitions {
		p := &resp.Partitions[i]
		byKey[p.PartitionKey] = p
	}
	for i, s := range r.sent {
		key := r.produce.Partitions[i].PartitionKey
		p := byKey[wire.PartitionKey{Topic: key.Topic, Partition: key.Partition}]
		if p == nil {
			p = byKey[wire.PartitionKey{ID: key.ID, Partition: key.Partition}]
		}
		if p == nil {
			p = byKey[key]
		}
		if p == nil {
			s.lane.outcome(s.sequence, result{err: errNoAnswer})
			continue
		}
		if p.LeaderID >= 0 && p.ErrorCode != 0 {
			b.sink.p.Leaders.Hint(key.Topic, key.Partition, p.LeaderID, p.LeaderEpoch)
		}
		s.lane.outcome(s.sequence, result{code: p.ErrorCode, message: p.Message, base: p.BaseOffset})
	}
}
