package mirror

import (
	"github.com/strait-mirror/strait/flows/internal/wire"
)

// survey notes that every lane of a single pass has been started.
func (s *session) survey() {
	s.mu.Lock()
	s.surveyed = true
	done := s.left == 0
	s.mu.Unlock()
	if done {
		s.end(errComplete)
	}
}

// laneFinished counts a lane that has reached its end, or never will.
func (s *session) laneFinished() {
	s.mu.Lock()
	s.left--
	done := s.surveyed && s.left == 0
	s.mu.Unlock()
	if done {
		s.end(errComplete)
	}
}

// satisfied ends the reading of a lane that has read all it wants, unless it may
// have to read that again: then its last commit does.
func (s *session) satisfied(l *lane) {
	if s.transactions == nil {
		s.retire(l)
	}
}

// retire ends the reading of a lane that has all it wants, or gave up; what it
// handed on is still appended. It must not be called by the fetcher.
func (s *session) retire(l *lane) {
	l.shut()
	l.in.Remove()
}

// gaveUp notes that a lane moves no more. It may be called by the sink, so the
// rest is left to a worker.
func (s *session) gaveUp(l *lane) {
	l.mu.Lock()
	counted := l.finished
	l.finished, l.closed = true, true
	wake := !l.scheduled
	l.scheduled = true
	l.mu.Unlock()
	if !counted {
		s.laneFinished()
	}
	if wake {
		s.queue.push(l)
	}
}

// seek goes on at another offset of the source: everything in between is gone.
func (s *session) seek(l *lane, offset int64, epoch int32) {
	l.jump(offset, epoch)
	l.in.SeekTo(offset, epoch)
}

// retry reads again from an offset, behind a batch of a leader epoch: where the log was
// cut meanwhile, that tells.
func (s *session) retry(l *lane, offset int64, epoch int32) { l.in.SeekTo(offset, epoch) }

// replaceRecreated lets the next pass of discovery start anew with the topic's
// new id.
func (s *session) replaceRecreated(l *lane) {
	l.mu.Lock()
	l.recreated = true
	l.mu.Unlock()
}

// superseded reports whether a lane's topic was recreated, so that a lane for
// its new id takes its place.
func (l *lane) superseded(id wire.TopicID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.recreated && l.source.ID != id
}
