package program_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/transforms/program"
	"github.com/strait-mirror/strait/transforms/record"
)

func window(from, until string) *model.Stage {
	return edit(model.StageWindow, func(s *model.Stage) { s.Window.From, s.Window.Until = from, until })
}

func compiled(t *testing.T, stages ...*model.Stage) *program.Program {
	t.Helper()
	p, problems := program.ForFlow(flow(stages...))
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	return p
}

// TestWindow looks at its edges: the first moment is in it, the last is not.
func TestWindow(t *testing.T) {
	const july, august = "2026-07-01T00:00:00Z", "1785542400000" // 2026-08-01
	for name, c := range map[string]struct {
		stage *model.Stage
		kept  []int64
	}{
		"both":  {window(july, august), []int64{1782864000000, 1785542399999}},
		"from":  {window(july, ""), []int64{1782864000000, 1785542399999, 1785542400000}},
		"until": {window("", august), []int64{-1, 0, 1782863999999, 1782864000000, 1785542399999}},
	} {
		p, kept := compiled(t, c.stage), []int64(nil)
		for _, at := range []int64{-1, 0, 1782863999999, 1782864000000, 1785542399999, 1785542400000} {
			r := &record.Record{Timestamp: at}
			keep, err := p.Apply(r, nil)
			if err != nil || r.Changed {
				t.Fatalf("%s: changed %v, %v", name, r.Changed, err)
			}
			if keep {
				kept = append(kept, at)
			}
		}
		if diff := cmp.Diff(c.kept, kept); diff != "" {
			t.Errorf("%s keeps others (-want +got):\n%s", name, diff)
		}
	}
	if compiled(t, window(july, "")).Name() == compiled(t, window("", july)).Name() {
		t.Error("two windows have one name: what was counted under one would be counted under the other")
	}
}

func TestWindowProblems(t *testing.T) {
	for name, c := range map[string]struct {
		stage *model.Stage
		want  string
	}{
		"nothing":   {window("", ""), `stage "window" does not say what to do`},
		"no time":   {window("yesterday", ""), `from: "yesterday" is no timestamp`},
		"no zone":   {window("", "2026-07-01T00:00:00"), `until: "2026-07-01T00:00:00" is no timestamp`},
		"too early": {window("-5", ""), `from: "-5" is no timestamp`},
		"empty":     {window("1000", "1970-01-01T00:00:01Z"), `until: no record is from 1000 on and before 1970-01-01T00:00:01Z`},
	} {
		_, problems := program.ForFlow(flow(c.stage))
		if len(problems) != 1 || problems[0].Summary != c.want || problems[0].Fix == "" {
			t.Errorf("%s: got %v, want %s", name, problems, c.want)
		}
	}
}

// TestWholeIsWhatRecordsSay compares what chains of stages say of a batch by its
// header with what they say of its records, in random order of time.
func TestWholeIsWhatRecordsSay(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	some := func() string { return []string{"", fmt.Sprint(1000 + rng.IntN(20))}[rng.IntN(2)] }
	told := map[bool]int{}
	for range 4000 {
		var stages []*model.Stage
		for range 1 + rng.IntN(3) {
			s := window(some(), some())
			switch rng.IntN(6) {
			case 0:
				s = filter("timestamp < timestamp(1010)", model.OnErrorFail)
			case 1:
				s = set(model.SetStage{Timestamp: "offset"})
			}
			s.Name = fmt.Sprint(len(stages))
			stages = append(stages, s)
		}
		p, problems := program.ForFlow(flow(stages...))
		if problems.HasErrors() {
			continue // an empty window
		}
		var at []int64
		h := program.Times{Equal: true}
		for range 1 + rng.IntN(4) {
			ms := int64(1000 + rng.IntN(20))
			at = append(at, ms)
			h.Equal, h.Max = h.Equal && ms == at[0], max(h.Max, ms)
		}
		keep, known := p.Whole(h)
		if !known {
			continue
		}
		told[keep]++
		counts := make([]program.Count, len(stages))
		p.Count(h, 7, counts)
		var dropped int64
		for i, c := range counts {
			dropped += c.Dropped
			if want := int64(7); keep && c != (program.Count{Given: want}) || i == 0 && c.Given != want {
				t.Fatalf("stage %d counts %+v of %d records, all kept: %v", i, c, want, keep)
			}
		}
		if dropped == 7 == keep {
			t.Fatalf("%d of 7 records are dropped, all kept: %v", dropped, keep)
		}
		for _, ms := range at {
			r := &record.Record{Timestamp: ms, Offset: 1005}
			if is, err := p.Apply(r, nil); err != nil || is != keep || keep && r.Changed {
				t.Fatalf("the header says %v of %v, the record at %d is kept: %v (%v)", keep, at, ms, is, err)
			}
		}
	}
	if told[true] < 100 || told[false] < 100 {
		t.Errorf("headers told %v: this proves nothing", told)
	}
}
