package mirror

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// counts is a histogram without its empty buckets.
func counts(s *spans) map[float64]uint64 {
	h, all := s.counted(), map[float64]uint64{}
	for i, n := range h.Counts {
		bound := -1.0 // above
		if i < len(h.Bounds) {
			bound = h.Bounds[i]
		}
		if n > 0 {
			all[bound] = n
		}
	}
	return all
}

func TestSpans(t *testing.T) {
	s := newSpans()
	s.add(-time.Hour, 1) // another's clock
	s.add(5*time.Millisecond, 2)
	s.add(5001*time.Microsecond, 3)
	s.add(24*time.Hour, 4)
	s.add(25*time.Hour, 5)
	if d := cmp.Diff(map[float64]uint64{0.005: 3, 0.01: 3, 86400: 4, -1: 5}, counts(s)); d != "" {
		t.Error(d)
	}
	if got, want := s.counted().Sum, 2*0.005+3*0.005001+float64((4*24+5*25)*3600); got < want-1e-6 || got > want+1e-6 {
		t.Errorf("the sum is %v, want %v", got, want)
	}
}

// TestMarks has acknowledgements reach parts of what is under way, a lane that is
// sent back, and more under way than marks are kept of.
func TestMarks(t *testing.T) {
	now := time.Unix(1000, 0)
	at := func(next, records, written, fetched int64) mark {
		m := mark{next: next, records: records, fetched: time.Unix(fetched, 0)}
		if written > 0 {
			m.written = time.Unix(written, 0)
		}
		return m
	}
	tests := map[string]struct {
		marks                 []mark
		reached               int64
		replication, transfer map[float64]uint64
		left                  int
	}{
		"part": {
			marks:   []mark{at(10, 10, 940, 999), at(20, 5, 0, 998), at(30, 1, 900, 999)},
			reached: 20, left: 1,
			replication: map[float64]uint64{60: 10}, transfer: map[float64]uint64{1: 10, 2.5: 5},
		},
		"nothing yet": {
			marks:   []mark{at(10, 10, 940, 999)},
			reached: 9, left: 1,
			replication: map[float64]uint64{}, transfer: map[float64]uint64{},
		},
		"sent back": {
			marks:       []mark{at(10, 10, 940, 990), at(20, 10, 940, 990), at(15, 5, 940, 999)},
			reached:     20,
			replication: map[float64]uint64{60: 15}, transfer: map[float64]uint64{10: 10, 1: 5},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var m marks
			to := newLatency()
			for _, one := range tt.marks {
				m.add(one)
			}
			m.reached(tt.reached, now, to, &lately{})
			if d := cmp.Diff(tt.replication, counts(to.replication)); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(tt.transfer, counts(to.transfer)); d != "" {
				t.Error(d)
			}
			if len(m) != tt.left {
				t.Errorf("%d marks are left, want %d", len(m), tt.left)
			}
		})
	}
	t.Run("lately", func(t *testing.T) {
		var of lately
		m := marks{at(10, 10, 940, 990), at(20, 5, 970, 990), at(30, 7, 980, 990)}
		if n := m.pending(); n != 22 {
			t.Errorf("%d records are pending", n)
		}
		m.reached(20, now, newLatency(), &of)
		if n := m.pending(); n != 7 {
			t.Errorf("%d records are pending then", n)
		}
		if s := of.replication.At(now); s.Last != 30 || s.Least != 30 || s.Most != 60 || s.Average != 50 {
			t.Errorf("of late there were %+v", s)
		}
	})
	t.Run("many", func(t *testing.T) {
		var m marks
		to := newLatency()
		for i := range int64(1000) {
			m.add(at(i+1, 1, 900+i/100, 999))
		}
		if len(m) > maxMarks {
			t.Errorf("%d marks are kept", len(m))
		}
		m.reached(999, now, to, &lately{})
		if n := counts(to.transfer); n[1] != maxMarks-1 {
			t.Errorf("before all of the last mark is there %v are counted", n)
		}
		m.reached(1000, now, to, &lately{})
		if d := cmp.Diff(map[float64]uint64{600: 1000}, counts(to.replication)); d != "" {
			t.Error(d)
		}
	})
}
