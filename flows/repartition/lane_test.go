package repartition

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/internal/batch"
	"github.com/strait-mirror/strait/flows/sink"
)

// events notes what it is told.
type events struct {
	mu      sync.Mutex // guards the rest
	next    int64      // of the last ack
	records int64
	trouble []string
	stopped bool
	skipped int
	changed chan struct{} // one token: something happened
}

func newEvents() *events { return &events{changed: make(chan struct{}, 1)} }

func (e *events) note(change func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change()
	select {
	case e.changed <- struct{}{}:
	default:
	}
}

func (e *events) Acked(a sink.Ack) {
	e.note(func() {
		if a.SourceNext < e.next {
			panic("a lane went back")
		}
		e.next, e.records = a.SourceNext, e.records+a.Records
	})
}

func (e *events) Trouble(err error, stopped bool) {
	e.note(func() { e.trouble, e.stopped = append(e.trouble, fmt.Sprint(err)), e.stopped || stopped })
}

func (e *events) Skipped(n int, _ error) { e.note(func() { e.skipped += n }) }

// until waits for a condition on what was told.
func (e *events) until(t *testing.T, ok func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		e.mu.Lock()
		reached := ok()
		e.mu.Unlock()
		if reached {
			return
		}
		select {
		case <-e.changed:
		case <-deadline:
			t.Fatalf("gave up waiting; told %d, %v, skipped %d", e.next, e.trouble, e.skipped)
		}
	}
}

// owner counts what was released.
type owner struct{ released atomic.Int64 }

func (o *owner) Release() { o.released.Add(1) }

// lab is a fake target with topic "t" and a sink.
type lab struct {
	fake *kfake.Cluster
	sink *Sink
	stop context.CancelFunc
	owner
}

func newLab(t *testing.T, skip bool) *lab {
	t.Helper()
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "t"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	f := &model.Flow{CompressionType: "zstd", MirrorMaker1: &model.MirrorMaker1{BatchSize: 16384}}
	cl, err := kgo.NewClient(append(Options(f, 1<<20, func(string) int32 { return 1 << 20 }), kgo.SeedBrokers(fake.ListenAddrs()...), kgo.MetadataMinAge(10*time.Millisecond))...)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Params{Client: cl, Recoder: batch.NewRecoder(batch.Params{}), Ping: cl.Ping, Skip: skip})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s.Start(ctx)
	var once sync.Once
	l := &lab{fake: fake, sink: s, stop: func() {
		once.Do(func() {
			cancel()
			cl.Close()
			s.Wait()
		})
	}}
	t.Cleanup(l.stop)
	return l
}

// made is a batch with records of the given values from a source offset on; each
// record's key is the first letter of its value.
func (l *lab) made(offset int64, values ...string) sink.Batch {
	var records []byte
	for i, v := range values {
		r := kmsg.NewRecord()
		r.OffsetDelta, r.Key, r.Value = int32(i), []byte(v[:1]), []byte(v)
		r.Length = int32(len(r.AppendTo(nil)) - 1)
		records = r.AppendTo(records)
	}
	n := int32(len(values))
	raw := kmsg.RecordBatch{FirstOffset: offset, Magic: 2, LastOffsetDelta: n - 1, NumRecords: n, Records: records}
	raw.Length = int32(len(raw.AppendTo(nil)) - 12)
	return sink.Batch{Data: batch.Batch(raw.AppendTo(nil)), Owner: l, Records: n, SourceNext: offset + int64(n)}
}

// fails has the target answer produce requests for which bad is true with a code.
func (l *lab) fails(code int16, bad func(values map[string]bool) bool) {
	l.fake.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		l.fake.KeepControl()
		resp, values := req.ResponseKind().(*kmsg.ProduceResponse), map[string]bool{}
		for _, rt := range req.(*kmsg.ProduceRequest).Topics {
			st := kmsg.NewProduceResponseTopic()
			st.Topic, st.TopicID = rt.Topic, rt.TopicID
			for _, rp := range rt.Partitions {
				sp := kmsg.NewProduceResponseTopicPartition()
				sp.Partition, sp.ErrorCode = rp.Partition, code
				st.Partitions = append(st.Partitions, sp)
				for r, err := range batch.NewRecoder(batch.Params{}).Records(batch.Batch(rp.Records)) {
					if err == nil {
						values[string(r.Value)] = true
					}
				}
			}
			resp.Topics = append(resp.Topics, st)
		}
		return resp, nil, bad(values)
	})
}

// held returns what the target holds by key: the values, each where it is last.
func (l *lab) held(t *testing.T) map[string][]string {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(l.fake.ListenAddrs()...), kgo.ConsumeTopics("t"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	by, last := map[string][]string{}, map[string]int64{}
	for ctx, cancel := context.WithTimeout(t.Context(), time.Second); ; {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			cancel()
			break
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if _, again := last[string(r.Value)]; again {
				list := by[string(r.Key)]
				for i, v := range list {
					if v == string(r.Value) {
						list = append(list[:i:i], list[i+1:]...)
						break
					}
				}
				by[string(r.Key)] = list
			}
			last[string(r.Value)] = r.Offset
			by[string(r.Key)] = append(by[string(r.Key)], string(r.Value))
		})
	}
	return by
}

// TestRefusedRecord has the target refuse one of many: with Skip the lane goes
// on, and all others are there, in the order of their keys, with the last word
// of each key last.
func TestRefusedRecord(t *testing.T) {
	for name, skip := range map[string]bool{"skipped": true, "stops": false} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, skip)
			l.fails(kerr.InvalidRecord.Code, func(values map[string]bool) bool { return values["b2"] })
			e := newEvents()
			lane := l.sink.AddLane(LaneParams{Topic: "t", Events: e})
			lane.Add(l.made(10, "a1", "b1"))
			lane.Add(l.made(12, "a2", "b2", "a3", "b3"))
			lane.Add(l.made(16, "a4", "b4"))
			lane.Advance(25, 3)
			want := map[string][]string{"a": {"a1", "a2", "a3", "a4"}, "b": {"b1", "b3", "b4"}}
			if skip {
				e.until(t, func() bool { return e.next == 25 && e.skipped == 1 && e.records == 8 })
			} else {
				e.until(t, func() bool { return e.stopped })
				if e.next > 12 {
					t.Errorf("told %d though the batch from 12 on is not there", e.next)
				}
			}
			if got := l.held(t); skip {
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
			}
			rested := lane.Close(t.Context())
			l.stop()
			if n := l.released.Load(); n != 3 || !rested && skip {
				t.Errorf("%d of 3 batches were released, at rest %t", n, rested)
			}
		})
	}
}

// TestClose drops what the target does not take in time, and releases all of it
// once; afterwards nothing is taken.
func TestClose(t *testing.T) {
	l := newLab(t, false)
	refusing := atomic.Bool{}
	refusing.Store(true)
	l.fails(kerr.NotEnoughReplicas.Code, func(map[string]bool) bool { return refusing.Load() })
	e := newEvents()
	lane := l.sink.AddLane(LaneParams{Topic: "t", Events: e})
	for i := range 5 {
		lane.Add(l.made(int64(i), "a"))
	}
	soon, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if lane.Close(soon) {
		t.Error("the lane came to rest though nothing was taken")
	}
	lane.Add(l.made(9, "a"))
	l.stop()
	if n := l.released.Load(); n != 6 || e.next != 0 {
		t.Errorf("%d of 6 batches were released, told %d", n, e.next)
	}
}

// TestLateOutcome closes a lane that waits, and the target takes the records.
func TestLateOutcome(t *testing.T) {
	l := newLab(t, false)
	var refusals atomic.Int64
	l.fails(kerr.NotEnoughReplicas.Code, func(map[string]bool) bool { return refusals.Add(1) < 3 })
	e := newEvents()
	lane := l.sink.AddLane(LaneParams{Topic: "t", Events: e})
	lane.Add(l.made(0, "a1", "a2"))
	if !lane.Close(t.Context()) || e.next != 2 {
		t.Errorf("told %d", e.next)
	}
}

// TestStuckLaneSaysWhy worries a lane that has waited too long, and its trouble
// ends with the next acknowledgement.
func TestStuckLaneSaysWhy(t *testing.T) {
	l := newLab(t, false)
	var taking atomic.Bool
	l.fails(kerr.NotEnoughReplicas.Code, func(map[string]bool) bool { return !taking.Load() })
	e := newEvents()
	lane := l.sink.AddLane(LaneParams{Topic: "t", Events: e})
	lane.Add(l.made(0, "a"))
	if lane.stuck() {
		t.Error("a lane is stuck at once")
	}
	lane.mu.Lock()
	lane.moved = lane.moved.Add(-patience)
	lane.mu.Unlock()
	if !lane.stuck() {
		t.Error("a lane that waits too long is not stuck")
	}
	lane.worry(errors.New("why"))
	taking.Store(true)
	e.until(t, func() bool { return e.next == 1 && len(e.trouble) >= 2 })
	if diff := cmp.Diff([]string{"why", "<nil>"}, e.trouble[len(e.trouble)-2:]); diff != "" {
		t.Error(diff)
	}
}
