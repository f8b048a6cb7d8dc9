package mirror

import (
	"slices"
	"time"
)

// behind tells for how long there has been something to read that is not on the
// target: since when the readable end of a partition is beyond a place on the way
// to it. What it holds is bounded; the longer a partition is behind, the coarser
// it remembers, and then says too much rather than too little.
type behind struct {
	ends  []end
	next  int64         // reached
	apart time.Duration // ends seen within it count as one
}

// end is where a partition was readable up to.
type end struct {
	offset int64
	since  time.Time // when anything beyond the end before was seen first
}

const (
	maxEnds   = 32          // at the coarsest one stands for an eighth of the longest span there was
	endsApart = time.Second // at first
)

// saw notes the readable end.
func (b *behind) saw(offset int64, now time.Time) {
	n := len(b.ends)
	switch {
	case offset <= b.next || n > 0 && offset <= b.ends[n-1].offset:
	case n > 0 && now.Sub(b.ends[n-1].since) < max(b.apart, endsApart):
		b.ends[n-1].offset = offset
	case n == maxEnds:
		for i := range n / 2 {
			b.ends[i] = end{b.ends[2*i+1].offset, b.ends[2*i].since}
		}
		b.ends = append(b.ends[:n/2], end{offset, now})
		b.apart = now.Sub(b.ends[0].since) / (maxEnds / 2)
	default:
		b.ends = append(b.ends, end{offset, now})
	}
}

// reached notes that everything below an offset is on the target.
func (b *behind) reached(offset int64) {
	b.next = offset
	if i := slices.IndexFunc(b.ends, func(e end) bool { return e.offset > offset }); i >= 0 {
		b.ends = slices.Delete(b.ends, 0, i)
		return
	}
	b.ends, b.apart = b.ends[:0], 0
}

// span returns for how long something beyond what was reached has been readable;
// 0 when nothing is.
func (b *behind) span(now time.Time) time.Duration {
	if len(b.ends) == 0 {
		return 0
	}
	return now.Sub(b.ends[0].since)
}
