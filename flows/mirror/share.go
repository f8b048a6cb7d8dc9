package mirror

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/txn"
)

// Share says what of a flow is this process's, where several run one flow. Its
// methods are cheap and ask nobody.
type Share interface {
	// Owns reports whether the process is to run a partition of the source, or a
	// numbered part of what else is shared out by name.
	Owns(name string, number int32) bool
	// Holds reports whether what it owns is certainly nobody else's by now.
	Holds() bool
	// Leads reports whether the process is to do what only one may do, such as
	// creating topics.
	Leads() bool
}

// whole is the Share of a process that runs all of a flow.
type whole struct{}

func (whole) Owns(string, int32) bool { return true }
func (whole) Holds() bool             { return true }
func (whole) Leads() bool             { return true }

// shared reports whether other processes may run parts of the flow.
func (f *Flow) shared() bool { return f.p.Share != Share(whole{}) }

// owned names what is owned as a whole when a partition is: itself, or, in
// transactions, its bucket, whose transactional id only one process may have.
func (f *Flow) owned(topic string, partition int32) (name string, number int32) {
	if f.p.Flow.Delivery == model.Transactional {
		return model.TransactionalID(f.p.Flow), txn.Bucket(topic, partition)
	}
	return topic, partition
}

// owns reports whether the process is to run a partition of the source.
func (f *Flow) owns(topic string, partition int32) bool {
	return f.p.Share.Owns(f.owned(topic, partition))
}

// errNotHeld says that somebody else may have what this process had.
var errNotHeld = errors.New("the process has lost its place in the group, and others may have its partitions")

// Reshare tells the flow that its share has changed. It returns once the flow
// runs nothing that it does not own, and where it left that is stored, or when
// ctx ends; what it owns by now is started afterwards.
func (f *Flow) Reshare(ctx context.Context) {
	f.mu.Lock()
	running := f.running
	f.mu.Unlock()
	if running == nil {
		return
	}
	yielded := make(chan struct{})
	select {
	case f.reshared <- yielded:
	case <-running: // ended; its lanes have come to rest
		return
	case <-ctx.Done():
		return
	}
	select {
	case <-yielded:
	case <-running:
	case <-ctx.Done():
	}
}

// setRunning notes that a session has lanes until the returned function is
// called.
func (f *Flow) setRunning() (ended func()) {
	running := make(chan struct{})
	f.mu.Lock()
	f.running = running
	f.mu.Unlock()
	return func() {
		f.mu.Lock()
		f.running = nil
		f.mu.Unlock()
		close(running)
	}
}

// EachPartition calls add for every partition of the source that the flow selects,
// as far as they have been discovered, whoever runs them: with what is to be owned
// for it, by the names that Share.Owns is asked for, and how much work it is. It
// reports whether that has been measured.
func (f *Flow) EachPartition(add func(name string, number int32, weight int64)) (measured bool) {
	f.mu.Lock()
	s := f.session
	f.mu.Unlock()
	if s == nil {
		return false
	}
	for _, t := range s.topicsKnown() {
		p := t.pair()
		for n := range p.Partitions {
			name, number := f.owned(p.Source, n)
			add(name, number, s.loads.of(cluster.TopicPartition{Topic: p.Source, Partition: n}))
		}
	}
	return s.loads.known()
}

// topicsKnown returns the topics that were discovered.
func (s *session) topicsKnown() []*topic {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.known))
}

// yield ends the lanes that are not the process's any more: what is under way is
// waited for, since whoever is next goes on behind it. Where the process may have
// lost them long ago there is nothing to wait for.
func (s *session) yield(ctx context.Context) {
	f := s.flow
	var gone []*lane
	for _, l := range s.list() {
		if !f.owns(l.source.Topic, l.source.Partition) {
			gone = append(gone, l)
		}
	}
	if len(gone) == 0 {
		s.transactions.leave()
		return
	}
	began := time.Now()
	patience := f.p.DrainTimeout
	if !f.p.Share.Holds() {
		patience = 0
	}
	drain, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	moving := closeAll(drain, gone)
	left := moved(gone)
	if err := s.writeAnchors(ctx, left); err != nil && ctx.Err() == nil {
		f.p.Log.Warn("partitions were handed over without their last positions", "partitions", len(left), "err", f.p.Target.Explain(err))
	}
	for _, l := range gone {
		l.offsets.Left()
	}
	s.forget(gone...)
	s.transactions.leave()
	f.p.Log.Info("partitions handed over", "partitions", len(gone), "unfinished", moving, "took", time.Since(began).Round(time.Millisecond))
}

// catchUp reads the positions that other processes have stored meanwhile.
func (s *session) catchUp(ctx context.Context) error {
	if !s.flow.shared() || s.store.refresh == nil || s.transactions != nil { // who takes a bucket over reads them
		return nil
	}
	return s.store.on.Explain(s.store.on.Await(ctx, s.store.refresh))
}
