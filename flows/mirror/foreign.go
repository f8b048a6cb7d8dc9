package mirror

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/batch"
	"github.com/strait-mirror/strait/flows/sink"
)

// Under the default policy a topic's name says that it holds what one cluster has
// under another name, and so that one flow writes it. Whoever else does is most
// likely a second mirror of the same topics, or an application with a wrong name.
// The flow's own records stay exact beside such ones, but readers see both, so
// that it is said who it is, as far as the log tells.

// foreignLasts is for how long a foreign writer is named after it was last seen.
const foreignLasts = 10 * time.Minute

// foreign tells what a lane knows of others that write to its target partition.
type foreign struct {
	records int64 // offsets that they took since the lane began
	from    int64 // of the target, at or below the last of those
	end     int64 // above it
	seen    time.Time
	named   bool // as far as the log tells
}

// saw notes what an acknowledgement says of others.
func (f *foreign) saw(a sink.Ack) {
	if a.Foreign > 0 {
		*f = foreign{f.records + a.Foreign, a.TargetEnd - a.Records - a.Foreign, a.TargetEnd, time.Now(), false}
	}
}

// noteForeign has the problems of kind noteForeign say who else wrote lately.
func (s *session) noteForeign(ctx context.Context) {
	f := s.flow
	if f.p.Flow.ReplicationPolicy != model.PolicyDefault {
		return // others may write there, too
	}
	lately := map[cluster.TopicPartition]bool{}
	for _, l := range s.list() {
		was := l.othersSeen()
		if was.records == 0 || time.Since(was.seen) >= foreignLasts || s.meets(l) {
			continue
		}
		lately[cluster.TopicPartition{Topic: l.source.Topic, Partition: l.source.Partition}] = true
		if was.named {
			continue
		}
		who, err := s.whoElse(ctx, l, was)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			f.p.Log.Debug("who else writes to a partition could not be read", "topic", l.target.Topic, "partition", l.target.Partition, "err", err)
		}
		f.note(l.noteKey(noteForeign), Problem{
			Err: fmt.Errorf("%s also writes to %s/%d of cluster %q: records of its own are between the copies", who, l.target.Topic, l.target.Partition, f.To()),
			Fix: "find out whether another mirror of this topic or an application writes there, and stop it; the copies themselves are complete and in order",
		})
		l.mu.Lock()
		l.foreign.named = err == nil && l.foreign.seen.Equal(was.seen)
		l.mu.Unlock()
	}
	f.clearNotes(noteForeign, func(at cluster.TopicPartition) bool { return !lately[at] })
}

// othersSeen returns what the lane knows of other writers.
func (l *lane) othersSeen() foreign {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.foreign
}

// meets reports whether other lanes of the flow write to the lane's target
// partition, which may be other members'.
func (s *session) meets(l *lane) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.known {
		p := t.pair()
		if p.Target != l.target.Topic {
			continue
		}
		if p.Source != l.source.Topic || p.Partitions > p.TargetPartitions {
			return true
		}
	}
	return false
}

// whoElse reads from the target's log who wrote beside a lane.
func (s *session) whoElse(ctx context.Context, l *lane, was foreign) (string, error) {
	const somebody = "somebody else"
	mine := writer{l.begin.ProducerID, l.begin.ProducerEpoch}
	if now := l.acknowledged(); now.ProducerID >= 0 {
		mine = writer{now.ProducerID, now.ProducerEpoch}
	}
	who, found := somebody, errors.New("nothing of it is in the log any more")
	log := &targetLog{cluster: s.flow.p.Target, client: s.produce, budget: s.flow.budget}
	err := log.walk(ctx, l.target, was.from, was.end, func(b batch.Batch) {
		if b.NextOffset() <= was.from || b.BaseOffset() >= was.end || b.Magic() < 2 || mine.wrote(b) {
			return
		}
		found = nil
		switch {
		case b.ProducerID() < 0:
			who = "a producer without a producer id (enable.idempotence=false)"
		case b.Transactional():
			who = fmt.Sprintf("the transactional producer with id %d, epoch %d,", b.ProducerID(), b.ProducerEpoch())
		default:
			who = fmt.Sprintf("the producer with id %d, epoch %d,", b.ProducerID(), b.ProducerEpoch())
		}
	})
	return who, errors.Join(err, found)
}
