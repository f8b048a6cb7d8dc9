package mirror

import (
	"time"

	"github.com/strait-mirror/strait/flows/position"
	"github.com/strait-mirror/strait/flows/sink"
)

// bounds are the ends of the source partition as last seen; -1: not known.
type bounds struct{ readable, start int64 }

// Progress notes the partition's bounds.
func (l *lane) Progress(high, stable, start int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bounds = bounds{readable: high, start: start}
	if l.session.flow.readCommitted && stable >= 0 {
		l.bounds.readable = stable
	}
	l.stable.saw(high, stable, time.Now())
	l.behind.saw(l.bounds.readable, time.Now())
}

// Acked takes the sink's word on how far the target is.
func (l *lane) Acked(a sink.Ack) {
	l.mu.Lock()
	l.ack = a
	l.behind.reached(a.SourceNext)
	now := time.Now()
	l.marks.reached(a.SourceNext, now, l.session.flow.latency, &l.lately)
	l.lately.records.Add(now, float64(a.Records), 1)
	l.lately.bytes.Add(now, float64(a.Bytes), 1)
	l.bytes += a.Bytes
	l.done.add(a)
	l.foreign.saw(a)
	finished := l.until >= 0 && a.SourceNext >= l.until && !l.finished
	l.finished = l.finished || finished
	l.mu.Unlock()
	l.session.flow.count(a.Records, a.Bytes)
	l.session.flow.foreign.Add(a.Foreign)
	l.session.flow.dead.Add(a.Aside)
	l.offsets.Acked(a.SourceNext, a.TargetEnd, a.Records, a.Bytes)
	if a.Records > 0 {
		l.hasMoved()
	}
	if finished {
		l.session.laneFinished()
		if l.session.transactions != nil {
			l.session.gaveUp(l) // reads no more
		}
	}
}

// acknowledged returns where the lane is.
func (l *lane) acknowledged() sink.Ack {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ack
}

// makeAnchor returns the lane's acknowledged position.
func (l *lane) makeAnchor() position.Anchor {
	l.mu.Lock()
	defer l.mu.Unlock()
	return position.Anchor{
		Topic: l.source.Topic, Partition: l.source.Partition, Offset: l.ack.SourceNext - 1,
		TargetEnd: l.ack.TargetEnd, ProducerID: l.ack.ProducerID, ProducerEpoch: l.ack.ProducerEpoch,
		NextSequence: l.ack.NextSequence, LeaderEpoch: l.ack.SourceEpoch,
		SourceTopicID: l.source.ID, TargetTopicID: l.target.ID, Chain: l.chain(),
		Fence: l.barrier.number(l.ack.ProducerID),
	}
}

func (l *lane) wasAnchored(next int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.anchored = next
}

// unanchored reports whether the lane moved beyond its stored anchor.
func (l *lane) unanchored() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.movedLocked()
}

// movedLocked reports whether the lane is elsewhere than its stored anchor says.
// l.mu is held.
func (l *lane) movedLocked() bool { return l.placed && !l.held && l.ack.SourceNext != l.anchored }

// takeMoved returns the bytes acknowledged since the last call, and whether the
// position moved beyond the stored one.
func (l *lane) takeMoved() (bytes int64, moved bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	bytes, l.bytes = l.bytes, 0
	return bytes, l.movedLocked()
}

// totals is what the target acknowledged.
type totals struct{ records, bytes int64 }

func (t *totals) add(a sink.Ack) {
	t.records += a.Records
	t.bytes += a.Bytes
}

// lagTime returns for how long the oldest readable record that is not on the
// target has been readable; 0 when there is none. When those became readable that
// were there before the lane was, nobody saw: the timestamp of the last record
// copied stands for it, which is an estimate.
func (l *lane) lagTime(now time.Time) (lag time.Duration, estimated bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lagTimeLocked(now)
}

// lagTimeLocked is lagTime while l.mu is held.
func (l *lane) lagTimeLocked(now time.Time) (lag time.Duration, estimated bool) {
	lag = l.behind.span(now)
	if lag == 0 || l.ack.SourceNext >= l.backlog {
		return lag, false
	}
	if l.ack.LastTime > 0 {
		lag = max(lag, now.Sub(time.UnixMilli(l.ack.LastTime)))
	}
	return lag, true
}

// lag returns the readable records that are not on the target yet, by offsets;
// -1 while the source's end is not known, and whether the lane has its place.
func (l *lane) lag() (lag int64, placed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.placed || l.bounds.readable < 0 {
		return -1, l.placed
	}
	return max(0, l.bounds.readable-l.ack.SourceNext), true
}
