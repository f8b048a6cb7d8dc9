package compare

import (
	"context"
	"fmt"
	"hash/maphash"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sequence makes records with the values that a line lists, at rising offsets.
func sequence(line string) []Record {
	var rs []Record
	for i, v := range strings.Fields(line) {
		rs = append(rs, Record{Offset: int64(i), Timestamp: 1000, Key: []byte("k"), Value: []byte(v)})
	}
	return rs
}

// with returns a copy of records of which one was altered.
func with(rs []Record, i int, alter func(*Record)) []Record {
	rs = slices.Clone(rs)
	alter(&rs[i])
	return rs
}

// tiny is a short source; its records carry what can be damaged.
func tiny() []Record {
	return []Record{
		{Offset: 0, Timestamp: 1, Key: []byte("a"), Value: []byte("1"), Headers: []Header{{Key: "h", Value: []byte("x")}, {Key: "h"}}},
		{Offset: 1, Timestamp: 2, Key: nil, Value: []byte{}},
		{Offset: 2, Timestamp: 3, Key: []byte{}, Value: nil},
	}
}

func TestDiff(t *testing.T) {
	for name, c := range map[string]struct {
		source, target []Record
		options        Options
		damage         map[Kind]int64
		duplicates     int64
	}{
		"equal":               {source: sequence("1 2 3"), target: sequence("1 2 3")},
		"both empty":          {},
		"equal twice":         {source: sequence("1 1 1 2 1"), target: sequence("1 1 1 2 1")},
		"one missing":         {source: sequence("1 2 3"), target: sequence("1 3"), damage: map[Kind]int64{Missing: 1}},
		"tail missing":        {source: sequence("1 2 3"), target: sequence("1"), damage: map[Kind]int64{Missing: 2}},
		"all missing":         {source: sequence("1 2"), damage: map[Kind]int64{Missing: 2}},
		"one of equals lost":  {source: sequence("1 1 2"), target: sequence("1 2"), damage: map[Kind]int64{Missing: 1}},
		"a stranger":          {source: sequence("1 2"), target: sequence("1 9 2"), damage: map[Kind]int64{Extra: 1}},
		"all strangers":       {target: sequence("1"), damage: map[Kind]int64{Extra: 1}},
		"one twice":           {source: sequence("1 2 3"), target: sequence("1 2 2 3"), damage: map[Kind]int64{Duplicate: 1}, duplicates: 1},
		"a run twice":         {source: sequence("1 2 3"), target: sequence("1 2 1 2 3"), damage: map[Kind]int64{Duplicate: 2}, duplicates: 2},
		"two swapped":         {source: sequence("1 2 3"), target: sequence("2 1 3"), damage: map[Kind]int64{Reordered: 1}},
		"last first":          {source: sequence("1 2 3 4"), target: sequence("4 1 2 3"), damage: map[Kind]int64{Reordered: 1}},
		"missing and swapped": {source: sequence("1 2 3 4"), target: sequence("3 2 4"), damage: map[Kind]int64{Reordered: 1, Missing: 1}},
		"value changed":       {source: sequence("1 2 3"), target: sequence("1 9 3"), damage: map[Kind]int64{Changed: 1}},
		"two changed, one lost": {
			source: sequence("1 2 3 4 5"), target: sequence("1 8 9 5"),
			damage: map[Kind]int64{Changed: 2, Missing: 1},
		},
		"timestamp changed": {source: tiny(), target: with(tiny(), 0, func(r *Record) { r.Timestamp++ }), damage: map[Kind]int64{Changed: 1}},
		"timestamp ignored": {source: tiny(), target: with(tiny(), 0, func(r *Record) { r.Timestamp++ }), options: Options{IgnoreTimestamps: true}},
		"null key to empty": {source: tiny(), target: with(tiny(), 1, func(r *Record) { r.Key = []byte{} }), damage: map[Kind]int64{Changed: 1}},
		"empty key to null": {source: tiny(), target: with(tiny(), 2, func(r *Record) { r.Key = nil }), damage: map[Kind]int64{Changed: 1}},
		"tombstone to empty": {
			source: tiny(), target: with(tiny(), 2, func(r *Record) { r.Value = []byte{} }),
			damage: map[Kind]int64{Changed: 1},
		},
		"headers swapped": {source: tiny(), target: with(tiny(), 0, func(r *Record) {
			r.Headers = []Header{r.Headers[1], r.Headers[0]}
		}), damage: map[Kind]int64{Changed: 1}},
		"header lost":          {source: tiny(), target: with(tiny(), 0, func(r *Record) { r.Headers = r.Headers[:1] }), damage: map[Kind]int64{Changed: 1}},
		"header null to empty": {source: tiny(), target: with(tiny(), 0, func(r *Record) { r.Headers = []Header{r.Headers[0], {Key: "h", Value: []byte{}}} }), damage: map[Kind]int64{Changed: 1}},
		"moved": {
			source: sequence("1 2"), target: with(sequence("1 2"), 1, func(r *Record) { r.Offset = 5 }),
			options: Options{Offsets: true}, damage: map[Kind]int64{Moved: 1},
		},
		"moved, not asked": {source: sequence("1 2"), target: with(sequence("1 2"), 1, func(r *Record) { r.Offset = 5 })},

		"repeat allowed": {source: sequence("1 2 3 4"), target: sequence("1 2 3 2 3 4"), options: Options{AllowDuplicates: true}, duplicates: 2},
		"repeat of a repeat": {
			source: sequence("1 2 3 4"), target: sequence("1 2 3 2 3 1 2 3 4"),
			options: Options{AllowDuplicates: true}, duplicates: 5,
		},
		"repeat at the end": {source: sequence("1 2 3"), target: sequence("1 2 3 2"), options: Options{AllowDuplicates: true}, duplicates: 1},
		"repeat with a gap": {
			source: sequence("1 2 3 4"), target: sequence("1 2 3 1 3 4"),
			options: Options{AllowDuplicates: true}, damage: map[Kind]int64{BrokenCopy: 1}, duplicates: 2,
		},
		"repeat cut short": {
			source: sequence("1 2 3 4"), target: sequence("1 2 3 1 4"),
			options: Options{AllowDuplicates: true}, damage: map[Kind]int64{BrokenCopy: 1}, duplicates: 1,
		},
		"loss beside repeats": {
			source: sequence("1 2 3 4"), target: sequence("1 2 1 2 4"),
			options: Options{AllowDuplicates: true}, damage: map[Kind]int64{Missing: 1}, duplicates: 2,
		},
		"repeats and no tail": {
			source: sequence("1 2 3 4"), target: sequence("1 2 1 2"),
			options: Options{AllowDuplicates: true}, damage: map[Kind]int64{Missing: 2}, duplicates: 2,
		},
		"changed repeat": {
			source: sequence("1 2 3"), target: sequence("1 2 1 9 3"),
			options: Options{AllowDuplicates: true}, damage: map[Kind]int64{Extra: 1}, duplicates: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := Diff(map[int32][]Record{3: c.source}, map[int32][]Record{3: c.target}, c.options)
			if d := cmp.Diff(c.damage, r.Damage); d != "" {
				t.Errorf("damage: %s\n%s", d, r)
			}
			if r.Duplicates != c.duplicates {
				t.Errorf("%d duplicates, want %d", r.Duplicates, c.duplicates)
			}
			if (r.Err() == nil) != (len(c.damage) == 0) {
				t.Errorf("the error is %v", r.Err())
			}
			for k := range c.damage {
				if !strings.Contains(r.String(), "\n  "+string(k)+" in partition 3") {
					t.Errorf("%s is not described: %s", k, r)
				}
			}
			if want := [2]int64{int64(len(c.source)), int64(len(c.target))}; want != [2]int64{r.Source, r.Target} {
				t.Errorf("read %d and %d records, want %v", r.Source, r.Target, want)
			}
		})
	}
}

func TestDiffOfPartitions(t *testing.T) {
	source := map[int32][]Record{0: sequence("1"), 1: sequence("2 3"), 2: nil}
	target := map[int32][]Record{0: sequence("1"), 2: nil, 3: sequence("4"), 4: nil}
	r := Diff(source, target, Options{})
	if d := cmp.Diff(map[Kind]int64{Missing: 2, Extra: 1}, r.Damage); d != "" {
		t.Errorf("%s\n%s", d, r)
	}
}

// TestReportIsShort checks that much damage makes a report of few lines and
// true counts.
func TestReportIsShort(t *testing.T) {
	source := map[int32][]Record{}
	for p := range int32(10) {
		source[p] = sequence("1 2 3 4 5 6 7 8 9")
	}
	r := Diff(source, nil, Options{})
	if r.Damage[Missing] != 90 || len(r.Findings) != described {
		t.Errorf("%d missing, %d described", r.Damage[Missing], len(r.Findings))
	}
}

// walkAll is a streaming comparison of records in memory.
func walkAll(t *testing.T, source, target []Record, o Options, limit int) Report {
	t.Helper()
	w := walker{options: o, seed: maphash.MakeSeed(), source: sliced(source), limit: limit}
	if err := w.walk(context.Background(), sliced(target)); err != nil {
		t.Fatal(err)
	}
	return w.report
}

// TestWalkNamesTheFirstDamage checks the streaming comparison's description.
func TestWalkNamesTheFirstDamage(t *testing.T) {
	long := func(skip int) string {
		var b strings.Builder
		for i := range 3 * damageWindow {
			if i != skip {
				fmt.Fprintf(&b, "%d ", i)
			}
		}
		return b.String()
	}
	for name, c := range map[string]struct {
		source, target string
		options        Options
		want           Kind
	}{
		"missing":       {source: long(-1), target: long(700), want: Missing},
		"missing first": {source: long(-1), target: long(0), want: Missing},
		"extra":         {source: long(700), target: long(-1), want: Extra},
		"tail":          {source: "1 2 3", target: "1 2", want: Missing},
		"more":          {source: "1 2", target: "1 2 3", want: Extra},
		"changed":       {source: "1 2 3", target: "1 9 3", want: Changed},
		"reordered":     {source: "1 2 3 4", target: "1 3 2 4", want: Reordered},
		"duplicate":     {source: long(-1), target: "0 " + long(-1), want: Duplicate},
		"broken copy":   {source: "1 2 3 4", target: "1 2 3 1 3 4", options: Options{AllowDuplicates: true}, want: BrokenCopy},
		"cut copy":      {source: "1 2 3 4", target: "1 2 3 1 4", options: Options{AllowDuplicates: true}, want: BrokenCopy},
		"loss":          {source: "1 2 3 4", target: "1 2 1 2 4", options: Options{AllowDuplicates: true}, want: Missing},
	} {
		t.Run(name, func(t *testing.T) {
			r := walkAll(t, sequence(c.source), sequence(c.target), c.options, 1000)
			if r.Damage[c.want] == 0 || len(r.Damage) != 1 {
				t.Errorf("want %s: %s", c.want, r)
			}
		})
	}
}

// TestWalkForgets checks that a target cannot go back further than the history.
func TestWalkForgets(t *testing.T) {
	source, target := sequence("1 2 3 4 5 6"), sequence("1 2 3 4 5 2 3 4 5 6")
	allow := Options{AllowDuplicates: true}
	if r := walkAll(t, source, target, allow, 4); r.Err() != nil || r.Duplicates != 4 || r.Runs != 1 {
		t.Errorf("within the history: %s", r)
	}
	if r := walkAll(t, source, target, allow, 3); r.Err() == nil {
		t.Errorf("beyond the history: %s", r)
	}
}

// TestRandomJumps checks three things on random sequences of few different
// records: targets that only go back are accepted by both comparisons; where
// the first has had them all, nothing is missing; and one removed first copy is
// always found.
func TestRandomJumps(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for round := range 2000 {
		alphabet := 1 + rnd.IntN(12)
		var source []Record
		for i := range 1 + rnd.IntN(30) {
			source = append(source, Record{Offset: int64(i), Value: []byte{byte(rnd.IntN(alphabet))}})
		}
		var target []Record
		for i := 0; i < len(source); i++ {
			target = append(target, source[i])
			if rnd.IntN(6) == 0 {
				i -= 1 + rnd.IntN(i+1)
			}
		}
		o := Options{AllowDuplicates: true}
		d := Diff(map[int32][]Record{0: source}, map[int32][]Record{0: target}, o)
		w := walkAll(t, source, target, o, len(source))
		if d.Err() != nil || w.Err() != nil {
			t.Fatalf("round %d: %s\n%s", round, d, w)
		}
		if d.Duplicates != int64(len(target)-len(source)) || d.Duplicates != w.Duplicates || d.Runs != w.Runs {
			t.Fatalf("round %d: %d and %d duplicates, %d and %d runs, want %d duplicates",
				round, d.Duplicates, w.Duplicates, d.Runs, w.Runs, len(target)-len(source))
		}
		without := func(r Record) bool { return string(r.Value) == string(source[len(source)-1].Value) }
		cut := slices.DeleteFunc(slices.Clone(target), without)
		for _, r := range []Report{
			Diff(map[int32][]Record{0: source}, map[int32][]Record{0: cut}, o),
			walkAll(t, source, cut, o, len(source)),
		} {
			if r.Err() == nil {
				t.Fatalf("round %d: the loss was not found: %s", round, r)
			}
		}
	}
}

// TestLongestRising compares with trying everything.
func TestLongestRising(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		values := rnd.Perm(1 + rnd.IntN(9))
		for i := range values {
			if rnd.IntN(5) == 0 {
				values[i] = -1
			}
		}
		best := 0
		for mask := range 1 << len(values) {
			last, n := -1, 0
			for i, v := range values {
				if mask&(1<<i) == 0 {
					continue
				}
				if v <= last {
					n = -1
					break
				}
				last, n = v, n+1
			}
			best = max(best, n)
		}
		got, last := 0, -1
		for i, in := range longestRising(values) {
			if !in {
				continue
			}
			if values[i] <= last {
				t.Fatalf("%v does not rise at %d", values, i)
			}
			last = values[i]
			got++
		}
		if got != best {
			t.Fatalf("%v: %d of %d", values, got, best)
		}
	}
}

func TestMergeKeepsCounts(t *testing.T) {
	var a Report
	a.merge(Report{Source: 1, Damage: map[Kind]int64{Missing: 7}, Findings: []Finding{{Kind: Missing}}})
	a.merge(Report{Target: 2, Damage: map[Kind]int64{Extra: 1, Missing: 1}, Stopped: []int32{4}})
	if !maps.Equal(a.Damage, map[Kind]int64{Missing: 8, Extra: 1}) || a.Source != 1 || a.Target != 2 || len(a.Stopped) != 1 {
		t.Errorf("%+v", a)
	}
}
