// Package sink appends record batches to a target cluster, in order and without
// loss, whatever happens to connections and leaders on the way.
//
// Its unit is the Lane: one source partition on its way to one target partition,
// with a sequence of its own. Lanes whose target partitions are led by the same
// broker share its Produce requests, with exactly one batch per partition in
// each. What a broker answers, or that it does not answer, is handled per lane.
// The rules are those of docs/architecture.md, "Invariants"; lane.go and
// resolve.go keep them.
//
// Package source fetches what is appended here; package mirror joins the two.
package sink

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/strait-mirror/strait/flows/internal/batch"
	"github.com/strait-mirror/strait/flows/internal/memory"
	"github.com/strait-mirror/strait/flows/internal/wire"
)

// Client sends Produce requests. Requests handed to it by one goroutine for one
// broker are written in that order; done is called once for each.
type Client interface {
	Produce(ctx context.Context, broker int32, req *wire.ProduceRequest, done func(*wire.ProduceResponse, error))
}

// Leaders knows which broker leads a partition.
type Leaders interface {
	Leader(topic string, partition int32) (broker, epoch int32, id wire.TopicID, ok bool)
	Refresh(ctx context.Context) error
	Hint(topic string, partition, broker, epoch int32)
}

// Log reads back what a target partition really holds.
type Log interface {
	// LastAppend returns the sequence of the last record that the producer
	// appended at or above offset from, and the partition's true end.
	LastAppend(ctx context.Context, key wire.PartitionKey, from, producerID int64, epoch int16) (Appended, error)
}

// Appended is what a partition holds of one producer.
type Appended struct {
	Found        bool  // the producer appended something in the range
	LastSequence int32 // of its last record
	NextOffset   int64 // offset after its last batch
	End          int64 // end of the log
}

// Coalescer merges neighbouring batches; *batch.Recoder is one.
type Coalescer interface {
	Coalesce(dst []byte, batches []batch.Batch, l batch.CoalesceLimits) (out []byte, n int)
}

// Params is what New needs. A zero optional field means its default.
type Params struct {
	Client  Client         // required
	Leaders Leaders        // required
	Log     Log            // required without TransactionalID
	Budget  *memory.Budget // required: coalesced batches live in it
	Logger  *slog.Logger   // required

	// NewProducer returns a producer id that nobody else uses (InitProducerID).
	NewProducer func(ctx context.Context) (id int64, epoch int16, err error) // required without TransactionalID

	MaxRequestSize int           // bytes of batches in one request; default 1 MiB (a larger batch goes alone)
	MaxInFlight    int           // requests per broker without an answer; default 5
	Window         int           // batches per lane without an answer, at most 5: the broker remembers that many
	RequestTimeout time.Duration // how long a broker may wait for its replicas; default 30s
	Coalesce       Coalescer     // merges neighbouring small batches while a lane's window is full; nil: they stay apart

	// TransactionalID marks every batch as part of a transaction of this id, which
	// the owner of the sink begins and ends. Lanes never change their producer id
	// then: what would need another one stops them. Empty: no transactions.
	TransactionalID string
	MaxVersion      int16 // of Produce requests; 0: the highest

	// ProducerIDExpiration is the target's producer.id.expiration.ms: beyond
	// that age of a record its broker may have forgotten the lane's sequence.
	// Default one day, Kafka's.
	ProducerIDExpiration time.Duration

	// QuietTime is how long a request may be under way to a broker after its
	// connection was lost. It is waited before a lane goes on in a way that the
	// broker would not know such a request by; default 5s.
	QuietTime time.Duration
}

// Sink appends batches to one cluster. Its methods are safe for concurrent use.
type Sink struct {
	p      Params
	ctx    context.Context //nolint:containedctx // of Run: requests end with it; set before any lane runs
	wait   sync.WaitGroup  // every goroutine started below Run
	closed chan struct{}   // closed when Run ends

	mu      sync.Mutex // guards brokers and writers
	brokers map[int32]*broker
	writers map[wire.PartitionKey]int // lanes ever added, by target partition without the topic's id

	shared atomic.Bool // some target partition has had several lanes

	stats Stats
}

// Stats counts what a sink did. Read them with Load.
type Stats struct {
	Requests   atomic.Int64 // Produce requests sent
	Batches    atomic.Int64 // batches acknowledged
	Records    atomic.Int64 // records acknowledged
	Bytes      atomic.Int64 // bytes of batches acknowledged
	Resent     atomic.Int64 // batches sent again
	Coalesced  atomic.Int64 // batches merged into others
	Recognised atomic.Int64 // batches found in the log instead of being sent again
}

// New checks p and returns a sink; it starts and dials nothing.
func New(p Params) (*Sink, error) {
	alone := p.TransactionalID == "" && (p.Log == nil || p.NewProducer == nil)
	if p.Client == nil || p.Leaders == nil || p.Budget == nil || p.Logger == nil || alone {
		return nil, errors.New("building sink: client, leaders, log, budget, logger and new producer are required")
	}
	setDefault(&p.MaxRequestSize, 1<<20)
	setDefault(&p.MaxInFlight, maxWindow)
	setDefault(&p.Window, maxWindow)
	setDefault(&p.RequestTimeout, 30*time.Second)
	setDefault(&p.ProducerIDExpiration, 24*time.Hour)
	setDefault(&p.QuietTime, 5*time.Second)
	p.Window = min(p.Window, maxWindow)
	return &Sink{
		p: p, brokers: map[int32]*broker{}, writers: map[wire.PartitionKey]int{}, closed: make(chan struct{}),
	}, nil
}

// maxWindow is how many batches of a producer a broker remembers for
// recognising a repetition (ProducerStateEntry.NUM_BATCHES_TO_RETAIN).
const maxWindow = 5

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// Stats returns the sink's counters.
func (s *Sink) Stats() *Stats { return &s.stats }

// transactional reports whether batches are parts of transactions.
func (s *Sink) transactional() bool { return s.p.TransactionalID != "" }

// Start makes the sink ready for lanes. Everything it starts ends with ctx;
// Wait returns when it has.
func (s *Sink) Start(ctx context.Context) {
	s.ctx = ctx
	s.wait.Go(func() {
		<-ctx.Done()
		close(s.closed)
	})
}

// Wait returns when everything that the sink started has ended, which needs the
// context given to Start to end.
func (s *Sink) Wait() { s.wait.Wait() }

// Batch is one batch for a lane. Its bytes belong to the sink from Add on: they
// are stamped in place.
type Batch struct {
	Data         batch.Batch
	Buffer       *memory.Buffer // what holds Data; one reference, released with the batch
	Owner        Owner          // told when the batch has left; may be nil
	Records      int32          // count, which is also its share of the sequence
	SourceNext   int64          // source offset after the batch
	SourceEpoch  int32          // partition leader epoch of the batch at the source
	MaxTimestamp int64          // ms
}

// addWriter counts a lane that writes to a target partition.
func (s *Sink) addWriter(key wire.PartitionKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key.ID = wire.TopicID{}
	s.writers[key]++
	if s.writers[key] > 1 {
		s.shared.Store(true)
	}
}

// meets reports whether several lanes write, or have written, to a target
// partition.
func (s *Sink) meets(key wire.PartitionKey) bool {
	if !s.shared.Load() {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key.ID = wire.TopicID{}
	return s.writers[key] > 1
}

// Owner is told when the sink no longer needs a batch.
type Owner interface{ Release() }

// broker returns the sender for a broker, starting it if needed.
func (s *Sink) broker(id int32) *broker {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.brokers[id]
	if b == nil {
		b = &broker{sink: s, id: id, wake: make(chan struct{}, 1)}
		s.brokers[id] = b
		s.wait.Go(func() { b.run(s.ctx) })
	}
	return b
}
