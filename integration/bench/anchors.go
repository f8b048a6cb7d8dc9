package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/flows/position"
)

// Figures of the anchors measurement.
const (
	sizeEvery    = 5 * time.Second // how often the topic's size is read
	anchorEvery  = 5 * time.Second // of simulated time; position.ScheduleParams.MaxAge
	anchoredEach = 5               // records of each partition that the last anchor says are mirrored
	busyRecords  = 2 * anchoredEach
	openings     = 5
	week         = 7 * 24 * time.Hour
)

// grown is what writing anchors showed.
type grown struct {
	rounds   int
	took     time.Duration
	sizes    []int64         // of the topic, every sizeEvery and at the end
	opened   []time.Duration // then
	live     []int64         // sizes while rounds came at their true pace afterwards
	reopened []time.Duration // after those
}

// anchors writes the anchors of a week of many busy partitions, as fast as the
// broker takes them, and then lets MirrorMaker 2 start from the last ones.
func (b *bench) anchors(ctx context.Context) (*page, error) {
	data, err := b.fill(ctx, shape{
		prefix: "busy", topics: b.s.lanes / topicPartitions, partitions: topicPartitions,
		records: busyRecords, perBatch: 1, least: 100, most: 100,
	})
	if err != nil {
		return nil, err
	}
	t := b.lab.topology(data.pattern(), false)
	g, err := b.growAnchors(ctx, t, data)
	if err != nil {
		return nil, err
	}
	partitions := int64(data.topics * data.partitions)
	p := &page{title: "The anchor topic after a week", single: true}
	p.say("Strait's own position store wrote %d rounds (a week has %d) of one anchor for each of %d partitions, %v of simulated time at one round every %v, as fast as the broker took them: in %v, %.0f times as fast. The broker's log cleaner has its defaults and works in real time, so it had that much less time for the same writes: what the topic holds at that moment bounds what it can ever hold from above. Rounds then came at their true pace for %v, over which the cleaner is as it is after a real week; the verdicts are on that state.",
		g.rounds, week/anchorEvery, partitions, time.Duration(g.rounds)*anchorEvery, anchorEvery, g.took.Round(time.Second),
		(time.Duration(g.rounds)*anchorEvery).Seconds()/max(1, g.took.Seconds()), b.s.live)
	p.say("Size is that of all log segments of the topic on disk, read every %v. \"Read\" is position.Store.Open with a new client: it checks the topic and reads all anchors, %d of which it must find; %d times.", sizeEvery, partitions, openings)
	fast, live := sizesMiB(g.sizes[len(g.sizes)/2:]), sizesMiB(g.live[len(g.live)/2:])
	figures := spreadTable("measure")
	figures.spread("size at full speed, second half, MiB", fast)
	figures.spread("read right after that, s", seconds(g.opened))
	figures.spread("size at the true pace, second half, MiB", live)
	figures.spread("read right after that, s", seconds(g.reopened))
	facts := table{head: []string{"fact", "figure"}}
	facts.add("anchors written", count(int64(g.rounds)*partitions))
	facts.add("largest size seen at full speed, MiB", number(mib(slices.Max(g.sizes))))
	facts.add("size at the end, MiB", number(mib(g.live[len(g.live)-1])))
	series := table{head: []string{"pace", "after s", "size MiB"}}
	for _, part := range []struct {
		pace  string
		sizes []int64
	}{{"full speed", g.sizes}, {"true", g.live}} {
		for i := 0; i < len(part.sizes); i += max(1, len(part.sizes)/20) {
			series.add(part.pace, number((time.Duration(i) * sizeEvery).Seconds()), number(mib(part.sizes[i])))
		}
	}
	p.goals = append(p.goals,
		atMost("size of the topic in MiB, largest", live, slices.Max, 500, ""),
		atMost("read in s, largest", seconds(g.reopened), slices.Max, 2, " s"))
	if b.s.mm2 {
		resumed, err := b.resumeMM2(ctx, t, data)
		if err != nil {
			return nil, err
		}
		p.say("Then the real MirrorMaker 2 was started on this topic. Each partition of the source holds %d records and its last anchor says that %d are mirrored; it copied %d records in all, %d in every partition.",
			busyRecords, anchoredEach, resumed, busyRecords-anchoredEach)
		facts.add("records that MirrorMaker 2 copied when it went on from the anchors", count(resumed))
		p.goals = append(p.goals, atMost("records that MirrorMaker 2 copied a second time", []float64{float64(resumed - data.total()/2)}, slices.Max, 0, ""))
	}
	p.tables = append(p.tables, facts, figures, series)
	return p, b.lab.forget(ctx, data.prefix)
}

// openStore opens the positions of an alias with a client of its own.
func (b *bench) openStore(ctx context.Context, t topology) (*position.Store, func(), error) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.lab.target.Bootstrap()...))
	if err != nil {
		return nil, nil, fmt.Errorf("making a client for positions: %w", err)
	}
	store, err := position.NewStore(position.Params{Client: cl, SourceAlias: t.alias, Log: b.log, ReplicationFactor: 1})
	if err == nil {
		err = store.Open(ctx)
	}
	if err != nil {
		cl.Close()
		return nil, nil, err
	}
	return store, cl.Close, nil
}

// growAnchors writes the rounds and looks at the topic meanwhile.
func (b *bench) growAnchors(ctx context.Context, t topology, data set) (g grown, err error) {
	store, done, err := b.openStore(ctx, t)
	if err != nil {
		return g, err
	}
	defer done()
	var lanes []position.Anchor
	random := rand.New(rand.NewPCG(b.s.seed, 0)) // data that anybody can make again
	id := func() (id [16]byte) {
		binary.BigEndian.PutUint64(id[:], random.Uint64())
		binary.BigEndian.PutUint64(id[8:], random.Uint64())
		return id
	}
	for _, topic := range data.names() {
		source, target := id(), id()
		for p := range data.partitions {
			lanes = append(lanes, position.Anchor{
				Topic: topic, Partition: int32(p), ProducerID: 4711, LeaderEpoch: 3, Chain: "0f1e2d3c4b5a6978",
				SourceTopicID: source, TargetTopicID: target,
			})
		}
	}
	began, next := time.Now(), time.Now()
	for ; g.rounds < b.s.rounds && time.Since(began) < b.s.limit; g.rounds++ {
		move(lanes, g.rounds)
		if err := store.Write(ctx, lanes); err != nil {
			return g, fmt.Errorf("writing round %d: %w", g.rounds+1, err)
		}
		if time.Now().After(next) {
			next = next.Add(sizeEvery)
			size, err := b.anchorBytes(t)
			if err != nil {
				return g, err
			}
			g.sizes = append(g.sizes, size)
		}
	}
	g.took = time.Since(began)
	size, err := b.anchorBytes(t)
	if err != nil {
		return g, err
	}
	g.sizes = append(g.sizes, size)
	if g.opened, err = b.timeOpenings(ctx, t, lanes); err != nil {
		return g, err
	}
	if g.live, err = b.liveAnchors(ctx, t, store, lanes); err != nil {
		return g, err
	}
	g.reopened, err = b.timeOpenings(ctx, t, lanes)
	return g, err
}

// move moves every partition by about what a busy one does in one step, never
// the same.
func move(lanes []position.Anchor, round int) {
	for i := range lanes {
		a := &lanes[i]
		a.Offset += int64(1000 + (i*7919+round*104_729)%5000)
		a.TargetEnd, a.NextSequence = a.Offset+1, int32((a.Offset+1)&math.MaxInt32)
	}
}

// liveAnchors writes anchors at their true pace, and at last those that
// MirrorMaker 2 will find.
func (b *bench) liveAnchors(ctx context.Context, t topology, store *position.Store, lanes []position.Anchor) ([]int64, error) {
	var sizes []int64
	began := time.Now()
	for round := 0; ; round++ {
		last := time.Since(began) >= b.s.live
		move(lanes, round)
		for i := range lanes {
			if last {
				lanes[i].Offset, lanes[i].TargetEnd, lanes[i].NextSequence = anchoredEach-1, anchoredEach, anchoredEach
			}
		}
		if err := store.Write(ctx, lanes); err != nil {
			return nil, fmt.Errorf("writing a round at the true pace: %w", err)
		}
		size, err := b.anchorBytes(t)
		if err != nil {
			return nil, err
		}
		if sizes = append(sizes, size); last {
			return sizes, nil
		}
		if err := pause(ctx, min(anchorEvery, b.s.live)); err != nil {
			return nil, err
		}
	}
}

// timeOpenings opens the positions some times over.
func (b *bench) timeOpenings(ctx context.Context, t topology, lanes []position.Anchor) ([]time.Duration, error) {
	var took []time.Duration
	for range openings {
		began := time.Now()
		store, done, err := b.openStore(ctx, t)
		if err != nil {
			return nil, err
		}
		took = append(took, time.Since(began))
		done()
		for _, want := range lanes {
			if got, ok := store.Get(want.Topic, want.Partition); !ok || got.Offset != want.Offset {
				return nil, fmt.Errorf("reading positions: the one of %s/%d is %d and not %d", want.Topic, want.Partition, got.Offset, want.Offset)
			}
		}
	}
	return took, nil
}

// anchorBytes adds up the segments of the topic of anchors.
func (b *bench) anchorBytes(t topology) (int64, error) {
	dirs, err := filepath.Glob(filepath.Join(b.lab.target.LogDir(1), "mm2-offsets."+t.alias+".internal-*"))
	if err != nil {
		return 0, fmt.Errorf("finding the anchors' segments: %w", err)
	}
	var sum int64
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return 0, fmt.Errorf("measuring the anchors' segments: %w", err)
		}
		for _, e := range entries {
			if !strings.HasSuffix(e.Name(), ".log") {
				continue
			}
			info, err := e.Info()
			if errors.Is(err, fs.ErrNotExist) {
				continue // the cleaner has just replaced it
			}
			if err != nil {
				return 0, fmt.Errorf("measuring the anchors' segments: %w", err)
			}
			sum += info.Size()
		}
	}
	return sum, nil
}

// resumeMM2 starts MirrorMaker 2 on the anchors, waits until it has copied what
// they leave, and a while longer, and returns how many records there are. It is
// an error when a partition has other than its share.
func (b *bench) resumeMM2(ctx context.Context, t topology, data set) (int64, error) {
	w, err := b.launch(ctx, b.contenders()[1], t, false)
	if err != nil {
		return 0, err
	}
	o := b.observe(t, data.shape)
	_, err = o.await(ctx, w, data.total()/2, 200*time.Millisecond)
	if err == nil {
		err = pause(ctx, b.s.settle)
	}
	var sum int64
	if err == nil {
		var found map[string][]int64
		found, err = o.ends(ctx)
		for topic, ends := range found {
			for p, end := range ends {
				sum += end
				if end != busyRecords-anchoredEach {
					err = errors.Join(err, fmt.Errorf("resuming with %s: %s/%d has %d records and not %d", nameMM2, topic, p, end, busyRecords-anchoredEach))
				}
			}
		}
	}
	return sum, errors.Join(err, w.finish())
}

// sizesMiB converts sizes for a table.
func sizesMiB(sizes []int64) []float64 {
	var all []float64
	for _, s := range sizes {
		all = append(all, mib(s))
	}
	return all
}

// seconds converts durations for a table.
func seconds(ds []time.Duration) []float64 {
	var all []float64
	for _, d := range ds {
		all = append(all, d.Seconds())
	}
	return all
}
