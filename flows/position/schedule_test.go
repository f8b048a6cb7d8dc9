package position

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// at returns a time seconds after an arbitrary one.
func at(seconds float64) time.Time {
	return time.Unix(1_700_000_000, 0).Add(time.Duration(seconds * float64(time.Second)))
}

func lanes(topic string, partitions ...int32) []Lane {
	var all []Lane
	for _, p := range partitions {
		all = append(all, Lane{topic, p})
	}
	return all
}

func wantDue(t *testing.T, s *Schedule, seconds float64, want []Lane) {
	t.Helper()
	if diff := cmp.Diff(want, s.Due(at(seconds))); diff != "" {
		t.Errorf("due after %v s (-want +got):\n%s", seconds, diff)
	}
}

func TestScheduleAnchorsAllThatMovedOnceTheOldestIsOfAge(t *testing.T) {
	s := NewSchedule(ScheduleParams{})
	wantDue(t, s, 100, nil)
	s.Moved(Lane{"t", 1}, 10, at(0))
	s.Moved(Lane{"t", 0}, 10, at(4.9))
	s.Moved(Lane{"t", 1}, 10, at(4.9))
	if next, ok := s.Next(); !ok || !next.Equal(at(5)) {
		t.Errorf("next is %v, %v; want %v", next, ok, at(5))
	}
	wantDue(t, s, 4.9, nil)
	wantDue(t, s, 5, lanes("t", 0, 1))
	s.Anchored(lanes("t", 0, 1)...)
	if _, ok := s.Next(); ok {
		t.Error("something is due though nothing has moved")
	}
	wantDue(t, s, 100, nil)
}

func TestScheduleCountsWhatMovesWhileWriting(t *testing.T) {
	s := NewSchedule(ScheduleParams{})
	s.Moved(Lane{"t", 0}, 10, at(0))
	s.Moved(Lane{"t", 1}, 10, at(0))
	wantDue(t, s, 5, lanes("t", 0, 1))
	s.Moved(Lane{"t", 0}, 7, at(5.5))
	wantDue(t, s, 20, nil) // the only one that moved is being written
	s.Anchored(lanes("t", 0, 1)...)
	if got := s.Unanchored(); got != 7 {
		t.Errorf("%d bytes are without an anchor, want 7", got)
	}
	wantDue(t, s, 10.4, nil)
	wantDue(t, s, 10.5, lanes("t", 0))
}

func TestScheduleKeepsTheAgeOfWhatFailed(t *testing.T) {
	s := NewSchedule(ScheduleParams{})
	s.Moved(Lane{"t", 0}, 10, at(0))
	wantDue(t, s, 5, lanes("t", 0))
	s.Moved(Lane{"t", 0}, 7, at(6))
	s.Failed(lanes("t", 0)...)
	if got := s.Unanchored(); got != 17 {
		t.Errorf("%d bytes are without an anchor, want 17", got)
	}
	wantDue(t, s, 6, lanes("t", 0))
	s.Anchored(lanes("t", 0)...)
	wantDue(t, s, 100, nil)
}

func TestScheduleAnchorsTheLargestWhenTheTotalIsTooHigh(t *testing.T) {
	s := NewSchedule(ScheduleParams{MaxBytes: 100})
	s.Moved(Lane{"t", 0}, 10, at(0))
	s.Moved(Lane{"t", 1}, 30, at(1))
	s.Moved(Lane{"t", 2}, 60, at(1))
	wantDue(t, s, 1, nil)
	s.Moved(Lane{"t", 3}, 20, at(1))
	wantDue(t, s, 1, lanes("t", 1, 2)) // leaves 30, one alone would leave 60
	if got := s.Unanchored(); got != 30 {
		t.Errorf("%d bytes are without an anchor, want 30", got)
	}
	wantDue(t, s, 1, nil)
	s.Anchored(lanes("t", 1, 2)...)
	wantDue(t, s, 5, lanes("t", 0, 3))
}

func TestScheduleForgetsLanesThatStop(t *testing.T) {
	s := NewSchedule(ScheduleParams{MaxBytes: 100})
	s.Moved(Lane{"t", 0}, 90, at(0))
	s.Moved(Lane{"t", 1}, 10, at(0))
	s.Anchored(Lane{"t", 0}) // its last anchor
	s.Moved(Lane{"t", 1}, 80, at(1))
	wantDue(t, s, 1, nil)
	s.Forget(Lane{"t", 1}, Lane{"t", 9})
	wantDue(t, s, 9, nil)
	if got := s.Unanchored(); got != 0 {
		t.Errorf("%d bytes are without an anchor, want 0", got)
	}
}

func BenchmarkScheduleMoved(b *testing.B) {
	s := NewSchedule(ScheduleParams{})
	for i := range int32(1000) {
		s.Moved(Lane{"t", i}, 1, at(0))
	}
	for b.Loop() {
		s.Moved(Lane{"t", 500}, 1, at(0))
	}
}
