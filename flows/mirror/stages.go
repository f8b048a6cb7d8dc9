package mirror

import (
	"maps"
	"sync"

	"github.com/strait-mirror/strait/flows/internal/batch"
	"github.com/strait-mirror/strait/transforms/program"
)

// stages counts what became of records at each record stage, by its name. It is told
// once a batch. The zero value has counted nothing.
type stages struct {
	mu     sync.Mutex // guards counts
	counts map[string]program.Count
}

func (s *stages) add(names []string, more []program.Count) {
	if len(names) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counts == nil {
		s.counts = map[string]program.Count{}
	}
	for i, name := range names {
		c := s.counts[name]
		c.Given += more[i].Given
		c.Dropped += more[i].Dropped
		c.Failed += more[i].Failed
		s.counts[name] = c
	}
}

func (s *stages) counted() map[string]program.Count {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.counts)
}

// countWhole counts a batch that the stages keep or drop by its header, which older
// formats do not have, and returns how many of its records are the lane's.
func (l *lane) countWhole(b batch.Batch) int64 {
	mine := min(int64(b.Count()), b.NextOffset()-l.next)
	l.records.Count(b, mine)
	l.session.flow.stages.add(l.records.Counts())
	return mine
}
