package mirror

import (
	"errors"
	"fmt"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/internal/wire"
	"github.com/strait-mirror/strait/flows/position"
	"github.com/strait-mirror/strait/flows/source"
	"github.com/strait-mirror/strait/flows/topicsync"
)

// What a cluster has lost since a lane was there, nobody can copy. It is counted,
// named in status and log, and a policy of the flow says what the lane does:
// on_gap where records are gone, on_recreate where the topic is another one.

// HeldError says that a partition stopped because a property wants a person to
// look first.
type HeldError struct {
	Property string // on_gap or on_recreate
	Err      error  // what happened
}

func (e *HeldError) Error() string { return e.Err.Error() }

// Unwrap returns what happened.
func (e *HeldError) Unwrap() error { return e.Err }

// held returns the problem of a lane that stops because of a property.
func held(property, instead string, err error) Problem {
	return Problem{
		Err: &HeldError{property, err},
		Fix: fmt.Sprintf(`compare both ends of the partition, then set %s = %q and restart to go on`, property, instead),
	}
}

// hold keeps a lane that has not started from starting, until a restart.
func (l *lane) hold(at side, p Problem) {
	p.Stopped = true
	l.blame(at, p)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = true
}

// onHold reports whether a lane is kept from starting. Its stored position stays
// as it is: the next start must find out the same.
func (l *lane) onHold() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held
}

// sourceProblem decides what a lane does when its fetcher cannot go on.
func (s *session) sourceProblem(l *lane, err error) {
	if r, ok := errors.AsType[*source.OutOfRangeError](err); ok {
		to, epoch := r.Start, r.StartEpoch
		if r.Side == source.Above && s.cutBelow(l) {
			to, epoch = r.End, r.EndEpoch
		}
		s.gap(l, err, to, epoch)
		return
	}
	if d, ok := errors.AsType[*source.DivergedError](err); ok {
		s.gap(l, err, d.End, d.Epoch)
		return
	}
	l.trouble(reading, err, false)
	if _, ok := errors.AsType[*source.RecreatedError](err); ok {
		s.replaceRecreated(l)
	}
}

// cutBelow reports whether a log that ends below a lane's position is known to be
// the one that the lane has read, so that what it holds was read before. Of a
// position that names no epoch, as MirrorMaker 2's, nobody knows: all of the log
// may be new.
func (s *session) cutBelow(l *lane) bool {
	return l.acknowledged().SourceEpoch != wire.NoEpoch || s.flow.p.Flow.Start == model.StartLatest
}

// gap has a lane go on at an offset of the source behind which it lost records,
// or stop. It is called by the fetcher.
func (s *session) gap(l *lane, err error, to int64, epoch int32) {
	if s.goesOn(l, err, to) {
		s.seek(l, to, epoch)
	} else {
		s.gaveUp(l)
	}
}

// goesOn says that a lane has lost records of the source, and reports whether it goes on
// at an offset behind them.
func (s *session) goesOn(l *lane, err error, to int64) bool {
	f := s.flow
	f.gaps.Add(1)
	if f.def().OnGap == model.GapStop {
		p := held("on_gap", string(model.GapContinue), err)
		p.Stopped = true
		l.blame(reading, p)
		return false
	}
	f.note(l.noteKey(noteGap), Problem{Err: fmt.Errorf("%w; mirroring went on at offset %d", err, to)})
	return true
}

// recreatedSince returns how the source or target topic of a lane is not the one
// that an anchor is of; nil: as far as is known they are the same.
func (l *lane) recreatedSince(a position.Anchor) *topicsync.RecreatedError {
	switch {
	case a.Bare():
	case otherTopic(a.SourceTopicID, l.source.ID):
		return &topicsync.RecreatedError{Side: "source", Topic: l.source.Topic, Old: a.SourceTopicID, New: l.source.ID}
	case otherTopic(a.TargetTopicID, l.target.ID) && !l.elsewhere(a):
		return &topicsync.RecreatedError{Side: "target", Topic: l.target.Topic, Old: a.TargetTopicID, New: l.target.ID}
	}
	return nil
}

// otherTopic reports whether two topic ids are known and differ.
func otherTopic(a, b wire.TopicID) bool {
	none := wire.TopicID{}
	return a != b && a != none && b != none
}

// continues reports whether a lane goes on behind an anchor; else it begins at the
// source's start. A topic that is another one since is reported, and may hold the
// lane.
func (s *session) continues(l *lane, a position.Anchor) bool {
	r := l.recreatedSince(a)
	if r == nil {
		return true
	}
	f := s.flow
	policy := f.def().OnRecreate
	f.gaps.Add(1)
	if policy == model.RecreateStop {
		at := writing
		if r.Side == "source" {
			at = reading
		}
		l.hold(at, held("on_recreate", string(model.RecreateAnew), r))
		return true
	}
	goesOn := r.Side == "target" && policy == model.RecreateContinue
	then := "mirroring the source from its start"
	if goesOn {
		then = fmt.Sprintf("mirroring went on at source offset %d, what came before is not in it", a.Next())
	}
	f.note(l.noteKey(noteRecreated), Problem{Err: fmt.Errorf("%w; %s", r, then)})
	return goesOn
}

// noteGone says of a source topic that is not shown any more.
func (f *Flow) noteGone(topic string) {
	f.note(noteKey{kind: noteGone, topic: topic, partition: WholeTopic}, Problem{
		Err: fmt.Errorf("source topic %q is not there any more: it was deleted, or our user may not describe it any more", topic),
	})
}

// noteBack ends noteGone for topics that are there.
func (f *Flow) noteBack(pairs []topicsync.Pair) {
	for _, p := range pairs {
		f.clearNote(noteKey{kind: noteGone, topic: p.Source, partition: WholeTopic})
	}
}
