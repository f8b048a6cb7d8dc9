package mirror

import (
	"sync"

	"github.com/strait-mirror/strait/flows/internal/batch"
	"github.com/strait-mirror/strait/flows/topicsync"
)

// topic is a mirrored topic with what its target takes. Discovery changes it
// while lanes read it.
type topic struct {
	codec *batch.Codec // that batches get; nil: they keep theirs

	mu    sync.Mutex // guards the rest
	facts topicsync.Pair
	limit batch.Limits
}

func (t *topic) update(p topicsync.Pair) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.facts = p
	t.limit = batch.Limits{Codec: t.codec}
	if p.TargetFacts.Known {
		t.limit.MaxMessageBytes = p.TargetFacts.MaxMessageBytes
		t.limit.LogAppendTime = p.TargetFacts.LogAppendTime
	}
}

func (t *topic) pair() topicsync.Pair {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.facts
}

func (t *topic) limits() batch.Limits {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.limit
}

// lower notes that the target takes less than was thought, until discovery
// reads the topic's settings again.
func (t *topic) lower(maxMessageBytes int32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.limit.MaxMessageBytes = maxMessageBytes
}
