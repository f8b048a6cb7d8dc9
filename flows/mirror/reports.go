package mirror

import (
	"sync"
	"time"
)

// remind is how long the log keeps silent about a problem that it has told.
const remind = 5 * time.Minute

// reports sees to it that the log tells a problem once when it begins and once
// when it is solved, however many partitions have it and however often it is
// met again: a broker that is down is one line, not one per partition. Equal
// text is one problem, unless it says what became of records.
type reports struct {
	mu     sync.Mutex           // guards the rest
	open   map[string]*report   // by subject
	events map[string]time.Time // when one was told
}

type report struct {
	having int // those that have the problem now
	had    int // those that had it since it began
	began  time.Time
	told   time.Time
}

// begin notes that one more has a problem and calls tell where it is news.
func (r *reports) begin(p Problem, tell func()) {
	r.mu.Lock()
	text := p.subject()
	known := r.open[text]
	if known == nil {
		known = &report{began: time.Now()}
		r.open[text] = known
	}
	known.having++
	known.had++
	news := time.Since(known.told) >= remind
	if news {
		known.told = time.Now()
	}
	r.mu.Unlock()
	if news {
		tell()
	}
}

// again reports whether an event was not told lately, and notes that it is now.
func (r *reports) again(text string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if last, ok := r.events[text]; ok && time.Since(last) < remind {
		return false
	}
	r.events[text] = time.Now()
	return true
}

// end notes that one less has a problem. When it was the last, solved is called
// with the number of those that had it and for how long anybody did; nil says
// that the problem has merely become another one.
func (r *reports) end(p Problem, solved func(had int, lasted time.Duration)) {
	r.mu.Lock()
	text := p.subject()
	known := r.open[text]
	if known == nil {
		r.mu.Unlock()
		return
	}
	known.having--
	over := known.having <= 0 && (solved != nil || time.Since(known.told) >= remind)
	if over {
		delete(r.open, text)
	}
	r.mu.Unlock()
	if over && solved != nil {
		solved(known.had, time.Since(known.began))
	}
}
