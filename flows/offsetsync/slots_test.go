package offsetsync

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// series adds syncs from..to with a step, each of a record that is at the same
// offset on the target.
func series(t *slots, from, to, step int64) {
	for up := from; up <= to; up += step {
		t.add(pair{up, up})
	}
}

// translate returns what MirrorMaker 2 makes of an offset of the source: -1 for
// one before everything that is known. ok is false where nothing is.
func (t *slots) translate(up int64) (down int64, ok bool) {
	if t.s == nil {
		return 0, false
	}
	for _, s := range t.s {
		switch {
		case s.up == up:
			return s.down, true
		case s.up < up:
			return s.down + 1, true
		}
	}
	return -1, true
}

// dump writes the slots as "[slot]up", each sync once, in its first slot.
func dump(t *slots) string {
	var out []string
	for i, s := range t.s {
		if i == 0 || s != t.s[i-1] {
			out = append(out, fmt.Sprintf("[%d]%d", i, s.up))
		}
	}
	return strings.Join(out, " ")
}

// TestSlotsAreMirrorMakers has the states that the classes of 4.2.0 had after the
// same syncs.
func TestSlotsAreMirrorMakers(t *testing.T) {
	tests := map[string]struct {
		fill func(*slots)
		want string
	}{
		"hundreds":  {func(s *slots) { series(s, 0, 1000, 100) }, "[0]1000 [8]900 [9]800 [10]400 [11]0"},
		"each":      {func(s *slots) { series(s, 0, 10, 1) }, "[0]10 [1]9 [2]8 [3]4 [4]0"},
		"many":      {func(s *slots) { series(s, 0, 100000, 100) }, "[0]100000 [8]99900 [9]99800 [10]99600 [11]99200 [12]97600 [13]96000 [14]89600 [15]76800 [16]51200 [17]0"},
		"initially": {func(s *slots) { s.fill(pair{1000, 1000}); series(s, 1100, 1200, 100) }, "[0]1200 [8]1100 [9]1000"},
		"rewind":    {func(s *slots) { series(s, 0, 1000, 100); s.add(pair{20, 20}) }, "[0]20"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var s slots
			tt.fill(&s)
			if got := dump(&s); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestSlotsTranslate is conformance items 80 and 88 to 93.
func TestSlotsTranslate(t *testing.T) {
	var s slots
	translate := func(up, want int64) {
		t.Helper()
		if got, ok := s.translate(up); !ok || got != want {
			t.Errorf("%d is %d, %v; want %d", up, got, ok, want)
		}
	}
	if _, ok := s.translate(5); ok {
		t.Error("something was translated without a sync")
	}
	s.add(pair{100, 200})
	translate(150, 201)
	s.add(pair{150, 251})
	translate(150, 251)
	translate(5, -1)
	s.add(pair{200, 10})
	translate(200, 10)
	s.add(pair{20, 20})
	translate(20, 20)

	s = slots{}
	s.add(pair{3, 4})
	translate(10, 5)
	s = slots{}
	s.add(pair{7, 8})
	translate(7, 8)
	translate(12, 9)

	s = slots{}
	s.add(pair{0, 0})
	s.fill(pair{1500, 11000}) // what a restart reads last
	translate(1499, -1)
	translate(1500, 11000)
	translate(2000, 11001)
}

// TestSlotsKeepWhatIsListed is conformance items 91 and 92: which offsets are translated exactly.
func TestSlotsKeepWhatIsListed(t *testing.T) {
	exact := func(s *slots, ups ...int64) {
		t.Helper()
		for _, up := range ups {
			if got, _ := s.translate(up); got != up {
				t.Errorf("%d is %d", up, got)
			}
		}
	}
	var s slots
	s.fill(pair{1000, 1000})
	series(&s, 1010, 10000, 10)
	exact(&s, 1000, 4840, 6760, 8680, 9160, 9640, 9880, 9940, 9970, 9990, 10000)
	s = slots{}
	series(&s, 0, 1000, 10)
	exact(&s, 0, 480, 720, 990, 1000)
	series(&s, 1010, 10000, 10)
	exact(&s, 0, 3840, 7680, 8640, 9120, 9600, 9840, 9900, 9960, 9990, 10000)
}

// TestSlotsKeepTheirInvariants is conformance items 94 to 96.
func TestSlotsKeepTheirInvariants(t *testing.T) {
	steps := map[string]func(*rand.Rand) int64{
		"one": func(*rand.Rand) int64 { return 1 }, "hundred": func(*rand.Rand) int64 { return 100 },
		"random": func(r *rand.Rand) int64 { return 1 + r.Int64N(1<<12) }, "huge": func(r *rand.Rand) int64 { return 1 + r.Int64N(1<<50) },
		"or double": func(r *rand.Rand) int64 { return 1000 << r.IntN(2) },
	}
	for name, step := range steps {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			var s slots
			first, up := int64(0), int64(0)
			for range 2000 {
				s.add(pair{up, up})
				if s.s[0].up != up || s.s[slotCount-1].up != first {
					t.Fatalf("after %d the first slot has %d, the last %d", up, s.s[0].up, s.s[slotCount-1].up)
				}
				for j := 1; j < slotCount; j++ {
					for i := range j {
						if !near(s.s[i], s.s[j], i, j) || !apart(s.s[i], s.s[j], i) {
							t.Fatalf("after %d slots %d and %d have %d and %d", up, i, j, s.s[i].up, s.s[j].up)
						}
					}
				}
				up += step(r)
			}
			if got := s.distinct(); got[0].up != first || got[len(got)-1].up != s.s[0].up {
				t.Errorf("distinct syncs are %v", got)
			}
		})
	}
}
