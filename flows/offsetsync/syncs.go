// Package offsetsync owns which offsets of a source and of a target are the same
// place: what it is told of acknowledged batches, MirrorMaker 2's topic of offset
// syncs, which it writes and reads, a sparse index of places of its own, and the
// translation of a consumer's offset, which it finds between two known places by
// counting the records of the source's log there.
//
// Whose offsets are translated, and where that is written, is package groupsync's
// business.
package offsetsync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/batch"
	"github.com/strait-mirror/strait/flows/internal/judge"
	"github.com/strait-mirror/strait/flows/internal/mm2fmt"
	"github.com/strait-mirror/strait/flows/internal/tail"
	"github.com/strait-mirror/strait/transforms/chain"
	"github.com/strait-mirror/strait/transforms/program"
	"github.com/strait-mirror/strait/transforms/rename"
)

// Interval is how often a pass writes what is due. A sync that is due meanwhile
// takes the place of an older one.
const Interval = 500 * time.Millisecond

// learnEvery is how often what others have written of their lanes is read.
const learnEvery = 5 * time.Second

// Params is what New needs. A zero optional field means its default.
type Params struct {
	Source *cluster.Cluster // required
	Target *cluster.Cluster // required
	Log    *slog.Logger     // required

	Topic             string        // of offset syncs, MirrorMaker 2's; "": none is written or read
	OnSource          bool          // Topic is on the source, not the target
	ReplicationFactor int16         // of a new Topic; -1: the broker's default
	LagMax            int64         // records that a reader of syncs may be behind
	Flush             time.Duration // how often syncs of idle partitions are written; default 1m

	PlacesReplicationFactor int16 // of a new index; default -1, the broker's default
	ReadCommitted           bool  // records of aborted transactions are not mirrored
	Transactional           bool  // the target has markers of our own: nothing can be counted between two places
	Shared                  bool  // other processes have lanes of the flow, and write of them
	ReadOnly                bool  // nothing is created or written

	// Records is the record stages of a source topic, nil where it has none: what
	// they drop is not counted. A nil Records is nil for every topic. It is safe for
	// concurrent use.
	Records func(topic string) *program.Program
}

// Syncs is what is known of one flow's lanes. Its methods are safe for concurrent
// use.
type Syncs struct {
	p       Params
	emits   bool
	recoder *batch.Recoder

	begun chan struct{} // closed when lanes have their places
	first sync.Once     // closes it

	pass    sync.Mutex // held by a pass; guards:
	syncs   kept       // MirrorMaker 2's
	places  kept       // the index, on the target
	flushed time.Time
	learnt  time.Time // what others wrote

	mu    sync.Mutex // guards the rest; taken after a lane's
	lanes map[cluster.TopicPartition]*Lane
	queue []*Lane // with a sync to be sent
	moved []*Lane // with places to be stored
}

// New checks p and returns what knows nothing yet.
func New(p Params) (*Syncs, error) {
	if p.Source == nil || p.Target == nil || p.Log == nil {
		return nil, errors.New("building offset syncs: source, target and log are required")
	}
	p.Flush = cmp.Or(p.Flush, time.Minute)
	p.PlacesReplicationFactor = cmp.Or(p.PlacesReplicationFactor, -1)
	s := &Syncs{
		p: p, emits: p.Topic != "" && !p.ReadOnly, recoder: batch.NewRecoder(batch.Params{}),
		begun: make(chan struct{}), flushed: time.Now(), lanes: map[cluster.TopicPartition]*Lane{},
	}
	on := p.Target
	if p.OnSource {
		on = p.Source
	}
	if p.Topic != "" {
		s.syncs.Topic = tail.NewTopic(on, p.Topic, "offset syncs", p.ReplicationFactor)
	}
	s.places.Topic = tail.NewTopic(p.Target, mm2fmt.PlacesTopic(p.Source.Alias()), "places of offsets", p.PlacesReplicationFactor)
	return s, nil
}

// Begun says that every lane that can has its place. It may be called again, and
// of nil Syncs.
func (s *Syncs) Begun() {
	if s != nil {
		s.first.Do(func() { close(s.begun) })
	}
}

// Await returns once lanes have their places, or when patience is at an end: what
// is stored of lanes is less than what they know once they go on.
func (s *Syncs) Await(ctx context.Context, patience time.Duration) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-s.begun:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Lane returns the lane of a source partition. What was known of it under other
// topics, or others by these names, is forgotten. Of nil Syncs it is nil.
func (s *Syncs) Lane(source, target Partition) *Lane {
	if s == nil {
		return nil
	}
	l := s.lane(source.Topic, source.Number)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begin(source.ID, end{target.Topic, target.Number, target.ID})
	return l
}

// lane returns the lane of a source partition, of which nothing need be known.
func (s *Syncs) lane(topic string, partition int32) *Lane {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := cluster.TopicPartition{Topic: topic, Partition: partition}
	l := s.lanes[at]
	if l == nil {
		l = &Lane{syncs: s, topic: topic, part: partition}
		s.lanes[at] = l
	}
	return l
}

// find returns a lane, or nil where nothing is known of it.
func (s *Syncs) find(topic string, partition int32) *Lane {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lanes[cluster.TopicPartition{Topic: topic, Partition: partition}]
}

// enqueue notes that a lane has a sync to be sent, index that it has places to be
// stored. They are called with the lane's lock held.
func (s *Syncs) enqueue(l *Lane) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, l)
}

func (s *Syncs) index(l *Lane) {
	if s.p.ReadOnly {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.moved = append(s.moved, l)
}

// dueSyncs returns the lanes with a sync to be sent, dueIndex those with places to
// be stored, and all returns every lane.
func (s *Syncs) dueSyncs() []*Lane {
	s.mu.Lock()
	defer s.mu.Unlock()
	due := s.queue
	s.queue = nil
	return due
}

func (s *Syncs) dueIndex() []*Lane {
	s.mu.Lock()
	defer s.mu.Unlock()
	due := s.moved
	s.moved = nil
	return due
}

func (s *Syncs) all() []*Lane {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*Lane, 0, len(s.lanes))
	for _, l := range s.lanes {
		all = append(all, l)
	}
	return all
}

// ForFlow returns the params of a flow's syncs.
func ForFlow(f *model.Flow, source, target *cluster.Cluster, log *slog.Logger) (Params, error) {
	names, problems := chain.ForFlow(f)
	if err := problems.Err(); err != nil {
		return Params{}, fmt.Errorf("compiling the stages of flow %q: %w", f.Name, err)
	}
	c := &f.Control
	p := Params{
		Source: source, Target: target, Log: log,
		OnSource: c.OffsetSyncsTopicLocation == "source", ReplicationFactor: c.OffsetSyncsTopicReplicationFactor,
		LagMax: c.OffsetLagMax, Flush: c.OffsetFlushInterval,
		PlacesReplicationFactor: f.ReplicationFactor, ReadCommitted: f.IsolationLevel != model.ReadUncommitted,
		Transactional: f.Delivery == model.Transactional,
		Records:       names.Records,
	}
	if c.EmitOffsetSyncsEnabled {
		policy := rename.ForFlow(f)
		p.Topic = policy.OffsetSyncsTopic(f.From)
		if p.OnSource {
			p.Topic = policy.OffsetSyncsTopic(f.To)
		}
	}
	return p, nil
}

// judge returns what tells which records of a partition are mirrored; nil: all are.
func (s *Syncs) judge(topic string, partition int32) *judge.Judge {
	if s.p.Records == nil {
		return nil
	}
	return judge.New(s.p.Records(topic), topic, partition)
}
