// Package source fetches record data from the brokers of a source cluster.
//
// A Fetcher owns the question "who is asked for what, and when": one loop per
// source broker with an incremental fetch session (KIP-227), leaders and their
// epochs (KIP-320, KIP-951), followers in the reader's rack (KIP-392), and the
// back-pressure that keeps what is fetched within a memory budget. It reads
// record data only as far as it must to know the next offset; what is in the
// batches is the business of the Handler, which gets the bytes as they came.
//
// A Fetcher never skips: an offset that is not in the source's log parks its
// partition until the handler's owner says with SeekTo where to go on.
package source

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/strait-mirror/strait/flows/internal/memory"
	"github.com/strait-mirror/strait/flows/internal/wire"
)

// Allocator is where the buffers of a response come from.
type Allocator = wire.Allocator

// Client sends one fetch to one broker and waits for its answer, as *wire.Client
// does. It is safe for concurrent use; a response comes with no error, and no error with a response.
type Client interface {
	Fetch(ctx context.Context, broker int32, req *wire.FetchRequest, alloc Allocator) (*wire.FetchResponse, error)
}

// Leaders knows which broker leads which partition. It is safe for concurrent
// use.
type Leaders interface {
	// Leader returns the partition's leader, its epoch and the topic's id as of
	// the last refresh or hint, without waiting; not ok where there is none.
	Leader(topic string, partition int32) (broker, epoch int32, id wire.TopicID, ok bool)
	// Refresh asks the cluster anew; calls at the same time share one request.
	Refresh(ctx context.Context) error
	// Hint passes on what a broker said of a new leader (KIP-951).
	Hint(topic string, partition, leader, epoch int32)
}

// Offsets asks for the ends of a log. It is safe for concurrent use. Latest
// wants the high watermark, whatever the isolation level.
type Offsets interface {
	Earliest(ctx context.Context, topic string, partition int32) (offset int64, epoch int32, err error)
	Latest(ctx context.Context, topic string, partition int32) (offset int64, epoch int32, err error)
}

// Pacer holds fetching back. It is safe for concurrent use.
type Pacer interface {
	// Wait returns nil once more may be fetched, else why ctx ended.
	Wait(ctx context.Context) error
	// Most is how many bytes one fetch may ask for.
	Most() int32
	// Fetched says how many bytes one brought.
	Fetched(bytes int64)
}

// Params is what New needs. A zero optional field means its default.
type Params struct {
	Clients []Client       // required; every broker gets one loop per client, its partitions are spread over them
	Leaders Leaders        // required
	Offsets Offsets        // required
	Budget  *memory.Budget // required; may be shared with other fetchers
	Log     *slog.Logger   // required

	Pacer                  Pacer         // default: nothing is held back
	ReadCommitted          bool          // read up to the last stable offset only
	Rack                   string        // where this program runs; empty: always read from leaders
	FetchMaxBytes          int32         // most bytes of one response; default 16 MiB, at most half the budget
	MaxPartitionFetchBytes int32         // most bytes of one partition in one response; default 4 MiB
	FetchMinBytes          int32         // bytes a broker waits for; default 1
	FetchMaxWait           time.Duration // how long a broker waits for them; default 500 ms
	Patience               time.Duration // how long a partition may lack a leader before it is a Problem; default 5 s
}

// New checks p and returns a stopped Fetcher; it starts and asks nothing.
func New(p Params) (*Fetcher, error) {
	switch {
	case len(p.Clients) == 0, p.Leaders == nil, p.Offsets == nil, p.Budget == nil, p.Log == nil:
		return nil, errors.New("building source fetcher: clients, leaders, offsets, budget and log are required")
	case p.FetchMaxBytes < 0, p.MaxPartitionFetchBytes < 0, p.FetchMinBytes < 0, p.FetchMaxWait < 0, p.Patience < 0:
		return nil, errors.New("building source fetcher: sizes and times must not be negative")
	}
	p.FetchMaxBytes = cmp.Or(p.FetchMaxBytes, 16<<20)
	p.MaxPartitionFetchBytes = cmp.Or(p.MaxPartitionFetchBytes, 4<<20)
	p.FetchMinBytes = cmp.Or(p.FetchMinBytes, 1)
	p.FetchMaxWait = cmp.Or(p.FetchMaxWait, 500*time.Millisecond)
	p.Patience = cmp.Or(p.Patience, 5*time.Second)
	if p.Pacer == nil {
		p.Pacer = unpaced{}
	}
	return &Fetcher{
		p:      p,
		loops:  map[loopKey]*loop{},
		byName: map[nameKey][]*Partition{},
		poke:   make(chan struct{}, 1),
	}, nil
}

// Fetcher fetches many partitions of one cluster. All methods are safe for
// concurrent use.
type Fetcher struct {
	p        Params
	ran      atomic.Bool
	reserved atomic.Int64  // bytes in reservations of fetches under way
	starving atomic.Int32  // loops that wait for a partition to give bytes back
	poke     chan struct{} // capacity 1: the keeper has something to look at
	counters counters

	// mu guards the rest, and what Partition and loop say it guards. It is held
	// for short sections only, never during a call to the outside, and may be
	// taken while a Partition's calls is held, not the other way round.
	mu     sync.Mutex
	loops  map[loopKey]*loop
	byName map[nameKey][]*Partition // the first is fetched, the others wait until it is removed
	alarms alarms                   // partitions to look at, by time
}

// nameKey is a partition's name whatever its topic's id.
type nameKey struct {
	topic     string
	partition int32
}

// Run fetches until ctx ends and returns its cause; every goroutine it started
// has ended by then. It may be called once.
func (f *Fetcher) Run(ctx context.Context) error {
	if f.ran.Swap(true) {
		return errors.New("running source fetcher: it ran before")
	}
	k := newKeeper(f)
	k.run(ctx)
	return context.Cause(ctx)
}

// Add begins to fetch a partition, before or while Run runs. A partition of the
// same name that is not removed yet is fetched first: the new one waits.
func (f *Fetcher) Add(pp PartitionParams) *Partition {
	p := &Partition{
		f:         f,
		name:      nameKey{pp.Key.Topic, pp.Key.Partition},
		handler:   pp.Handler,
		id:        pp.Key.ID,
		offset:    pp.Offset,
		epoch:     pp.LeaderEpoch,
		replica:   -1,
		alarmSlot: -1,
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.byName[p.name] = append(f.byName[p.name], p)
	if f.byName[p.name][0] == p {
		f.scheduleLocked(p, time.Now())
	}
	return p
}

// wakeKeeper makes the keeper look at the alarms.
func (f *Fetcher) wakeKeeper() {
	select {
	case f.poke <- struct{}{}:
	default:
	}
}

// feed wakes the loops that wait for bytes to be given back.
func (f *Fetcher) feed() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range f.loops {
		if l.starving.Load() {
			l.notify()
		}
	}
}

// unpaced is the Pacer that holds nothing back.
type unpaced struct{}

func (unpaced) Wait(context.Context) error { return nil }
func (unpaced) Most() int32                { return math.MaxInt32 }
func (unpaced) Fetched(int64)              {}
