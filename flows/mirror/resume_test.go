package mirror

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/position"
)

// forget rewrites the position of partition 0 of topic "t" as a crash would have
// left it: as edit makes of the last one, with everything on the target after it.
func (w *two) forget(t *testing.T, edit func(*position.Anchor)) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(w.target.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	store, err := position.NewStore(position.Params{
		Client: cl, SourceAlias: "a", Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	a, ok := store.Get("t", 0)
	if !ok || a.Bare() {
		t.Fatalf("the position is %+v", a)
	}
	a.Offset, a.TargetEnd, a.NextSequence, a.LeaderEpoch = -1, 0, 0, -1
	edit(&a)
	if err := store.Write(t.Context(), []position.Anchor{a}); err != nil {
		t.Fatal(err)
	}
}

// records are the values of partition 0 on the target.
func (w *two) records(t *testing.T) string {
	t.Helper()
	return strings.Join(w.values(t, "a.t"), " ")
}

func (w *two) values(t *testing.T, topic string) (values []string) {
	t.Helper()
	n := w.held(t, topic)
	cl, err := kgo.NewClient(kgo.SeedBrokers(w.target.ListenAddrs()...), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{
		topic: {0: kgo.NewOffset().AtStart()},
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for int64(len(values)) < n {
		fetches := cl.PollFetches(t.Context())
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) { values = append(values, string(r.Value)) })
	}
	return values
}

// TestGoesOnWhereTheTargetEnds has a flow find out what happened behind its last
// stored position.
func TestGoesOnWhereTheTargetEnds(t *testing.T) {
	same := func(*position.Anchor) {}
	for name, tt := range map[string]struct {
		forget   func(*position.Anchor)
		between  func(*testing.T, *two) // the two runs
		flow     func(*model.Flow)
		want     string // on the target, after "4 5" were written
		unproven int64
		gaps     int64
		fails    string
	}{
		"everything is there": {forget: same, want: "1 2 3 4 5"},
		"counted from the middle": {
			forget: func(a *position.Anchor) { a.Offset, a.TargetEnd, a.NextSequence = 0, 1, 1 },
			want:   "1 2 3 4 5",
		},
		"somebody else wrote, too": {
			forget: same, want: "1 2 3 x 4 5",
			between: func(t *testing.T, w *two) {
				t.Helper()
				w.write(t, w.target, "a.t", "x")
			},
		},
		"at least once": {
			forget: same, want: "1 2 3 1 2 3 4 5",
			flow: func(f *model.Flow) { f.Delivery = model.AtLeastOnce },
		},
		"a position of MirrorMaker 2": {
			forget: func(a *position.Anchor) { a.ProducerID = -1 }, want: "1 2 3 1 2 3 4 5",
		},
		"a number that cannot be": {
			forget: func(a *position.Anchor) { a.NextSequence = 7 }, want: "1 2 3 1 2 3 4 5", unproven: 1,
		},
		"the source has other records now": {
			forget: func(a *position.Anchor) { a.SourceTopicID = [16]byte{} }, want: "1 2 3 x 3b 4 5", gaps: 1,
			between: func(t *testing.T, w *two) { t.Helper(); w.recreate(t, "1", "x", "3b") },
		},
		"the target got a part of a batch": {
			forget: func(a *position.Anchor) { a.SourceTopicID = [16]byte{} }, want: "1 2 3 3b 3c 4 5",
			between: func(t *testing.T, w *two) { t.Helper(); w.recreate(t, "1\n2\n3\n3b\n3c") },
		},
		"the source has less now": {
			forget: func(a *position.Anchor) { a.SourceTopicID = [16]byte{} }, want: "1 2 3 4 5", gaps: 1,
			between: func(t *testing.T, w *two) { t.Helper(); w.recreate(t, "1") },
		},
		"the source lost what had to be counted": {
			forget: same, want: "1 2 3 4 5", gaps: 1,
			between: func(t *testing.T, w *two) { t.Helper(); w.retain(t, 2) },
		},
		"the source lost more than had to be counted": {
			forget: same, want: "1 2 3 4 5", gaps: 1,
			between: func(t *testing.T, w *two) {
				t.Helper()
				w.produce(t, "t", "x")
				w.retain(t, 4)
			},
		},
		"the source lost what had to be counted at both ends": {
			forget: func(a *position.Anchor) { a.SourceTopicID = [16]byte{} }, want: "1 2 3 x 3b 4 5", gaps: 2,
			between: func(t *testing.T, w *two) {
				t.Helper()
				w.recreate(t, "1", "x", "3b")
				w.retain(t, 1)
			},
		},
		"the source was cut, and its cut copied in part": {
			forget: func(a *position.Anchor) { a.SourceTopicID = [16]byte{} }, want: "1 2 3 4 5",
			between: func(t *testing.T, w *two) { t.Helper(); w.recreate(t, "2", "3") }, gaps: 1,
		},
		"a record was left out, as is allowed": {
			forget: func(a *position.Anchor) { a.SourceTopicID = [16]byte{} }, want: "1 2 3 1 x 2 3 4 5", unproven: 1,
			between: func(t *testing.T, w *two) { t.Helper(); w.recreate(t, "1", "x", "2", "3") },
			flow:    func(f *model.Flow) { f.ErrorsTolerance = tolerateAll },
		},
		"other records are selected now": {
			forget: same, want: "1 2 3 1 2 3 4 5", unproven: 1,
			flow: func(f *model.Flow) { f.IsolationLevel = model.ReadUncommitted },
		},
		"a person wants to look first": {
			forget: func(a *position.Anchor) { a.NextSequence = 7 }, want: "1 2 3", unproven: 1,
			flow:  func(f *model.Flow) { f.OnUnproven = model.UnprovenStop },
			fails: "could not be proven",
		},
		"a person wants to look first, found while comparing": {
			forget: func(a *position.Anchor) { a.SourceTopicID = [16]byte{} }, want: "1 2 3", gaps: 1,
			between: func(t *testing.T, w *two) { t.Helper(); w.recreate(t, "1", "x", "3b") },
			flow:    func(f *model.Flow) { f.OnGap = model.GapStop },
			fails:   "2 records any more that were copied from offset 1 on",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTwo(t)
			w.create(t, "t", 1)
			w.produce(t, "t", "1", "2", "3")
			if err := w.flow(t, true, func(*model.Flow) {}).Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.forget(t, tt.forget)
			if tt.between != nil {
				tt.between(t, w)
			}
			w.produce(t, "t", "4", "5")
			edit := tt.flow
			if edit == nil {
				edit = func(*model.Flow) {}
			}
			f := w.flow(t, true, edit)
			err := f.Run(t.Context())
			if failed := err != nil && strings.Contains(err.Error(), tt.fails); failed != (tt.fails != "") {
				t.Errorf("the flow ended with %v", err)
			}
			if got := w.records(t); got != tt.want {
				t.Errorf("the target holds %s, want %s", got, tt.want)
			}
			if got := f.unproven.Load(); got != tt.unproven {
				t.Errorf("%d partitions were unproven, want %d", got, tt.unproven)
			}
			if got := f.gaps.Load(); got != tt.gaps {
				t.Errorf("%d gaps were counted, want %d", got, tt.gaps)
			}
			// Whatever it was, the next run finds all in order.
			if tt.fails == "" {
				again := w.flow(t, true, edit)
				if err := again.Run(t.Context()); err != nil {
					t.Error(err)
				}
				if got := w.records(t); got != tt.want || again.unproven.Load() != 0 {
					t.Errorf("the run after it left %s, with %d unproven", got, again.unproven.Load())
				}
			}
		})
	}
}

// write writes records to a cluster, those of one value with lines in one batch.
func (w *two) write(t *testing.T, on interface{ ListenAddrs() []string }, topic string, values ...string) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(on.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for _, v := range values {
		var rs []*kgo.Record
		for line := range strings.SplitSeq(v, "\n") {
			rs = append(rs, &kgo.Record{Topic: topic, Value: []byte(line)})
		}
		if err := cl.ProduceSync(t.Context(), rs...).FirstErr(); err != nil {
			t.Fatal(fmt.Errorf("writing to %s: %w", topic, err))
		}
	}
}

// recreate makes the source topic anew, with other records.
func (w *two) recreate(t *testing.T, values ...string) {
	t.Helper()
	adm := kadm.NewClient(w.client[w.source])
	if _, err := adm.DeleteTopics(t.Context(), "t"); err != nil {
		t.Fatal(err)
	}
	w.create(t, "t", 1)
	w.write(t, w.source, "t", values...)
	w.client[w.source].PurgeTopicsFromClient("t")
}

// retain deletes records of the source below an offset.
func (w *two) retain(t *testing.T, below int64) {
	t.Helper()
	var to kadm.Offsets
	to.AddOffset("t", 0, below, -1)
	if _, err := kadm.NewClient(w.client[w.source]).DeleteRecords(t.Context(), to); err != nil {
		t.Fatal(err)
	}
}
