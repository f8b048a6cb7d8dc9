package txn

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/strait-mirror/strait/flows/internal/wire"
	"github.com/strait-mirror/strait/flows/sink"
)

// stream is one target partition in the transactions of a round: all lanes of
// the bucket that end there share it, since they share a producer id and with it
// a sequence. It is the Events of a lane of package sink.
type stream struct {
	round  *round
	target wire.PartitionKey
	lane   *sink.Lane
	added  bool // is part of the open transaction; of the bucket's goroutine

	// Guarded by the bucket's mu.
	ack     sink.Ack
	acked   bool
	trouble error
}

// plain is a key without its topic's id.
func plain(k wire.PartitionKey) wire.PartitionKey {
	k.ID = wire.TopicID{}
	return k
}

// stream returns the stream of a target partition.
func (r *round) stream(target wire.PartitionKey, maxBytes int) *stream {
	st := r.streams[plain(target)]
	if st == nil {
		st = &stream{round: r, target: target}
		st.lane = r.sink.AddLane(sink.LaneParams{
			Target: target, ProducerID: r.b.who.ID, ProducerEpoch: r.b.who.Epoch, MaxBytes: maxBytes, Events: st,
		})
		r.streams[plain(target)] = st
	}
	return st
}

// users returns the lanes that end in the stream; none: it is one of positions.
func (st *stream) users() []*Lane {
	b := st.round.b
	b.mu.Lock()
	defer b.mu.Unlock()
	var lanes []*Lane
	for _, l := range b.lanes {
		if l.writesLocked(st.target) {
			lanes = append(lanes, l)
		}
	}
	return lanes
}

// Acked implements sink.Events.
func (st *stream) Acked(a sink.Ack) {
	b := st.round.b
	b.mu.Lock()
	st.ack, st.acked, st.trouble = a, true, nil
	b.mu.Unlock()
	b.signal()
}

// end is at or below where the next record is expected: markers come in between.
func (st *stream) end() int64 {
	st.round.b.mu.Lock()
	defer st.round.b.mu.Unlock()
	return st.ack.TargetEnd
}

// cause is what keeps the stream from moving.
func (st *stream) cause() error {
	st.round.b.mu.Lock()
	defer st.round.b.mu.Unlock()
	if st.trouble == nil {
		return errors.New("the target acknowledges nothing")
	}
	return st.trouble
}

// Trouble implements sink.Events. What is wrong with a partition stops its lanes,
// anything else the round.
func (st *stream) Trouble(err error, stopped bool) {
	b := st.round.b
	b.mu.Lock()
	st.trouble = err
	b.mu.Unlock()
	lanes := st.users()
	if !stopped {
		for _, l := range lanes {
			l.p.Events.Trouble(st.about(l, err), false)
		}
		return
	}
	if len(lanes) > 0 && ofPartition(err) {
		b.end(lanes, st.about(lanes[0], err)) // lanes that meet beside their own topics do so in all of them
		return
	}
	b.fail(err)
}

// ofPartition reports whether an error concerns one partition alone.
func ofPartition(err error) bool {
	_, refused := errors.AsType[*sink.RefusedError](err)
	_, recreated := errors.AsType[*sink.RecreatedError](err)
	_, cut := errors.AsType[*sink.TruncatedError](err)
	return refused || recreated || cut
}

// Refused implements sink.Events.
func (st *stream) Refused(ctx context.Context, b sink.Batch, code int16, message string) ([]sink.Batch, error) {
	lanes := st.users()
	if len(lanes) == 0 {
		return nil, errors.New("the target refuses positions")
	}
	if l := lanes[0]; l.p.Target.Topic != st.target.Topic { // dead letters, which cannot be made smaller
		return nil, kerr.ErrorForCode(code)
	}
	return lanes[0].p.Events.Refused(ctx, b, code, message) // where several meet, they share the target's limits
}

// OtherTopicError says that a lane has trouble with a topic beside its own.
type OtherTopicError struct {
	Topic string
	Err   error
}

func (e *OtherTopicError) Error() string { return fmt.Sprintf("topic %q: %v", e.Topic, e.Err) }

// Unwrap returns what is wrong there.
func (e *OtherTopicError) Unwrap() error { return e.Err }

// about names the topic of the stream in an error where it is not the lane's own.
func (st *stream) about(l *Lane, err error) error {
	if err == nil || l.p.Target.Topic == st.target.Topic {
		return err
	}
	return &OtherTopicError{Topic: st.target.Topic, Err: err}
}

// Renewing implements sink.Events; transactions keep their producer id.
func (st *stream) Renewing(context.Context, sink.Ack) error { return errors.ErrUnsupported }
