package offsets_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/integration/kafka"
)

// words is how many different ones a counting application gets.
const words = 20

// application is one of Kafka Streams that counts words: what it is called on a
// cluster, which is what its group and its internal topics are called, and what it
// reads there.
type application struct {
	pair

	policy model.Policy
	id     map[*kafka.Cluster]string
	reads  map[*kafka.Cluster]string
	sent   map[string]int // how often each word was written, on either cluster
}

// newApplication has the application's names follow the names of topics at the target.
func newApplication(ctx context.Context, t *testing.T, policy model.Policy) *application {
	t.Helper()
	p := startPair(t)
	a := &application{
		pair: p, policy: policy, sent: map[string]int{},
		id:    map[*kafka.Cluster]string{p.source: "app", p.target: "app"},
		reads: map[*kafka.Cluster]string{p.source: "words", p.target: "words"},
	}
	if policy == model.PolicyDefault {
		a.id[p.target] = "a.app"
		a.reads = map[*kafka.Cluster]string{p.source: "words,b.words", p.target: "words,a.words"}
	}
	for _, c := range []*kafka.Cluster{p.source, p.target} {
		create(ctx, t, c, "words", 2)
		create(ctx, t, c, "counts", 2)
	}
	return a
}

// config mirrors what the application needs at the target, and back what there is to
// be mirrored back.
func (a *application) config() *model.Config {
	there, back := flow("a", "b", nil), flow("b", "a", nil)
	there.Topics, back.Topics = []string{"words", "app-.*"}, []string{"words"}
	if a.policy == model.PolicyIdentity {
		there.ReplicationPolicy, back.ReplicationPolicy = model.PolicyIdentity, model.PolicyIdentity
		back.Topics = there.Topics
	} else {
		there.Control.GroupPattern, there.Control.GroupReplacement = "app", "a.app"
		back.Control.SyncGroupOffsetsEnabled = false
	}
	return a.pair.config(there, back)
}

// start starts the application on a cluster.
func (a *application) start(t *testing.T, on *kafka.Cluster) *kafka.Program {
	t.Helper()
	return kafka.StartSource(t, kafka.SourceOptions{
		File: "testdata/Counter.java", Streams: true,
		Args: []string{on.Bootstrap()[0], a.id[on], a.reads[on], "counts", t.TempDir()},
	})
}

// write writes words to a cluster.
func (a *application) write(ctx context.Context, t *testing.T, on *kafka.Cluster, n int) {
	t.Helper()
	cl, err := kgo.NewClient(append(on.AdminOpts(), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for i := range n {
		word := fmt.Sprintf("word-%02d", i%words)
		a.sent[word]++
		r := &kgo.Record{Topic: "words", Partition: int32(i / words % 2), Key: fmt.Append(nil, i), Value: []byte(word)}
		if err := cl.ProduceSync(ctx, r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// counted waits until the last counts on a cluster are what was written everywhere.
func (a *application) counted(ctx context.Context, t *testing.T, on *kafka.Cluster) {
	t.Helper()
	await(ctx, t, func() (string, bool) {
		got := lastCounts(ctx, t, on)
		for word, n := range got {
			if n > a.sent[word] {
				t.Fatalf("%s was written %d times and counted %d times", word, a.sent[word], n)
			}
		}
		diff := cmp.Diff(a.sent, got)
		return "counts differ (-want +got):\n" + diff, diff == ""
	})
}

// lastCounts reads what the application wrote last of each word.
func lastCounts(ctx context.Context, t *testing.T, on *kafka.Cluster) map[string]int {
	t.Helper()
	from, left := map[int32]kgo.Offset{}, map[int32]int64{}
	for partition, end := range ends(ctx, t, on, "counts") {
		if end > 0 {
			from[partition], left[partition] = kgo.NewOffset().AtStart(), end
		}
	}
	cl, err := kgo.NewClient(append(on.AdminOpts(), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{"counts": from}))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	last := map[string]int{}
	for len(left) > 0 {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			n, err := strconv.Atoi(string(r.Value))
			if err != nil {
				t.Fatal(err)
			}
			if last[string(r.Key)] = n; r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
		})
	}
	return last
}

// moved waits until the application has as much to read of each topic on the cluster
// that it goes to as where it was stopped, and its changelog has arrived there.
func (a *application) moved(ctx context.Context, t *testing.T, from, to *kafka.Cluster, prefix string) {
	t.Helper()
	for _, topic := range []string{"words", "app-words-repartition"} {
		for partition, end := range ends(ctx, t, from, topic) {
			at := place(ctx, t, from, a.id[from], topic, partition)
			await(ctx, t, func() (string, bool) {
				there := place(ctx, t, to, a.id[to], prefix+topic, partition)
				left := ends(ctx, t, to, prefix+topic)[partition] - there
				return fmt.Sprintf("%s/%d is at %d of %d, and at the target %d, %d before its end", topic, partition, at, end, there, left), left == end-at
			})
		}
	}
	const changelog = "app-counts-changelog"
	for partition := range ends(ctx, t, from, changelog) {
		await(ctx, t, func() (string, bool) {
			want, _ := read(ctx, t, from, changelog, partition, 0)
			got, _ := read(ctx, t, to, prefix+changelog, partition, 0)
			return fmt.Sprintf("%s/%d has %d of %d records", changelog, partition, len(got), len(want)), cmp.Equal(want, got)
		})
	}
}

// place is where an application is in a partition; -1: it has not been there.
func place(ctx context.Context, t *testing.T, c *kafka.Cluster, group, topic string, partition int32) int64 {
	t.Helper()
	answer, err := c.Admin().FetchOffsets(ctx, group)
	if err != nil {
		t.Logf("asking for the offsets of %s: %v", group, err)
	}
	if o, known := answer.Lookup(topic, partition); known {
		return o.At
	}
	return -1
}

// TestStreams fails an application of Kafka Streams over, in the middle of its work,
// and back: with its changelog and repartition topics mirrored it counts every word
// once. Where copies have a prefix the application has it, too.
func TestStreams(t *testing.T) {
	t.Run("prefixed names", func(t *testing.T) {
		t.Parallel()
		ctx := bounded(t)
		a := newApplication(ctx, t, model.PolicyDefault)
		run(ctx, t, a.config())
		a.failOver(ctx, t, "a.")
		// Back on the source it goes on where it was: its state there has not seen what
		// it read at the target, and that is in topics of the source, or in copies.
		a.start(t, a.source)
		a.write(ctx, t, a.source, 100)
		a.counted(ctx, t, a.source)
	})
	t.Run("unchanged names", func(t *testing.T) {
		t.Parallel()
		ctx := bounded(t)
		a := newApplication(ctx, t, model.PolicyIdentity)
		run(ctx, t, a.config())
		a.failOver(ctx, t, "")
		a.moved(ctx, t, a.target, a.source, "")
		a.start(t, a.source)
		a.write(ctx, t, a.source, 100)
		a.counted(ctx, t, a.source)
	})
}

// failOver has the application work on the source, go to the target in the middle of
// that, work there, and stop in the middle of that.
func (a *application) failOver(ctx context.Context, t *testing.T, prefix string) {
	t.Helper()
	app := a.start(t, a.source)
	a.write(ctx, t, a.source, 400)
	a.counted(ctx, t, a.source)
	a.write(ctx, t, a.source, 200)
	if err := app.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	a.write(ctx, t, a.source, 40) // after its end
	a.moved(ctx, t, a.source, a.target, prefix)
	app = a.start(t, a.target)
	a.write(ctx, t, a.target, 200)
	a.counted(ctx, t, a.target)
	a.write(ctx, t, a.target, 100)
	if err := app.Stop(ctx); err != nil {
		t.Fatal(err)
	}
}
