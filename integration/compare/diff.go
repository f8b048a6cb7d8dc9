package compare

import (
	"context"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"strings"
)

// Diff compares two topics that Read returned, partition by partition.
func Diff(source, target map[int32][]Record, o Options) Report {
	var all Report
	parts := slices.Sorted(maps.Keys(source))
	for p := range target {
		if _, ok := source[p]; !ok {
			parts = append(parts, p)
		}
	}
	slices.Sort(parts)
	for _, p := range parts {
		all.merge(diffPartition(p, source[p], target[p], o))
	}
	return all
}

// diffPartition compares two sequences.
func diffPartition(partition int32, source, target []Record, o Options) Report {
	seed := maphash.MakeSeed()
	if o.AllowDuplicates {
		w := walker{options: o, seed: seed, source: sliced(source), partition: partition, limit: len(source)}
		for _, t := range target {
			if ok, err := w.step(context.Background(), t); !ok || err != nil { // a slice gives no errors
				break
			}
		}
		walked := w.report
		if len(walked.Damage) == 0 && w.frontier == len(source) {
			walked.Source, walked.Target = int64(len(source)), int64(len(target))
			return walked
		}
	}
	a := align(seed, partition, source, target, o)
	r := a.report()
	if o.AllowDuplicates {
		delete(r.Damage, Duplicate)
		r.Findings = slices.DeleteFunc(r.Findings, func(f Finding) bool { return f.Kind == Duplicate })
		if len(r.Damage) == 0 {
			r.add(Finding{Kind: BrokenCopy, Partition: partition, Detail: "all records are there in order, " +
				"but the repeated ones are not runs of what was there before"})
		}
	}
	return r
}

// alignment pairs the records of two sequences.
type alignment struct {
	options        Options
	partition      int32
	source, target []Record
	pair           []int  // for each target record its source record, −1 for none
	paired         []bool // for each source record, whether it has a target record
	known          []bool // for each target record, whether its content is in the source
	inOrder        []bool // for each target record, whether it is paired and in order
}

// align pairs the n-th record of some content in the source with the n-th in
// the target, then finds the most pairs that are in one order.
func align(seed maphash.Seed, partition int32, source, target []Record, o Options) *alignment {
	a := &alignment{
		options: o, partition: partition, source: source, target: target,
		pair: make([]int, len(target)), paired: make([]bool, len(source)),
		known: make([]bool, len(target)),
	}
	where := map[uint64][]int{}
	for i, r := range source {
		d := o.digest(seed, r)
		where[d] = append(where[d], i)
	}
	used := map[uint64]int{}
	for i, r := range target {
		d := o.digest(seed, r)
		at := where[d]
		a.pair[i], a.known[i] = -1, len(at) > 0
		if n := used[d]; n < len(at) {
			a.pair[i], a.paired[at[n]] = at[n], true
		}
		used[d]++
	}
	a.inOrder = longestRising(a.pair)
	return a
}

// longestRising marks a longest rising subsequence of the values that are not
// negative.
func longestRising(values []int) []bool {
	var tails []int // positions: tails[n] ends the lowest rising run of length n+1
	before := make([]int, len(values))
	for i, v := range values {
		if v < 0 {
			continue
		}
		n, _ := slices.BinarySearchFunc(tails, v, func(p, v int) int { return values[p] - v })
		before[i] = -1
		if n > 0 {
			before[i] = tails[n-1]
		}
		tails = append(tails[:n], append([]int{i}, tails[min(n+1, len(tails)):]...)...)
	}
	in := make([]bool, len(values))
	if len(tails) == 0 {
		return in
	}
	for i := tails[len(tails)-1]; i >= 0; i = before[i] {
		in[i] = true
	}
	return in
}

// report walks both sequences from anchor to anchor. Between two anchors the
// unpaired records of both sides are the same ones with other content; what is
// left on one side is missing or extra.
func (a *alignment) report() Report {
	r := Report{Source: int64(len(a.source)), Target: int64(len(a.target))}
	s := 0
	var strangers []int
	gap := func(until int) {
		for ; s < until; s++ {
			if a.paired[s] {
				continue
			}
			if len(strangers) > 0 {
				t := strangers[0]
				strangers = strangers[1:]
				what := strings.Join(a.options.changes(a.source[s], a.target[t]), ", ")
				r.add(a.finding(Changed, s, t, what+" differ"))
				continue
			}
			r.add(a.finding(Missing, s, -1, ""))
		}
		for _, t := range strangers {
			r.add(a.finding(Extra, -1, t, ""))
		}
		strangers = nil
	}
	for t := range a.target {
		switch {
		case a.inOrder[t]:
			gap(a.pair[t])
			if a.options.Offsets && a.source[a.pair[t]].Offset != a.target[t].Offset {
				r.add(a.finding(Moved, a.pair[t], t, ""))
			}
			s = a.pair[t] + 1
		case a.pair[t] >= 0:
			r.add(a.finding(Reordered, a.pair[t], t, ""))
		case a.known[t]:
			r.Duplicates++
			r.add(a.finding(Duplicate, -1, t, ""))
		default:
			strangers = append(strangers, t)
		}
	}
	gap(len(a.source))
	return r
}

// finding names the records of a case of damage.
func (a *alignment) finding(k Kind, s, t int, detail string) Finding {
	f := Finding{Kind: k, Partition: a.partition, Detail: detail}
	if s >= 0 {
		f.Source = &a.source[s]
	}
	if t >= 0 {
		f.Target = &a.target[t]
	}
	if f.Detail == "" && t >= 0 {
		f.Detail = fmt.Sprintf("record %d of the target", t)
	}
	return f
}
