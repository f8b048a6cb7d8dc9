package mirror

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/batch"
)

// A count that the source does not bear out has a cause there: an unclean election
// cut its log, it was compacted, or retention took its beginning, after records had
// been copied and before that was stored. Both logs are then compared from the
// anchor on, which tells where the source is new:
//
//   - What is on both sides in the same order was copied. Where the source has no
//     records at some offsets, as many on the target may be without one.
//   - Where they part, what is left on the target is not in the source any more,
//     and the source is new from there on.
//   - Unless a process that died had seen that, and copied some of it: then the
//     target ends with what the source goes on with.

// gist is a digest cut to what tells records of one lane apart.
type gist [sha256.Size / 2]byte

func gistOf(r *batch.Record) gist {
	d := digestOf(r)
	return gist(d[:len(gist{})])
}

// sourcePlace is an offset of the source, and the leader epoch of the batch before it.
type sourcePlace struct {
	offset int64
	epoch  int32
}

// alignment compares what a lane has on the target behind its anchor with what the
// source holds there. It is told of every record of the source in order.
type alignment struct {
	held []gist      // what the target has, in order
	met  int         // of held: are in the source, or may have been removed from it
	free int64       // offsets without a record, of those since the last that was met
	next int64       // the offset that is to be told of next
	on   sourcePlace // behind the last record that was met: where the source is new, once that is decided
	told bool        // where the source was cut is known already

	apart bool  // both have parted
	since int   // records of the source since then
	runs  []int // where in held they may begin
	again int   // of held, at its end: are in the source behind where they parted
	work  int
}

// maxWork bounds the comparisons of an alignment once both have parted, which repeated
// records make many.
const maxWork = 1 << 26

// errRepeats says that records are too much alike.
var errRepeats = errors.New("too many equal records were copied behind the stored position")

// gone notes that the source has no record from where it was told of to an offset.
func (a *alignment) gone(to int64) {
	a.lacks(to - a.next)
	a.next = max(a.next, to)
}

// lacks notes that the source has no record at so many offsets.
func (a *alignment) lacks(offsets int64) {
	if !a.apart {
		a.free += max(0, offsets)
	}
}

// leaves notes that the source has records up to an offset which are not the lane's.
func (a *alignment) leaves(to int64) { a.next = max(a.next, to) }

// jumped notes that the source goes on elsewhere: above what it has no more, or below
// the anchor, where its log was cut.
func (a *alignment) jumped(to sourcePlace) {
	if to.offset < a.on.offset {
		a.told, a.met, a.free, a.apart, a.since, a.runs, a.again = true, 0, 0, true, 0, nil, 0
	}
	a.gone(to.offset)
	a.next, a.on = to.offset, to
}

// meet tells of a record and reports whether it is decided where the source is new.
func (a *alignment) meet(p gist, at int64, epoch int32) (bool, error) {
	a.gone(at)
	a.next = at + 1
	if !a.apart {
		within := a.held[a.met:min(int64(len(a.held)), int64(a.met)+a.free+1)]
		if i := slices.Index(within, p); i >= 0 {
			a.met, a.free, a.on = a.met+i+1, 0, sourcePlace{at + 1, epoch}
			return a.met == len(a.held), nil
		}
		a.apart = true
	}
	if a.since == 0 {
		for i := a.met; i < len(a.held); i++ {
			if a.held[i] == p {
				a.runs = append(a.runs, i)
			}
		}
	} else {
		a.runs = slices.DeleteFunc(a.runs, func(i int) bool { return a.held[i+a.since] != p })
	}
	a.since++
	// The run that began last ends first, and is the shortest.
	if n := len(a.runs); n > 0 && a.runs[n-1]+a.since == len(a.held) {
		a.runs, a.again, a.on = a.runs[:n-1], a.since, sourcePlace{at + 1, epoch}
	}
	a.work += len(a.runs)
	if a.work > maxWork {
		return false, errRepeats
	}
	return len(a.runs) == 0, nil
}

// lost returns how many records were copied that the source has lost, beside those that
// it may have removed.
func (a *alignment) lost() int64 {
	return max(0, int64(len(a.held)-a.met-a.again)-a.free)
}

// CutError says that a source's log was cut behind a position, where records had been
// copied already.
type CutError struct {
	Offset  int64 // where it was cut
	Records int64 // that were copied from there on
}

func (e *CutError) Error() string {
	return fmt.Sprintf("the source's log was cut: it does not hold %d records any more that were copied from offset %d on", e.Records, e.Offset)
}

// maxHeld bounds the records that all lanes of a session compare, 64 MiB of them.
const maxHeld = 1 << 22

// comparePatience is how long reading the target is tried where nothing else helps.
const comparePatience = 10 * time.Second

// align begins to compare a lane's records instead of counting them. Reading what the
// target has of them is tried until patience is over.
func (s *session) align(ctx context.Context, l *lane, patience time.Duration) error {
	k := l.skip
	if s.comparing.Add(k.records) > maxHeld {
		s.comparing.Add(-k.records)
		return fmt.Errorf("%d records were copied behind the stored position, which are too many to compare", k.records)
	}
	const pause = 200 * time.Millisecond
	var held []gist
	var err error
	for began := time.Now(); ; {
		held, err = s.held(ctx, l)
		if err == nil || ctx.Err() != nil || time.Since(began) >= patience {
			break
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
	if err == nil && int64(len(held)) != k.records {
		err = fmt.Errorf("the target has %d of %d records behind the stored position", len(held), k.records)
	}
	if err != nil {
		s.comparing.Add(-k.records)
		return err
	}
	at := l.acknowledged()
	on := sourcePlace{at.SourceNext, at.SourceEpoch}
	k.compared = &alignment{held: held, next: on.offset, on: on}
	return nil
}

// held reads what a lane has on the target behind its anchor.
func (s *session) held(ctx context.Context, l *lane) ([]gist, error) {
	log := &targetLog{cluster: s.flow.p.Target, client: s.produce, budget: s.flow.budget}
	held := make([]gist, 0, l.skip.records)
	var failed error
	err := log.walk(ctx, l.target, l.skip.from, l.skip.to, func(b batch.Batch) {
		if b.NextOffset() <= l.skip.from || b.BaseOffset() >= l.skip.to || !slices.ContainsFunc(l.skip.writers, func(w writer) bool { return w.wrote(b) }) {
			return
		}
		for r, err := range s.recoder.Records(b) {
			if failed = errors.Join(failed, err); err != nil {
				return
			}
			held = append(held, gistOf(r))
		}
	})
	return held, errors.Join(err, failed)
}

// errAligned says that it is decided where the source is new.
var errAligned = errors.New("both logs were compared")

// compare tells a lane's alignment of the records of a batch.
func (l *lane) compare(b batch.Batch, epoch int32) error {
	a := l.skip.compared
	l.records.Begin()
	for r, err := range l.session.recoder.Records(b) {
		if err != nil {
			return fmt.Errorf("comparing the records of the batch at offset %d: %w", b.BaseOffset(), err)
		}
		if r.Offset < l.next {
			continue
		}
		if a.gone(r.Offset); !l.records.Keeps(r) {
			a.leaves(r.Offset + 1)
			continue
		}
		decided, err := a.meet(gistOf(r), r.Offset, epoch)
		switch {
		case err != nil:
			return &UnprovenError{Why: err.Error(), Err: err}
		case decided:
			if err := l.records.Failed(); err != nil {
				return err
			}
			return errAligned
		}
	}
	a.gone(b.NextOffset())
	l.next = b.NextOffset()
	return l.records.Failed()
}

// ended decides where the source is new if it holds nothing behind what was compared,
// also nothing that cannot be read yet.
func (l *lane) ended(ctx context.Context) {
	at := cluster.TopicPartition{Topic: l.source.Topic, Partition: l.source.Partition}
	end := l.session.flow.p.Source.ListOffsets(ctx, cluster.LogEnd, []cluster.TopicPartition{at})[at]
	if l.complete() || end.Err == nil && end.Offset <= l.next {
		l.aligned(ctx)
	}
}

// aligned has a lane go on where its source is new.
func (l *lane) aligned(ctx context.Context) {
	s, a := l.session, l.skip.compared
	if n := a.lost(); n > 0 && !a.told {
		cut := &CutError{Offset: a.on.offset, Records: n}
		switch {
		case s.tolerant():
			l.unproven(ctx, &UnprovenError{Why: "records were left out, or " + cut.Error(), Err: cut})
			return
		case !s.goesOn(l, cut, a.on.offset):
			s.retire(l)
			s.gaveUp(l)
			return
		}
	}
	l.counted()
	l.next = a.on.offset
	l.provenUpTo(a.on.offset, a.on.epoch)
	l.out.Advance(a.on.offset, a.on.epoch)
	if l.complete() {
		s.satisfied(l)
		return
	}
	l.in.SeekTo(a.on.offset, a.on.epoch)
}

// counted ends what was to be counted.
func (l *lane) counted() {
	if l.skip != nil && l.skip.compared != nil {
		l.session.comparing.Add(-l.skip.records)
	}
	l.skip = nil
}
