package offsetsync

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/mm2fmt"
	"github.com/strait-mirror/strait/flows/internal/tail"
	"github.com/strait-mirror/strait/flows/reconcile"
)

// Load reads what the topics hold, once unless others write there, and creates them
// where they are missing. pass may be nil where nothing is to be created.
func (s *Syncs) Load(ctx context.Context, pass *reconcile.Pass) error {
	s.pass.Lock()
	defer s.pass.Unlock()
	return s.load(ctx, pass)
}

// load is Load; s.pass is held, here and below.
func (s *Syncs) load(ctx context.Context, pass *reconcile.Pass) error {
	places := map[string]mm2fmt.Places{} // by key
	syncs := map[cluster.TopicPartition]*slots{}
	again := s.p.Shared && time.Since(s.learnt) >= learnEvery
	if again {
		s.learnt = time.Now()
	}
	var both errgroup.Group // they may be on two clusters
	both.Go(func() error {
		return s.places.load(ctx, pass, s.p.ReadOnly, again, func(r *kgo.Record) {
			if p, err := mm2fmt.ParsePlaces(r.Key, r.Value); err == nil {
				places[string(r.Key)] = p
			}
		})
	})
	both.Go(func() error {
		return s.syncs.load(ctx, pass, s.p.ReadOnly, again, func(r *kgo.Record) { keep(syncs, r) })
	})
	err := both.Wait()
	for _, p := range places {
		s.lane(p.Topic, p.Partition).learn(p)
	}
	for at, k := range syncs {
		s.lane(at.Topic, at.Partition).learnSyncs(k)
	}
	return err
}

// Foresee returns the topics that Load would create, and creates none.
func (s *Syncs) Foresee(ctx context.Context) ([]reconcile.Event, error) {
	var events []reconcile.Event
	for _, k := range []*kept{&s.places, &s.syncs} {
		if k.Topic == nil {
			continue
		}
		more, err := k.Foresee(ctx)
		if err != nil {
			return events, err
		}
		events = append(events, more...)
	}
	return events, nil
}

// kept is a topic in which is kept what is known of lanes; its Topic is nil where
// there is none.
type kept struct {
	*tail.Topic

	loaded bool // what it held was read
}

// load creates the topic where it is missing, unless it is only to be read, and
// reads it once, or what came since again.
func (k *kept) load(ctx context.Context, pass *reconcile.Pass, readOnly, again bool, take func(*kgo.Record)) error {
	if k.Topic == nil {
		return nil
	}
	if !readOnly {
		if err := k.Ensure(ctx, pass); err != nil {
			return err
		}
	}
	if k.loaded && !again {
		return nil
	}
	err := k.Read(ctx, take)
	k.loaded = err == nil
	return err
}

// learn takes over places that were stored, unless they are of other topics by
// these names.
func (l *Lane) learn(p mm2fmt.Places) {
	l.mu.Lock()
	defer l.mu.Unlock()
	stored := end{p.TargetTopic, p.TargetPartition, p.TargetID}
	if l.target == (end{}) {
		l.source, l.target = p.SourceID, stored
	}
	if l.source != p.SourceID || l.target != stored {
		return
	}
	older := make(places, len(p.Offsets))
	for i, at := range p.Offsets {
		older[i] = place{at.Source, at.Target}
	}
	l.known = merge(older, l.known)
	l.hopeless = nil
}

// keep takes over what MirrorMaker 2, or Strait before, said of a lane. A sync says
// no topic ids and no target partition: that is the one of equal number.
func keep(kept map[cluster.TopicPartition]*slots, r *kgo.Record) {
	sync, err := mm2fmt.ParseOffsetSync(r.Key, r.Value)
	if err != nil || sync.Upstream < 0 || sync.Downstream < 0 {
		return
	}
	at := cluster.TopicPartition{Topic: sync.Topic, Partition: sync.Partition}
	if kept[at] == nil {
		kept[at] = &slots{}
	}
	kept[at].add(pair{sync.Upstream, sync.Downstream})
}

// learnSyncs takes over syncs. Behind the record of a sync both sides are at the
// same place.
func (l *Lane) learnSyncs(k *slots) {
	var older places
	for _, p := range k.distinct() {
		older.add(place{p.up + 1, p.down + 1})
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known = merge(older, l.known)
	l.hopeless = nil
}
