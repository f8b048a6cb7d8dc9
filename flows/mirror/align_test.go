package mirror

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// logs are a source and its copy. Records are numbers; those of one content are equal.
type logs struct {
	source []int64 // content by offset; removed: no record is there
	seen   []int64 // offsets of what was copied of the source as it is; the anchor is before offset 0
	target []int64
}

const removed = -1

// write appends n records, whose contents are new unless few say otherwise.
func (w *logs) write(r *rand.Rand, n int, fresh *int64, few int64) {
	for range n {
		*fresh++
		content := *fresh
		if few > 0 {
			content = r.Int64N(few)
		}
		w.source = append(w.source, content)
	}
}

// copy copies what is behind the last that was copied, n records of it.
func (w *logs) copy(n int) {
	at := 0
	if len(w.seen) > 0 {
		at = int(w.seen[len(w.seen)-1]) + 1
	}
	for ; n > 0 && at < len(w.source); at++ {
		if w.source[at] != removed {
			w.seen, w.target, n = append(w.seen, int64(at)), append(w.target, w.source[at]), n-1
		}
	}
}

// cut takes the source's end away.
func (w *logs) cut(at int) {
	w.source = w.source[:at]
	w.seen = slices.DeleteFunc(w.seen, func(o int64) bool { return o >= int64(at) })
}

// compact removes records of the source, all but the last.
func (w *logs) compact(r *rand.Rand, one int) {
	for i := range max(0, len(w.source)-1) {
		if r.IntN(one) == 0 {
			w.source[i] = removed
		}
	}
}

func gistOfNumber(content int64) (p gist) {
	binary.BigEndian.PutUint64(p[:], uint64(content))
	return p
}

// resume compares both and returns where the source is new.
func (w *logs) resume(t *testing.T, jumped bool) (on, lost int64) {
	t.Helper()
	a := &alignment{}
	for _, c := range w.target {
		a.held = append(a.held, gistOfNumber(c))
	}
	if jumped { // the source was cut below the anchor
		a.on.offset, a.next = 1000, 1000
		a.jumped(sourcePlace{0, 1})
	}
	for o, c := range w.source {
		if c == removed {
			continue
		}
		done, err := a.meet(gistOfNumber(c), int64(o), 0)
		if err != nil {
			t.Fatal(err)
		}
		if done {
			break
		}
	}
	return a.on.offset, a.lost()
}

// TestAlignmentFindsWhatIsNew has sources lose records in all ways behind an anchor, and
// compares what an alignment finds with what was done.
func TestAlignmentFindsWhatIsNew(t *testing.T) {
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		var w logs
		var fresh int64
		w.write(r, 1+r.IntN(12), &fresh, 0)
		w.copy(r.IntN(14))
		below := r.IntN(4) == 0 // also records before the anchor were lost
		cut := below || r.IntN(2) == 0
		if cut {
			at := r.IntN(len(w.source))
			if below {
				at = 0
			}
			w.cut(at)
			w.write(r, r.IntN(8), &fresh, 0)
			if r.IntN(3) == 0 {
				w.copy(r.IntN(6)) // by a process that saw the cut
			}
		} else {
			w.compact(r, 2+r.IntN(3))
		}
		w.write(r, 1+r.IntN(5), &fresh, 0) // told of only now

		left := map[int64]bool{}
		for _, o := range w.seen {
			left[o] = true
		}
		on, lost := w.resume(t, below)
		for o, c := range w.source {
			if copied := left[int64(o)]; c != removed && copied != (int64(o) < on) {
				t.Fatalf("seed %d: the source is new from %d on, but copied at %d is %v\n%+v", seed, on, o, copied, w)
			}
		}
		if !cut && lost != 0 {
			t.Fatalf("seed %d: %d records are lost, but nothing was cut\n%+v", seed, lost, w)
		}
		if inSource := len(w.seen); cut && !below && lost != int64(len(w.target)-inSource) {
			t.Fatalf("seed %d: %d records are lost, want %d\n%+v", seed, lost, len(w.target)-inSource, w)
		}
	}
}

// TestAlignmentOfEqualRecords has records with few contents: whatever is found, the
// target then holds every record of the source, in order.
func TestAlignmentOfEqualRecords(t *testing.T) {
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 2))
		var w logs
		var fresh int64
		few := 1 + r.Int64N(3)
		w.write(r, 1+r.IntN(12), &fresh, few)
		w.copy(r.IntN(14))
		if r.IntN(2) == 0 {
			w.cut(r.IntN(len(w.source)))
		}
		w.write(r, 1+r.IntN(8), &fresh, few)
		on, _ := w.resume(t, false)
		target := append(slices.Clone(w.target), w.source[on:]...)
		next := 0
		for _, c := range target {
			if next < len(w.source) && w.source[next] == c {
				next++
			}
		}
		if next < len(w.source) {
			t.Fatalf("seed %d: new from %d on leaves out %s\n%+v", seed, on, fmt.Sprint(w.source[next:]), w)
		}
	}
}
