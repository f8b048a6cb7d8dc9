package mirror

import (
	"context"
	"math/bits"
	"sync"
	"time"

	"github.com/strait-mirror/strait/flows/cluster"
)

// Work is divided among processes by how many records are written to each partition
// of the source. The process that leads measures all of them, with one request to each
// broker. What is said of a partition is coarse and seldom changes: partitions that
// move stand still for a moment.
const (
	loadsFirst  = 4 * time.Second // over which it is measured at first: until then nothing moves for its load
	loadsEach   = 5 * time.Minute // and later on
	loadsSteps  = 2               // by how many powers of two a load changes before it is said
	loadsLeast  = 16              // records a second that weigh no more than an idle partition
	loadsLevels = 24              // powers of two, at most
)

// loads are the loads of the partitions of a source. It is safe for concurrent use.
type loads struct {
	mu       sync.Mutex
	at       time.Time // when ends were looked at
	ends     map[cluster.TopicPartition]int64
	levels   map[cluster.TopicPartition]int // powers of two
	measured bool
}

// saw takes the ends of partitions at a time.
func (l *loads) saw(ends map[cluster.TopicPartition]int64, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	seconds := at.Sub(l.at).Seconds()
	levels := make(map[cluster.TopicPartition]int, len(ends))
	for p, end := range ends {
		old, said := l.levels[p]
		if said {
			levels[p] = old
		}
		before, ok := l.ends[p]
		if !ok || seconds <= 0 {
			continue
		}
		level := min(bits.Len64(uint64(float64(max(end-before, 0))/seconds/loadsLeast)), loadsLevels)
		if !said || level >= old+loadsSteps || level <= old-loadsSteps {
			levels[p] = level
		}
	}
	l.measured = l.measured || l.ends != nil
	l.at, l.ends, l.levels = at, ends, levels
}

// of returns the load of a partition, 1 for one that is idle or not measured yet.
func (l *loads) of(p cluster.TopicPartition) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return 1 << l.levels[p]
}

// known reports whether loads have been measured.
func (l *loads) known() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.measured
}

// reset forgets what was measured.
func (l *loads) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ends, l.levels, l.measured = nil, nil, false
}

// due reports whether it is time to look at the ends.
func (l *loads) due(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.measured {
		return now.Sub(l.at) >= loadsFirst
	}
	return now.Sub(l.at) >= loadsEach
}

// watchLoads measures until ctx ends, where the work is shared and the process leads.
func (s *session) watchLoads(ctx context.Context) {
	if !s.flow.shared() {
		return
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		switch {
		case !s.flow.p.Share.Leads():
			s.loads.reset()
		case s.loads.due(time.Now()):
			s.measure(ctx)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// measure looks once.
func (s *session) measure(ctx context.Context) {
	var all []cluster.TopicPartition
	for _, t := range s.topicsKnown() {
		p := t.pair()
		for n := range p.Partitions {
			all = append(all, cluster.TopicPartition{Topic: p.Source, Partition: n})
		}
	}
	var found map[cluster.TopicPartition]cluster.Offset
	err := s.flow.p.Source.Await(ctx, func(ctx context.Context) error {
		found = s.flow.p.Source.ListOffsets(ctx, cluster.HighWatermark, all)
		return nil
	})
	if err != nil {
		return // what was asked for may still be written
	}
	ends := make(map[cluster.TopicPartition]int64, len(found))
	for p, o := range found {
		if o.Err == nil {
			ends[p] = o.Offset
		}
	}
	if len(ends) > 0 || len(all) == 0 {
		s.loads.saw(ends, time.Now())
	}
}
