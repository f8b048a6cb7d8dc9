package mirror

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/strait-mirror/strait/config/model"
)

// TestWhatAClusterLost has topics change between two runs of a flow: what happened
// is counted and named, and the flow's policies say what becomes of the partition.
func TestWhatAClusterLost(t *testing.T) {
	gone := func(t *testing.T, w *two) { t.Helper(); w.produce(t, "t", "4"); w.retain(t, 4) }
	anew := func(t *testing.T, w *two) { t.Helper(); w.recreate(t, "a", "b", "c", "d") }
	target := func(t *testing.T, w *two) {
		t.Helper()
		if _, err := kadm.NewClient(w.client[w.target]).DeleteTopics(t.Context(), "a.t"); err != nil {
			t.Fatal(err)
		}
	}
	stop := func(f *model.Flow) { f.OnGap, f.OnRecreate = model.GapStop, model.RecreateStop }
	for name, tt := range map[string]struct {
		between func(*testing.T, *two)
		flow    func(*model.Flow)
		want    string // on the target, after "5" was written
		says    string // one of the problems
		stopped bool
	}{
		"retention":                        {between: gone, want: "1 2 3 5", says: "offset 3 is below the source's log, which holds 4 to 5; mirroring went on at offset 4"},
		"retention, stop":                  {between: gone, flow: stop, want: "1 2 3", says: "offset 3 is below the source's log", stopped: true},
		"source recreated":                 {between: anew, want: "1 2 3 a b c d 5", says: `source topic "t" was created anew`},
		"source recreated, stop":           {between: anew, flow: stop, want: "1 2 3", says: `source topic "t" was created anew`, stopped: true},
		"target recreated":                 {between: target, want: "1 2 3 5", says: "mirroring the source from its start"},
		"target recreated, go on":          {between: target, flow: func(f *model.Flow) { f.OnRecreate = model.RecreateContinue }, want: "5", says: "mirroring went on at source offset 3, what came before is not in it"},
		"target recreated, stop":           {between: target, flow: stop, want: "", says: `target topic "a.t" was created anew`, stopped: true},
		"target recreated, not exactly":    {between: target, flow: func(f *model.Flow) { f.Delivery = model.AtLeastOnce }, want: "1 2 3 5", says: "from its start"},
		"source recreated, at its end":     {between: anew, flow: latest, want: "1 2 3 a b c d 5", says: "from its start"},
		"retention, nothing was left over": {between: func(t *testing.T, w *two) { t.Helper(); w.retain(t, 3) }, want: "1 2 3 5"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTwo(t)
			w.create(t, "t", 1)
			w.produce(t, "t", "1", "2", "3")
			if err := w.flow(t, true, func(*model.Flow) {}).Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			tt.between(t, w)
			w.produce(t, "t", "5")
			edit := tt.flow
			if edit == nil {
				edit = func(*model.Flow) {}
			}
			for range 2 { // a partition that stopped stops again after a restart
				f := w.flow(t, true, edit)
				if err := f.Run(t.Context()); (err != nil) != tt.stopped {
					t.Errorf("the flow ended with %v", err)
				}
				if got := w.records(t); got != tt.want {
					t.Errorf("the target holds %q, want %q", got, tt.want)
				}
				f.shows(t, tt.says, tt.stopped)
				if !tt.stopped {
					break
				}
			}
			if !tt.stopped {
				f := w.flow(t, true, edit)
				if err := f.Run(t.Context()); err != nil || len(f.problems()) > 0 || w.records(t) != tt.want {
					t.Errorf("the run after it ended with %v, %v, and left %q", err, f.problems(), w.records(t))
				}
				return
			}
			// A person who has looked lets it go on.
			if err := w.flow(t, true, func(*model.Flow) {}).Run(t.Context()); err != nil {
				t.Error(err)
			}
			if got := w.records(t); !strings.HasSuffix(got, "5") {
				t.Errorf("the target holds %q, want all up to 5", got)
			}
		})
	}
}

// shows checks that one of the flow's problems says so, and that it was counted.
func (f *Flow) shows(t *testing.T, text string, stopped bool) {
	t.Helper()
	st := f.Status()
	if text == "" {
		if len(st.Problems) > 0 || st.Gaps > 0 {
			t.Errorf("the status shows %v and %d gaps", st.Problems, st.Gaps)
		}
		return
	}
	for _, p := range st.Problems {
		if strings.Contains(p.Err.Error(), text) && p.Stopped == stopped && (p.Fix != "") == stopped {
			if st.Gaps != 1 {
				t.Errorf("the status counts %d gaps, want 1", st.Gaps)
			}
			return
		}
	}
	t.Errorf("none of %v says %q", st.Problems, text)
}

// TestAHeldPartitionKeepsItsPosition stops a flow twice whose partition waits for
// a person: what has to be looked at must not be gone after a restart.
func TestAHeldPartitionKeepsItsPosition(t *testing.T) {
	w := newTwo(t)
	w.create(t, "t", 1)
	w.produce(t, "t", "1", "2", "3")
	if err := w.flow(t, true, func(*model.Flow) {}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.recreate(t, "a")
	for range 2 {
		f := w.flow(t, false, func(f *model.Flow) { f.OnRecreate = model.RecreateStop })
		stop := start(t, f)
		until(t, "the partition is held", func() bool { return f.gaveUpAll() })
		stop()
		f.shows(t, "was created anew", true)
	}
}

// TestTopicsComeAndGoWhileRunning deletes and recreates topics of both sides under
// a running flow.
func TestTopicsComeAndGoWhileRunning(t *testing.T) {
	w := newTwo(t)
	w.create(t, "t", 1)
	w.write(t, w.source, "t", "1", "2")
	f := w.flow(t, false, func(*model.Flow) {})
	stop := start(t, f)
	until(t, "two records are there", func() bool { return f.records.Load() == 2 })

	adm := kadm.NewClient(w.client[w.source])
	if _, err := adm.DeleteTopics(t.Context(), "t"); err != nil {
		t.Fatal(err)
	}
	until(t, "the deletion shows", func() bool { return f.says(`source topic "t" is not there any more`) })
	w.create(t, "t", 1)
	w.write(t, w.source, "t", "a", "b", "c")
	until(t, "the new topic is there", func() bool { return f.records.Load() == 5 })
	if f.says("is not there any more") || !f.says(`source topic "t" was created anew`) {
		t.Errorf("the status shows %v", f.problems())
	}
	if got := w.records(t); got != "1 2 a b c" {
		t.Errorf("the target holds %q", got)
	}

	if _, err := kadm.NewClient(w.client[w.target]).DeleteTopics(t.Context(), "a.t"); err != nil {
		t.Fatal(err)
	}
	until(t, "the target has the source's records again", func() bool { return f.records.Load() == 8 })
	stop()
	if got := w.records(t); got != "a b c" {
		t.Errorf("the new target topic holds %q", got)
	}
	if !f.says(`target topic "a.t" was created anew`) {
		t.Errorf("the status shows %v", f.problems())
	}
}

// gaveUpAll reports whether there are lanes, and none will move.
func (f *Flow) gaveUpAll() bool {
	f.mu.Lock()
	s := f.session
	f.mu.Unlock()
	if s == nil {
		return false
	}
	lanes := s.list()
	for _, l := range lanes {
		l.mu.Lock()
		finished := l.finished
		l.mu.Unlock()
		if !finished {
			return false
		}
	}
	return len(lanes) > 0
}

// says reports whether one of the flow's problems contains a text.
func (f *Flow) says(text string) bool {
	for _, p := range f.problems() {
		if strings.Contains(p.Err.Error(), text) {
			return true
		}
	}
	return false
}
