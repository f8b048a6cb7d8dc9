package fidelity_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/integration/compare"
	"github.com/strait-mirror/strait/integration/kafka"
	"github.com/strait-mirror/strait/integration/shapes"
)

const (
	many     = "many-partitions" // 1,000 partitions: not in every variation
	open     = "open-transaction"
	seed     = 7
	tinies   = 60 // topics with a record or two
	tinySize = 2
)

// stage is a pair of clusters whose source holds every shape.
type stage struct {
	pair
	library *library
	shapes  []string // every shape's topic
	small   []string // those but many
	tiny    []string
}

// setStage starts both clusters and writes the shapes.
func setStage(ctx context.Context, t *testing.T) *stage {
	t.Helper()
	p := pair{
		source: kafka.Start(t, kafka.Options{Heap: "384m"}),
		// A cleaner of its own would change batches that are compared byte by byte.
		target: kafka.Start(t, kafka.Options{Heap: "384m", Config: map[string]string{"log.cleaner.backoff.ms": "3600000"}}),
	}
	s := &stage{pair: p, library: newLibrary(p.source)}
	began := time.Now()
	writeShapes(ctx, t, p.source, shapes.All())
	for _, shape := range shapes.All() {
		s.shapes = append(s.shapes, shape.Name)
		if shape.Name != many {
			s.small = append(s.small, shape.Name)
		}
	}
	for i := range tinies {
		s.tiny = append(s.tiny, fmt.Sprintf("tiny-%02d", i))
	}
	if _, err := p.source.Admin().CreateTopics(ctx, 1, 1, nil, s.tiny...); err != nil {
		t.Fatal(err)
	}
	var rs []*kgo.Record
	for _, name := range s.tiny {
		for i := range tinySize {
			rs = append(rs, &kgo.Record{Topic: name, Value: fmt.Append(nil, name, i)})
		}
	}
	if err := p.source.Client().ProduceSync(ctx, rs...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	t.Logf("the source is written after %v", time.Since(began).Round(time.Millisecond))
	return s
}

// writeShapes writes shapes side by side; first those that restart the brokers.
func writeShapes(ctx context.Context, t *testing.T, c *kafka.Cluster, all []shapes.Shape) {
	t.Helper()
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for _, s := range all {
		if s.Restarts {
			if err := s.Create(ctx, c, s.Name, seed); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, s := range all {
		if !s.Restarts {
			g.Go(func() error { return s.Create(gctx, c, s.Name, seed) })
		}
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

// TestFidelity mirrors every shape in several ways at once, between one pair of
// clusters.
func TestFidelity(t *testing.T) {
	ctx := bounded(t)
	s := setStage(ctx, t)
	for _, part := range []struct {
		name string
		test func(context.Context, *testing.T, *stage)
	}{
		{"once", testOnce},
		{"again", testAgain},
		{"transactional", testTransactional},
		{"anywhere", testAnywhere},
		{"ended transaction", testEndedTransaction},
		{"live", testLive},
		{"topics", testTopics},
		{"null keys", testNullKeys},
		{"mirrormaker", testMirrorMaker},
		{"sealed", testSeal},
	} {
		t.Run(part.name, func(t *testing.T) {
			began := time.Now()
			part.test(bounded(t), t, s)
			t.Logf("took %v", time.Since(began).Round(time.Millisecond))
		})
	}
}

// The flows of testOnce and testAgain, by their source aliases.
const (
	plain  = "plain"  // everything by default
	exact  = "exact"  // batches as they are, names too, aborted records too
	narrow = "narrow" // in small fetches, to targets that somebody set otherwise
)

// onceFlows are three flows over all shapes.
func (s *stage) onceFlows() []*model.Flow {
	return []*model.Flow{
		flow(plain, "t", append(s.tiny, s.shapes...), nil),
		flow(exact, "t", s.small, func(f *model.Flow) {
			f.ReplicationPolicy, f.IsolationLevel, f.Coalesce = model.PolicyIdentity, model.ReadUncommitted, "off"
		}),
		flow(narrow, "t", s.small, func(f *model.Flow) {
			f.Control.SyncTopicConfigsEnabled = false // it would undo what was set by hand
			f.ReplicationPolicySeparator = "_"
			f.FetchMaxBytes, f.MaxPartitionFetchBytes, f.MaxRequestSize = 64<<10, 20<<10, 64<<10
		}),
	}
}

// settledByHand are target topics of the flow narrow that a person made.
func (s *stage) settledByHand(ctx context.Context, t *testing.T) {
	t.Helper()
	create(ctx, t, s.target, "narrow_codecs", 2, "compression.type", "gzip")
	create(ctx, t, s.target, "narrow_nulls", 2, "message.timestamp.type", "LogAppendTime")
	create(ctx, t, s.target, "narrow_log-append-time", 2, "message.timestamp.type", "LogAppendTime")
	create(ctx, t, s.target, "narrow_batches-130k-lz4", 3, "max.message.bytes", "20000")
	create(ctx, t, s.target, "narrow_batches-16k", 3, "max.message.bytes", "5000")
	create(ctx, t, s.target, "narrow_transactions", 3, "max.message.bytes", "700")
}

// testTransactional mirrors every shape in transactions.
func testTransactional(ctx context.Context, t *testing.T, s *stage) {
	const from = "transactional"
	once(ctx, t, s.config(flow(from, "t", s.shapes, func(f *model.Flow) { f.Delivery = model.Transactional })))
	var targets []string
	for _, name := range s.shapes {
		targets = append(targets, from+"."+name)
	}
	marked(ctx, t, s.target, targets...)
	for _, name := range s.shapes {
		identical(t, s.library.read(ctx, t, name, true), read(ctx, t, s.target, from+"."+name, true), compare.Options{})
	}
	anchoredAtEnds(ctx, t, s.pair, from, true, s.shapes...)
}

// marked waits until the markers of all transactions in topics are there: the
// coordinator writes them after it has answered that a transaction is committed,
// and committed readers wait for them.
func marked(ctx context.Context, t *testing.T, c *kafka.Cluster, topics ...string) {
	t.Helper()
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		stable, err := c.Admin().ListCommittedOffsets(ctx, topics...)
		if err != nil {
			t.Fatal(err)
		}
		ends, err := c.Admin().ListEndOffsets(ctx, topics...)
		if err != nil {
			t.Fatal(err)
		}
		open := ""
		ends.Each(func(o kadm.ListedOffset) {
			if at, ok := stable.Lookup(o.Topic, o.Partition); !ok || at.Offset != o.Offset {
				open = fmt.Sprintf("%s/%d: committed readers get to %d of %d", o.Topic, o.Partition, at.Offset, o.Offset)
			}
		})
		if open == "" {
			tick.Stop()
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal(open)
		case <-tick.C:
		}
	}
}

func testOnce(ctx context.Context, t *testing.T, s *stage) {
	s.settledByHand(ctx, t)
	flows := once(ctx, t, s.config(s.onceFlows()...))
	for _, name := range append(s.tiny, s.shapes...) {
		identical(t, s.library.read(ctx, t, name, true), read(ctx, t, s.target, "plain."+name, false), compare.Options{})
	}
	for _, name := range s.small {
		t.Run(name, func(t *testing.T) {
			identical(t, s.library.read(ctx, t, name, false), read(ctx, t, s.target, name, false), compare.Options{})
			stamped := name == "nulls" || name == "log-append-time"
			identical(t, s.library.read(ctx, t, name, true), read(ctx, t, s.target, "narrow_"+name, false), compare.Options{IgnoreTimestamps: stamped})
		})
	}
	want := map[string]int64{}
	for _, name := range s.small {
		reasons := untouched(t, name, rawTopic(ctx, t, s.source, name), rawTopic(ctx, t, s.target, name))
		for why, n := range reasons {
			want[why] += n
		}
	}
	for _, why := range []string{"sparse", "log_append_time", "legacy_format"} {
		if want[why] == 0 {
			t.Errorf("no batch of the source is a case of %s", why)
		}
	}
	for _, from := range []string{plain, exact} {
		if d := cmp.Diff(want, flows[from].Reasons); d != "" {
			t.Errorf("flow %s: batches re-encoded, as counted in the source and by status (-want +got):\n%s", from, d)
		}
	}
	for p, batches := range rawTopic(ctx, t, s.target, "narrow_codecs") {
		for _, b := range batches {
			if b.codec() != 1 {
				t.Errorf("narrow_codecs/%d: codec %d at offset %d, the topic's setting is gzip", p, b.codec(), b.base())
			}
		}
	}
	if got := describeAll(flows[narrow]); !strings.Contains(got, "compression.type=gzip") || !strings.Contains(got, "max.message.bytes=700") {
		t.Errorf("status does not name what settings of targets do to batches: %s", got)
	}
	if flows[narrow].Reasons["too_large"] == 0 {
		t.Errorf("no batch was split for a target that takes only small ones: %v", flows[narrow].Reasons)
	}
	for from, f := range flows {
		if f.LagRecords != 0 {
			t.Errorf("flow %s ended %d records behind", from, f.LagRecords)
		}
	}
	anchoredAtEnds(ctx, t, s.pair, plain, true, append(s.tiny, s.shapes...)...)
	anchoredAtEnds(ctx, t, s.pair, exact, false, s.small...)
	anchoredAtEnds(ctx, t, s.pair, narrow, true, s.small...)
}

// testAgain runs the same flows once more: there is nothing left to do.
func testAgain(ctx context.Context, t *testing.T, s *stage) {
	for from, f := range once(ctx, t, s.config(s.onceFlows()...)) {
		if f.Records != 0 {
			t.Errorf("flow %s copied %d records again", from, f.Records)
		}
	}
}

// testAnywhere starts in the middle of everything: behind an offset of each
// partition that MirrorMaker 2 might have stored, most of them within a batch.
func testAnywhere(ctx context.Context, t *testing.T, s *stage) {
	rounds := 1
	if soak() {
		rounds = 30
	}
	for round := range rounds {
		anywhere(ctx, t, s, round)
	}
}

func anywhere(ctx context.Context, t *testing.T, s *stage, round int) { //nolint:thelper // a test's body
	committed, all := fmt.Sprint("anywhere", round), fmt.Sprint("uncommitted", round)
	rnd := rand.New(rand.NewPCG(seed, uint64(round)))
	at := map[string]map[place]int64{}
	for _, from := range []string{committed, all} {
		at[from] = map[place]int64{}
		for _, name := range s.small {
			partitions := ends(ctx, t, s.source, name, from == committed)
			for _, p := range sorted(keys(partitions)) {
				if partitions[p] > 1 {
					at[from][place{name, p}] = rnd.Int64N(partitions[p] - 1)
				}
			}
		}
		setPositions(ctx, t, s.target, from, at[from])
	}
	flows := once(ctx, t, s.config(
		flow(committed, "t", s.small, nil),
		flow(all, "t", s.small, func(f *model.Flow) { f.IsolationLevel = model.ReadUncommitted }),
	))
	for from, positions := range at {
		for _, name := range s.small {
			last := map[int32]int64{}
			for where, n := range positions {
				if where.topic == name {
					last[where.partition] = n
				}
			}
			source := s.library.read(ctx, t, name, from == committed)
			identical(t, behind(source, last), read(ctx, t, s.target, from+"."+name, false), compare.Options{})
		}
		if flows[from].Reasons["mid_batch"] == 0 {
			t.Errorf("flow %s: no position was within a batch: %v", from, flows[from].Reasons)
		}
		anchoredAtEnds(ctx, t, s.pair, from, from == committed, s.small...)
	}
}

// testEndedTransaction aborts the transaction that was left open: what waited
// behind it follows.
func testEndedTransaction(ctx context.Context, t *testing.T, s *stage) {
	before := count(s.library.read(ctx, t, open, true))
	successor, err := kgo.NewClient(append(s.source.AdminOpts(), kgo.TransactionalID(open+"-0"))...)
	if err != nil {
		t.Fatal(err)
	}
	defer successor.Close()
	if _, _, err := successor.ProducerID(ctx); err != nil {
		t.Fatal(err)
	}
	await(ctx, t, func() (string, bool) {
		return "the transaction is still open", maps.Equal(ends(ctx, t, s.source, open, true), ends(ctx, t, s.source, open, false))
	})
	flows := once(ctx, t, s.config(flow(plain, "t", []string{open}, nil)))
	source := read(ctx, t, s.source, open, true)
	identical(t, source, read(ctx, t, s.target, "plain."+open, false), compare.Options{})
	if got := flows[plain].Records; got == 0 || got != int64(count(source)-before) {
		t.Errorf("%d records were copied, %d waited", got, count(source)-before)
	}
}

// keys returns the keys of a map.
func keys[K comparable, V any](m map[K]V) []K {
	var all []K
	for k := range m {
		all = append(all, k)
	}
	return all
}
