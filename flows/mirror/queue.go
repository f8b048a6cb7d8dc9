package mirror

import (
	"context"
	"sync"
)

// runQueue holds the lanes that have something to process, each at most once.
// Workers take them in turn, so that a lane that must decode delays no other
// as long as a worker is free.
type runQueue struct {
	mu    sync.Mutex // guards lanes
	lanes []*lane
	some  chan struct{} // holds a token when lanes may be taken
}

func newRunQueue() *runQueue { return &runQueue{some: make(chan struct{}, 1)} }

func (q *runQueue) push(l *lane) {
	q.mu.Lock()
	q.lanes = append(q.lanes, l)
	q.mu.Unlock()
	q.signal()
}

func (q *runQueue) signal() {
	select {
	case q.some <- struct{}{}:
	default:
	}
}

// take waits for a lane; nil means that ctx ended.
func (q *runQueue) take(ctx context.Context) *lane {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-q.some:
		}
		q.mu.Lock()
		if len(q.lanes) == 0 {
			q.mu.Unlock()
			continue
		}
		l := q.lanes[0]
		q.lanes[0] = nil
		q.lanes = q.lanes[1:]
		more := len(q.lanes) > 0
		q.mu.Unlock()
		if more {
			q.signal()
		}
		return l
	}
}
