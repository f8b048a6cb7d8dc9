package offsetsync

import (
	"cmp"
	"slices"
)

// A lane's known places are a sparse index of its log: one per placeBytes or
// placeRecords, of which the older half is thinned out when there are mostPlaces. Behind
// placeSkipped offsets that have no record at the target is one, too: what a loop guard
// leaves out nobody can count, and what follows is translated without that.
const (
	placeSkipped = 100
	placeBytes   = 32 << 20
	placeRecords = 50_000
	mostPlaces   = 512
)

// places are known places of a lane, ascending on both sides.
type places []place

// add appends a place behind the others. What it contradicts is dropped: a source
// that is read again from further back is on the target twice, and the later copy
// is the one that goes on; a target that was cut short holds nothing there.
func (p *places) add(at place) {
	kept := len(*p)
	for kept > 0 && ((*p)[kept-1].source >= at.source || (*p)[kept-1].target > at.target) {
		kept--
	}
	*p = append((*p)[:kept], at)
	if len(*p) > mostPlaces {
		p.thin()
	}
}

// thin drops every other place of the older half.
func (p *places) thin() {
	half := len(*p) / 2
	kept := (*p)[:0]
	for i, at := range *p {
		if i >= half || i%2 == 0 {
			kept = append(kept, at)
		}
	}
	*p = kept
}

// bracket is what is known around an offset of the source: the last place that is
// not above it and the first that is; nil where there is none.
type bracket struct{ below, above *place }

// around returns the bracket of an offset of the source.
func (p places) around(source int64) bracket {
	i, found := p.search(source)
	if found {
		i++
	}
	var b bracket
	if i > 0 {
		b.below = &p[i-1]
	}
	if i < len(p) {
		b.above = &p[i]
	}
	return b
}

func (p places) search(source int64) (i int, found bool) {
	return slices.BinarySearchFunc(p, source, func(at place, s int64) int { return cmp.Compare(at.source, s) })
}

// narrow returns the narrower of two brackets of one offset.
func (b bracket) narrow(o bracket) bracket {
	if b.below == nil || o.below != nil && o.below.source > b.below.source {
		b.below = o.below
	}
	if b.above == nil || o.above != nil && o.above.source < b.above.source {
		b.above = o.above
	}
	return b
}

// takes reports whether a place may stand between those of the bracket.
func (b bracket) takes(at place) bool {
	return (b.below == nil || b.below.source < at.source && b.below.target <= at.target) &&
		(b.above == nil || b.above.target >= at.target)
}

// merge returns older and newer in one. Where they contradict each other newer
// counts.
func merge(older, newer places) places {
	all := slices.Clone(newer)
	for _, at := range slices.Backward(older) {
		if all.around(at.source).takes(at) {
			i, _ := all.search(at.source)
			all = slices.Insert(all, i, at)
		}
	}
	for len(all) > mostPlaces {
		all.thin()
	}
	return all
}
