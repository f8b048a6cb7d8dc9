package offsetsync

import (
	"context"
	"slices"
)

// mostFound is how many counted places of a lane are kept.
const mostFound = 64

// Translation is where a consumer of the source goes on at the target.
type Translation struct {
	Partition int32 // of the target
	Offset    int64 // -1: before all that is known

	// Exact says that nothing is read again that was read at the source, as far as
	// it was mirrored. Otherwise it is at most what is between two known places.
	Exact bool

	// Behind says that the consumer is further than the mirror: it goes on where
	// the target ends now.
	Behind bool
}

// Translator translates offsets within a budget of what may be read of the
// source. It is used by one goroutine at a time.
type Translator struct {
	syncs *Syncs
	left  int64 // bytes
}

// Translator returns a translator that reads at most about limit bytes of the
// source.
func (s *Syncs) Translator(limit int64) *Translator { return &Translator{s, limit} }

// Translate returns where on the target a consumer goes on that would go on at an
// offset of the source. ok is false where nothing is known of the partition. It
// never returns an offset behind records that the consumer has not read, and none
// that the target does not have yet.
func (t *Translator) Translate(ctx context.Context, topic string, partition int32, offset int64) (to Translation, ok bool) {
	l := t.syncs.find(topic, partition)
	if l == nil {
		return Translation{}, false
	}
	at := l.lookUp(offset)
	if !at.ok {
		return Translation{}, false
	}
	if !at.done && !at.hopeless && t.left > 0 {
		if n, exact := t.count(ctx, l, at, offset); exact {
			at.answer.Offset, at.answer.Exact = at.below.target+n, true
			l.keep(place{offset, at.answer.Offset})
		}
	}
	return at.answer, true
}

// lookup is what is known around an offset.
type lookup struct {
	ok       bool
	done     bool        // answer cannot be bettered
	answer   Translation // by what is known
	below    place
	above    place // to count up to, to see that the log still holds all
	hopeless bool  // it does not
}

// lookUp returns what is known around an offset of the source.
func (l *Lane) lookUp(offset int64) lookup {
	l.mu.Lock()
	defer l.mu.Unlock()
	to := Translation{Partition: l.part, Exact: true}
	if l.target != (end{}) {
		to.Partition = l.target.part
	}
	if l.placed && offset >= l.newest.source {
		to.Offset, to.Behind = l.newest.target, offset > l.newest.source
		return lookup{ok: true, done: true, answer: to}
	}
	b := l.known.around(offset).narrow(l.found.around(offset))
	if l.placed {
		b = b.narrow(bracket{above: &l.newest})
	}
	if l.syncs.p.Transactional && b.below != nil && b.below.source != offset {
		b.above = nil
	}
	return b.look(to, offset, l.dense(), l.hopeless)
}

// dense reports whether as many offsets on both sides mean that each has its record:
// not where stages drop some, and others may stand at the target in their place.
func (l *Lane) dense() bool { return l.syncs.judge(l.topic, l.part) == nil }

// look returns what a bracket says of an offset.
func (b bracket) look(to Translation, offset int64, dense bool, hopeless map[place]bool) lookup {
	answer := func(at int64, exact bool) lookup {
		to.Offset, to.Exact = at, exact
		return lookup{ok: true, done: true, answer: to}
	}
	below, above := b.below, b.above
	switch {
	case below == nil && above == nil:
		return lookup{}
	case below == nil:
		return answer(-1, false)
	case below.source == offset:
		return answer(below.target, true)
	case above == nil:
		return answer(below.target, false)
	case dense && above.source-below.source == above.target-below.target: // every offset has its record
		return answer(below.target+offset-below.source, true)
	case above.target == below.target: // none has
		return answer(below.target, true)
	}
	open := answer(below.target, false)
	open.done, open.below, open.above, open.hopeless = false, *below, *above, hopeless[*below]
	return open
}

// keep remembers a place that was counted.
func (l *Lane) keep(at place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.found.around(at.source).takes(at) {
		return
	}
	if len(l.found) >= mostFound {
		l.found = l.found[1:]
	}
	i, _ := l.found.search(at.source)
	l.found = slices.Insert(l.found, i, at)
}

// giveUp notes that counting from a place on does not come to what the target has.
func (l *Lane) giveUp(below place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hopeless == nil {
		l.hopeless = map[place]bool{}
	}
	if len(l.hopeless) < mostFound {
		l.hopeless[below] = true
	}
}
