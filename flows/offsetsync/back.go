package offsetsync

import (
	"context"
	"slices"
	"strings"

	"github.com/strait-mirror/strait/flows/cluster"
)

// Known is a lane of which something is known.
type Known struct {
	Source cluster.TopicPartition
	Target cluster.TopicPartition // its Topic is empty where that is not known
}

// Known lists the lanes of which something is known, by source partition.
func (s *Syncs) Known() []Known {
	var out []Known
	for _, l := range s.all() {
		l.mu.Lock()
		k := Known{cluster.TopicPartition{Topic: l.topic, Partition: l.part}, cluster.TopicPartition{Topic: l.target.topic, Partition: l.target.part}}
		if l.target == (end{}) {
			k.Target.Partition = l.part
		}
		l.mu.Unlock()
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b Known) int {
		if c := strings.Compare(a.Source.Topic, b.Source.Topic); c != 0 {
			return c
		}
		return int(a.Source.Partition - b.Source.Partition)
	})
	return out
}

// Back is Translate the other way: it returns where on the source, in a partition
// of it, a consumer goes on that would go on at an offset of the target.
func (t *Translator) Back(ctx context.Context, topic string, partition int32, offset int64) (to Translation, ok bool) {
	l := t.syncs.find(topic, partition)
	if l == nil {
		return Translation{}, false
	}
	at := l.lookBack(offset)
	if !at.ok {
		return Translation{}, false
	}
	if !at.done && !at.hopeless && t.left > 0 {
		if found, exact := t.find(ctx, l, at, offset-at.below.target); exact {
			at.answer.Offset, at.answer.Exact = found, true
			l.keep(place{found, offset})
		}
	}
	return at.answer, true
}

// lookBack returns what is known around an offset of the target.
func (l *Lane) lookBack(offset int64) lookup {
	l.mu.Lock()
	defer l.mu.Unlock()
	to := Translation{Partition: l.part, Exact: true}
	if l.placed && offset >= l.newest.target {
		to.Offset, to.Behind = l.newest.source, offset > l.newest.target
		return lookup{ok: true, done: true, answer: to}
	}
	b := l.known.behind(offset).narrow(l.found.behind(offset))
	if l.placed {
		b = b.narrow(bracket{above: &l.newest})
	}
	if l.syncs.p.Transactional && b.below != nil && b.below.target != offset {
		b.above = nil
	}
	return b.lookBack(to, offset, l.dense(), l.hopeless)
}

// lookBack is look the other way. Of what is before all that is known it knows
// nothing.
func (b bracket) lookBack(to Translation, offset int64, dense bool, hopeless map[place]bool) lookup {
	below, above := b.below, b.above
	if below == nil {
		return lookup{}
	}
	to.Offset = below.source
	switch {
	case below.target == offset:
		return lookup{ok: true, done: true, answer: to}
	case above == nil:
		to.Exact = false
		return lookup{ok: true, done: true, answer: to}
	case dense && above.source-below.source == above.target-below.target:
		to.Offset += offset - below.target
		return lookup{ok: true, done: true, answer: to}
	}
	to.Exact = false
	return lookup{ok: true, answer: to, below: *below, above: *above, hopeless: hopeless[*below]}
}

// behind returns the bracket of an offset of the target.
func (p places) behind(target int64) bracket {
	i, _ := slices.BinarySearchFunc(p, target, func(at place, t int64) int {
		if at.target <= t {
			return -1
		}
		return 1
	})
	var b bracket
	if i > 0 {
		b.below = &p[i-1]
	}
	if i < len(p) {
		b.above = &p[i]
	}
	return b
}
