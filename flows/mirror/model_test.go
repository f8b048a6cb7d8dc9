package mirror

import (
	"slices"
	"testing"
)

// This is a model of docs/adr/0006, not of the code: two owners of one lane, each
// of which may crash and come back at any moment, a network that delivers late, not
// at all or without an answer, and a broker that takes a producer's batches in
// order. Every state that can be reached is visited.

const (
	modelRecords = 3 // in the source
	modelWindow  = 2 // sends of an owner without an outcome
	modelNet     = 3 // requests under way
	nobody       = -1
)

// protocol is what owners do; the zero value is what the ADR says.
type protocol struct {
	uncounted bool // go on at the anchor with a fresh producer id, without looking at the log
	pipelined bool // several in flight before the first acknowledgement
	forgets   bool // the broker may forget a producer at any moment
}

// request is a batch under way. Its sequence is the index of its first record
// unless the protocol takes fresh ids, whose sequences begin where the owner did.
type request struct {
	from, id, first, n int8 // from: nobody waits for its answer any more
}

// owner is one process.
type owner struct {
	up, placed   bool // it runs; it knows where to go on
	id           int8 // its producer id
	anchor       int8 // what it read at its start
	acked, sent  int8 // records
	out          int8 // sends without an outcome
	open, broken bool // nothing acknowledged since; a send has failed
	ahead        bool // the broker refused a sequence: look at the log
}

// world is one state. It is comparable.
type world struct {
	log     [modelRecords + 1]int8 // what was appended, in order
	n       int8
	next    [2]int8 // the broker's next sequence of each id; nobody: it knows nothing
	last    [2]int8 // first sequence of the last batch of each id: all that its memory keeps after a reload
	anchor  int8
	owners  [2]owner
	network [modelNet]request // sorted; n == 0: none
}

func (w *world) add(r request) bool {
	if w.network[0].n != 0 {
		return false
	}
	w.network[0] = r
	w.sort()
	return true
}

func (w *world) sort() {
	slices.SortFunc(w.network[:], func(a, b request) int {
		return slices.Compare([]int8{a.n, a.from, a.id, a.first}, []int8{b.n, b.from, b.id, b.first})
	})
}

// right reports whether the target holds what the source does, as far as it goes.
func (w *world) right() bool {
	for i := range w.n {
		if w.log[i] != i {
			return false
		}
	}
	return int(w.n) <= modelRecords
}

// append is the broker.
func (w *world) append(r request) (ok bool) {
	next := w.next[r.id]
	switch {
	case next != nobody && next == r.first+r.n && w.last[r.id] == r.first:
		return true // a duplicate that it remembers
	case next != nobody && next != r.first:
		return false
	}
	for i := range r.n {
		if int(w.n) < len(w.log) {
			w.log[w.n] = r.first + i
			w.n++
		}
	}
	w.next[r.id], w.last[r.id] = r.first+r.n, r.first
	return true
}

// outcome tells an owner what became of a send; what is not ok is not known, or
// was refused.
func (o *owner) outcome(r request, ok, refused bool) {
	o.out--
	if ok {
		o.acked, o.open = max(o.acked, r.first+r.n), false
		return
	}
	o.broken = true
	o.ahead = o.ahead || refused
}

// settle begins a new round once every send has an outcome.
func (w *world) settle(o *owner) {
	if !o.up || !o.broken || o.out > 0 {
		return
	}
	if o.ahead {
		if end := w.next[o.id]; end > o.sent {
			*o = owner{} // somebody else goes on
			return
		} else if end != nobody {
			o.acked = max(o.acked, end)
		}
	}
	o.sent, o.open, o.broken, o.ahead = o.acked, true, false, false
}

// following returns every world that one step leads to.
func (w world) following(p protocol) (all []world) {
	step := func(do func(*world)) {
		next := w
		do(&next)
		for i := range next.owners {
			next.settle(&next.owners[i])
		}
		next.sort()
		all = append(all, next)
	}
	for i := range w.owners {
		w.act(p, int8(i), step)
	}
	for i, r := range w.network {
		if r.n == 0 {
			continue
		}
		tell := func(w *world, ok, refused bool) {
			if r.from != nobody {
				w.owners[r.from].outcome(r, ok, refused)
			}
		}
		step(func(w *world) { w.network[i] = request{}; ok := w.append(r); tell(w, ok, !ok) })
		step(func(w *world) { w.network[i] = request{}; w.append(r); tell(w, false, false) }) // the answer is lost
		step(func(w *world) { w.network[i] = request{}; tell(w, false, false) })              // it never arrives
		if r.from != nobody {
			step(func(w *world) { w.network[i].from = nobody; tell(w, false, false) }) // it arrives later
		}
	}
	if p.forgets {
		step(func(w *world) { w.next[0] = nobody })
	}
	return all
}

// act are the steps of one owner.
func (w world) act(p protocol, i int8, step func(func(*world))) {
	o := w.owners[i]
	if !o.up {
		step(func(w *world) { w.owners[i] = owner{up: true, anchor: w.anchor} })
		return
	}
	step(func(w *world) { // a crash
		w.owners[i] = owner{}
		for k := range w.network {
			if w.network[k].from == i {
				w.network[k].from = nobody
			}
		}
	})
	switch {
	case !o.placed && p.uncounted:
		step(func(w *world) {
			w.next[1] = nobody
			w.owners[i] = owner{up: true, placed: true, id: 1, acked: o.anchor, sent: o.anchor, open: true}
		})
	case !o.placed: // counted from the anchor: the log's end, by the producer's last sequence
		step(func(w *world) {
			w.owners[i] = owner{up: true, placed: true, acked: max(w.n, o.anchor), sent: max(w.n, o.anchor), open: true}
		})
	default:
		if o.acked != w.anchor {
			step(func(w *world) { w.anchor = o.acked })
		}
		window := int8(modelWindow)
		if o.open && !p.pipelined {
			window = 1
		}
		for n := int8(1); n <= 2 && o.out < window && !o.broken && o.sent+n <= modelRecords; n++ {
			if w.network[0].n == 0 {
				step(func(w *world) {
					w.add(request{i, o.id, o.sent, n})
					w.owners[i].sent += n
					w.owners[i].out++
				})
			}
		}
	}
}

// explore visits all states and returns how many there are, and how many of them
// are wrong or stuck.
func explore(p protocol, most int) (states, wrong, stuck int) {
	first := world{next: [2]int8{nobody, nobody}}
	seen := map[world]struct{}{first: {}}
	for queue := []world{first}; len(queue) > 0 && len(seen) < most && wrong == 0; queue = queue[1:] {
		if !queue[0].finishes(p) {
			stuck++
		}
		for _, w := range queue[0].following(p) {
			if !w.right() {
				wrong++
			} else if _, known := seen[w]; !known {
				seen[w] = struct{}{}
				queue = append(queue, w)
			}
		}
	}
	return len(seen), wrong, stuck
}

// finishes reports whether one owner alone, once nothing fails any more and what
// is under way has arrived, copies the rest.
func (w world) finishes(p protocol) bool {
	for i, r := range w.network {
		if r.n != 0 {
			w.append(r)
		}
		w.network[i] = request{}
	}
	at := max(w.n, w.anchor)
	for at < modelRecords {
		if !w.append(request{nobody, 0, at, 1}) {
			return false
		}
		at++
	}
	return w.right() && int(w.n) == modelRecords || p != protocol{}
}

// TestCountingIsExact visits every state of the protocol that two owners, their
// crashes and lost answers lead to: the target never holds a record twice, too
// early or not at all.
func TestCountingIsExact(t *testing.T) {
	const most = 5_000_000
	states, wrong, stuck := explore(protocol{}, most)
	t.Logf("%d states", states)
	if wrong > 0 || stuck > 0 || states >= most {
		t.Errorf("%d states, %d wrong, %d stuck", states, wrong, stuck)
	}
}

// TestWhatCountingRestsOn takes away what ADR 0006 names as a reason, one at a
// time: the model finds what goes wrong then.
func TestWhatCountingRestsOn(t *testing.T) {
	for name, p := range map[string]protocol{
		"at least once":                   {uncounted: true},
		"a broker that forgets producers": {forgets: true},
		"several in flight at first":      {pipelined: true},
	} {
		if states, wrong, _ := explore(p, 1_000_000); wrong == 0 {
			t.Errorf("%s: nothing went wrong in %d states", name, states)
		}
	}
}
