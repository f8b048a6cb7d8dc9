package mirror

import (
	"context"
	"time"

	"github.com/strait-mirror/strait/flows/cluster"
)

// A paused flow asks where the partitions of its source end: while it reads, what it
// reads says so.
const (
	pauseLook = time.Second // how often it looks whether it is
	endsEach  = 5           // looks from one question to the next
)

// watchEnds keeps the ends of the source's partitions known while the flow is
// paused, until ctx ends.
func (s *session) watchEnds(ctx context.Context) {
	tick := time.NewTicker(pauseLook)
	defer tick.Stop()
	for looks := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !s.flow.limit.halts() {
			looks = 0
			continue
		}
		if looks%endsEach == 0 {
			s.askEnds(ctx)
		}
		looks++
	}
}

// askEnds asks for them once. What is not answered stays as it was.
func (s *session) askEnds(ctx context.Context) {
	lanes := s.list()
	at := make([]cluster.TopicPartition, len(lanes))
	for i, l := range lanes {
		at[i] = cluster.TopicPartition{Topic: l.source.Topic, Partition: l.source.Partition}
	}
	positions := []cluster.Position{cluster.Earliest, cluster.HighWatermark}
	if s.flow.readCommitted {
		positions = append(positions, cluster.StableEnd)
	}
	answers := map[cluster.Position]map[cluster.TopicPartition]cluster.Offset{}
	from := s.flow.p.Source
	for _, p := range positions {
		err := from.Await(ctx, func(ctx context.Context) error {
			answers[p] = from.ListOffsets(ctx, p, at)
			return nil
		})
		if err != nil {
			return // what was asked for may still be written
		}
	}
	for i, l := range lanes {
		start, high := answers[cluster.Earliest][at[i]], answers[cluster.HighWatermark][at[i]]
		stable := cluster.Offset{Offset: -1}
		if s.flow.readCommitted {
			stable = answers[cluster.StableEnd][at[i]]
		}
		if start.Err == nil && high.Err == nil && stable.Err == nil {
			l.Progress(high.Offset, stable.Offset, start.Offset)
		}
	}
}
