// Package txn writes records and the positions that they lead to in transactions
// of the target, as KIP-618 does: a reader of committed records sees each record
// once, and whoever goes on finds the position that belongs to them.
//
// Its noun is the bucket: the source partitions that share a transactional id.
// They share its transactions and so their fate; a partition is in the same
// bucket in every process. Taking over a bucket fences whoever had it and aborts
// what that one left open, so that the committed positions, read after that, are
// where to go on. A bucket has one goroutine, which fills transactions from the
// queues of its lanes. Appending itself is package sink's: sequences, windows,
// resends, refused batches. docs/adr/0008 has the argument.
//
// What a position is, and where it is kept, is package mirror's business.
package txn

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/strait-mirror/strait/flows/internal/batch"
	"github.com/strait-mirror/strait/flows/internal/memory"
	"github.com/strait-mirror/strait/flows/internal/wire"
	"github.com/strait-mirror/strait/flows/sink"
)

// Buckets is how many there are. It never changes: a partition in another bucket
// than before would be written under another transactional id, which fences
// nobody.
const Buckets = 32

// Bucket returns the bucket of a source partition.
func Bucket(topic string, partition int32) int32 {
	h := fnv.New32a()
	_, _ = fmt.Fprintf(h, "%s/%d", topic, partition) // never fails, says its documentation
	return int32(h.Sum32() % Buckets)
}

// Place is how far a lane is once a transaction is committed.
type Place struct {
	Events    Events // of the lane
	Next      int64  // source offset
	Epoch     int32  // leader epoch at the source
	TargetEnd int64  // target offset behind the lane's last record; -1: not known
}

// Stored are the records that say how far lanes are.
type Stored struct {
	Key     wire.PartitionKey // where they belong
	Batch   batch.Batch
	Records int32
}

// Positions makes records of how far lanes are.
type Positions interface {
	// Stage returns what is to be written for places, and what is to be called
	// once it is committed.
	Stage(places []Place) (batches []Stored, committed func(), err error)
	// Refresh reads what was committed, by whomever.
	Refresh(ctx context.Context) error
}

// Params is what New needs. All of it is required, except where a default is named.
type Params struct {
	ID          string      // begins the transactional ids
	Coordinator *kgo.Client // for requests to coordinators; the caller closes it
	V2          bool        // the cluster has transaction.version 2 (KIP-890)
	Positions   Positions
	Enter       func(ctx context.Context, producerID int64) error // called before a producer id writes

	Stored func(began time.Time) // called after a commit of positions that began then; may be nil

	Client   sink.Client
	Leaders  sink.Leaders
	Budget   *memory.Budget
	Log      *slog.Logger
	Coalesce sink.Coalescer // may be nil

	MaxRequestSize int           // as in package sink
	RequestTimeout time.Duration // as in package sink

	Interval time.Duration // from the first record of a transaction to its commit; default 1s
	MaxBytes int64         // of batches in a transaction, about; default 64 MiB
	Timeout  time.Duration // transaction.timeout.ms: after it the coordinator aborts; default 1m, Kafka's
	StandBy  time.Duration // how long another owner must be still before its bucket is taken back; default 30s
}

// Set is the buckets of one flow. Its methods are safe for concurrent use, but
// for Open, Has, Close and AddLane.
type Set struct {
	p    Params
	ctx  context.Context //nolint:containedctx // of Start: the buckets end with it
	wait sync.WaitGroup

	buckets [Buckets]*bucket // nil: not open
}

// New checks p and returns a set of closed buckets; it starts nothing.
func New(p Params) (*Set, error) {
	if p.ID == "" || p.Coordinator == nil || p.Positions == nil || p.Enter == nil || p.Client == nil ||
		p.Leaders == nil || p.Budget == nil || p.Log == nil {
		return nil, errors.New("building transactions: all but the defaults is required")
	}
	setDefault(&p.Interval, time.Second)
	setDefault(&p.MaxBytes, 64<<20)
	setDefault(&p.Timeout, time.Minute)
	setDefault(&p.StandBy, 30*time.Second)
	return &Set{p: p}, nil
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// Start makes the set ready for Open. Everything that it starts ends with ctx and
// the closing of the coordinator client.
func (s *Set) Start(ctx context.Context) { s.ctx = ctx }

// Wait returns when everything that the set started has ended.
func (s *Set) Wait() { s.wait.Wait() }

// Open takes over buckets that are not open yet: what somebody else has open
// under their ids is aborted, and that one is fenced. Positions are to be read
// after that; Open reports whether there was anything to take over.
func (s *Set) Open(ctx context.Context, numbers map[int32]bool) (opened bool, err error) {
	const atOnce = 8
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	var fresh []*bucket
	for n := range numbers {
		if s.buckets[n] != nil {
			continue
		}
		b := newBucket(s, fmt.Sprintf("%s-%d", s.p.ID, n))
		fresh = append(fresh, b)
		g.Go(func() error { return b.open(ctx) })
	}
	if err := g.Wait(); err != nil {
		for _, b := range fresh {
			b.stop()
		}
		return false, err
	}
	for _, b := range fresh {
		s.buckets[b.number()] = b
		s.wait.Go(func() {
			defer close(b.done)
			b.run(b.ctx)
		})
	}
	return len(fresh) > 0, nil
}

// Has reports whether a bucket is open.
func (s *Set) Has(number int32) bool { return s.buckets[number] != nil }

// Close lets go of the open buckets for which keep is false, whose lanes are
// closed: what they have open is aborted, and may be anybody's from then on.
func (s *Set) Close(keep func(number int32) bool) {
	var gone []*bucket
	for n, b := range s.buckets {
		if b != nil && !keep(int32(n)) {
			b.stop()
			gone = append(gone, b)
			s.buckets[n] = nil
		}
	}
	for _, b := range gone {
		<-b.done
	}
}
