package position

import (
	"cmp"
	"slices"
	"time"
)

// ScheduleParams is what NewSchedule needs. A zero field means its default.
type ScheduleParams struct {
	MaxAge   time.Duration // of the oldest data without an anchor; default 5s
	MaxBytes int64         // of all data without an anchor; default 256 MiB
}

// Schedule decides when lanes that move are anchored. Both bounds limit how
// much a restart after a crash has to look through; both cost anchors. It
// knows neither clock nor Kafka and is not safe for concurrent use: the one
// who writes anchors owns it. Lanes that start or stop are not its business,
// their anchors are due at once.
//
// A lane it returned from Due is being written until Anchored or Failed names
// it, and what moves meanwhile counts for the next time. One asks again only
// after that; after a failure, not at once.
type Schedule struct {
	p     ScheduleParams
	lanes map[Lane]*moved
	total int64     // bytes without an anchor, except those being written
	since time.Time // not after the oldest of them; zero: there are none
}

// moved is the data of one lane without an anchor.
type moved struct {
	bytes   int64
	since   time.Time // of the oldest byte; zero: none
	writing bool
	begun   moving // what an anchor being written covers
}

type moving struct {
	bytes int64
	since time.Time
}

// NewSchedule returns a schedule without lanes.
func NewSchedule(p ScheduleParams) *Schedule {
	p.MaxAge = cmp.Or(p.MaxAge, 5*time.Second)
	p.MaxBytes = cmp.Or(p.MaxBytes, 256<<20)
	return &Schedule{p: p, lanes: make(map[Lane]*moved)}
}

// Moved notes that bytes more of a lane were mirrored by now. Its cost does
// not depend on the number of lanes.
func (s *Schedule) Moved(lane Lane, bytes int64, now time.Time) {
	m := s.lanes[lane]
	if m == nil {
		m = &moved{}
		s.lanes[lane] = m
	}
	if m.since.IsZero() {
		m.since = now
	}
	if s.since.IsZero() {
		s.since = now
	}
	m.bytes += bytes
	s.total += bytes
}

// Due returns the lanes to anchor now, in order of topic and partition. Once
// the oldest data has reached MaxAge, these are all lanes that moved: each is
// still written at most once per MaxAge, and one large request costs less than
// many small ones. When only the total is above MaxBytes, they are those with
// the most data, until half of it is left.
func (s *Schedule) Due(now time.Time) []Lane {
	aged := !s.since.IsZero() && now.Sub(s.since) >= s.p.MaxAge
	if !aged && s.total <= s.p.MaxBytes {
		return nil
	}
	var due []Lane
	var oldest time.Time // among the lanes that stay, for the next call
	for lane, m := range s.lanes {
		switch {
		case m.since.IsZero():
		case m.writing:
			oldest = earlier(oldest, m.since)
		default:
			due = append(due, lane)
		}
	}
	if aged {
		s.since = oldest
	} else {
		due = s.largest(due)
	}
	for _, lane := range due {
		s.begin(s.lanes[lane])
	}
	slices.SortFunc(due, compareLanes)
	return due
}

// largest cuts lanes down to those with the most bytes, so that at most half
// of MaxBytes is left on the others.
func (s *Schedule) largest(lanes []Lane) []Lane {
	slices.SortFunc(lanes, func(a, b Lane) int {
		return cmp.Or(cmp.Compare(s.lanes[b].bytes, s.lanes[a].bytes), compareLanes(a, b))
	})
	left := s.total
	for i, lane := range lanes {
		if left <= s.p.MaxBytes/2 {
			return lanes[:i]
		}
		left -= s.lanes[lane].bytes
	}
	return lanes
}

func (s *Schedule) begin(m *moved) {
	m.writing, m.begun = true, moving{m.bytes, m.since}
	s.total -= m.bytes
	m.bytes, m.since = 0, time.Time{}
}

// Anchored notes that anchors of lanes have been written: those from Due, or
// others that were due for their own reason. In the latter case all data of
// the lane counts as anchored.
func (s *Schedule) Anchored(lanes ...Lane) {
	for _, lane := range lanes {
		m := s.lanes[lane]
		switch {
		case m == nil:
		case m.writing && !m.since.IsZero():
			m.writing, m.begun = false, moving{}
		default:
			s.Forget(lane)
		}
	}
}

// Failed notes that the anchors of lanes from Due could not be written: what
// they would have covered counts again, with its age.
func (s *Schedule) Failed(lanes ...Lane) {
	for _, lane := range lanes {
		m := s.lanes[lane]
		if m == nil || !m.writing {
			continue
		}
		m.writing = false
		m.bytes += m.begun.bytes
		s.total += m.begun.bytes
		m.since = earlier(m.since, m.begun.since)
		s.since = earlier(s.since, m.since)
		m.begun = moving{}
	}
}

// Forget drops lanes that are mirrored no more.
func (s *Schedule) Forget(lanes ...Lane) {
	for _, lane := range lanes {
		if m := s.lanes[lane]; m != nil {
			s.total -= m.bytes
			delete(s.lanes, lane)
		}
	}
}

// Next returns when Due may next return lanes for their age, or false when
// nothing has moved. It is never too late, but may be too early.
func (s *Schedule) Next() (time.Time, bool) {
	return s.since.Add(s.p.MaxAge), !s.since.IsZero()
}

// Unanchored returns the bytes without an anchor that are not being written.
func (s *Schedule) Unanchored() int64 { return s.total }

// earlier returns the earlier of two times, of which the zero one counts for
// none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func compareLanes(a, b Lane) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
}
