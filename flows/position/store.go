package position

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/flows/internal/admin"
	"github.com/strait-mirror/strait/flows/internal/mm2fmt"
)

// PermissionError is the error of an operation for which a permission is
// missing; errors.AsType finds it in what Open, Refresh and Write return.
type PermissionError = admin.MissingPermissionError

// previousName is the first element of the keys that hold previous anchors.
// Connect's OffsetUtils reads it as the name of a connector, which MirrorMaker
// 2 never asks for, and so without a warning.
const previousName = "StraitPrevious"

// Params is what NewStore needs. A zero optional field means its default.
type Params struct {
	// Client is the target's control client. It must produce as kgo does by
	// default: idempotently, acks=all, keys to partitions as Kafka's own
	// producer. Required.
	Client      *kgo.Client
	SourceAlias string       // required
	Log         *slog.Logger // required

	ReplicationFactor int16  // of the topic, if it is created; default -1, the broker's default
	Topic             string // default mm2-offsets.<SourceAlias>.internal
	Partitions        int32  // of the topic, if it is created; default 25, MirrorMaker 2's
	KeepSettings      bool   // never alter the settings of a topic that exists

	// Owner stands in the keys where MirrorMaker 2 writes the name of its
	// connector. Only a flow that owns its source topics towards this target
	// keeps the default, mm2fmt.SourceConnector.
	Owner string

	// Workers is the group of MirrorMaker 2's workers, for Check; "" checks nothing.
	Workers string

	// Import is where positions are taken over from; nil: from nowhere.
	Import *Import

	// PreviousEvery is every how many writes of a lane its previous anchor is
	// written as well; default 12, which is once a minute while it moves.
	PreviousEvery int
}

// Store holds the anchors of one source. All methods are safe for concurrent
// use, and Get, Previous and All never wait for a broker.
type Store struct {
	p Params

	// turn holds one token while nobody reads or writes the topic: anchors of
	// a lane reach the log in the order of the calls, and what a Refresh read
	// is never older than what a Write has written since. The token guards:
	turn     chan struct{}
	next     map[int32]int64 // offset to read next by partition
	topicID  [16]byte        // the topic next belongs to
	readable bool            // records were fetched, or could have been
	granted  bool            // a producer id was granted

	mu     sync.Mutex // guards lanes and what it holds, and warned
	lanes  map[Lane]*lane
	warned map[string]bool // warnings that were logged
}

// lane is what the store knows of one partition of the source.
type lane struct {
	newest    *Anchor // nil: none, or deleted
	previous  *Anchor // what the previous key holds; nil: nothing
	candidate *Anchor // will be previous next; nil: the anchor being replaced then
	writes    int     // since the previous key was written
}

// NewStore checks p and returns a store that holds nothing yet.
func NewStore(p Params) (*Store, error) {
	if p.Client == nil || p.SourceAlias == "" || p.Log == nil {
		return nil, errors.New("building position store: client, source alias and log are required")
	}
	p.Topic = cmp.Or(p.Topic, "mm2-offsets."+p.SourceAlias+".internal")
	p.Partitions = cmp.Or(p.Partitions, 25)
	p.ReplicationFactor = cmp.Or(p.ReplicationFactor, -1)
	p.Owner = cmp.Or(p.Owner, mm2fmt.SourceConnector)
	p.PreviousEvery = cmp.Or(p.PreviousEvery, 12)
	s := &Store{
		p:     p,
		turn:  make(chan struct{}, 1),
		next:  make(map[int32]int64),
		lanes: make(map[Lane]*lane), warned: make(map[string]bool),
	}
	s.turn <- struct{}{}
	return s, nil
}

// Open finds out that no MirrorMaker 2 mirrors the same, creates the topic if it is missing, sees to its settings, and reads all
// anchors; where there are none it takes over those of Import. It retries what may pass by itself until ctx ends; a store whose
// Open failed may be opened again.
func (s *Store) Open(ctx context.Context) error {
	if err := s.Check(ctx); err != nil {
		return err
	}
	if err := s.ensureTopic(ctx); err != nil {
		return err
	}
	if err := s.Refresh(ctx); err != nil {
		return err
	}
	return s.takeOver(ctx)
}

// Get returns the newest anchor of a partition of the source. It returns false
// when there is none, which is also what a position of MirrorMaker 2 without
// an offset means.
func (s *Store) Get(topic string, partition int32) (Anchor, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lanes[Lane{topic, partition}]
	if l == nil || l.newest == nil {
		return Anchor{}, false
	}
	return *l.newest, true
}

// Previous returns an anchor that was written some PreviousEvery writes before
// the newest one, for targets that lost the end of their log. The newest
// anchor may be older, when MirrorMaker 2 wrote it or positions were edited:
// a reader compares them.
func (s *Store) Previous(topic string, partition int32) (Anchor, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lanes[Lane{topic, partition}]
	if l == nil || l.previous == nil {
		return Anchor{}, false
	}
	return *l.previous, true
}

// All returns the newest anchors, in no order.
func (s *Store) All() []Anchor {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Anchor, 0, len(s.lanes))
	for _, l := range s.lanes {
		if l.newest != nil {
			all = append(all, *l.newest)
		}
	}
	return all
}

// laneLocked returns what is known of a partition. s.mu is held.
func (s *Store) laneLocked(at Lane) *lane {
	l := s.lanes[at]
	if l == nil {
		l = &lane{}
		s.lanes[at] = l
	}
	return l
}

// takeTurn waits until nobody reads or writes the topic. Its caller gives the
// token back.
func (s *Store) takeTurn(ctx context.Context) error {
	select {
	case <-s.turn:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
