package txn

import (
	"context"
	"time"

	"github.com/strait-mirror/strait/flows/internal/wire"
	"github.com/strait-mirror/strait/flows/sink"
)

// portion is what one lane had queued for a target partition.
type portion struct {
	target   wire.PartitionKey
	maxBytes int
	batches  []sink.Batch
}

// What may be under way in a transaction. A commit waits for all of it, so that a
// long backlog must not become one transaction: over a slow link that would be
// given up for its age before it is done, again and again.
const (
	mostUnderWay        = 4 << 20 // bytes, about
	mostBatchesUnderWay = 1024
)

// atFirst is how often that is halved before anything is known of the way to the
// target, least how often at most: a batch at a time.
const (
	atFirst = 4
	least   = 10
)

// pace notes how long a transaction took.
func (b *bucket) pace(took time.Duration) {
	const quick, slow = 5 * time.Second, 10 * time.Second
	switch {
	case took < quick:
		b.halvings = max(b.halvings-1, 0)
	case took > slow:
		b.halvings = min(b.halvings+1, least)
	}
}

// feed hands on what lanes have queued, as far as there is room.
func (r *round) feed(ctx context.Context) (size int64, err error) {
	b := r.b
	if err := b.failure(); err != nil {
		return 0, err
	}
	pending := 0
	for _, st := range r.streams {
		pending += st.lane.Pending()
	}
	batches := max(mostBatchesUnderWay>>b.halvings, 1) - pending
	bytes := max(int64(mostUnderWay)>>b.halvings, 1) - int64(pending)*r.handed/max(r.batches, 1)
	if batches <= 0 || bytes <= 0 {
		return 0, nil // an acknowledgement wakes the bucket
	}
	portions, size := b.take(batches, bytes)
	for _, p := range portions {
		r.batches += int64(len(p.batches))
	}
	r.handed += size
	return size, r.hand(ctx, portions)
}

// take removes about so much from the queues of lanes, which have equal shares.
func (b *bucket) take(batches int, bytes int64) (portions []portion, size int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	lanes := b.waiting
	b.waiting = nil
	sharers := max(len(lanes), 1)
	for _, l := range lanes {
		n, own := 0, int64(0)
		for n < len(l.queue) && (n == 0 || l.queue[n-1].joined || n < batches/sharers && own < bytes/int64(sharers)) {
			own += int64(len(l.queue[n].Data))
			if l.queue[n].Aside {
				l.aside += int64(l.queue[n].Records)
			} else {
				l.records += int64(l.queue[n].Records)
			}
			n++
		}
		if n == 0 {
			continue
		}
		portions = append(portions, divide(l.queue[:n])...)
		last := &l.queue[n-1]
		l.next, l.epoch, l.moved = last.SourceNext, last.SourceEpoch, true
		l.bytes += own
		size += own
		if l.queue = l.queue[n:]; len(l.queue) > 0 {
			b.waiting = append(b.waiting, l)
		}
	}
	return portions, size
}

// divide sorts what a lane had queued by where it goes. The order within a target
// partition stays.
func divide(queue []queued) (portions []portion) {
	at := map[wire.PartitionKey]int{}
	for _, q := range queue {
		n, ok := at[q.Target]
		if !ok {
			n = len(portions)
			at[q.Target] = n
			portions = append(portions, portion{target: q.Target, maxBytes: q.MaxBytes})
		}
		portions[n].batches = append(portions[n].batches, q.Batch)
	}
	return portions
}
