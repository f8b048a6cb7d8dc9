package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/strait-mirror/strait/flows/internal/memory"
	"github.com/strait-mirror/strait/flows/internal/wire"
)

// hotClient answers every fetch at once with one batch of one partition.
type hotClient struct {
	size  int
	asked int // partitions in requests
}

func (c *hotClient) Fetch(_ context.Context, _ int32, req *wire.FetchRequest, alloc Allocator) (*wire.FetchResponse, error) {
	c.asked += len(req.Partitions)
	resp := &wire.FetchResponse{SessionID: 1}
	for _, p := range req.Partitions {
		if p.Partition != 0 {
			continue
		}
		buf := alloc.Get(c.size)
		copy(buf.Bytes(), batchOf(p.Offset, 9, 1, 61))
		buf.Bytes()[atLength] = byte((c.size - prefixBytes) >> 24)
		buf.Bytes()[atLength+1] = byte((c.size - prefixBytes) >> 16)
		buf.Bytes()[atLength+2] = byte((c.size - prefixBytes) >> 8)
		buf.Bytes()[atLength+3] = byte(c.size - prefixBytes)
		resp.Partitions = append(resp.Partitions, wire.FetchedPartition{
			PartitionKey: p.PartitionKey, DivergingEpoch: -1, LeaderID: -1, PreferredReplica: -1, Records: buf,
		})
	}
	return resp, nil
}

// sinkhole gives back what it gets and counts it.
type sinkhole struct {
	p     *Partition
	ready chan struct{}
	got   chan struct{}
}

func (s *sinkhole) Fetched(f Fetched) {
	<-s.ready
	size := f.Records.Size()
	f.Records.Release()
	s.p.Done(size)
	s.got <- struct{}{}
}
func (s *sinkhole) Progress(_, _, _ int64) {}
func (s *sinkhole) Problem(error)          {}
func (s *sinkhole) Recovered()             {}

// BenchmarkFetch measures the loop's own cost per answer with one batch, beside
// partitions that have nothing: it must not depend on their number.
func BenchmarkFetch(b *testing.B) {
	for _, idle := range []int32{0, 1000, 10_000} {
		b.Run(fmt.Sprintf("idle=%d", idle), func(b *testing.B) {
			m := newModel(1)
			for i := range idle + 1 {
				m.create("t", i, 0)
			}
			client := &hotClient{size: 16 << 10}
			f, err := New(Params{
				Clients: []Client{client}, Leaders: m, Offsets: m, Budget: memory.NewBudget(64 << 20),
				Log: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				b.Fatal(err)
			}
			ctx, cancel := context.WithCancel(b.Context())
			ended := make(chan error, 1)
			go func() { ended <- f.Run(ctx) }()
			hot := &sinkhole{ready: make(chan struct{}), got: make(chan struct{}, 1<<10)}
			for i := range idle + 1 {
				p := f.Add(PartitionParams{
					Key: wire.PartitionKey{Topic: "t", Partition: i}, LeaderEpoch: wire.NoEpoch, Handler: hot,
				})
				if i == 0 {
					hot.p = p
				}
			}
			close(hot.ready)
			<-hot.got
			b.SetBytes(int64(client.size))
			b.ReportAllocs()
			for b.Loop() {
				<-hot.got
			}
			cancel()
			for {
				select {
				case <-hot.got:
					continue
				case err := <-ended:
					if !errors.Is(err, context.Canceled) {
						b.Error(err)
					}
				}
				break
			}
		})
	}
}
