package mirror

import (
	"context"
	"sync"
	"time"

	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/judge"
	"github.com/strait-mirror/strait/flows/internal/wire"
	"github.com/strait-mirror/strait/flows/offsetsync"
	"github.com/strait-mirror/strait/flows/position"
	"github.com/strait-mirror/strait/flows/sink"
	"github.com/strait-mirror/strait/flows/source"
)

// lane joins one source partition to one target partition: it is told what was
// fetched, decides batch by batch what becomes of it, and hands the result on.
// It is the fetcher's Handler and the sink's Events.
type lane struct {
	session *session
	topic   *topic
	source  wire.PartitionKey
	target  wire.PartitionKey
	until   int64 // with Once: the readable end seen at start; -1: go on
	in      *source.Partition
	out     outlet
	offsets *offsetsync.Lane // nil: nobody wants to know where the lane is
	barrier *barrier         // nil: late requests of its producer cannot be shut out

	begin sink.LaneParams // where it begins on the target

	// next is the source offset that is wanted next, skip what is to be counted
	// before. Only the worker that processes the lane touches them.
	next   int64
	skip   *skip // nil: nothing
	judged judgement

	arrived time.Time    // when what is being processed was fetched; the worker's, too
	records *judge.Judge // of the flow's stages; nil: none looks at records

	mu        sync.Mutex // guards the rest; the sink holds its lane's while calling Acked and Trouble
	inbox     []arrival
	scheduled bool     // in the run queue, or being processed
	placed    bool     // ack says where it is
	closed    bool     // takes nothing more
	finished  bool     // until was reached and acknowledged, or the lane gave up
	ack       sink.Ack // where the lane is
	bytes     int64    // acknowledged since takeMoved
	done      totals   // acknowledged since the lane began
	anchored  int64    // source offset of the stored anchor
	bounds    bounds
	behind    behind
	marks     marks
	lately    lately
	stable    standstill
	foreign   foreign
	backlog   int64           // readable end when the lane began
	problems  [sides]*Problem // nil while healthy
	recreated bool            // the source topic is another one by now
	held      bool            // not to be started, nor anchored: a person must look first
}

// newLane joins a partition of a source topic to one of its target's.
func newLane(s *session, t *topic, from, to int32) *lane {
	p := t.pair()
	l := &lane{
		session: s, topic: t, until: -1, anchored: -1,
		source: wire.PartitionKey{Topic: p.Source, ID: p.SourceID, Partition: from},
		target: wire.PartitionKey{Topic: p.Target, ID: p.TargetID, Partition: to},
		bounds: bounds{-1, -1},
	}
	l.barrier = newBarrier(l, s.fences)
	l.records = judge.New(s.flow.live.Load().Records(p.Source), p.Source, from)
	if s.spread == nil && !s.flow.p.Flow.Scatters() {
		l.offsets = s.flow.p.Offsets.Lane(
			offsetsync.Partition{Topic: p.Source, ID: p.SourceID, Number: from},
			offsetsync.Partition{Topic: p.Target, ID: p.TargetID, Number: to})
	}
	return l
}

func (l *lane) name() position.Lane {
	return position.Lane{Topic: l.source.Topic, Partition: l.source.Partition}
}

// place says between which ends of both sides the lane begins, and how far it can
// read if that is known: a lane is behind from its first moment on, not only once it
// has fetched something. Where it begins is not known before placed: the ends are no
// pair of equal places, and none that may be stored.
func (l *lane) place(start, end, readable cluster.Offset) {
	l.next = start.Offset
	l.begin = sink.LaneParams{
		Target: l.target, TargetEnd: end.Offset, MaxBytes: int(l.topic.limits().MaxMessageBytes), Events: l,
	}
	if l.barrier != nil {
		l.begin.Fence = l.barrier
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.behind = behind{}
	if readable.Err == nil {
		l.bounds.readable = readable.Offset
		l.backlog = readable.Offset
		l.behind.saw(readable.Offset, time.Now())
	}
	l.behind.reached(start.Offset)
	l.ack = sink.Ack{SourceNext: start.Offset, SourceEpoch: start.Epoch, TargetEnd: end.Offset}
}

// Trouble takes the sink's word on why the lane does not move.
func (l *lane) Trouble(err error, stopped bool) {
	if err == nil {
		l.recovered(writing)
		return
	}
	l.trouble(writing, l.refusalOf(err), stopped)
	if stopped {
		l.session.gaveUp(l)
	}
}

// Problem takes the fetcher's word on why nothing is read.
func (l *lane) Problem(err error) { l.session.sourceProblem(l, err) }

// Recovered ends the lane's problem with the source.
func (l *lane) Recovered() { l.recovered(reading) }

// giveUp stops the lane and says why.
func (l *lane) giveUp(err error) {
	l.blame(writing, Problem{Err: err, Fix: fixFor(err), Stopped: true})
	l.session.retire(l)
	l.session.gaveUp(l)
}

// close ends the lane: nothing more is read, what is in flight is waited for
// until ctx ends. It reports whether everything came to rest, as it has where
// the lane had given up before.
func (l *lane) close(ctx context.Context) bool {
	l.shut()
	if l.in != nil {
		l.in.Remove()
	}
	if l.out == nil || l.out.Close(ctx) {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.problems[writing]
	return p != nil && p.Stopped && !p.untilMoved
}

// shut refuses new data and discards what waits.
func (l *lane) shut() {
	l.mu.Lock()
	l.closed = true
	waiting := l.inbox
	l.inbox = nil
	l.mu.Unlock()
	for _, a := range waiting {
		if a.data.Records != nil {
			l.discard(a.data)
		}
	}
}
