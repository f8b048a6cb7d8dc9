package group

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// settle assigns until nobody has anything to hand over, as members do who join
// again once they have let go, and returns what each owns in the end.
func settle(t *testing.T, members []claim, weights *Weights) []claim {
	t.Helper()
	for range 4 {
		shares := assign(members, weights, true)
		withheld := 0
		next := slices.Clone(members)
		var taken Set
		var held Set // by anybody
		for _, m := range members {
			held = *held.or(m.held)
		}
		for i, m := range members {
			s := shares[m.id]
			withheld += s.withheld
			for w := range s.owned {
				if s.owned[w]&taken[w] != 0 {
					t.Fatalf("buckets of %d have two owners", w*64)
				}
				if s.owned[w]&held[w]&^m.held[w] != 0 {
					t.Fatalf("buckets of %d were given to %s while somebody else holds them", w*64, m.id)
				}
			}
			taken = *taken.or(s.owned)
			next[i].held, next[i].generation = s.owned, m.generation+1
		}
		members = next
		if withheld == 0 {
			if taken != *every() && slices.ContainsFunc(members, func(c claim) bool { return !c.idle }) {
				t.Fatalf("%d buckets have no owner", Buckets-taken.Len())
			}
			return members
		}
	}
	t.Fatal("buckets were withheld for ever")
	return nil
}

func newMembers(n int) []claim {
	members := make([]claim, n)
	for i := range members {
		members[i] = claim{id: fmt.Sprintf("host-%03d", i), generation: -1, held: &Set{}}
	}
	return members
}

// loads returns what each member has of the loaded buckets.
func loads(members []claim, weights *Weights) []int64 {
	sums := make([]int64, len(members))
	for i, m := range members {
		for b, w := range weights {
			if m.held.Has(b) {
				sums[i] += w
			}
		}
	}
	return sums
}

// moved counts the buckets that have another owner than before.
func moved(before, after []claim) int {
	n := 0
	for _, m := range after {
		i := slices.IndexFunc(before, func(o claim) bool { return o.id == m.id })
		kept := Set{}
		if i >= 0 {
			kept = *before[i].held
		}
		n += kept.or(m.held).Len() - kept.Len()
	}
	return n
}

func topics(weights *Weights, n int, partitions int32, weight func() int64) {
	for i := range n {
		for p := range partitions {
			weights[Bucket(fmt.Sprintf("topic-%d", i), p)] += weight()
		}
	}
}

func one() int64 { return 1 }

func TestAssignIsBalancedAndSticky(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	tests := map[string]struct {
		members    int
		topics     int
		partitions int32
		weight     func() int64
	}{
		"nothing is known": {members: 3, weight: one},
		"one topic":        {members: 3, topics: 1, partitions: 6, weight: one},
		"fewer than us":    {members: 5, topics: 1, partitions: 3, weight: one},
		"many topics":      {members: 7, topics: 300, partitions: 12, weight: one},
		"uneven":           {members: 4, topics: 50, partitions: 8, weight: func() int64 { return 1 + random.Int64N(1000) }},
		"one giant": {members: 4, topics: 40, partitions: 8, weight: func() int64 {
			if random.IntN(100) == 0 {
				return 100_000
			}
			return 10
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var weights Weights
			topics(&weights, test.topics, test.partitions, test.weight)
			members := settle(t, newMembers(test.members), &weights)
			wantLevel(t, members, &weights)

			if again := settle(t, members, &weights); moved(members, again) != 0 {
				t.Errorf("%d buckets moved without a reason", moved(members, again))
			}
			joined := settle(t, append(slices.Clone(members), claim{id: "new", generation: -1, held: &Set{}}), &weights)
			wantLevel(t, joined, &weights)
			if got, most := moved(members, joined), Buckets/test.members; got > most {
				t.Errorf("%d buckets moved when a member came, want %d at most", got, most)
			}
			left := settle(t, joined[1:], &weights)
			wantLevel(t, left, &weights)
			if got, most := moved(joined, left), 2*joined[0].held.Len()+Buckets/10; got > most {
				t.Errorf("%d buckets moved when a member with %d left, want %d at most", got, joined[0].held.Len(), most)
			}
		})
	}
}

// wantLevel checks that no member could give another one a bucket to both's
// advantage, beyond a twentieth of the mean.
func wantLevel(t *testing.T, members []claim, weights *Weights) {
	t.Helper()
	sums := loads(members, weights)
	var total int64
	for _, s := range sums {
		total += s
	}
	mean := total / int64(len(members))
	least := slices.Min(sums)
	for i, m := range members {
		gap := sums[i] - least
		if gap <= mean/20+1 {
			continue
		}
		for b, w := range weights {
			if w > 0 && w < gap && m.held.Has(b) {
				t.Fatalf("%s has %d, another member %d, the mean is %d, and a bucket of %d stayed", m.id, sums[i], least, mean, w)
			}
		}
	}
}

func TestAssignDoesNotDependOnOrder(t *testing.T) {
	var weights Weights
	topics(&weights, 30, 10, one)
	members := settle(t, newMembers(6), &weights)[1:]
	want := assign(members, &weights, true)
	for seed := range uint64(20) {
		shuffled := slices.Clone(members)
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		for id, got := range assign(shuffled, &weights, true) {
			if *got.owned != *want[id].owned {
				t.Fatalf("%s gets something else in another order", id)
			}
		}
	}
}

func TestAssignPartitionsOfATopicAreSpread(t *testing.T) {
	var none Weights
	members := settle(t, newMembers(3), &none)
	for _, m := range members {
		n := 0
		for p := range int32(6) {
			if m.held.Has(Bucket("a topic nobody has seen", p)) {
				n++
			}
		}
		if n != 2 {
			t.Errorf("%s gets %d of 6 partitions of a new topic, want 2", m.id, n)
		}
	}
}

func TestAssignTheLastClaimWinsAndTheIdleGetNothing(t *testing.T) {
	var weights Weights
	topics(&weights, 1, 4, one)
	b := Bucket("topic-0", 0)
	zombie, owner := newMembers(2)[0], newMembers(2)[1]
	zombie.generation, owner.generation = 3, 5
	zombie.held.add(b)
	owner.held.add(b)
	shares := assign([]claim{zombie, owner}, &weights, true)
	if shares[zombie.id].owned.Has(b) || !shares[owner.id].owned.Has(b) {
		t.Error("the bucket went to who got it earlier")
	}

	other := claim{id: "other file", generation: 2, held: every(), idle: true}
	shares = assign([]claim{other, newMembers(1)[0]}, &weights, true)
	if got := shares[other.id].owned.Len(); got != 0 {
		t.Errorf("a member with another file got %d buckets", got)
	}
	if got := shares["host-000"]; got.owned.Len() != 0 || got.withheld != Buckets {
		t.Errorf("%d buckets were given away that another member holds, %d withheld", got.owned.Len(), got.withheld)
	}
}

// maxGroupRecord is half of what a broker with its defaults takes for the record
// of a group, message.max.bytes.
const maxGroupRecord = 512 << 10

func TestAssignAtPlanningSize(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	var weights Weights
	topics(&weights, 2000, 50, func() int64 { return 1 + random.Int64N(20) })
	members := newMembers(500)
	began := time.Now()
	members = settle(t, members, &weights)
	for round := range 5 { // some leave, others come
		gone := random.IntN(400)
		members = slices.Delete(members, gone, gone+20)
		for i := range 20 {
			members = append(members, claim{id: fmt.Sprintf("fresh-%d-%d", round, i), generation: -1, held: &Set{}})
		}
		before := members
		members = settle(t, members, &weights)
		wantLevel(t, members, &weights)
		if got, most := moved(before, members), Buckets/4; got > most {
			t.Errorf("%d of %d buckets moved when 20 of 500 members were replaced, want %d at most", got, Buckets, most)
		}
	}
	record := 0
	for _, m := range members {
		record += len(subscription{held: m.held}.encode()) + len(assignment{members: 500, owned: m.held}.encode()) +
			3*64 + 50 // ids, client, host and numbers of a member
	}
	sums := loads(members, &weights)
	t.Logf("record %d KiB; loads %d to %d; %s for 6 settled changes", record>>10, slices.Min(sums), slices.Max(sums), time.Since(began))
	if record > maxGroupRecord {
		t.Errorf("the group's record has %d bytes, want %d at most", record, maxGroupRecord)
	}
}

func TestSetsSurviveTheirEncoding(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, in := range []int{0, 1, 2, 5, 1000, Buckets} { // every how many buckets one is in
		var s Set
		for b := range Buckets {
			if in > 0 && random.IntN(in) == 0 {
				s.add(b)
			}
		}
		got, rest, err := readSet(append(appendSet(nil, &s), "rest"...))
		if err != nil || *got != s || string(rest) != "rest" {
			t.Errorf("one in %d: got %v buckets, rest %q, err %v", in, got.Len(), rest, err)
		}
	}
	if got := len(appendSet(nil, every())); got > 5 {
		t.Errorf("all buckets take %d bytes", got)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(subscription{generation: 4, held: every()}.encode())
	f.Add(subscription{generation: -1, held: &Set{}, said: []byte("paused")}.encode())
	f.Add(assignment{members: 3, owned: &Set{1, 2, 3}}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := decodeSubscription(b); err == nil {
			again, err := decodeSubscription(s.encode())
			if err != nil || !cmp.Equal(s.held, again.held) || s.generation != again.generation || !bytes.Equal(s.said, again.said) {
				t.Errorf("%x decodes to something that does not survive", b)
			}
		}
		if a, err := decodeAssignment(b); err == nil && !bytes.Equal(a.encode()[:16], b[:16]) {
			t.Errorf("%x decodes to another fingerprint", b)
		}
	})
}

// TestAssignBeforeLoadsAreMeasured has a leader that has just begun: what its members
// hold by load it does not undo, while what nobody holds is given, and a newcomer
// gets a share.
func TestAssignBeforeLoadsAreMeasured(t *testing.T) {
	var measured, unknown Weights
	for b := range Buckets {
		unknown[b], measured[b] = 1, 1
		if b < 10 {
			measured[b] = 1 << 14
		}
	}
	members := settle(t, newMembers(3), &measured)
	shares := assign(members, &unknown, false)
	for _, m := range members {
		if got := shares[m.id].owned; *got != *m.held {
			t.Errorf("%s goes from %d to %d buckets", m.id, m.held.Len(), got.Len())
		}
	}
	left := members[:2]
	after := assign(left, &unknown, false)
	if n := after[left[0].id].owned.Len() + after[left[1].id].owned.Len(); n != Buckets {
		t.Errorf("%d buckets are given when one has gone, want all", n)
	}
	newcomer := claim{id: "newcomer", generation: -1, held: &Set{}}
	if s := assign(append(slices.Clone(members), newcomer), &unknown, false)[newcomer.id]; s.withheld == 0 {
		t.Error("a newcomer is to get nothing")
	}
}
