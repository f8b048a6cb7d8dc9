package offsetsync

// slotCount is how many syncs MirrorMaker 2 keeps of a partition.
const slotCount = 64

// pair is one pair of MirrorMaker 2's: the record at up of the source is at down
// of the target.
type pair struct{ up, down int64 }

// slots are the syncs of one partition that MirrorMaker 2's readers keep of all
// that they were told (OffsetSyncStore, seen in 4.2.0): denser towards the newest,
// never more than slotCount. The zero value holds none. Of i < j:
//
//	A: slot 0 is the newest
//	B: slots that differ have up_i <= up_j + 2^j - 2^i
//	C: slots that differ have up_i >= up_j + 2^max(i-2, 0)
//	D: the last slot is the earliest that may be used
//
// It is not safe for concurrent use.
type slots struct {
	s *[slotCount]*pair // nil: none; equal pointers are one sync
}

// add takes a sync, which must be newer than those before; one that goes back
// makes the others void.
func (t *slots) add(s pair) {
	if t.s == nil || s.up < t.s[0].up {
		t.fill(s)
		return
	}
	t.insert(&s)
}

// fill forgets all other syncs.
func (t *slots) fill(s pair) {
	t.s = new([slotCount]*pair)
	for i := range t.s {
		t.s[i] = &s
	}
}

// insert puts the newest sync into slot 0 and repairs what that breaks, from the
// front, with the best of what was there.
func (t *slots) insert(newest *pair) {
	old, s := *t.s, t.s
	s[0] = newest
	replacement, r := newest, 0
	for j := 1; j < slotCount; j++ {
		for skip := true; skip; {
			o := old[r]
			separate := apart(s[j-1], o, j-1)
			promote := separate && near(s[j-1], o, j-1, j) && (j+1 == slotCount || apart(o, s[j+1], j))
			duplicate := r+1 < slotCount && o == old[r+1]
			if promote {
				replacement = o
			}
			skip = duplicate || !separate
			if promote || skip {
				r++
			}
			skip = skip && r < j
		}
		if near(s[j-1], s[j], j-1, j) {
			return
		}
		s[j] = replacement
	}
}

// near is invariant B for slots i < j. Where its bound does not fit 64 bits,
// everything is near.
func near(a, b *pair, i, j int) bool {
	bound := b.up + (1 << uint(j)) - (1 << uint(i))
	return a == b || bound < 0 || a.up <= bound
}

// apart is invariant C for slot i and a later one.
func apart(a, b *pair, i int) bool {
	bound := b.up + (1 << uint(max(i-2, 0)))
	return a == b || bound >= 0 && a.up >= bound
}

// distinct returns the syncs, the oldest first.
func (t *slots) distinct() []pair {
	var out []pair
	if t.s == nil {
		return nil
	}
	for i := slotCount - 1; i >= 0; i-- {
		if i == slotCount-1 || t.s[i] != t.s[i+1] {
			out = append(out, *t.s[i])
		}
	}
	return out
}
