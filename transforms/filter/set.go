package filter

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// set is a set of characters: spans in order that do not touch each other.
type set []span

// span is a range of characters, both ends included.
type span struct{ low, high rune }

// spans returns the set of what pairs of ends say.
func spans(ends ...rune) set {
	s := make(set, 0, len(ends)/2)
	for i := 0; i < len(ends); i += 2 {
		s = append(s, span{ends[i], ends[i+1]})
	}
	return s.tidy()
}

func single(r rune) set { return set{{r, r}} }

// tidy sorts spans and joins those that touch.
func (s set) tidy() set {
	slices.SortFunc(s, func(a, b span) int { return cmp.Compare(a.low, b.low) })
	var out set
	for _, next := range s {
		if n := len(out); n > 0 && next.low <= out[n-1].high+1 {
			out[n-1].high = max(out[n-1].high, next.high)
			continue
		}
		out = append(out, next)
	}
	return out
}

func (s set) union(o set) set { return slices.Concat(s, o).tidy() }

func (s set) not() set {
	var out set
	next := rune(0)
	for _, in := range s {
		if in.low > next {
			out = append(out, span{next, in.low - 1})
		}
		next = in.high + 1
	}
	if next <= unicode.MaxRune {
		out = append(out, span{next, unicode.MaxRune})
	}
	return out
}

func (s set) and(o set) set { return s.not().union(o.not()).not() }

// fold adds the other case of US-ASCII letters.
func (s set) fold() set {
	const gap = 'a' - 'A'
	lower, upper := s.and(spans('a', 'z')), s.and(spans('A', 'Z'))
	out := s
	for _, in := range lower {
		out = out.union(set{{in.low - gap, in.high - gap}})
	}
	for _, in := range upper {
		out = out.union(set{{in.low + gap, in.high + gap}})
	}
	return out
}

// category returns the characters of a Unicode table.
func category(t *unicode.RangeTable) set {
	var out set
	add := func(low, high, stride rune) {
		if stride == 1 {
			out = append(out, span{low, high})
			return
		}
		for r := low; r <= high; r += stride {
			out = append(out, span{r, r})
		}
	}
	for _, r := range t.R16 {
		add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	for _, r := range t.R32 {
		add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	return out.tidy()
}

// text writes the set as a class that both engines read alike.
func (s set) text() string {
	if len(s) == 0 {
		return `[^\x{0}-\x{10ffff}]`
	}
	var out strings.Builder
	out.WriteByte('[')
	for _, in := range s {
		fmt.Fprintf(&out, `\x{%x}`, in.low)
		if in.high > in.low {
			fmt.Fprintf(&out, `-\x{%x}`, in.high)
		}
	}
	out.WriteByte(']')
	return out.String()
}
