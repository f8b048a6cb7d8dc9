package control_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/group"
	"github.com/strait-mirror/strait/integration/kafka"
)

// TestManyMembers has 500 members share 100,000 partitions through a real broker with
// Kafka's own limits, which keeps all that is known of a group in one record
// (offsets.topic: message.max.bytes, 1 MiB).
func TestManyMembers(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	const (
		members    = 500
		partitions = 100_000
		each       = 50 // partitions of a topic
		sampled    = 20 // one of so many is looked at
		name       = "many-mm2-strait"
		most       = 512 << 10 // bytes of the record
	)
	topics := make([]string, partitions/each)
	for i := range topics {
		topics[i] = fmt.Sprintf("topic-%d", i)
	}
	b := kafka.Start(t, kafka.Options{})
	running, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	all := make([]*group.Member, 0, members)
	for i := range members {
		m := model.NewCluster(field.HCL)
		m.Alias, m.BootstrapServers = "b", b.Bootstrap()
		c, err := cluster.New(cluster.Params{Config: m, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		member, err := group.New(group.Params{
			Target: c.Requestor(), Group: name, Instance: fmt.Sprintf("host-%d.example.com-0123456789abcdef-0", i), Log: slog.New(slog.DiscardHandler),
			HeartbeatInterval: 3 * time.Second, SessionTimeout: 45 * time.Second, // 500 processes have more than two cores
			Changed: func(context.Context) {},
			Weigh: func(add func(string, int32, int64)) bool {
				for n := range int32(partitions) {
					add(topics[n/each], n%each, 1+int64(n%20))
				}
				return true
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, member)
		wg.Go(func() {
			defer c.Close()
			member.Run(running)
		})
	}
	owned := func() (n int) {
		for _, m := range all {
			for p := int32(0); p < partitions; p += sampled {
				if m.Owns(topics[p/each], p%each) {
					n++
				}
			}
		}
		return n
	}
	settled := func() bool {
		for _, m := range all {
			if m.Status().Members != members {
				return false
			}
		}
		return owned() == partitions/sampled
	}
	if !wait(ctx, settled) {
		t.Fatalf("%d of %d partitions are somebody's; the first is %+v", owned(), partitions/sampled, all[0].Status())
	}
	size := groupRecord(ctx, t, b, name)
	t.Logf("the group's record has %d KiB", size>>10)
	if size > most || size == 0 {
		t.Errorf("the group's record has %d bytes, want %d at most", size, most)
	}
}

// groupRecord returns the size of the largest record that a broker has written of a
// group (GroupMetadataKey, whose version is 2).
func groupRecord(ctx context.Context, t *testing.T, b *kafka.Cluster, name string) (size int) {
	t.Helper()
	ends, err := b.Admin().ListEndOffsets(ctx, "__consumer_offsets")
	if err != nil {
		t.Fatal(err)
	}
	cl, err := kgo.NewClient(append(b.AdminOpts(), kgo.ConsumeTopics("__consumer_offsets"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxPartitionBytes(8<<20))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	var left int64
	for _, p := range ends["__consumer_offsets"] {
		left += p.Offset
	}
	for left > 0 && ctx.Err() == nil {
		fetched := cl.PollFetches(ctx)
		fetched.EachRecord(func(r *kgo.Record) {
			left--
			if len(r.Key) > 4 && binary.BigEndian.Uint16(r.Key) == 2 && string(r.Key[4:]) == name {
				size = max(size, len(r.Value))
			}
		})
	}
	return size
}
