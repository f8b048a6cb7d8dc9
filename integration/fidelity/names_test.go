package fidelity_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/integration/compare"
	"github.com/strait-mirror/strait/integration/kafka"
	"github.com/strait-mirror/strait/pipeline/supervisor"
)

// TestNames mirrors topics under other names, several into one, and into other
// partitions, between one pair of clusters.
func TestNames(t *testing.T) {
	p := pair{source: kafka.Start(t, kafka.Options{}), target: kafka.Start(t, kafka.Options{})}
	for _, part := range []struct {
		name string
		test func(context.Context, *testing.T, pair)
	}{
		{"renames", testRenames},
		{"modulo", testModulo},
		{"keyed", testKeyed},
		{"collisions", testCollisions},
		{"merge", testMerge},
		{"codecs", testCodecs},
		{"stages", testStages},
		{"window", testWindow},
	} {
		t.Run(part.name, func(t *testing.T) {
			began := time.Now()
			part.test(bounded(t), t, p)
			t.Logf("took %v", time.Since(began).Round(time.Millisecond))
		})
	}
}

// renames is a stage that names topics.
func renames(name string, r model.RenameStage) *model.Stage {
	s := model.NewStage(model.StageRename)
	s.Name = name
	r.Separator = s.Rename.Separator
	*s.Rename = r
	return s
}

// placed is a stage that says where partitions go.
func placed(mapping model.Mapping, partitions int32) *model.Stage {
	s := model.NewStage(model.StagePartition)
	s.Name, s.Partition.Mapping, s.Partition.Partitions = "partitions", mapping, partitions
	return s
}

// staged has a flow pass stages.
func staged(stages ...*model.Stage) func(*model.Flow) {
	return func(f *model.Flow) {
		f.Stages, f.Ranges = stages, model.Places{}
		f.KeepStageNames()
	}
}

// tell writes records that say where they come from, in batches of several sizes.
func tell(ctx context.Context, t *testing.T, c *kafka.Cluster, topic string, partitions int32, from, count int) {
	t.Helper()
	cl, err := kgo.NewClient(append(c.AdminOpts(), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.Lz4Compression()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for n := from; n < from+count; {
		var rs []*kgo.Record
		for range 1 + n%17 {
			for p := range partitions {
				rs = append(rs, &kgo.Record{
					Topic: topic, Partition: p, Key: fmt.Appendf(nil, "%s/%d", topic, p),
					Value: fmt.Appendf(nil, "%d", n), Headers: []kgo.RecordHeader{{Key: "n", Value: fmt.Append(nil, n)}},
				})
			}
			n++
		}
		if err := cl.ProduceSync(ctx, rs...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// places puts the records of a target topic back together by where they came
// from, and fails the test where one is in a partition that it does not belong to.
func places(t *testing.T, target topic, belongs func(from int32) int32) map[string]topic {
	t.Helper()
	sources := map[string]topic{}
	for at, rs := range target {
		for _, r := range rs {
			name, number, ok := bytes.Cut(r.Key, []byte("/"))
			var from int32
			if _, err := fmt.Sscan(string(number), &from); err != nil || !ok {
				t.Fatalf("a record has the key %q", r.Key)
			}
			if want := belongs(from); at != want {
				t.Fatalf("a record of %s is in partition %d, want %d", r.Key, at, want)
			}
			if sources[string(name)] == nil {
				sources[string(name)] = topic{}
			}
			sources[string(name)][from] = append(sources[string(name)][from], r)
		}
	}
	return sources
}

func same(from int32) int32 { return from }

// testRenames sends topics through a chain of stages and splits them by name.
func testRenames(ctx context.Context, t *testing.T, p pair) {
	topics := map[string]string{ // on the target, by their names on the source
		"iot.eu.temp": "hub.temp.eu.v1", "iot.us.wind": "hub.wind.us.v1", "iot.plain": "iot.plain.v1", "iot.odd": "even.v1",
	}
	for name := range topics {
		create(ctx, t, p.source, name, 3)
		tell(ctx, t, p.source, name, 3, 0, 200)
	}
	create(ctx, t, p.source, "iot.secret.x", 1)
	drop := model.NewStage(model.StageFilter)
	drop.Name, drop.Filter.TopicsExclude = "secrets", []string{`.*\.secret`}
	f := flow("chain", "t", nil, staged(
		renames("regions", model.RenameStage{Pattern: `iot\.(\w+)\.(?<kind>.+)`, Replacement: "hub.${kind}.$1"}),
		renames("odd", model.RenameStage{Map: map[string]string{"iot.odd": "even"}}),
		drop,
		renames("version", model.RenameStage{Suffix: ".v1"}),
	))
	f.Topics = []string{`iot\..*`}
	once(ctx, t, p.config(f))
	for from, to := range topics {
		identical(t, read(ctx, t, p.source, from, true), read(ctx, t, p.target, to, true), compare.Options{Offsets: true})
	}
	for _, name := range topicNames(ctx, t, p.target) {
		if strings.Contains(name, "secret") {
			t.Errorf("topic %s was made, though a stage drops it", name)
		}
	}
	anchoredAtEnds(ctx, t, p, "chain", true, "iot.eu.temp", "iot.us.wind", "iot.plain", "iot.odd")
}

// testModulo mirrors to fewer partitions and to more.
func testModulo(ctx context.Context, t *testing.T, p pair) {
	create(ctx, t, p.source, "wide", 6)
	create(ctx, t, p.source, "small", 3)
	tell(ctx, t, p.source, "wide", 6, 0, 300)
	tell(ctx, t, p.source, "small", 3, 0, 300)
	create(ctx, t, p.target, "there.wide", 5)
	once(ctx, t, p.config(
		flow("fewer", "t", []string{"wide"}, staged(placed(model.MappingModulo, 4))),
		flow("more", "t", []string{"small"}, staged(placed(model.MappingModulo, 8))),
		flow("there", "t", []string{"wide"}, staged(placed(model.MappingModulo, 0))),
	))
	for to, want := range map[string]struct {
		from       string
		partitions int
		modulo     int32
	}{"fewer.wide": {"wide", 4, 4}, "more.small": {"small", 8, 8}, "there.wide": {"wide", 5, 5}} {
		held := read(ctx, t, p.target, to, true)
		if len(held) != want.partitions {
			t.Errorf("%s has %d partitions, want %d", to, len(held), want.partitions)
		}
		got := places(t, held, func(from int32) int32 { return from % want.modulo })
		identical(t, read(ctx, t, p.source, want.from, true), got[want.from], compare.Options{})
	}
}

// testCollisions has topics that would get one name left out, and others not.
func testCollisions(ctx context.Context, t *testing.T, p pair) {
	for _, name := range []string{"north.tide", "south.tide", "north.wind"} {
		create(ctx, t, p.source, name, 1)
		tell(ctx, t, p.source, name, 1, 0, 20)
	}
	f := flow("clash", "t", nil, staged(renames("region", model.RenameStage{Pattern: `(north|south)\.(.*)`, Replacement: "sea.$2"})))
	f.Topics = []string{`(north|south)\..*`}
	_, err := tryOnce(ctx, t, p.config(f))
	if err == nil || !strings.Contains(err.Error(), `"north.tide" "south.tide"`) || !strings.Contains(err.Error(), `merge = true`) {
		t.Errorf("a pass with a collision ended with: %v", err)
	}
	identical(t, read(ctx, t, p.source, "north.wind", true), read(ctx, t, p.target, "sea.wind", true), compare.Options{})
	for _, name := range topicNames(ctx, t, p.target) {
		if name == "sea.tide" {
			t.Error("the topic of a collision was made")
		}
	}
}

// testMerge mirrors three topics into one while they are written and the flow is
// restarted: gently, and roughly, so that what is behind the anchors has to be
// counted off a log that other lanes write as well. Nothing may be there twice.
func testMerge(ctx context.Context, t *testing.T, p pair) {
	sources := map[string]int32{"part.a": 2, "part.b": 3, "part.c": 4}
	for name, n := range sources {
		create(ctx, t, p.source, name, int(n))
	}
	c := p.config(flow("merge", "t", []string{"part.a", "part.b", "part.c"}, staged(
		renames("whole", model.RenameStage{Pattern: `part\..`, Replacement: "whole", Merge: true}),
	)))
	written := 0
	var stop atomic.Bool
	write := func(ctx context.Context) {
		for name, n := range sources {
			tell(ctx, t, p.source, name, n, written, 100)
		}
		written += 100
	}
	check := func() {
		t.Helper()
		held := read(ctx, t, p.target, "whole", true)
		if len(held) != 4 {
			t.Errorf("the target has %d partitions, want 4", len(held))
		}
		got := places(t, held, same)
		for name := range sources {
			identical(t, read(ctx, t, p.source, name, true), got[name], compare.Options{})
		}
	}
	arrive := func(r *running) {
		t.Helper()
		r.caughtUp(ctx, t, "merge", 9)
	}

	write(ctx)
	r := run(ctx, t, c)
	for range 3 { // stopped in the stream
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for !stop.Load() {
				write(ctx)
			}
		}()
		await(ctx, t, func() (string, bool) { return "nothing is copied", r.flow("merge").Records > 500 })
		r.stop(t)
		stop.Store(true)
		<-ended
		stop.Store(false)
		r = run(ctx, t, c)
		arrive(r)
	}
	r.stop(t)
	once(ctx, t, c)
	check()
	anchoredAtEnds(ctx, t, p, "merge", true, "part.a", "part.b", "part.c")

	// Torn off: nothing of what is under way is waited for, nothing is anchored.
	for range 3 {
		write(ctx)
		torn(ctx, t, c)
	}
	once(ctx, t, c)
	check()
	anchoredAtEnds(ctx, t, p, "merge", true, "part.a", "part.b", "part.c")
}

// torn runs a topology until it has copied something and gives it no time to end.
func torn(ctx context.Context, t *testing.T, c *model.Config) {
	t.Helper()
	s, err := supervisor.New(supervisor.Params{Config: c, Log: logTo(t), DrainTimeout: time.Nanosecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	await(ctx, t, func() (string, bool) { return "nothing is copied", s.Status().Flows[0].Records > 0 })
	cancel()
	t.Logf("torn off: %v", <-ended)
}
