package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/strait-mirror/strait/integration/kafka"
)

// What is asked of a flow that looks at every record: the processor time of others
// to that of Strait, at least.
const (
	loopGoal  = 2.0
	stageGoal = 10.0 // of MirrorMaker 2, with the equal transformation
)

// nameLoop is the loop on the page.
const nameLoop = "franz-go loop"

// filtered is one piece of work: a data set and the header whose records are
// dropped from it.
type filtered struct {
	title string
	data  shape
	drop  string
	mm2   bool
}

// filters are the pieces of work. What is dropped is in every batch, which then
// has to be built anew, or in a tenth of them, or nowhere. MirrorMaker 2, to which
// that makes no difference, is measured with one, in one codec.
func (b *bench) filters() []filtered {
	var all []filtered
	for _, codec := range []string{"lz4", "zstd"} {
		for _, s := range []shape{
			{prefix: "filter-100", records: 600_000, perBatch: 300, least: 100, most: 100},
			{prefix: "filter-1000", records: 150_016, perBatch: 32, least: 1000, most: 1000},
		} {
			s.prefix, s.topics, s.partitions, s.codec, s.headers = s.prefix+"-"+codec, 1, 3, codec, true
			s = s.scaled(b.s.scale)
			title := fmt.Sprintf("%d B, %s, drops from ", s.least, codec)
			all = append(all,
				filtered{title: title + "every batch", data: s, drop: spreadHeader, mm2: b.s.mm2 && codec == "lz4"},
				filtered{title: title + "a tenth of batches", data: s, drop: burstHeader},
				filtered{title: title + "none", data: s, drop: absentHeader})
			if b.s.quick {
				return all
			}
		}
	}
	return all
}

// stageTurn is one paired run.
type stageTurn struct{ strait, loop, mm2 *sample }

// stages measures a flow with one condition on records.
func (b *bench) stages(ctx context.Context) (*page, error) {
	startUp, err := b.startUp(ctx)
	if err != nil {
		return nil, err
	}
	p := &page{title: "One filter"}
	p.say("One stage looks at every record and drops those that have a header of some name, which in CEL is `!(\"name\" in headers)`. Strait and MirrorMaker 2 read one properties file, in which it is Connect's Filter with the predicate HasHeaderKey. The loop is a Go program of a screenful: it polls records with franz-go, leaves out those with the header, and produces the others to the same partition, with the client's defaults and the codec of the data. Every record has one header. One record in ten is dropped: in every batch, in one batch of ten, or in none.")
	p.say("Processor time is user and system time of the whole process, its start included. Records are those of the source. Every run ended with exactly those records at the target that the filter keeps.")
	if b.s.mm2 {
		p.say("Without its start-up, MirrorMaker 2's processor time is %.2f s less, the median of %d starts.", startUp.Seconds(), startUpRuns)
	}
	ratios := spreadTable("records per CPU-second, Strait to the other, pair by pair")
	runs := table{head: []string{"data", "run", "program", "CPU s", "records per CPU s", "records/s whole", "peak RSS MiB"}}
	for _, w := range b.filters() {
		data, err := b.fill(ctx, w.data)
		if err != nil {
			return nil, err
		}
		turns, err := b.stageTurns(ctx, w, data)
		if err != nil {
			return nil, err
		}
		if w.drop == spreadHeader {
			p.say("%d B, %s: %s records in batches of %d (%s on the wire on average), %d partitions; %s on the wire, %s of uncompressed records. Seed %d.",
				data.least, data.codec, count(data.total()), data.perBatch, bytesText(data.wire/max(1, data.batches)), data.partitions, bytesText(data.wire), bytesText(data.plain), b.s.seed)
		}
		var loops, mm2, mm2Less []float64
		for i, t := range turns {
			for _, e := range []struct {
				name string
				s    *sample
			}{{nameStrait, t.strait}, {nameLoop, t.loop}, {nameMM2, t.mm2}} {
				if e.s != nil {
					total := float64(data.total())
					runs.add(w.title, i+1, e.name, number(e.s.cpu.Seconds()), count(int64(total/e.s.cpu.Seconds())), count(int64(total/e.s.wall.Seconds())), number(mib(e.s.rss)))
				}
			}
			loops = append(loops, ratio(t.loop.cpu, t.strait.cpu))
			if t.mm2 != nil {
				mm2, mm2Less = append(mm2, ratio(t.mm2.cpu, t.strait.cpu)), append(mm2Less, ratio(max(0, t.mm2.cpu-startUp), t.strait.cpu))
			}
		}
		ratios.spread(w.title+": "+nameLoop, loops)
		ratios.spread(w.title+": "+nameMM2, mm2)
		ratios.spread(w.title+": "+nameMM2+" without start-up", mm2Less)
		p.goals = append(p.goals, atLeast(w.title+": Strait / "+nameLoop+", median", loops, median, loopGoal))
		if w.mm2 {
			p.goals = append(p.goals, atLeast(w.title+": Strait / "+nameMM2+" without start-up, median", mm2Less, median, stageGoal))
		}
	}
	p.tables = append(p.tables, ratios, runs)
	return p, nil
}

// stageTurns runs all programs over one data set in turns.
func (b *bench) stageTurns(ctx context.Context, w filtered, data set) ([]stageTurn, error) {
	all := append(b.contenders(), contender{name: nameLoop, ends: true})
	turns := make([]stageTurn, b.s.runs)
	for i := range turns {
		for k := range all {
			c := all[(i+k)%len(all)]
			if c.name == nameMM2 && !w.mm2 {
				continue
			}
			s, err := b.filterOnce(ctx, c, w, data)
			if err != nil {
				return nil, fmt.Errorf("run %d of %s, %s: %w", i+1, c.name, w.title, err)
			}
			b.log.Info("run ended", "run", i+1, "program", c.name, "data", w.title, "cpu", s.cpu, "wall", s.wall, "rss", s.rss)
			switch c.name {
			case nameStrait:
				turns[i].strait = s
			case nameMM2:
				turns[i].mm2 = s
			default:
				turns[i].loop = s
			}
		}
	}
	return turns, nil
}

// filterOnce runs one program over one data set, checks the copy and removes it.
func (b *bench) filterOnce(ctx context.Context, c contender, w filtered, data set) (*sample, error) {
	t := b.lab.topology(data.pattern(), false)
	flow := t.alias + "->t."
	t.more = []string{
		flow + "transforms = public",
		flow + "transforms.public.type = org.apache.kafka.connect.transforms.Filter",
		flow + "transforms.public.predicate = internal",
		flow + "predicates = internal",
		flow + "predicates.internal.type = org.apache.kafka.connect.transforms.predicates.HasHeaderKey",
		flow + "predicates.internal.name = " + w.drop,
		"t.producer.compression.type = " + data.codec,
	}
	if c.name == nameLoop {
		topic := t.remote(data.prefix)
		if err := b.lab.target.CreateTopic(ctx, kafka.Topic{Name: topic, Partitions: data.partitions}); err != nil {
			return nil, err
		}
		c.start = func(_ context.Context, dir, _ string, _ bool) (*kafka.Program, error) {
			return startChild(dir, nil, "loop", "-source", b.lab.source.Bootstrap()[0], "-target", b.lab.target.Bootstrap()[0],
				"-from", data.prefix, "-to", topic, "-codec", data.codec, "-drop", w.drop, "-records", fmt.Sprint(data.total()))
		}
	}
	o, left := b.observe(t, data.shape), data.total()-data.named[w.drop]
	run, err := b.launch(ctx, c, t, true)
	if err != nil {
		return nil, err
	}
	defer run.finish() //nolint:errcheck // on the way to an error; without one it has been waited for
	if _, err := o.await(ctx, run, left, lookEvery); err != nil {
		return nil, err
	}
	if c.ends {
		if err := run.wait(ctx); err != nil {
			return nil, err
		}
	}
	s := &sample{}
	if err := s.take(run); err != nil {
		return nil, err
	}
	if err := run.finish(); err != nil {
		return nil, err
	}
	have, err := storedIn(b.lab.target.LogDir(1), o.topics, data.partitions)
	if err != nil {
		return nil, err
	}
	if have.records != left {
		return nil, fmt.Errorf("the target holds %d records in place of %d, after %s said\n%s", have.records, left, c.name, strings.TrimSpace(run.Log(10)))
	}
	return s, b.lab.clean(ctx)
}
