package program

import (
	"math"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
)

// window is a stage of kind window.
type window struct {
	from, until int64 // milliseconds since 1970; until itself is outside
}

func newWindow(s *model.Stage) (*window, diag.List) {
	w := &window{from: math.MinInt64, until: math.MaxInt64}
	if s.Window.From == "" && s.Window.Until == "" {
		return nil, nothing(s, "from or until")
	}
	var problems diag.List
	for _, one := range []struct {
		name, text string
		to         *int64
	}{{"from", s.Window.From, &w.from}, {"until", s.Window.Until, &w.until}} {
		if one.text == "" {
			continue
		}
		ms, ok := model.ParseTime(one.text)
		if !ok || ms < 0 {
			problems.Add(diag.Errorf(diag.CodeBadValue, placeOf(s, one.name), "%s: %q is no timestamp", one.name, one.text).
				WithFix("write it as in 2026-01-31T12:00:00Z, or as milliseconds since 1970"))
			continue
		}
		*one.to = ms
	}
	if !problems.HasErrors() && w.from >= w.until {
		problems.Add(diag.Errorf(diag.CodeBadValue, placeOf(s, "until"), "until: no record is from %s on and before %s", s.Window.From, s.Window.Until).
			WithFix("write a later timestamp"))
	}
	return w, problems
}

// has reports whether a timestamp is in the window.
func (w *window) has(ms int64) bool { return w.from <= ms && ms < w.until }

// Times is what the header of a batch says of the timestamps of its records.
type Times struct {
	Max   int64 // the largest
	Equal bool  // all are the largest
}

// whole reports whether all of a batch's records are in the window; known is false
// where the header does not tell. What is the first timestamp in a header bounds
// nothing: a record behind the first may be older.
func (w *window) whole(t Times) (in, known bool) {
	switch {
	case t.Equal:
		return w.has(t.Max), true
	case t.Max < w.from:
		return false, true
	}
	in = w.from == math.MinInt64 && t.Max < w.until
	return in, in
}

// Count counts a batch that Whole tells all of in counts, as Apply does a record.
func (p *Program) Count(t Times, records int64, counts []Count) {
	for i := range p.stages {
		counts[i].Given += records
		if in, told := p.stages[i].window.whole(t); told && !in {
			counts[i].Dropped += records
			return
		}
	}
}

// Whole reports whether the stages keep all records of a batch as they are, or
// none of them; known is false where its header does not tell.
func (p *Program) Whole(t Times) (keep, known bool) {
	keep, known = true, true
	for i := range p.stages {
		w := p.stages[i].window
		if w == nil {
			return false, false // what is behind it is asked of records
		}
		in, told := w.whole(t)
		if told && !in {
			return false, true
		}
		keep, known = keep && in, known && told
	}
	return keep, known
}
