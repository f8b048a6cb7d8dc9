package mirror

import (
	"context"
	"sync"

	"github.com/strait-mirror/strait/flows/internal/wire"
)

// producer is a producer id with its epoch.
type producer struct {
	id    int64
	epoch int16
}

// producers hands out producer ids to lanes. All lanes have the same one, except
// where several write to one target partition, together or one after the other:
// there each has its own, since its sequence is its alone.
type producers struct {
	fresh func(ctx context.Context) (id int64, epoch int16, err error)

	mu   sync.Mutex // guards the rest
	ids  []producer
	used map[wire.PartitionKey]int // of ids, by target partition without the topic's id
}

// take returns an id that no lane of this session has had in a target partition.
func (p *producers) take(ctx context.Context, target wire.PartitionKey) (producer, error) {
	target.ID = wire.TopicID{}
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.used[target]
	for n >= len(p.ids) {
		id, epoch, err := p.fresh(ctx)
		if err != nil {
			return producer{}, err
		}
		p.ids = append(p.ids, producer{id, epoch})
	}
	if p.used == nil {
		p.used = map[wire.PartitionKey]int{}
	}
	p.used[target]++
	return p.ids[n], nil
}
