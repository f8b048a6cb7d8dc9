package mirror

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/fence"
	"github.com/strait-mirror/strait/flows/internal/batch"
	"github.com/strait-mirror/strait/flows/internal/transaction"
	"github.com/strait-mirror/strait/flows/position"
	"github.com/strait-mirror/strait/flows/sink"
)

// fences say whether the target has what barriers need. A nil one is that of a flow
// that proves nothing by counting. It is safe for concurrent use.
type fences struct {
	flow   *Flow
	client *kgo.Client
	need   sync.Once
	until  time.Time     // lanes wait for coordinators; set when they are needed
	needed chan struct{} // closed once a lane has old records
	ready  chan struct{} // closed once coordinators answer
}

// buildFences makes them, for a flow that proves by counting.
func (s *session) buildFences() error {
	if !s.exactly() || s.spread != nil || s.transactions != nil {
		return nil
	}
	client, err := s.flow.p.Target.Coordinator("fences-"+s.flow.p.Flow.Name, false)
	if err != nil {
		return fmt.Errorf("building the client of fences: %w", err)
	}
	s.fences = &fences{flow: s.flow, client: client, needed: make(chan struct{}), ready: make(chan struct{})}
	return nil
}

func (f *fences) close() {
	if f != nil {
		f.client.Close()
	}
}

// await reports whether coordinators answer, and gives them a moment when they are
// first asked: a target without any must not hold up records.
func (f *fences) await(ctx context.Context) bool {
	const moment = time.Second
	f.need.Do(func() {
		f.until = time.Now().Add(moment)
		close(f.needed)
	})
	t := time.NewTimer(time.Until(f.until))
	defer t.Stop()
	select {
	case <-f.ready:
		return true
	case <-ctx.Done():
	case <-t.C:
	}
	select {
	case <-f.ready:
		return true
	default:
		return false
	}
}

// watch looks for coordinators, once somebody needs them, until they answer or ctx
// ends. Their topic is created by the first question, which takes a while.
func (f *fences) watch(ctx context.Context) {
	if f == nil {
		return
	}
	select {
	case <-f.needed:
	case <-ctx.Done():
		return
	}
	const (
		patience = 10 * time.Second // before anybody hears of it
		soon     = 100 * time.Millisecond
		later    = 3 * time.Second
	)
	id := transaction.ID{Client: f.client, Name: model.TransactionalID(f.flow.p.Flow) + "-fence"}
	for began := time.Now(); ; {
		err := id.Find(ctx)
		if err == nil {
			f.flow.clearNote(noteKey{kind: noteFence, partition: WholeTopic})
			close(f.ready)
			return
		}
		pause := soon
		if denied := errors.Is(err, kerr.TransactionalIDAuthorizationFailed); denied || time.Since(began) >= patience {
			f.note(err)
			pause = later
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// note tells a person that late requests are not shut out, and what that means.
func (f *fences) note(err error) {
	err = f.flow.p.Target.Explain(deniedTransactions(f.flow.p.Flow, err))
	f.flow.note(noteKey{kind: noteFence, partition: WholeTopic}, Problem{
		Err: fmt.Errorf("records are older than the target remembers producers for (producer.id.expiration.ms), and requests of lost connections cannot be shut out there, %s are waited instead: %w",
			lateWithin, err),
		Fix: fixFor(err),
	})
}

// barrier gives a lane the producer ids that its old records need (package fence).
// It is the sink's Fence. Its methods are called by one goroutine at a time.
type barrier struct {
	fences *fences
	ids    *fence.Lane
	lane   *lane
	had    bool // an id: the target can do it
}

// newBarrier returns what fences a lane; nil: nothing does.
func newBarrier(l *lane, all *fences) *barrier {
	if all == nil {
		return nil
	}
	return &barrier{fences: all, lane: l, ids: fence.New(fence.Params{
		Client: all.client, On: l.session.flow.p.Target, Target: l.targetPartition(),
		Name: fmt.Sprintf("%s-fence-%s-%d", model.TransactionalID(l.session.flow.p.Flow), l.source.Topic, l.source.Partition),
	})}
}

// number returns which of the lane's fenced ids a producer id is; 0: none of them.
func (b *barrier) number(id int64) int32 {
	if b == nil {
		return 0
	}
	return b.ids.Number(id)
}

// continues reports whether an anchor's producer id is one of the lane's fenced ids.
func (b *barrier) continues(a position.Anchor) bool {
	if b == nil || a.Fence == 0 {
		return false
	}
	b.had = true
	b.ids.Is(a.ProducerID, a.Fence)
	return true
}

// Next implements sink.Fence.
func (b *barrier) Next(ctx context.Context) (id int64, epoch int16, err error) {
	if !b.had {
		if !b.fences.await(ctx) {
			return 0, 0, sink.ErrNoFence
		}
		err = b.first(ctx)
	}
	if err == nil {
		id, epoch, err = b.ids.Next(ctx)
	}
	if err == nil {
		b.had = true
		err = b.lane.session.enter(ctx, id)
	}
	return id, epoch, b.failed(ctx, err)
}

// first shuts out whoever had ids of the lane before. If one of them has written
// behind where this lane is, it is not the first to go on from its anchor, and has to
// begin anew.
func (b *barrier) first(ctx context.Context) error {
	shut, err := b.ids.TakeOver(ctx, 0, 0)
	if err != nil || len(shut) == 0 {
		return err
	}
	s, l := b.lane.session, b.lane
	writers := make([]writer, len(shut))
	for i, id := range shut {
		writers[i] = writer{id: id}
	}
	_, found, err := s.below(ctx, l, l.acknowledged().TargetEnd, writers)
	if err != nil || len(found) == 0 {
		return err
	}
	s.contest(l, true)
	return sink.ErrTaken
}

// contest notes whether somebody else went on from the lane's anchor under an id that
// the anchor does not name.
func (s *session) contest(l *lane, is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if is {
		s.contested[l.name()] = true
	} else {
		delete(s.contested, l.name())
	}
}

// isContested reports what contest noted.
func (s *session) isContested(l *lane) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.contested[l.name()]
}

// Shut implements sink.Fence.
func (b *barrier) Shut(ctx context.Context, id int64, epoch int16) error {
	return b.failed(ctx, b.ids.Shut(ctx, id, epoch))
}

// failed says what a failure means to the lane, and to a person where it stays.
func (b *barrier) failed(ctx context.Context, err error) error {
	switch {
	case err == nil:
		b.fences.flow.clearNote(noteKey{kind: noteFence, partition: WholeTopic})
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, fence.ErrUnknown), errors.Is(err, kerr.TransactionalIDAuthorizationFailed),
		errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.UnsupportedVersion):
		b.fences.note(err)
		return errors.Join(sink.ErrNoFence, err)
	}
	return err
}

// lateWithin is how long a request may be under way, where nothing but time shuts it
// out: sink's QuietTime.
const lateWithin = 5 * time.Second

// errLate asks for patience: see settled.
var errLate = errors.New("waiting for requests of an earlier process that may still be under way")

// forgotten reports whether the target may have forgotten a producer, whose last
// batch there has a time: late requests of it may be appended once more then.
func (s *session) forgotten(last int64) bool {
	expiration := s.forgets
	if expiration == 0 {
		expiration = 24 * time.Hour // Kafka's default
	}
	return time.Since(time.UnixMilli(last)) > expiration*9/10
}

// settled sees to it that nothing of a predecessor arrives behind what an evidence
// says of the target, and returns what it says then.
func (s *session) settled(ctx context.Context, l *lane, a position.Anchor, e evidence, p cluster.Producers) (evidence, error) {
	if l.barrier == nil || a.Fence == 0 && !s.isContested(l) {
		if e.time != 0 && s.forgotten(e.time) && time.Since(s.opened) < lateWithin {
			return e, errLate
		}
		return e, nil
	}
	known, ok := p.ByID[a.ProducerID]
	if ok && known.Epoch == a.ProducerEpoch && !s.forgotten(known.LastTime) {
		return e, nil // a late request is the same record at the same sequence
	}
	const patience = 5 * time.Second // others wait for this pass
	short, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	shut, err := l.barrier.ids.TakeOver(short, a.Fence, a.ProducerID)
	l.barrier.had = l.barrier.had || err == nil
	if err = l.barrier.failed(short, err); err != nil {
		if errors.Is(err, sink.ErrNoFence) && time.Since(s.opened) >= lateWithin {
			e.shut = true // as far as it came
			return e, nil
		}
		return e, errors.Join(errLate, err)
	}
	return s.evidenceBelow(ctx, l, a, e, shut)
}

// evidenceBelow brings an evidence up to date, to what was in the target's log when
// the lane's producers had been shut out.
func (s *session) evidenceBelow(ctx context.Context, l *lane, a position.Anchor, e evidence, shut []int64) (evidence, error) {
	writers := []writer{{a.ProducerID, a.ProducerEpoch}}
	from := l.begin.TargetEnd
	for _, id := range shut {
		if id != a.ProducerID {
			writers = append(writers, writer{id: id})
			from = a.TargetEnd // whoever wrote under it may have done so at any time
		}
	}
	end, later, err := s.below(ctx, l, from, writers)
	if err != nil {
		return e, err
	}
	l.begin.TargetEnd = end
	if first, ok := later[writers[0]]; ok {
		e.sequence, e.last, e.time, e.end = first.sequence, first.last, first.time, first.end
	}
	if e, err = l.weigh(a, e); err != nil {
		return e, err
	}
	for _, w := range writers[1:] {
		if next, ok := later[w]; ok { // its first record has sequence 0
			e.records, e.last, e.time, e.end = e.records+int64(next.sequence), next.last, next.time, next.end
			e.writers = append(e.writers, w)
		}
	}
	e.shut = true
	s.contest(l, false)
	return e, nil
}

// below looks for the last batches of writers from a place of the target's log to its
// end, and returns that end.
func (s *session) below(ctx context.Context, l *lane, from int64, writers []writer) (int64, map[writer]evidence, error) {
	at := l.targetPartition()
	end := s.flow.p.Target.ListOffsets(ctx, cluster.LogEnd, []cluster.TopicPartition{at})[at]
	if end.Err != nil {
		return 0, nil, end.Err
	}
	log := &targetLog{cluster: s.flow.p.Target, client: s.produce, budget: s.flow.budget}
	found := map[writer]evidence{}
	err := log.walk(ctx, l.target, from, end.Offset, func(b batch.Batch) {
		i := slices.IndexFunc(writers, func(w writer) bool { return w.wrote(b) })
		if b.NextOffset() > from && i >= 0 {
			found[writers[i]] = evidence{
				sequence: nextSequence(lastSequence(b)), last: lastRecord(s.recoder, b), time: b.MaxTimestamp(), end: b.NextOffset(),
			}
		}
	})
	return end.Offset, found, err
}
