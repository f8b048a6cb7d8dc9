package compare

import (
	"context"
	"hash/maphash"
)

// cursor gives out the records of one partition.
type cursor interface {
	// next returns false where there are no more.
	next(ctx context.Context) (Record, bool, error)
}

// slice is the cursor of records in memory.
type slice struct{ left []Record }

// sliced returns a cursor over records in memory.
func sliced(r []Record) *slice { return &slice{left: r} }

func (s *slice) next(context.Context) (Record, bool, error) {
	if len(s.left) == 0 {
		return Record{}, false, nil
	}
	r := s.left[0]
	s.left = s.left[1:]
	return r, true, nil
}

// walker follows a target through its source with bounded memory: it keeps the
// digests of the last records that both have had, to which the target may go
// back where duplicates are allowed, and which name the damage where not.
type walker struct {
	options   Options
	seed      maphash.Seed
	source    cursor
	partition int32
	limit     int // digests kept

	report   Report
	history  []uint64 // a ring: source record i is at i % limit
	frontier int      // source records that the target has had
	at       int      // the source record that the target has next; at most frontier
	ahead    *Record  // source record frontier, if it was looked at and not yet had
}

// peek returns the source record at the frontier; nil at the end.
func (w *walker) peek(ctx context.Context) (*Record, error) {
	if w.ahead == nil {
		r, ok, err := w.source.next(ctx)
		if err != nil || !ok {
			return nil, err
		}
		w.report.Source++
		w.ahead = &r
	}
	return w.ahead, nil
}

// step takes the next record of the target. It returns false after damage,
// when going on means nothing; the finding is in the report.
func (w *walker) step(ctx context.Context, t Record) (bool, error) {
	w.report.Target++
	var s *Record
	if w.at == w.frontier {
		var err error
		if s, err = w.peek(ctx); err != nil {
			return false, err
		}
		if s != nil && w.options.same(*s, t) {
			w.advance(t)
			if w.options.Offsets && s.Offset != t.Offset {
				w.report.add(Finding{Kind: Moved, Partition: w.partition, Source: s, Target: &t})
				return false, nil
			}
			return true, nil
		}
	}
	if w.options.AllowDuplicates {
		d := w.options.digest(w.seed, t)
		if w.at < w.frontier && w.digest(w.at) == d {
			w.at++
			w.report.Duplicates++
			return true, nil
		}
		if i := w.last(d); i >= 0 {
			w.at = i + 1
			w.report.Duplicates++
			w.report.Runs++
			return true, nil
		}
		if w.at < w.frontier {
			w.report.add(Finding{
				Kind: BrokenCopy, Partition: w.partition, Target: &t,
				Detail: "the target repeated a run of records and did not go on as it did the first time",
			})
			return false, nil
		}
	}
	if s == nil {
		w.report.add(Finding{Kind: Extra, Partition: w.partition, Target: &t, Detail: "the source has ended"})
	}
	return false, nil
}

// advance notes that the target has had the record at the frontier.
func (w *walker) advance(t Record) {
	w.ahead = nil
	if w.limit > 0 {
		d := w.options.digest(w.seed, t)
		if len(w.history) < w.limit {
			w.history = append(w.history, d)
		} else {
			w.history[w.frontier%w.limit] = d
		}
	}
	w.frontier++
	w.at = w.frontier
}

// digest returns that of a source record the target has had.
func (w *walker) digest(i int) uint64 { return w.history[i%w.limit] }

// last returns the last source record before at with a digest, −1 for none.
// The last is as good as any: whatever may follow an earlier one may also
// follow after going back once more.
func (w *walker) last(d uint64) int {
	for i := w.at - 1; i >= 0 && i >= w.frontier-w.limit; i-- {
		if w.digest(i) == d {
			return i
		}
	}
	return -1
}
