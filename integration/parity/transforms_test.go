package parity

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/strait-mirror/strait/integration/compare"
	"github.com/strait-mirror/strait/integration/kafka"
)

// transformations are those of a file that both programs run.
const transformations = `
clusters = a, b
a->b.enabled = true
topics = plain, secret, other
replication.factor = 1
heartbeats.topic.replication.factor = 1
checkpoints.topic.replication.factor = 1
offset-syncs.topic.replication.factor = 1
offset.storage.replication.factor = 1
status.storage.replication.factor = 1
config.storage.replication.factor = 1
sync.topic.acls.enabled = false
refresh.topics.interval.seconds = 1
a->b.transforms = skip, gone, names, trace, rest
a->b.transforms.skip.type = org.apache.kafka.connect.transforms.Filter
a->b.transforms.skip.predicate = skipped
a->b.transforms.gone.type = org.apache.kafka.connect.transforms.Filter
a->b.transforms.gone.predicate = tombstone
a->b.transforms.names.type = org.apache.kafka.connect.transforms.Filter
a->b.transforms.names.predicate = ours
a->b.transforms.names.negate = true
a->b.transforms.trace.type = org.apache.kafka.connect.transforms.DropHeaders
a->b.transforms.trace.headers = trace, span
a->b.transforms.trace.predicate = kept
a->b.transforms.trace.negate = true
a->b.transforms.rest.type = org.apache.kafka.connect.transforms.RegexRouter
a->b.transforms.rest.regex = a\\.(other)
a->b.transforms.rest.replacement = renamed-$1
a->b.predicates = skipped, tombstone, ours, kept
a->b.predicates.skipped.type = org.apache.kafka.connect.transforms.predicates.HasHeaderKey
a->b.predicates.skipped.name = skip
a->b.predicates.tombstone.type = org.apache.kafka.connect.transforms.predicates.RecordIsTombstone
a->b.predicates.ours.type = org.apache.kafka.connect.transforms.predicates.TopicNameMatches
a->b.predicates.ours.pattern = a\\.(plain|other)|.*heartbeats
a->b.predicates.kept.type = org.apache.kafka.connect.transforms.predicates.HasHeaderKey
a->b.predicates.kept.name = keep
`

// TestTransforms has MirrorMaker 2 and Strait run a file whose transformations drop
// and change records: what arrives is the same.
func TestTransforms(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var clusters [3]*kafka.Cluster // a source, and a target for each program
	for i := range clusters {
		clusters[i] = kafka.Start(t, kafka.Options{})
	}
	source := clusters[0]
	var g errgroup.Group
	for _, topic := range []string{"plain", "secret", "other"} {
		g.Go(func() error {
			// The records are old: brokers would delete them while MirrorMaker 2 starts.
			if err := source.CreateTopic(ctx, kafka.Topic{Name: topic, Config: map[string]*string{"retention.ms": new("-1")}}); err != nil {
				return err
			}
			return various(ctx, source, topic)
		})
	}
	for _, target := range clusters[1:] { // the brokers make none by themselves
		g.Go(func() error {
			return target.CreateTopic(ctx, kafka.Topic{Name: "renamed-other", Config: map[string]*string{"retention.ms": new("-1")}})
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	text := func(target *kafka.Cluster) string {
		return transformations + fmt.Sprintf("a.bootstrap.servers = %s\nb.bootstrap.servers = %s\n", source.Bootstrap()[0], target.Bootstrap()[0])
	}
	real := kafka.StartMirrorMaker(t, kafka.MirrorMakerOptions{Properties: text(clusters[1])})
	runStrait(t, text(clusters[2]))
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		err := alike(ctx, clusters[1], clusters[2])
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-real.Exited():
			t.Fatalf("MirrorMaker 2 ended:\n%s", real.Log(40))
		case <-ctx.Done():
			t.Fatal(err)
		}
	}
}

// various writes 200 records with all that the transformations look at.
func various(ctx context.Context, c *kafka.Cluster, topic string) error {
	var records []*kgo.Record
	for i := range 200 {
		r := &kgo.Record{Topic: topic, Key: fmt.Append(nil, i), Value: fmt.Append(nil, i), Timestamp: time.UnixMilli(int64(1_700_000_000_000 + i))}
		if i%5 == 0 {
			r.Value = nil
		}
		for n, name := range []string{"n", "trace", "span", "skip", "keep", "trace"} {
			if n == 0 || i%(n+2) == 0 {
				r.Headers = append(r.Headers, kgo.RecordHeader{Key: name, Value: fmt.Append(nil, i)})
			}
		}
		records = append(records, r)
	}
	return c.Client().ProduceSync(ctx, records...).FirstErr()
}

// alike compares what both targets hold.
func alike(ctx context.Context, mm2, strait *kafka.Cluster) error {
	for topic, least := range map[string]int64{"a.plain": 100, "renamed-other": 100} {
		left, err := compare.Read(ctx, mm2.AdminOpts(), topic, compare.ReadOptions{})
		if err != nil {
			return err
		}
		right, err := compare.Read(ctx, strait.AdminOpts(), topic, compare.ReadOptions{})
		if err != nil {
			return err
		}
		r := compare.Diff(left, right, compare.Options{})
		if err := r.Err(); err != nil || r.Source < least {
			return fmt.Errorf("%s: MirrorMaker 2 has %d records: %w", topic, r.Source, err)
		}
	}
	for _, c := range []*kafka.Cluster{mm2, strait} { // MirrorMaker 2 makes the topics of records that it drops
		ends, err := c.Admin().ListEndOffsets(ctx, "a.secret")
		if err == nil {
			ends.Each(func(o kadm.ListedOffset) {
				if o.Err == nil && o.Offset > 0 {
					err = fmt.Errorf("a.secret has %d records", o.Offset)
				}
			})
		}
		if err != nil {
			return err
		}
	}
	return nil
}
