package group

import (
	"cmp"
	"slices"
	"strings"
)

// claim is a member as the leader sees it when it divides the work.
type claim struct {
	id         string
	generation int32 // in which it got what it holds
	held       *Set
	idle       bool // it is to get nothing, and to give up what it holds
}

// Weights are the loads of all buckets, in any one unit; 0: nothing is in it.
type Weights [Buckets]int64

// share is what one member is to run.
type share struct {
	owned    *Set
	withheld int // buckets that will be the member's once another one has let go
}

// assign divides the buckets among members. It is a pure function of them,
// whatever their order: the heaviest unowned buckets go to whoever has least,
// then buckets move from who has most to who has least until they differ by less
// than a twentieth of the mean, or by one bucket. Buckets with and without load
// are balanced by themselves. A bucket that somebody else still holds is given to
// nobody: its holder lets go first. While the weights have not been measured, as when
// the leader has just begun, nothing moves unless a member has nothing at all: what
// others measured would be undone, and done again a moment later.
func assign(members []claim, weights *Weights, measured bool) map[string]share {
	members = slices.Clone(members)
	slices.SortFunc(members, func(a, b claim) int { return strings.Compare(a.id, b.id) })
	var able []int
	for i, m := range members {
		if !m.idle {
			able = append(able, i)
		}
	}
	owner := owners(members)
	still := !measured && !slices.ContainsFunc(able, func(i int) bool { return members[i].held.Len() == 0 })
	if len(able) > 0 {
		for _, loaded := range []bool{true, false} {
			balance(owner, able, weights, loaded, still)
		}
	}
	return grants(members, owner)
}

// owners returns who keeps each bucket if nothing needs to move: the one who got
// it last; -1: nobody.
func owners(members []claim) *[Buckets]int {
	var owner [Buckets]int
	for b := range owner {
		owner[b] = -1
		for i, m := range members {
			if !m.idle && m.held.Has(b) && (owner[b] < 0 || m.generation > members[owner[b]].generation) {
				owner[b] = i
			}
		}
	}
	return &owner
}

// pile is what one member gets of the buckets that are balanced together.
type pile struct {
	member  int
	load    int64
	buckets []int // by weight, then by number
	done    bool  // nothing of it can be moved to an advantage
}

// balance changes the owners of the buckets with load, or of those without, which
// then all weigh the same; still: only of those without an owner.
func balance(owner *[Buckets]int, able []int, weights *Weights, loaded, still bool) {
	weight := func(b int) int64 {
		if loaded {
			return weights[b]
		}
		return 1
	}
	order := func(a, b int) int { return cmp.Or(cmp.Compare(weight(a), weight(b)), cmp.Compare(a, b)) }
	piles := make([]pile, len(able))
	at := map[int]int{}
	for i, m := range able {
		piles[i].member, at[m] = m, i
	}
	var free []int
	var total int64
	for b, m := range owner {
		if (weights[b] > 0) != loaded {
			continue
		}
		total += weight(b)
		if m < 0 {
			free = append(free, b)
			continue
		}
		p := &piles[at[m]]
		p.load += weight(b)
		p.buckets = append(p.buckets, b)
	}
	slices.SortFunc(free, func(a, b int) int { return cmp.Or(cmp.Compare(weight(b), weight(a)), cmp.Compare(a, b)) })
	for _, b := range free {
		p := &piles[lightest(piles)]
		owner[b] = p.member
		p.load += weight(b)
		p.buckets = append(p.buckets, b)
	}
	if still {
		return
	}
	for i := range piles {
		slices.SortFunc(piles[i].buckets, order)
	}
	slack := total / int64(len(able)) / 20
	for {
		from, to := heaviest(piles), lightest(piles)
		if from < 0 || piles[from].load-piles[to].load <= slack {
			return
		}
		move(owner, &piles[from], &piles[to], weight, order)
	}
}

// move gives the bucket that comes nearest to levelling two piles from the
// heavier one to the other.
func move(owner *[Buckets]int, from, to *pile, weight func(int) int64, order func(a, b int) int) {
	gap := from.load - to.load
	i, _ := slices.BinarySearchFunc(from.buckets, (gap+1)/2, func(b int, half int64) int { return cmp.Compare(weight(b), half) })
	switch n := len(from.buckets); {
	case i < n && weight(from.buckets[i]) < gap:
	case i > 0:
		i--
	default:
		from.done = true // its lightest one would only turn the scales
		return
	}
	b := from.buckets[i]
	from.buckets = slices.Delete(from.buckets, i, i+1)
	j, _ := slices.BinarySearchFunc(to.buckets, b, order)
	to.buckets = slices.Insert(to.buckets, j, b)
	from.load -= weight(b)
	to.load += weight(b)
	owner[b] = to.member
}

func lightest(piles []pile) int {
	least := 0
	for i := range piles {
		if piles[i].load < piles[least].load {
			least = i
		}
	}
	return least
}

// heaviest returns the heaviest pile that has something to give; -1: none.
func heaviest(piles []pile) int {
	most := -1
	for i := range piles {
		if !piles[i].done && (most < 0 || piles[i].load > piles[most].load) {
			most = i
		}
	}
	return most
}

// grants gives every bucket to its owner unless somebody else holds it.
func grants(members []claim, owner *[Buckets]int) map[string]share {
	shares := make(map[string]share, len(members))
	for _, m := range members {
		shares[m.id] = share{owned: &Set{}}
	}
	for b, to := range owner {
		if to < 0 {
			continue
		}
		m := members[to]
		s := shares[m.id]
		if m.held.Has(b) || !slices.ContainsFunc(members, func(o claim) bool { return o.held.Has(b) }) {
			s.owned.add(b)
		} else {
			s.withheld++
		}
		shares[m.id] = s
	}
	return shares
}
