package mirror

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/strait-mirror/strait/flows/internal/admin"
	"github.com/strait-mirror/strait/flows/internal/batch"
	"github.com/strait-mirror/strait/flows/internal/wire"
	"github.com/strait-mirror/strait/flows/origin"
	"github.com/strait-mirror/strait/flows/position"
	"github.com/strait-mirror/strait/flows/sink"
	"github.com/strait-mirror/strait/flows/source"
	"github.com/strait-mirror/strait/flows/topicsync"
)

// session is everything that one Run of a flow holds.
type session struct {
	flow         *Flow
	fetch        *wire.Client // raw, to the source
	produce      *wire.Client // raw, to the target
	dead         *deadLetters
	fetcher      *source.Fetcher
	sink         *sink.Sink
	spread       *spread       // nil: lanes end in sink
	transactions *transactions // nil: lanes end in sink
	fences       *fences       // for the barriers of lanes; nil: they have none
	v2           bool          // the target has transaction.version 2
	topics       *topicsync.Syncer
	store        ledger
	recoder      *batch.Recoder
	queue        *runQueue
	scratch      sync.Pool // *[]byte, where batches are re-encoded

	early *found // what discovery found while the session was opened; taken by the first pass

	guard     *origin.Guard    // tells what came from the target; nil: nothing is asked
	registry  *origin.Registry // of producer ids; nil: none is kept
	producers producers
	forgets   time.Duration // after this age of its last record the target forgets a producer; 0: not known
	opened    time.Time
	end       context.CancelCauseFunc // ends run for a reason of its own

	loads     loads        // of all partitions of the source
	comparing atomic.Int64 // records, see align

	storing chan struct{} // has a value from looking where lanes are until that is stored

	mu        sync.Mutex // guards the rest
	lanes     map[position.Lane]*lane
	known     map[string]*topic                 // by source topic
	waiting   map[position.Lane]time.Time       // since when a lane could not be started
	revived   map[position.Lane][sides]*Problem // of stopped lanes that are being started again
	renewals  []renewal                         // lanes that wait for their positions to be stored
	contested map[position.Lane]bool            // somebody else went on from their anchors, see contest
	left      int                               // with Once: lanes that have not finished
	surveyed  bool                              // with Once: all lanes of this pass are started
}

// errComplete ends a single pass.
var errComplete = errors.New("every partition has reached its end")

// errAsked ends a run because its caller wants it to.
var errAsked = errors.New("asked to stop")

// anchorReserve is the part of the time for draining, or a quarter of it where
// that is less, that is kept for storing positions.
const anchorReserve = 5 * time.Second

// open connects to both clusters, however long that takes, and prepares what
// run needs.
func (f *Flow) open(ctx context.Context) (*session, error) {
	s := &session{
		flow: f, lanes: map[position.Lane]*lane{}, known: map[string]*topic{},
		waiting: map[position.Lane]time.Time{}, revived: map[position.Lane][sides]*Problem{}, contested: map[position.Lane]bool{},
		opened: time.Now(), queue: newRunQueue(), storing: make(chan struct{}, 1), recoder: batch.NewRecoder(batch.Params{}),
	}
	err := f.reach(ctx)
	if err == nil {
		err = s.openGuard(ctx)
	}
	if err == nil {
		err = s.openTransactions(ctx)
	}
	if err == nil && s.transactions == nil {
		err = f.waitFor(ctx, f.p.Target, func(ctx context.Context) (err error) {
			id, epoch, err := s.newProducer(ctx)
			s.producers = producers{fresh: s.newProducer, ids: []producer{{id, epoch}}}
			return err
		})
	}
	if err == nil {
		s.forgets = f.forgets(ctx)
		err = s.build() //nolint:contextcheck // making a client takes none
	}
	if err == nil {
		// Topics are looked for, and created, while the positions are read.
		var wait sync.WaitGroup
		wait.Go(func() { s.early = s.findTopics(ctx) })
		if s.transactions == nil { // else what is open of a predecessor is aborted first
			err = f.waitFor(ctx, s.store.on, s.store.Open)
		}
		wait.Wait()
	}
	if err != nil {
		s.close()
		return nil, err
	}
	f.mu.Lock()
	f.session = s
	f.mu.Unlock()
	return s, nil
}

// forgets returns after how long the target forgets a producer; 0: not known,
// which a missing DESCRIBE_CONFIGS on the cluster is no reason to stop for.
func (f *Flow) forgets(ctx context.Context) time.Duration {
	const patience = 2 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	expiration, err := f.p.Target.ProducerIDExpiration(ctx)
	key := noteKey{kind: noteForgets, partition: WholeTopic}
	if _, missing := errors.AsType[*admin.MissingPermissionError](err); missing {
		denied := f.p.Target.Explain(err)
		f.note(key, Problem{
			Err: fmt.Errorf("when the target forgets a producer (producer.id.expiration.ms) is not known, Kafka's default of a day is assumed: %w", denied),
			Fix: fixFor(denied),
		})
		return 0
	}
	f.clearNote(key)
	if err != nil {
		f.p.Log.Debug("producer.id.expiration.ms of the target not known, its default is assumed", "err", err)
	}
	return expiration
}

// What the data clients are for, before the flow's name; their client ids end with it.
const (
	fetchPurpose   = "fetch-"
	producePurpose = "produce-"
)

// build makes the parts of the data plane; it starts nothing.
func (s *session) build() error {
	f, def := s.flow, s.flow.p.Flow
	var err error
	if s.fetch, err = f.p.Source.Data(fetchPurpose+def.Name, &f.fetching); err != nil {
		return fmt.Errorf("building the fetch client: %w", err)
	}
	if s.produce, err = f.p.Target.Data(producePurpose+def.Name, &f.producing); err != nil {
		return fmt.Errorf("building the produce client: %w", err)
	}
	from, to := view{f.p.Source}, view{f.p.Target}
	s.fetcher, err = source.New(source.Params{
		Clients: []source.Client{s.fetch}, Leaders: from, Offsets: from,
		Pacer: f.limit, Budget: f.budget, Log: f.p.Log, ReadCommitted: f.readCommitted, Rack: f.p.Source.Rack(),
		FetchMaxBytes: def.FetchMaxBytes, MaxPartitionFetchBytes: def.MaxPartitionFetchBytes, FetchMinBytes: def.FetchMinBytes, FetchMaxWait: def.FetchMaxWait,
	})
	if err != nil {
		return err
	}
	params := sink.Params{
		Client: s.produce, Leaders: to, Budget: f.budget, Logger: f.p.Log,
		Log:            &targetLog{cluster: f.p.Target, client: s.produce, budget: f.budget},
		NewProducer:    s.newProducer,
		MaxRequestSize: int(def.MaxRequestSize), RequestTimeout: def.RequestTimeout,
		ProducerIDExpiration: s.forgets,
	}
	if def.Coalesce != "off" {
		params.Coalesce = s.recoder
	}
	if s.sink, err = sink.New(params); err != nil {
		return err
	}
	if err = s.buildSpread(); err != nil {
		return err
	}
	s.dead = &deadLetters{flow: f}
	if s.store, err = f.newLedger(); err != nil {
		return err
	}
	if err = s.transactions.build(); err != nil {
		return err
	}
	if err = s.buildFences(); err != nil {
		return err
	}
	s.topics, err = topicsync.New(f.topicParams())
	return err
}

// run starts the data plane and stops it in order when ctx ends: fetching
// first, then the lanes once their batches are acknowledged, then the anchors.
func (s *session) run(ctx context.Context) error {
	f := s.flow
	defer f.setRunning()()
	defer s.close()
	ctx, s.end = context.WithCancelCause(ctx)
	defer s.end(nil)
	data, stopData := context.WithCancel(context.WithoutCancel(ctx))
	fetching, stopFetching := context.WithCancel(data)
	var wait sync.WaitGroup
	defer wait.Wait()
	defer stopData()
	defer stopFetching()

	s.sink.Start(data)
	s.spread.start(data)
	s.transactions.start(data)
	wait.Go(func() {
		if err := s.fetcher.Run(fetching); err != nil && fetching.Err() == nil {
			s.end(fmt.Errorf("fetching: %w", err))
		}
	})
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for l := s.queue.take(fetching); l != nil; l = s.queue.take(fetching) {
				l.work(fetching)
			}
		})
	}
	anchoring, stopAnchoring := context.WithCancel(data)
	defer stopAnchoring()
	anchored := make(chan struct{})
	wait.Go(func() {
		defer close(anchored)
		s.anchor(anchoring)
	})
	wait.Go(func() { s.watchPositions(data) })
	wait.Go(func() { s.watchOthers(fetching) })
	wait.Go(func() { s.watchEnds(fetching) })
	wait.Go(func() { s.fences.watch(data) })
	wait.Go(func() { s.watchLoads(fetching) })
	f.setState(Running, "")
	s.discover(ctx) // until ctx ends

	f.setState(Draining, "")
	drain, cancel := context.WithTimeout(data, f.p.DrainTimeout)
	defer cancel()
	// Lanes that do not come to rest must leave time to store where the others are.
	rest, cancelRest := context.WithTimeout(drain, f.p.DrainTimeout-min(f.p.DrainTimeout/4, anchorReserve))
	defer cancelRest()
	stopFetching()
	moving := s.closeLanes(rest)
	stopAnchoring()
	<-anchored
	err := s.writeAnchors(drain, s.moved())
	stopData()
	s.produce.Close()
	s.sink.Wait()
	s.spread.stop()
	s.transactions.stop()
	return s.verdict(context.Cause(ctx), s.undrained(moving, err))
}

// undrained says what a drain left behind; nil: nothing.
func (s *session) undrained(moving int, anchors error) error {
	within := s.flow.p.DrainTimeout
	switch {
	case moving > 0:
		return fmt.Errorf("draining: %d partitions had batches without an acknowledgement after %s; those will be mirrored again", moving, within)
	case anchors != nil:
		return fmt.Errorf("draining: positions were not stored within %s, what came after the last ones will be mirrored again: %w",
			within, s.store.on.Explain(anchors))
	}
	return nil
}

// verdict says what the end of a run means: why it ended, unless somebody outside
// asked for it, and what the drain left behind.
func (s *session) verdict(cause, undrained error) error {
	switch {
	case errors.Is(cause, errComplete):
		return errors.Join(s.flow.incomplete(), undrained)
	case errors.Is(cause, errAsked):
		return undrained
	}
	return cause
}

// closeLanes stops all lanes at once and returns how many did not come to rest.
func (s *session) closeLanes(ctx context.Context) (moving int) {
	return closeAll(ctx, s.list())
}

// closeAll stops lanes at once and returns how many did not come to rest.
func closeAll(ctx context.Context, lanes []*lane) (moving int) {
	rested := make([]bool, len(lanes))
	var wait sync.WaitGroup
	for i, l := range lanes {
		wait.Go(func() { rested[i] = l.close(ctx) })
	}
	wait.Wait()
	for _, ok := range rested {
		if !ok {
			moving++
		}
	}
	return moving
}

func (s *session) list() []*lane {
	s.mu.Lock()
	defer s.mu.Unlock()
	lanes := make([]*lane, 0, len(s.lanes))
	for _, l := range s.lanes {
		lanes = append(lanes, l)
	}
	return lanes
}

func (s *session) close() {
	for _, c := range []*wire.Client{s.fetch, s.produce} {
		if c != nil {
			c.Close()
		}
	}
	s.dead.close()
	s.spread.stop()
	s.fences.close()
}
