package mirror

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/model"
)

// TestStart begins a flow where it says, of five records that are a minute apart.
func TestStart(t *testing.T) {
	began := time.Date(2026, 1, 31, 6, 0, 0, 0, time.UTC)
	at := func(minutes int) model.Start {
		return model.Start(began.Add(time.Duration(minutes) * time.Minute).Format(time.RFC3339))
	}
	for name, tt := range map[string]struct {
		start model.Start
		want  string // of "0 1 2 3 4" and of "late", which comes while it runs
	}{
		"earliest":                {model.StartEarliest, "0 1 2 3 4 late"},
		"latest":                  {model.StartLatest, "late"},
		"a time":                  {at(2), "2 3 4 late"},
		"between two":             {model.Start("2026-01-31T07:02:30+01:00"), "3 4 late"},
		"before all":              {at(-9), "0 1 2 3 4 late"},
		"behind all":              {at(9), "late"},
		"a group":                 {model.StartGroup("mm1"), "3 4 late"},
		"a group of other topics": {model.StartGroup("other"), "0 1 2 3 4 late"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTwo(t)
			w.create(t, "t", 1)
			w.create(t, "u", 1)
			cl := w.client[w.source]
			for i := range 5 {
				r := &kgo.Record{Topic: "t", Value: []byte{byte('0' + i)}, Timestamp: began.Add(time.Duration(i) * time.Minute)}
				if err := cl.ProduceSync(t.Context(), r).FirstErr(); err != nil {
					t.Fatal(err)
				}
			}
			w.commit(t, "mm1", "t", 3)
			w.commit(t, "other", "u", 0)
			f := w.flow(t, false, func(f *model.Flow) { f.Topics, f.Start = []string{"t"}, tt.start })
			stop := start(t, f)
			defer stop()
			until(t, "it runs", func() bool { st := f.Status(); return st.Partitions == 1 && st.LagRecords >= 0 })
			w.produce(t, "t", "late")
			n := int64(len(strings.Fields(tt.want)))
			until(t, "all is copied", func() bool { return f.Status().Records >= n && f.Status().LagRecords == 0 })
			if got := w.records(t); got != tt.want {
				t.Errorf("copied %q, want %q", got, tt.want)
			}
		})
	}
}

// TestStartWaitsForTheGroup begins as soon as the group has no member any more, and
// not at all where there is no such group.
func TestStartWaitsForTheGroup(t *testing.T) {
	w := newTwo(t)
	w.create(t, "t", 1)
	w.produce(t, "t", "0", "1", "2")
	w.commit(t, "mm1", "t", 1)
	member, err := kgo.NewClient(kgo.SeedBrokers(w.source.ListenAddrs()...), kgo.ConsumerGroup("mm1"), kgo.ConsumeTopics("t"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(member.Close)
	if fetches := member.PollRecords(t.Context(), 1); fetches.Err() != nil {
		t.Fatal(fetches.Err())
	}
	f := w.flow(t, false, func(f *model.Flow) { f.Start = model.StartGroup("mm1") })
	stop := start(t, f)
	defer stop()
	until(t, "it says what it waits for", func() bool {
		for _, p := range f.Status().Problems {
			if strings.Contains(p.Err.Error(), `consumer group "mm1" has 1 members`) && strings.Contains(p.Fix, "stop MirrorMaker 1") {
				return true
			}
		}
		return false
	})
	if n := f.Status().Records; n != 0 {
		t.Errorf("%d records were copied beside the group's member", n)
	}
	member.LeaveGroup()
	until(t, "the rest is copied", func() bool { return f.Status().Records == 2 })
	if got := w.records(t); got != "1 2" {
		t.Errorf("copied %q, want %q", got, "1 2")
	}

	none := w.flow(t, false, func(f *model.Flow) {
		f.Name, f.From, f.OwnsOffsets, f.Start = "c->b", "c", model.OwnsNo, model.StartGroup("nobody")
	})
	stopNone := start(t, none)
	defer stopNone()
	until(t, "it says that there is no such group", func() bool {
		for _, p := range none.Status().Problems {
			if strings.Contains(p.Err.Error(), `consumer group "nobody" has no offsets on cluster "c"`) && strings.Contains(p.Fix, "--list") {
				return true
			}
		}
		return false
	})
}

// commit has a group of the source commit an offset of partition 0 of a topic.
func (w *two) commit(t *testing.T, group, topic string, offset int64) {
	t.Helper()
	var offsets kadm.Offsets
	offsets.AddOffset(topic, 0, offset, -1)
	if err := kadm.NewClient(w.client[w.source]).CommitAllOffsets(t.Context(), group, offsets); err != nil {
		t.Fatal(err)
	}
}
