package mirror

import (
	"context"
	"maps"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/wire"
	"github.com/strait-mirror/strait/flows/source"
)

// starts returns where each lane begins: behind its anchor, or where the flow
// says. A partition that appears while the flow runs begins at its start: nothing
// that was ever in it is left out.
func (s *session) starts(ctx context.Context, lanes []*lane, keys []cluster.TopicPartition) []cluster.Offset {
	starts := make([]cluster.Offset, len(lanes))
	earliest := make([]cluster.TopicPartition, 0, len(lanes))
	var latest []cluster.TopicPartition
	for i, l := range lanes {
		a, ok := s.store.Get(l.source.Topic, l.source.Partition)
		// An offset of -1 is no position where MirrorMaker 2 wrote it. Ours says
		// that the lane begins at 0, also where new ones begin at their ends.
		ok = ok && (a.Offset >= 0 || !a.Bare())
		starts[i].Offset = -1
		switch {
		case ok && s.continues(l, a):
			starts[i] = cluster.Offset{Offset: a.Next(), Epoch: wire.NoEpoch}
			if !a.Bare() {
				starts[i].Epoch = a.LeaderEpoch
			}
		case ok:
			earliest = append(earliest, keys[i])
		case s.flow.fromEnd(l.source):
			latest = append(latest, keys[i])
		default:
			earliest = append(earliest, keys[i])
		}
	}
	found := s.flow.p.Source.ListOffsets(ctx, cluster.Earliest, earliest)
	maps.Copy(found, s.flow.p.Source.ListOffsets(ctx, s.readable(), latest))
	for i, key := range keys {
		if starts[i].Offset < 0 {
			starts[i] = found[key]
			starts[i].Epoch = wire.NoEpoch
		}
	}
	return starts
}

// fromEnd reports whether the flow says that p begins at its end, which is for
// partitions that there were at first.
func (f *Flow) fromEnd(p wire.PartitionKey) bool {
	return f.p.Flow.Start == model.StartLatest && p.Partition < f.initial[p.Topic]
}

// start connects a placed lane to the sink and the fetcher.
func (s *session) start(l *lane) {
	s.mu.Lock()
	s.left++
	s.mu.Unlock()
	if l.onHold() {
		s.gaveUp(l)
		return
	}
	l.mu.Lock() // the fetcher's first call waits until l.in is set
	defer l.mu.Unlock()
	l.out = s.outletFor(l)
	if l.until >= 0 && l.next >= l.until {
		l.finished, l.closed = true, true
		s.laneFinished()
		return
	}
	l.in = s.fetcher.Add(source.PartitionParams{
		Key: l.source, Offset: l.next, LeaderEpoch: l.ack.SourceEpoch, Handler: l,
	})
}
