package faults

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/integration/compare"
)

// sampleEvery is how often Watch looks how far the target is.
const sampleEvery = 100 * time.Millisecond

// Watch remembers when each target offset was written, by looking at the ends of
// the logs again and again: target records carry their source's time.
type Watch struct {
	admin  *kadm.Client
	topics []string

	mu      sync.Mutex          // guards the rest
	last    time.Time           // when anything was last asked for and told; at first, the beginning
	looked  map[place]time.Time // the same of one partition
	samples map[place][]sample
}

type place struct {
	topic     string
	partition int32
}

// sample is an end that was not there at the look before.
type sample struct {
	after, by time.Time // it was written between the two
	end       int64
}

// NewWatch returns a watch of topics that need not exist yet.
func NewWatch(on *Side, topics ...string) *Watch {
	return &Watch{admin: on.Admin(), topics: topics, last: time.Now(), looked: map[place]time.Time{}, samples: map[place][]sample{}}
}

// Run looks until ctx ends. Brokers that do not answer leave a gap.
func (w *Watch) Run(ctx context.Context) {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		asked := time.Now()
		ends, err := w.admin.ListEndOffsets(ctx, w.topics...)
		if err == nil {
			w.take(asked, ends)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (w *Watch) take(asked time.Time, ends kadm.ListedOffsets) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ends.Each(func(o kadm.ListedOffset) {
		at := place{o.Topic, o.Partition}
		if o.Err != nil {
			return // it may have been written long before it can be seen
		}
		after, known := w.looked[at]
		if !known {
			after = w.last // a partition not seen then was made, and written, since
		}
		if s := w.samples[at]; len(s) == 0 || s[len(s)-1].end < o.Offset {
			w.samples[at] = append(s, sample{after, time.Now(), o.Offset})
		}
		w.looked[at] = asked
	})
	w.last = asked
}

// written returns between which times an offset was written.
func (w *Watch) written(at place, offset int64) (sample, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.samples[at]
	i, _ := slices.BinarySearchFunc(s, offset, func(s sample, offset int64) int { return cmp.Compare(s.end, offset+1) })
	if i == len(s) {
		return sample{}, false
	}
	return s[i], true
}

// Repeat is a run of records that the target has again.
type Repeat struct {
	Topic     string
	Partition int32
	Offset    int64 // on the target, of the first record that is there again
	Records   int
	Kill      time.Time     // that made it necessary; zero: there was none
	Age       time.Duration // how long before that its first record had been written
}

// String describes a repeat on one line.
func (r Repeat) String() string {
	return fmt.Sprintf("%s/%d at %d: %d records written %s before the kill", r.Topic, r.Partition, r.Offset, r.Records, r.Age.Round(10*time.Millisecond))
}

// Verdict is the comparison of all topics of a load.
type Verdict struct {
	compare.Report
	Repeats []Repeat
}

// Oldest returns the longest time that a repeated record had gone without an
// anchor.
func (v Verdict) Oldest() time.Duration {
	var most time.Duration
	for _, r := range v.Repeats {
		most = max(most, r.Age)
	}
	return most
}

// JudgeParams is what Judge needs.
type JudgeParams struct {
	From, To  *Side                                      // required
	Topics    []string                                   // required: on the source
	Name      func(string) string                        // required: of a topic on the target
	Repeats   bool                                       // the mirror was killed: runs of exact copies are no damage
	Staged    func(topic string, r *compare.Record) bool // what stages make of a record of the source, and whether they keep it; nil: all stay as they are
	Scattered *Scattered                                 // where stages send records; nil: to the partition of the same number
	Committed bool                                       // the target is as readers of committed records see it
	Watch     *Watch                                     // tells the age of repeats; may be nil
	Kills     []time.Time
}

// Judge compares everything that both clusters hold of some topics.
func Judge(ctx context.Context, p JudgeParams) (Verdict, error) {
	var v Verdict
	var damage []string
	for _, topic := range p.Topics {
		source, err := compare.Read(ctx, p.From.AdminOpts(), topic, compare.ReadOptions{ReadCommitted: true})
		if err != nil {
			return v, err
		}
		target, err := compare.Read(ctx, p.To.AdminOpts(), p.Name(topic), compare.ReadOptions{ReadCommitted: p.Committed})
		if err != nil {
			return v, err
		}
		if p.Staged != nil {
			for n, records := range source {
				var left []compare.Record
				for i := range records {
					if p.Staged(topic, &records[i]) {
						left = append(left, records[i])
					}
				}
				source[n] = left
			}
		}
		if p.Scattered != nil {
			if target, err = p.Scattered.gather(target); err != nil {
				damage = append(damage, fmt.Sprintf("%s: %v", topic, err))
				continue
			}
		}
		r := compare.Diff(source, target, compare.Options{AllowDuplicates: p.Repeats}) //nolint:contextcheck // nothing is read any more
		v.Source += r.Source
		v.Target += r.Target
		v.Duplicates += r.Duplicates
		v.Runs += r.Runs
		if err := r.Err(); err != nil {
			damage = append(damage, fmt.Sprintf("%s: %v", topic, err))
		}
		if p.Repeats {
			for _, n := range sorted(target) {
				v.Repeats = append(v.Repeats, p.repeats(place{p.Name(topic), n}, target[n])...)
			}
		}
	}
	if len(damage) > 0 {
		return v, fmt.Errorf("judging the copy: %s", strings.Join(damage, "\n"))
	}
	return v, nil
}

func sorted(m map[int32][]compare.Record) []int32 {
	var n []int32
	for p := range m {
		n = append(n, p)
	}
	slices.Sort(n)
	return n
}

// repeats finds the runs of one partition. Keys are unique, so that a record
// seen before begins a run and a new one ends it; so does a second step back.
func (p JudgeParams) repeats(at place, records []compare.Record) []Repeat {
	type copied struct {
		index  int   // in the order of first appearance
		offset int64 // of the latest copy
	}
	var found []Repeat
	known := map[string]*copied{}
	expect := -1 // index that goes on with the run; −1: in none
	for _, r := range records {
		c := known[string(r.Key)]
		if c == nil {
			known[string(r.Key)], expect = &copied{len(known), r.Offset}, -1
			continue
		}
		if c.index != expect {
			found = append(found, p.repeat(at, r.Offset, c.offset))
		}
		found[len(found)-1].Records++
		expect, c.offset = c.index+1, r.Offset
	}
	return found
}

// straggle is how long after a kill a request that was under way may arrive.
const straggle = 2 * time.Second

// repeat begins a run at an offset of the target with a record whose copy before
// that is at another. The first kill after that one made it necessary.
func (p JudgeParams) repeat(at place, offset, before int64) Repeat {
	r := Repeat{Topic: at.topic, Partition: at.partition, Offset: offset}
	if p.Watch == nil {
		return r
	}
	again, ok1 := p.Watch.written(at, offset)
	first, ok2 := p.Watch.written(at, before)
	if !ok1 || !ok2 {
		return r
	}
	for _, k := range p.Kills {
		if k.After(first.after.Add(-straggle)) && k.Before(again.by) {
			r.Kill, r.Age = k, max(0, k.Sub(first.after))
			break
		}
	}
	return r
}

// AwaitEnd waits until the last record of every partition is on the target.
func AwaitEnd(ctx context.Context, to *Side, topics []string, partitions int) error {
	return awaitEnd(ctx, to, topics, partitions, kgo.NewOffset().AtEnd().Relative(-1), nil)
}

func awaitEnd(ctx context.Context, to *Side, topics []string, partitions int, from kgo.Offset, by *Scattered, opts ...kgo.Opt) error {
	if err := awaitTopics(ctx, to, topics, partitions); err != nil {
		return err
	}
	consume := map[string]map[int32]kgo.Offset{}
	left := map[place]bool{}
	for _, topic := range topics {
		consume[topic] = map[int32]kgo.Offset{}
		for p := range int32(by.targets(partitions)) {
			consume[topic][p] = from
		}
		for p := range int32(partitions) {
			left[place{topic, p}] = true
		}
	}
	cl, err := kgo.NewClient(slices.Concat(to.AdminOpts(), opts, []kgo.Opt{kgo.ConsumePartitions(consume)})...)
	if err != nil {
		return fmt.Errorf("making a consumer: %w", err)
	}
	defer cl.Close()
	for len(left) > 0 {
		fetches := cl.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("waiting for the last records of %d partitions, among them %s: %w", len(left), some(left), context.Cause(ctx))
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if string(r.Key) == sentinel {
				delete(left, place{r.Topic, by.source(r)})
			}
		})
	}
	return nil
}

// awaitTopics waits until something is in every partition. Only then is it for a
// consumer, which takes its time with partitions it is too early for.
func awaitTopics(ctx context.Context, on *Side, topics []string, partitions int) error {
	return poll(ctx, sampleEvery, func() (bool, error) {
		ends, err := on.Admin().ListEndOffsets(ctx, topics...)
		if err == nil {
			err = ends.Error()
		}
		if err != nil {
			return false, fmt.Errorf("waiting for topics: %w", err)
		}
		for _, topic := range topics {
			for p := range int32(partitions) {
				if ends[topic][p].Offset == 0 {
					return false, fmt.Errorf("nothing is in %s/%d", topic, p)
				}
			}
		}
		return true, nil
	})
}

func some(left map[place]bool) string {
	for at := range left {
		return fmt.Sprintf("%s/%d", at.topic, at.partition)
	}
	return "none"
}
