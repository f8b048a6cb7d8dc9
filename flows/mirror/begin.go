package mirror

import (
	"context"
	"fmt"
	"maps"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/wire"
	"github.com/strait-mirror/strait/flows/position"
	"github.com/strait-mirror/strait/flows/source"
)

// starts returns where each lane begins: behind its anchor, or where the flow
// says. A partition that appears while the flow runs begins at its start, unless
// the flow begins at a time: nothing else that was ever in it is left out.
func (s *session) starts(ctx context.Context, lanes []*lane, keys []cluster.TopicPartition) []cluster.Offset {
	starts := make([]cluster.Offset, len(lanes))
	earliest := make([]cluster.TopicPartition, 0, len(lanes))
	var fresh []cluster.TopicPartition // where the flow says where they begin
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
		case !ok && s.flow.startsApart(l.source):
			fresh = append(fresh, keys[i])
		default:
			earliest = append(earliest, keys[i])
		}
	}
	found := s.flow.p.Source.ListOffsets(ctx, cluster.Earliest, earliest)
	maps.Copy(found, s.begins(ctx, fresh))
	for i, key := range keys {
		if starts[i].Offset < 0 {
			starts[i] = found[key]
			starts[i].Epoch = wire.NoEpoch
		}
	}
	return starts
}

// startsApart reports whether the flow says that p begins elsewhere than at its start. Its
// end and a group's offset are for partitions that there were at first.
func (f *Flow) startsApart(p wire.PartitionKey) bool {
	at := f.p.Flow.Start
	if _, timed := at.Time(); timed {
		return true
	}
	return at != model.StartEarliest && p.Partition < f.initial[p.Topic]
}

// begins returns where partitions without a position begin that the flow has a word
// on.
func (s *session) begins(ctx context.Context, fresh []cluster.TopicPartition) map[cluster.TopicPartition]cluster.Offset {
	f := s.flow
	if len(fresh) == 0 {
		return nil
	}
	if group, ok := f.p.Flow.Start.Group(); ok {
		return s.beginsAsGroup(ctx, group, fresh)
	}
	at, timed := f.p.Flow.Start.Time()
	if !timed {
		return f.p.Source.ListOffsets(ctx, s.readable(), fresh)
	}
	found := f.p.Source.OffsetsFrom(ctx, at, fresh)
	var ends []cluster.TopicPartition // whatever comes is later
	for key, o := range found {
		if o.Err == nil && o.Offset < 0 {
			ends = append(ends, key)
		}
	}
	maps.Copy(found, f.p.Source.ListOffsets(ctx, s.readable(), ends))
	return found
}

// beginsAsGroup returns what a group without members has committed, and the start of
// partitions of which it has committed nothing. While it has members they go on:
// what is copied behind its offsets now would be copied twice.
func (s *session) beginsAsGroup(ctx context.Context, name string, fresh []cluster.TopicPartition) map[cluster.TopicPartition]cluster.Offset {
	from := s.flow.p.Source
	failed := func(err error) map[cluster.TopicPartition]cluster.Offset {
		found := make(map[cluster.TopicPartition]cluster.Offset, len(fresh))
		for _, key := range fresh {
			found[key] = cluster.Offset{Offset: -1, Err: err}
		}
		return found
	}
	group, err := position.NewGroup(position.GroupParams{Client: from.Control(), Group: name, Log: s.flow.p.Log})
	if err == nil {
		err = from.Await(ctx, group.Open)
	}
	if err == nil && len(group.All()) == 0 && len(s.store.All()) == 0 {
		err = &NoGroupError{Group: name, Cluster: s.flow.From()}
	}
	if err != nil {
		return failed(err)
	}
	found := map[cluster.TopicPartition]cluster.Offset{}
	var others []cluster.TopicPartition
	for _, key := range fresh {
		if a, ok := group.Get(key.Topic, key.Partition); ok {
			found[key] = cluster.Offset{Offset: a.Next()}
		} else {
			others = append(others, key)
		}
	}
	maps.Copy(found, from.ListOffsets(ctx, cluster.Earliest, others))
	return found
}

// NoGroupError says that there is nothing to start from: going on without would copy
// everything.
type NoGroupError struct{ Group, Cluster string }

func (e *NoGroupError) Error() string {
	return fmt.Sprintf("consumer group %q has no offsets on cluster %q, so that nobody knows where to start", e.Group, e.Cluster)
}

// Hint says what to do about it.
func (e *NoGroupError) Hint() string {
	return `correct the name in start (kafka-consumer-groups.sh --list shows them), or set start = "earliest" or "latest"`
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
