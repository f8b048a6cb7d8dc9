package fence

import (
	"slices"
	"testing"
)

// This is a model of docs/adr/0012, not of the code: two owners of one lane of old
// records, each of which may crash and come back at any moment or go on long after it
// has lost the lane, a network that delivers late, not at all or without an answer, and
// a broker that forgets at any moment who appended what, but not a marker behind which
// nothing was appended. Every state that can be reached is visited.

const (
	modelRecords = 2
	modelIDs     = 4 // 1 to modelIDs-1 are used
	modelNet     = 2 // requests under way
	nobody       = -1
)

// protocol is what owners do; the zero value is what the ADR says.
type protocol struct {
	unmarked bool // who takes over only raises epochs
	blind    bool // who takes over goes on under the id after the anchor's, whose ever that is
	late     bool // an owner takes its next id after it has shut out the one it has
	stays    bool // an owner goes on under the id that it has shut out
	ahead    bool // an anchor names the end of the log, not of what its owner has counted
}

// phase is what an owner does next.
type phase int8

const (
	down   phase = iota
	begin        // taking over: begin with id k
	mark         // taking over: put a marker of id k
	count        // taking over: count what is in the log
	store        // keep where to go on under id k
	run          // copy
	next         // take an id behind k
	renew        // raise the epoch of k
	shut         // put a marker of id k
	settle       // look what has landed
	change       // keep where to go on under id j
)

// anchor is a position.
type anchor struct{ records, end, id int8 }

// owner is one process.
type owner struct {
	phase      phase
	from       anchor // it began at
	k, epoch   int8   // id that it writes under, or is at
	j          int8   // id that it takes next; 0: none
	acked, end int8   // records; end of the log behind them
	out        bool
}

// request is a batch under way.
type request struct {
	from             int8 // nobody: nobody waits for its answer any more
	id, epoch, first int8
	n                int8 // 0: none
}

// entry is what the broker knows of an id.
type entry struct {
	known       bool
	data        bool // else a marker
	epoch, next int8 // records have been appended up to next
}

// world is one state. It is comparable.
type world struct {
	log     [modelRecords + 2]struct{ record, id int8 }
	n       int8
	epochs  [modelIDs]int8 // at the coordinator; 0: nobody has had the id
	entries [modelIDs]entry
	anchor  anchor
	owners  [2]owner
	network [modelNet]request // sorted; n == 0: none
}

// tidy makes equal what differs in nothing that matters: how often somebody has begun
// with an id, and which request was sent first.
func (w *world) tidy() {
	for id := range w.epochs {
		used := []*int8{&w.epochs[id], &w.entries[id].epoch}
		first := false // somebody has the id with epoch 1, and is about to use it
		for i := range w.owners {
			if o := &w.owners[i]; int(o.k) == id {
				used = append(used, &o.epoch)
			}
			first = first || int(w.owners[i].j) == id
		}
		for i := range w.network {
			if r := &w.network[i]; r.n > 0 && int(r.id) == id {
				used = append(used, &r.epoch)
			}
		}
		var values []int8
		for _, e := range used {
			if *e > 0 && !slices.Contains(values, *e) {
				values = append(values, *e)
			}
		}
		if first && !slices.Contains(values, 1) {
			values = append(values, 1)
		}
		slices.Sort(values)
		for _, e := range used {
			if *e > 0 {
				*e = int8(slices.Index(values, *e)) + 1
			}
		}
	}
	w.sort()
}

func (w *world) sort() {
	slices.SortFunc(w.network[:], func(a, b request) int {
		return slices.Compare([]int8{a.n, a.from, a.id, a.epoch, a.first}, []int8{b.n, b.from, b.id, b.epoch, b.first})
	})
}

// right reports whether the target holds what the source does, as far as it goes.
func (w *world) right() bool {
	for i := range w.n {
		if w.log[i].record != i {
			return false
		}
	}
	return w.n <= modelRecords
}

// append is the broker. It reports whether the records are there, and whether the
// producer is of an older epoch.
func (w *world) append(r request) (ok, fenced bool) {
	e := &w.entries[r.id]
	switch {
	case e.known && r.epoch < e.epoch:
		return false, true
	case e.known && e.data && r.epoch == e.epoch && r.first+r.n == e.next:
		return true, false // a duplicate that it remembers
	case e.known && e.data && r.epoch == e.epoch && r.first != e.next:
		return false, false
	}
	for i := range r.n {
		if int(w.n) < len(w.log) {
			w.log[w.n].record, w.log[w.n].id = r.first+i, r.id
			w.n++
		}
	}
	*e = entry{known: true, data: true, epoch: r.epoch, next: r.first + r.n}
	return true, false
}

// outcome tells an owner what became of its request.
func (w *world) outcome(r request, ok, fenced bool) {
	if r.from == nobody {
		return
	}
	o := &w.owners[r.from]
	o.out = false
	switch {
	case fenced:
		*o = owner{} // somebody else goes on
	case ok:
		o.acked, o.end = r.first+r.n, w.n
	default:
		o.phase, o.j = next, 0
	}
}

// following returns every world that one step leads to.
func (w world) following(p protocol) (all []world) {
	step := func(do func(*world)) {
		following := w
		do(&following)
		following.tidy()
		all = append(all, following)
	}
	for i := range w.owners {
		w.act(p, int8(i), step)
	}
	for i, r := range w.network {
		if r.n == 0 {
			continue
		}
		step(func(w *world) { w.network[i] = request{}; ok, fenced := w.append(r); w.outcome(r, ok, fenced) })
		step(func(w *world) { w.network[i] = request{}; w.append(r); w.outcome(r, false, false) }) // the answer is lost
		step(func(w *world) { w.network[i] = request{}; w.outcome(r, false, false) })              // it never arrives
		if r.from != nobody {
			step(func(w *world) { w.network[i].from = nobody; w.outcome(r, false, false) }) // it arrives later
		}
	}
	for id, e := range w.entries {
		if e.known && e.data {
			step(func(w *world) { w.entries[id] = entry{} }) // the broker forgets
		}
	}
	return all
}

// act are the steps of one owner.
func (w world) act(p protocol, i int8, step func(func(*world))) {
	do := func(change func(*world, *owner)) {
		step(func(w *world) { change(w, &w.owners[i]) })
	}
	o := w.owners[i]
	if o.phase == down {
		do(func(w *world, o *owner) { *o = owner{phase: begin, from: w.anchor, k: w.anchor.id} })
		return
	}
	do(func(w *world, o *owner) { // a crash
		*o = owner{}
		for k := range w.network {
			if w.network[k].n > 0 && w.network[k].from == i {
				w.network[k].from = nobody
			}
		}
	})
	switch o.phase {
	case run:
		w.copies(o, i, do)
	case next, renew, shut, settle, change:
		w.changes(p, o, do)
	default:
		w.takesOver(p, o, do)
	}
}

// marks puts a marker with the epoch of an owner into the log, unless somebody else
// has raised that since.
func (w *world) marks(o *owner, then phase) {
	if w.epochs[o.k] != o.epoch {
		*o = owner{}
		return
	}
	w.entries[o.k] = entry{known: true, epoch: o.epoch}
	o.phase = then
}

// takesOver are the steps of an owner before it copies anything.
func (w world) takesOver(p protocol, o owner, do func(func(*world, *owner))) {
	switch o.phase {
	case begin:
		if o.k == modelIDs {
			return
		}
		do(func(w *world, o *owner) {
			fresh := w.epochs[o.k] == 0
			w.epochs[o.k]++
			o.epoch = w.epochs[o.k]
			switch {
			case fresh || p.blind && o.k > o.from.id:
				o.phase = count
			case p.unmarked:
				o.k++
			default:
				o.phase = mark
			}
		})
	case mark:
		do(func(w *world, o *owner) {
			if w.marks(o, begin); o.phase == begin {
				o.k++
			}
		})
	case count:
		do(func(w *world, o *owner) {
			o.acked, o.end = o.from.records, o.from.end
			for at := o.from.end; at < w.n; at++ {
				if w.log[at].id >= o.from.id && w.log[at].id <= o.k {
					o.acked++
					o.end = at + 1
				}
			}
			if p.ahead {
				o.end = w.n
			}
			o.from, o.phase = anchor{}, store
		})
	default: // store
		do(func(w *world, o *owner) {
			w.anchor = anchor{o.acked, o.end, o.k}
			o.phase = run
		})
	}
}

// copies are the steps of an owner that knows where it is.
func (w world) copies(o owner, i int8, do func(func(*world, *owner))) {
	if at := (anchor{o.acked, o.end, o.k}); at != w.anchor {
		do(func(w *world, _ *owner) { w.anchor = at })
	}
	if o.out || w.network[0].n != 0 {
		return
	}
	for n := int8(1); o.acked+n <= modelRecords; n++ {
		do(func(w *world, o *owner) {
			w.network[0] = request{i, o.k, o.epoch, o.acked, n}
			o.out = true
		})
	}
}

// changes are the steps of an owner whose last request may still be under way.
func (w world) changes(p protocol, o owner, do func(func(*world, *owner))) {
	switch o.phase {
	case next:
		if p.late {
			do(func(_ *world, o *owner) { o.phase = renew })
			return
		}
		w.takesNext(o, renew, do)
	case renew:
		do(func(w *world, o *owner) {
			if w.epochs[o.k] != o.epoch {
				*o = owner{}
				return
			}
			w.epochs[o.k]++
			o.epoch = w.epochs[o.k]
			o.phase = shut
		})
	case shut:
		do(func(w *world, o *owner) { w.marks(o, settle) })
	case settle:
		if p.late && o.j == 0 {
			w.takesNext(o, settle, do)
			return
		}
		do(func(w *world, o *owner) {
			for at := range w.n {
				if w.log[at].id == o.k && w.log[at].record >= o.acked {
					o.acked, o.end = w.log[at].record+1, at+1
				}
			}
			if p.ahead {
				o.end = w.n
			}
			if o.phase = change; p.stays {
				o.j = o.k
			}
		})
	default: // change
		do(func(w *world, o *owner) {
			if o.j != o.k {
				o.epoch = 1
			}
			o.k, o.j, o.phase = o.j, 0, run
			w.anchor = anchor{o.acked, o.end, o.k}
		})
	}
}

// takesNext takes the first id behind the owner's that nobody has had.
func (w world) takesNext(o owner, then phase, do func(func(*world, *owner))) {
	at := max(o.j, o.k) + 1
	for at < modelIDs && w.epochs[at] > 0 {
		at++
	}
	if at == modelIDs {
		return
	}
	do(func(w *world, o *owner) {
		w.epochs[at] = 1
		o.j, o.phase = at, then
	})
}

// explore visits all states and returns how many there are, and whether one is wrong.
func explore(p protocol, most int) (states int, wrong bool) {
	first := world{anchor: anchor{id: 1}}
	first.epochs[1] = 1
	first.owners[0] = owner{phase: run, k: 1, epoch: 1, from: first.anchor}
	seen := map[world]struct{}{first: {}}
	for queue := []world{first}; len(queue) > 0 && len(seen) < most; queue = queue[1:] {
		for _, w := range queue[0].following(p) {
			if !w.right() {
				return len(seen), true
			}
			if _, known := seen[w]; !known {
				seen[w] = struct{}{}
				queue = append(queue, w)
			}
		}
	}
	return len(seen), false
}

// TestShuttingOutIsExact visits every state of the protocol: the target never holds a
// record twice, too early or not at all, whatever its broker forgets.
func TestShuttingOutIsExact(t *testing.T) {
	const most = 10_000_000
	states, wrong := explore(protocol{}, most)
	t.Logf("%d states", states)
	if wrong || states >= most {
		t.Errorf("%d states, wrong: %v", states, wrong)
	}
}

// TestWhatShuttingOutRestsOn takes away what ADR 0012 names as a reason, one at a
// time: the model finds what goes wrong then.
func TestWhatShuttingOutRestsOn(t *testing.T) {
	for name, p := range map[string]protocol{
		"markers":                   {unmarked: true},
		"an id that nobody has had": {blind: true},
		"the next id before the last one is shut out": {late: true},
		"an id that is never used again":              {stays: true},
	} {
		if states, wrong := explore(p, 10_000_000); !wrong {
			t.Errorf("without %s nothing went wrong in %d states", name, states)
		}
	}
}
