package mirror

import (
	"slices"
	"time"
)

// pace says how long discovery rests between two passes: they begin an interval
// apart, but take no more than a hundredth of the time where listing a cluster
// is slow (design §6).
type pace struct {
	took []time.Duration // by the last passes that found nothing new
}

// paceOf is how many passes must have been slow before the rests get longer: one
// may have met a busy moment.
const paceOf = 3

// rest notes a pass and returns how long to rest after it. A pass that found
// something new also created topics and waited for their leaders, which says
// nothing about the next one.
func (p *pace) rest(interval, took time.Duration, quiet bool) time.Duration {
	if quiet {
		p.took = append(p.took, took)
		p.took = p.took[max(0, len(p.took)-paceOf):]
	}
	rest := max(0, interval-took)
	if len(p.took) == paceOf {
		rest = max(rest, 99*slices.Min(p.took))
	}
	return rest
}
