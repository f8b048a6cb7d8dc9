package offsetsync

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/flows/internal/mm2fmt"
	"github.com/strait-mirror/strait/flows/reconcile"
)

// Pass writes what is due: syncs of lanes that moved enough, every Flush those of
// lanes that did not, and places for the index. The first one reads what the
// topics hold. It is for a reconcile.Loop.
func (s *Syncs) Pass(ctx context.Context, pass *reconcile.Pass) error {
	s.pass.Lock()
	defer s.pass.Unlock()
	if err := s.load(ctx, pass); err != nil {
		return err
	}
	if time.Since(s.flushed) >= s.p.Flush {
		s.promote()
	}
	return errors.Join(s.send(ctx), s.store(ctx))
}

// Flush writes all that is not written yet, as MirrorMaker 2 does at its end.
func (s *Syncs) Flush(ctx context.Context, pass *reconcile.Pass) error {
	if len(s.all()) == 0 {
		return nil
	}
	s.pass.Lock()
	s.promote()
	s.pass.Unlock()
	for _, l := range s.all() {
		l.mu.Lock()
		if l.placed && (len(l.known) == 0 || l.known[len(l.known)-1] != l.newest) {
			l.remember()
		}
		l.mu.Unlock()
	}
	return s.Pass(ctx, pass)
}

// promote has the syncs of idle lanes written.
func (s *Syncs) promote() {
	s.flushed = time.Now()
	for _, l := range s.all() {
		l.promote()
	}
}

// send writes syncs. What could not be written is due again.
func (s *Syncs) send(ctx context.Context) error {
	due := s.dueSyncs()
	if len(due) == 0 {
		return nil
	}
	var records []*kgo.Record
	var errs []error
	sent := make(map[*kgo.Record]pair, len(due))
	lanes := make(map[*kgo.Record]*Lane, len(due))
	for _, l := range due {
		p, ok := l.take()
		if !ok {
			continue
		}
		key, value, err := mm2fmt.OffsetSync{Topic: l.topic, Partition: l.part, Upstream: p.up, Downstream: p.down}.Encode()
		if err != nil {
			errs = append(errs, fmt.Errorf("writing offset syncs: %w", err)) // no topic has such a name
			continue
		}
		r := &kgo.Record{Topic: s.syncs.Name(), Key: key, Value: value}
		sent[r], lanes[r] = p, l
		records = append(records, r)
	}
	errs = append(errs, s.syncs.Write(ctx, records, func(r *kgo.Record) { lanes[r].giveBack(sent[r]) }))
	return errors.Join(errs...)
}

// store writes the places of lanes. What could not be written is due again.
func (s *Syncs) store(ctx context.Context) error {
	due := s.dueIndex()
	if len(due) == 0 {
		return nil
	}
	records := make([]*kgo.Record, len(due))
	lanes := make(map[*kgo.Record]*Lane, len(due))
	for i, l := range due {
		key, value := l.record().Encode()
		records[i] = &kgo.Record{Topic: s.places.Name(), Key: key, Value: value}
		lanes[records[i]] = l
	}
	return s.places.Write(ctx, records, func(r *kgo.Record) {
		l := lanes[r]
		l.mu.Lock()
		defer l.mu.Unlock()
		if !l.changed {
			l.changed = true
			s.index(l)
		}
	})
}

// record returns the lane's places, which count as stored from now on.
func (l *Lane) record() mm2fmt.Places {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changed = false
	p := mm2fmt.Places{
		Topic: l.topic, Partition: l.part, SourceID: l.source,
		TargetTopic: l.target.topic, TargetPartition: l.target.part, TargetID: l.target.id,
	}
	for _, at := range l.known {
		p.Offsets = append(p.Offsets, mm2fmt.Place{Source: at.source, Target: at.target})
	}
	return p
}
