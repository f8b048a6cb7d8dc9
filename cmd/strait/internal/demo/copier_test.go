package demo

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/cmd/strait/internal/engine"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/pipeline/status"
)

// copier is an engine that decodes and produces anew, so that the demo can be
// tested without the real one. damage may change a record or drop it.
type copier struct {
	p       engine.Params
	damage  func(flow *model.Flow, r *kgo.Record) (keep bool)
	records atomic.Int64
}

func (c *copier) Status() status.Snapshot {
	s := status.Snapshot{FormatVersion: status.FormatVersion, Time: time.Now()}
	for _, f := range c.p.Config.Flows {
		s.Flows = append(s.Flows, status.Flow{
			Name: f.Name, From: f.From, To: f.To, State: status.Running, Records: c.records.Load(),
		})
	}
	return s
}

// Run copies until ctx ends, or with Once until the ends seen at start.
func (c *copier) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	errs := make(chan error, len(c.p.Config.Flows))
	for _, f := range c.p.Config.Flows {
		wg.Go(func() { errs <- c.flow(ctx, f) })
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

func (c *copier) flow(ctx context.Context, f *model.Flow) error {
	from := c.p.Config.Cluster(f.From).BootstrapServers
	to := c.p.Config.Cluster(f.To).BootstrapServers
	topics := f.Topics
	source, err := kgo.NewClient(kgo.SeedBrokers(from...), kgo.ConsumeTopics(topics...),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), kgo.FetchMaxWait(50*time.Millisecond),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return err
	}
	defer source.Close()
	var targets []*kgo.Client // by codec number
	for _, codec := range []kgo.CompressionCodec{
		kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression(),
	} {
		target, err := kgo.NewClient(kgo.SeedBrokers(to...), kgo.ProducerBatchCompression(codec),
			kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
		if err != nil {
			return err
		}
		defer target.Close()
		targets = append(targets, target)
	}
	todo := map[string]int64{} // "topic/partition" to the end that is not reached yet
	if c.p.Once {
		ends, err := kadm.NewClient(source).ListCommittedOffsets(ctx, topics...)
		if err != nil {
			return err
		}
		ends.Each(func(o kadm.ListedOffset) {
			if o.Offset > 0 {
				todo[fmt.Sprint(o.Topic, "/", o.Partition)] = o.Offset
			}
		})
	}
	for ctx.Err() == nil && (!c.p.Once || len(todo) > 0) {
		fetches := source.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return err
		}
		// Neighbours of one codec travel together; each group is waited for, so
		// that the order stays.
		var group []*kgo.Record
		codec := uint8(0)
		flush := func() error {
			err := targets[codec].ProduceSync(ctx, group...).FirstErr()
			c.records.Add(int64(len(group)))
			group = nil
			return err
		}
		for _, r := range fetches.Records() {
			if key := fmt.Sprint(r.Topic, "/", r.Partition); r.Offset+1 >= todo[key] {
				delete(todo, key)
			}
			if r.Attrs.IsControl() {
				continue
			}
			if r.Attrs.CompressionType() != codec {
				if err := flush(); err != nil {
					return fmt.Errorf("writing: %w", err)
				}
				codec = r.Attrs.CompressionType()
			}
			if c.damage(f, r) {
				group = append(group, &kgo.Record{
					Topic: f.From + f.ReplicationPolicySeparator + r.Topic, Partition: r.Partition,
					Key: r.Key, Value: r.Value, Headers: r.Headers, Timestamp: r.Timestamp,
				})
			}
		}
		if err := flush(); err != nil {
			return fmt.Errorf("writing: %w", err)
		}
	}
	return nil
}
