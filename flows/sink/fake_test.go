package sink

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/strait-mirror/strait/flows/internal/batch"
	"github.com/strait-mirror/strait/flows/internal/wire"
)

// fakeBatch returns a batch of n records whose payload is its id.
func fakeBatch(id uint64, n int32, timestamp int64) batch.Batch {
	b := make([]byte, 61+8)
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-12))
	b[16] = 2
	binary.BigEndian.PutUint32(b[23:], uint32(n-1))
	binary.BigEndian.PutUint64(b[27:], uint64(timestamp))
	binary.BigEndian.PutUint64(b[35:], uint64(timestamp))
	binary.BigEndian.PutUint32(b[57:], uint32(n))
	binary.BigEndian.PutUint64(b[61:], id)
	binary.BigEndian.PutUint32(b[17:], batch.Checksum(b[21:]))
	return b
}

// fakeKafka is a cluster with Kafka's rules for idempotent producers: a producer
// goes on at its next sequence, its last five batches are recognised, and a
// broker that holds no state takes any sequence.
type fakeKafka struct {
	mu         sync.Mutex
	rand       *rand.Rand
	partitions map[wire.PartitionKey]*fakePartition
	brokers    int32
	nextPID    int64
	faults     bool
	script     []fakeFate    // of the next requests, before chance has its way
	forget     bool          // producer state vanishes at random, as it does for old data
	late       time.Duration // how late requests arrive at most; default 2s
	maxBytes   int           // max.message.bytes; 0: any
	conns      map[int32]*fakeConn
	wait       sync.WaitGroup
}

type fakePartition struct {
	leader int32
	log    []fakeEntry
	end    int64
	state  map[int64][]fakeEntry // by producer id: the last five
	shut   map[int64]bool        // producer ids that a marker has shut out
}

type fakeEntry struct {
	base      int64
	id        uint64
	pid       int64
	epoch     int16
	sequence  int32
	records   int32
	timestamp int64
}

// fakeFate is what becomes of a request.
type fakeFate int

const (
	arrivesLate fakeFate = iota + 1 // a second after its connection was lost
	outOfOrder                      // refused, though it is in order
)

// fate returns what the script says of the next request; 0: nothing.
func (k *fakeKafka) fate() fakeFate {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.script) == 0 {
		return 0
	}
	f := k.script[0]
	k.script = k.script[1:]
	return f
}

// fakeConn is a connection: requests are handled one at a time, in order, and
// fail together.
type fakeConn struct {
	requests chan fakeRequest
	dead     chan struct{}
}

type fakeRequest struct {
	req  *wire.ProduceRequest
	done func(*wire.ProduceResponse, error)
}

func newFakeKafka(seed uint64, brokers int32, partitions ...wire.PartitionKey) *fakeKafka {
	k := &fakeKafka{
		rand: rand.New(rand.NewPCG(seed, 1)), brokers: brokers,
		partitions: map[wire.PartitionKey]*fakePartition{}, conns: map[int32]*fakeConn{}, nextPID: 100,
	}
	for i, key := range partitions {
		k.partitions[key] = &fakePartition{leader: int32(i) % brokers, state: map[int64][]fakeEntry{}, shut: map[int64]bool{}}
	}
	return k
}

func (k *fakeKafka) chance(percent int) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.faults && k.rand.IntN(100) < percent
}

func (k *fakeKafka) pause(most time.Duration) {
	k.mu.Lock()
	d := time.Duration(k.rand.Int64N(int64(most)))
	k.mu.Unlock()
	time.Sleep(d)
}

func (k *fakeKafka) Produce(ctx context.Context, id int32, req *wire.ProduceRequest, done func(*wire.ProduceResponse, error)) {
	// What is sent must not change under way: keep a copy, as the wire would.
	sent := *req
	sent.Partitions = slices.Clone(req.Partitions)
	for i := range sent.Partitions {
		sent.Partitions[i].Batch = slices.Clone(sent.Partitions[i].Batch)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	c := k.conns[id]
	if c == nil {
		c = &fakeConn{requests: make(chan fakeRequest, 64), dead: make(chan struct{})}
		k.conns[id] = c
		k.wait.Go(func() { k.serve(ctx, id, c) })
	}
	// Under the lock: a connection that ends answers what was handed to it before
	// it left conns, and nothing that comes later.
	c.requests <- fakeRequest{&sent, done}
}

var errConnection = errors.New("connection reset by peer")

func (k *fakeKafka) serve(ctx context.Context, id int32, c *fakeConn) {
	defer func() {
		k.mu.Lock()
		if k.conns[id] == c {
			delete(k.conns, id)
		}
		k.mu.Unlock()
		for {
			select {
			case r := <-c.requests:
				if k.chance(30) { // delivered long after the client gave up
					k.wait.Go(func() {
						k.pause(max(k.late, 2*time.Second))
						k.handle(id, r.req)
					})
				}
				r.done(nil, errConnection)
			default:
				return
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-c.requests:
			k.pause(5 * time.Millisecond)
			fate := k.fate()
			switch {
			case fate == arrivesLate:
				k.wait.Go(func() {
					time.Sleep(time.Second)
					k.handle(id, r.req)
				})
				r.done(nil, errConnection)
				return
			case fate == outOfOrder:
				p := r.req.Partitions[0]
				key := wire.PartitionKey{Topic: p.Topic, Partition: p.Partition}
				r.done(&wire.ProduceResponse{Partitions: []wire.ProducedPartition{
					{PartitionKey: key, BaseOffset: -1, LeaderID: -1, ErrorCode: kerr.OutOfOrderSequenceNumber.Code},
				}}, nil)
				continue
			case k.chance(2): // cut before it arrived
				r.done(nil, errConnection)
				return
			case k.chance(4): // cut after it and those behind it arrived
				k.handle(id, r.req)
				r.done(nil, errConnection)
				for range len(c.requests) {
					r := <-c.requests
					k.handle(id, r.req)
					r.done(nil, errConnection)
				}
				if k.chance(50) {
					k.moveLeader()
				}
				return
			}
			resp := k.handle(id, r.req)
			k.wait.Go(func() { // callers wake in any order
				k.pause(2 * time.Millisecond)
				r.done(resp, nil)
			})
		}
	}
}

func (k *fakeKafka) handle(id int32, req *wire.ProduceRequest) *wire.ProduceResponse {
	k.mu.Lock()
	defer k.mu.Unlock()
	resp := &wire.ProduceResponse{}
	seen := map[wire.PartitionKey]bool{}
	for _, p := range req.Partitions {
		key := wire.PartitionKey{Topic: p.Topic, Partition: p.Partition}
		if seen[key] {
			panic("a partition twice in one request")
		}
		seen[key] = true
		out := wire.ProducedPartition{PartitionKey: key, BaseOffset: -1, LeaderID: -1}
		part := k.partitions[key]
		switch {
		case part.leader != id:
			out.ErrorCode = kerr.NotLeaderForPartition.Code
		case k.faults && (k.rand.IntN(100) < 2 || len(part.state) == 0 && k.rand.IntN(2) == 0):
			out.ErrorCode = kerr.NotEnoughReplicas.Code
		case k.maxBytes > 0 && len(p.Batch) > k.maxBytes:
			out.ErrorCode = kerr.MessageTooLarge.Code
		default:
			out.BaseOffset, out.ErrorCode = k.append(part, batch.Batch(p.Batch))
			if out.ErrorCode == 0 && k.faults && k.rand.IntN(100) < 2 {
				out.ErrorCode = kerr.RequestTimedOut.Code
			}
		}
		resp.Partitions = append(resp.Partitions, out)
	}
	return resp
}

func (k *fakeKafka) append(p *fakePartition, b batch.Batch) (int64, int16) {
	if batch.Checksum(b[21:]) != b.CRC() {
		return -1, kerr.CorruptMessage.Code
	}
	e := fakeEntry{
		id: binary.BigEndian.Uint64(b[61:]), pid: b.ProducerID(), epoch: b.ProducerEpoch(),
		sequence: b.BaseSequence(), records: b.Count(), timestamp: b.MaxTimestamp(),
	}
	if p.shut[e.pid] {
		return -1, kerr.InvalidProducerEpoch.Code
	}
	if k.forget && k.rand.IntN(10) == 0 {
		delete(p.state, e.pid)
	}
	last := p.state[e.pid]
	if len(last) > 0 {
		for _, old := range last {
			if old.sequence == e.sequence && old.records == e.records {
				return old.base, 0
			}
		}
		if addSequence(last[len(last)-1].sequence, last[len(last)-1].records) != e.sequence {
			return -1, kerr.OutOfOrderSequenceNumber.Code
		}
	}
	e.base = p.end
	p.end += int64(e.records)
	p.log = append(p.log, e)
	last = append(last, e)
	p.state[e.pid] = last[max(0, len(last)-5):]
	return e.base, 0
}

// Leader, Refresh and Hint answer at once and always with the truth.
func (k *fakeKafka) Leader(topic string, partition int32) (int32, int32, wire.TopicID, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.partitions[wire.PartitionKey{Topic: topic, Partition: partition}]
	if p == nil {
		return 0, 0, wire.TopicID{}, false
	}
	return p.leader, 0, wire.TopicID{}, true
}
func (k *fakeKafka) Refresh(context.Context) error    { return nil }
func (k *fakeKafka) Hint(string, int32, int32, int32) {}

func (k *fakeKafka) LastAppend(_ context.Context, key wire.PartitionKey, from, pid int64, epoch int16) (Appended, error) {
	if k.chance(20) {
		return Appended{}, kerr.OffsetNotAvailable
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.partitions[wire.PartitionKey{Topic: key.Topic, Partition: key.Partition}]
	a := Appended{End: p.end}
	for _, e := range p.log {
		if e.base >= from && e.pid == pid && e.epoch == epoch {
			a.Found, a.LastSequence, a.NextOffset = true, addSequence(e.sequence, e.records-1), e.base+int64(e.records)
		}
	}
	return a, nil
}

func (k *fakeKafka) newProducer(context.Context) (int64, int16, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.nextPID++
	return k.nextPID, 0, nil
}

func (k *fakeKafka) moveLeader() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, p := range k.partitions {
		if k.rand.IntN(3) == 0 {
			p.leader = k.rand.Int32N(k.brokers)
			for pid, last := range p.state { // as after a reload from a snapshot
				p.state[pid] = last[len(last)-1:]
			}
		}
	}
}
