package mirror

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/strait-mirror/strait/config/model"
)

// lanesOf returns the lanes of a flow by topic, of partition 0.
func lanesOf(f *Flow) map[string]*lane {
	f.mu.Lock()
	s := f.session
	f.mu.Unlock()
	all := map[string]*lane{}
	if s != nil {
		for _, l := range s.list() {
			all[l.source.Topic] = l
		}
	}
	return all
}

// edited is the definition of a flow with an edit.
func edited(f *Flow, edit func(*model.Flow)) *model.Flow {
	def := *f.def()
	edit(&def)
	return &def
}

// TestFiltersChangeWhileAFlowRuns has a topic leave a flow and come back, and
// another one join it, while a third is not touched.
func TestFiltersChangeWhileAFlowRuns(t *testing.T) {
	w := newTwo(t)
	for _, topic := range []string{"stays", "leaves", "joins"} {
		w.create(t, topic, 1)
		w.produce(t, topic, "1", "2")
	}
	only := func(topics ...string) func(*model.Flow) {
		return func(def *model.Flow) { def.Topics, def.RefreshTopicsInterval = topics, time.Hour }
	}
	f := w.flow(t, false, only("stays", "leaves"))
	defer start(t, f)()
	holds := func(topic string, n int64) {
		t.Helper()
		until(t, fmt.Sprintf("%s has %d records", topic, n), func() bool { return f.Running() && lanesOf(f)[topic] != nil && w.held(t, "a."+topic) == n })
	}
	holds("stays", 2)
	holds("leaves", 2)
	f.mu.Lock()
	session := f.session
	f.mu.Unlock()
	untouched := lanesOf(f)["stays"]
	fetched := untouched.in

	update := func(topics ...string) {
		t.Helper()
		def := edited(f, only(topics...))
		if !slices.Equal(model.WithoutLive(f.def(), def).Topics, f.def().Topics) {
			t.Error("a filter is not taken for what can be updated")
		}
		if err := f.Update(def); err != nil {
			t.Fatal(err)
		}
		until(t, fmt.Sprint("it runs ", topics), func() bool {
			got := lanesOf(f)
			return len(got) == len(topics) && !slices.ContainsFunc(topics, func(name string) bool { return got[name] == nil })
		})
	}
	update("stays", "joins")
	holds("joins", 2)
	w.produce(t, "leaves", "3")
	w.produce(t, "stays", "3")
	holds("stays", 3)
	if n := w.held(t, "a.leaves"); n != 2 {
		t.Errorf("%d records of a topic that is not selected arrived, not 2", n)
	}
	if p := f.problems(); len(p) > 0 {
		t.Errorf("a topic that is not wanted any more is a problem: %+v", p)
	}
	update("stays", "leaves")
	holds("leaves", 3)

	now := lanesOf(f)["stays"]
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.session != session || now != untouched || now.in != fetched {
		t.Error("an edit touched what it is not about")
	}
}

// TestTopicsThatAnEditSelectsBeginAtTheirEnds where the flow says so, as they would
// have if they had been selected from the first.
func TestTopicsThatAnEditSelectsBeginAtTheirEnds(t *testing.T) {
	w := newTwo(t)
	for _, topic := range []string{"first", "second"} {
		w.create(t, topic, 1)
		w.produce(t, topic, "before")
	}
	f := w.flow(t, false, func(def *model.Flow) { latest(def); def.Topics = []string{"first"} })
	defer start(t, f)()
	reads := func(topic string) func() bool {
		return func() bool { l := lanesOf(f)[topic]; return l != nil && f.Status().LagRecords == 0 }
	}
	until(t, "the first topic is read", reads("first"))
	if err := f.Update(edited(f, func(def *model.Flow) { def.Topics = []string{"first", "second"} })); err != nil {
		t.Fatal(err)
	}
	until(t, "the second topic is read", reads("second"))
	w.create(t, "third", 1)
	w.produce(t, "third", "before it was seen")
	w.produce(t, "second", "after")
	if err := f.Update(edited(f, func(def *model.Flow) { def.Topics = []string{"first", "second", "third.*"} })); err != nil {
		t.Fatal(err)
	}
	until(t, "the third topic is read", reads("third"))
	until(t, "what came later arrived", func() bool { return w.held(t, "a.second") == 1 })
	if n := w.held(t, "a.first") + w.held(t, "a.third"); n != 0 {
		t.Errorf("%d records that were there before arrived", n)
	}
}

// TestTopicsOfAFilterChangeWhileItDropsRecords has a stage with a condition: which
// topics pass it changes live, with every record judged as before, and the condition
// itself does not.
func TestTopicsOfAFilterChangeWhileItDropsRecords(t *testing.T) {
	w := newTwo(t)
	for _, topic := range []string{"stays", "joins"} {
		w.create(t, topic, 1)
		w.produce(t, topic, "1", "no", "2")
	}
	with := func(when string, topics ...string) func(*model.Flow) {
		return func(def *model.Flow) {
			stage := model.NewStage(model.StageFilter)
			stage.Name, stage.When, stage.Filter.Topics = "some", when, topics
			def.Stages = []*model.Stage{stage}
		}
	}
	const when = `value != b"no"`
	f := w.flow(t, false, func(def *model.Flow) { def.Topics = []string{"stays", "joins"}; with(when, "stays")(def) })
	defer start(t, f)()
	holds := func(topic string, n int64) {
		t.Helper()
		until(t, fmt.Sprintf("%s has %d records", topic, n), func() bool { return lanesOf(f)[topic] != nil && w.held(t, "a."+topic) == n })
	}
	holds("stays", 2)
	untouched := lanesOf(f)["stays"]
	def := edited(f, with(when, "stays", "joins"))
	if same := model.WithoutLive(f.def(), def); !slices.Equal(same.Stages[0].Filter.Topics, []string{"stays"}) {
		t.Errorf("topics of a filter are not taken for what can be updated: %v", same.Stages[0].Filter.Topics)
	}
	if err := f.Update(def); err != nil {
		t.Fatal(err)
	}
	holds("joins", 2)
	w.produce(t, "stays", "no", "3")
	holds("stays", 3)
	until(t, "three records were dropped", func() bool {
		st := f.Status()
		return st.Filtered == 3 && st.Stages["some"].Dropped == 3 && st.Stages["some"].Given >= 6
	})
	if lanesOf(f)["stays"] != untouched {
		t.Error("an edit touched what it is not about")
	}
	other := edited(f, with(`value != b"yes"`, "stays", "joins"))
	if same := model.WithoutLive(f.def(), other); same.Stages[0].When == when {
		t.Error("a condition is taken for what can be updated while records are counted under it")
	}
	if err := f.Update(edited(f, with("nothing", "stays"))); err == nil {
		t.Error("a condition that cannot be read was taken")
	}
}

// TestWhatCannotChangeLive is left to a new Flow.
func TestWhatCannotChangeLive(t *testing.T) {
	for name, before := range map[string]func(*model.Flow){
		"transactional":      func(def *model.Flow) { def.Delivery = model.Transactional },
		"topics listed once": func(def *model.Flow) { def.Control.RefreshTopicsEnabled = false },
		"as MirrorMaker 1":   func(def *model.Flow) { def.MirrorMaker1 = &model.MirrorMaker1{} },
	} {
		t.Run(name, func(t *testing.T) {
			was := &model.Flow{Topics: []string{"a"}, Control: model.Control{RefreshTopicsEnabled: true}}
			before(was)
			is := *was
			is.Topics = []string{"b"}
			if got := model.WithoutLive(was, &is); !slices.Equal(got.Topics, is.Topics) {
				t.Errorf("got %v", got.Topics)
			}
		})
	}
}

// TestLimitChangesWhileAFlowRuns lifts a limit that would hold a flow back for an
// hour; nothing of the flow is replaced.
func TestLimitChangesWhileAFlowRuns(t *testing.T) {
	w := newTwo(t)
	w.create(t, "t", 1)
	w.produce(t, "t", "1", "2", "3")
	f := w.flow(t, false, func(def *model.Flow) {
		def.Topics, def.RefreshTopicsInterval, def.RecordsPerSecond, def.BytesPerSecond = []string{"t"}, time.Hour, 1, 1
	})
	defer start(t, f)()
	until(t, "it is held back", func() bool { return f.Running() && f.Status().Limited > 0 })
	untouched := lanesOf(f)["t"]
	w.produce(t, "t", "4")
	if err := f.Update(edited(f, func(def *model.Flow) { def.RecordsPerSecond, def.BytesPerSecond = 0, 0 })); err != nil {
		t.Fatal(err)
	}
	until(t, "all has arrived", func() bool { return w.held(t, "a.t") == 4 })
	if lanesOf(f)["t"] != untouched {
		t.Error("the lane was replaced")
	}
}

// TestPause pauses a flow while it runs: nothing more is copied, what that adds up to
// is seen, and it goes on at its place.
func TestPause(t *testing.T) {
	w := newTwo(t)
	w.create(t, "orders", 1)
	w.produce(t, "orders", "1", "2")
	f := w.flow(t, false, func(def *model.Flow) { def.Topics, def.RefreshTopicsInterval = []string{"orders"}, time.Hour })
	defer start(t, f)()
	holds := func(n int64) {
		t.Helper()
		until(t, fmt.Sprintf("the target has %d records", n), func() bool { return f.Running() && lanesOf(f)["orders"] != nil && w.held(t, "a.orders") == n })
	}
	holds(2)
	lane := lanesOf(f)["orders"]
	pause := func(on bool) {
		t.Helper()
		if err := f.Update(edited(f, func(def *model.Flow) { def.Paused = on })); err != nil {
			t.Fatal(err)
		}
	}
	pause(true)
	until(t, "it is paused", func() bool { return f.Status().State == Paused })
	// What a fetch that was under way brings still arrives.
	for i := 3; f.Status().LagRecords < 1; i++ {
		w.produce(t, "orders", fmt.Sprint(i))
		at := i
		until(t, "the record is seen", func() bool { st := f.Status(); return st.LagRecords+w.held(t, "a.orders") == int64(at) })
	}
	if st := f.Status(); st.State != Paused || !f.Running() || st.LagTime <= 0 || len(st.Problems) > 0 {
		t.Errorf("paused: %+v", st)
	}
	all := w.held(t, "a.orders") + f.Status().LagRecords
	pause(false)
	holds(all)
	if st := f.Status(); st.State != Running || lanesOf(f)["orders"] != lane {
		t.Errorf("resumed: %+v", st)
	}
}
