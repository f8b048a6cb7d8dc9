package offsetsync

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/transforms/program"
)

func newSyncs(lagMax int64) *Syncs {
	return &Syncs{
		p: Params{LagMax: lagMax, Topic: "syncs"}, emits: true, begun: make(chan struct{}),
		lanes: map[cluster.TopicPartition]*Lane{},
	}
}

func newLane(s *Syncs) *Lane {
	return s.Lane(Partition{Topic: "t", ID: [16]byte{1}}, Partition{Topic: "a.t", ID: [16]byte{2}})
}

// sent returns what is to be sent now.
func sent(s *Syncs) []pair {
	var out []pair
	for _, l := range s.dueSyncs() {
		if p, ok := l.take(); ok {
			out = append(out, p)
		}
	}
	return out
}

func wantSent(t *testing.T, s *Syncs, want ...pair) {
	t.Helper()
	if diff := cmp.Diff(want, sent(s), cmp.AllowUnexported(pair{})); diff != "" {
		t.Errorf("syncs differ (-want +got):\n%s", diff)
	}
}

// TestLeftLaneIsNotKnownToBeAnywhere has another process take a lane over.
func TestLeftLaneIsNotKnownToBeAnywhere(t *testing.T) {
	s := newSyncs(100)
	l := newLane(s)
	l.Placed(0, 0)
	l.Acked(150, 150, 150, 1)
	if at := l.lookUp(200); !at.answer.Behind {
		t.Errorf("a consumer ahead of the lane: %+v", at)
	}
	l.Left()
	wantSent(t, s)
	if at := l.lookUp(200); at.answer.Exact || at.answer.Behind || at.answer.Offset != 0 {
		t.Errorf("after it was left: %+v", at)
	}
}

// TestLaneWhoseSourceWasCut goes on below where it was: of the offsets above nothing is
// known from before.
func TestLaneWhoseSourceWasCut(t *testing.T) {
	l := newLane(newSyncs(100))
	l.Placed(0, 0)
	l.Placed(80, 80)
	l.Acked(100, 100, 20, 1)
	l.Acked(90, 100, 0, 0)
	l.Acked(200, 210, 110, 1)
	want := places{{0, 0}, {80, 80}, {90, 100}}
	if diff := cmp.Diff(want, l.known, cmp.AllowUnexported(place{})); diff != "" {
		t.Errorf("known places differ (-want +got):\n%s", diff)
	}
	if at := l.lookUp(150); at.answer.Offset > 160 || at.answer.Offset < 100 {
		t.Errorf("offset 150 is told to be at %+v, which is at 160", at.answer)
	}
}

// TestLaneHoldsOneSync is conformance items 59 and 63 to 65: the newest takes the
// place of what waits, and what lags too little waits for the flush.
func TestLaneHoldsOneSync(t *testing.T) {
	s := newSyncs(100)
	l := newLane(s)
	l.Placed(0, 0)
	wantSent(t, s)
	l.Acked(10, 10, 10, 1)
	l.Acked(20, 20, 10, 1) // is not due by itself
	wantSent(t, s, pair{19, 19})
	l.Acked(30, 30, 10, 1)
	l.Acked(40, 40, 10, 1)
	l.Acked(41, 40, 0, 0) // a marker
	wantSent(t, s)
	s.promote()
	wantSent(t, s, pair{39, 39})
	s.promote()
	wantSent(t, s)
	l.Acked(200, 199, 159, 1)
	due := s.dueSyncs()
	p, ok := due[0].take()
	if !ok || p != (pair{199, 198}) {
		t.Fatalf("got %v, %v", p, ok)
	}
	due[0].giveBack(p) // could not be sent
	wantSent(t, s, p)
	due[0].giveBack(p)
	l.Acked(400, 399, 200, 1)
	wantSent(t, s, pair{399, 398})
}

// TestLaneKeepsToItsTopics forgets what is of other topics by the same names, and
// emits nothing that a reader would take for another partition.
func TestLaneKeepsToItsTopics(t *testing.T) {
	s := newSyncs(0)
	l := newLane(s)
	l.Placed(0, 0)
	l.Acked(10, 10, 10, 1)
	if got := newLane(s); got != l || got.lookUp(5).answer != (Translation{Offset: 5, Exact: true}) {
		t.Errorf("the lane of the same topics knows %+v", got.lookUp(5))
	}
	anew := s.Lane(Partition{Topic: "t", ID: [16]byte{9}}, Partition{Topic: "a.t", ID: [16]byte{2}})
	if got := anew.lookUp(5); got.ok {
		t.Errorf("of a source topic that was created anew is known %+v", got)
	}
	sent(s)
	other := s.Lane(Partition{Topic: "t", Number: 5}, Partition{Topic: "a.t", Number: 1})
	other.Placed(0, 0)
	other.Acked(10, 10, 10, 1)
	wantSent(t, s)
	if got := other.lookUp(10).answer; got != (Translation{Partition: 1, Offset: 10, Exact: true}) {
		t.Errorf("it is translated to %+v", got)
	}
}

func TestLaneLooksUp(t *testing.T) {
	s := newSyncs(100)
	l := newLane(s)
	l.known = knownPlaces(100, 0, 200, 100, 300, 150, 400, 150)
	l.Placed(500, 160)
	tests := map[string]struct {
		offset int64
		want   Translation
		count  bool // what is known is not all that there is
	}{
		"before all":       {99, Translation{Offset: -1}, false},
		"known":            {200, Translation{Offset: 100, Exact: true}, false},
		"dense":            {150, Translation{Offset: 50, Exact: true}, false},
		"sparse":           {250, Translation{Offset: 100}, true},
		"nothing mirrored": {350, Translation{Offset: 150, Exact: true}, false},
		"to where it is":   {450, Translation{Offset: 150}, true},
		"where it is":      {500, Translation{Offset: 160, Exact: true}, false},
		"further":          {501, Translation{Offset: 160, Exact: true, Behind: true}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := l.lookUp(tt.offset)
			if !got.ok || got.answer != tt.want || got.done == tt.count {
				t.Errorf("got %+v", got)
			}
		})
	}
	l.keep(place{250, 120})
	if got := l.lookUp(250); !got.done || got.answer.Offset != 120 {
		t.Errorf("what was counted is %+v", got)
	}
	l.giveUp(place{400, 150})
	if got := l.lookUp(450); !got.hopeless {
		t.Errorf("what cannot be counted is %+v", got)
	}
}

// TestLaneBehindCopies has a loop guard leave out what came from the target: of what
// follows every place is known, though what was left out is gone and cannot be counted.
func TestLaneBehindCopies(t *testing.T) {
	s := newSyncs(100)
	l := newLane(s)
	l.Placed(0, 20) // the target has had records of its own
	l.Acked(139, 20, 0, 0)
	l.Acked(141, 141, 2, 10)
	l.Acked(282, 282, 141, 700)
	if at := l.lookUp(270); !at.ok || at.answer.Offset != 270 || !at.answer.Exact {
		t.Errorf("got %+v", at)
	}
	l.Acked(300, 282, 0, 0) // too few to be worth a place
	l.Acked(301, 283, 1, 5)
	if at := l.lookUp(290); at.done {
		t.Errorf("got %+v", at)
	}
}

// TestLaneWithMarkersDoesNotCount has a target on which offsets without records are
// of no use for counting, though their number may be the source's.
func TestLaneWithMarkersDoesNotCount(t *testing.T) {
	s := newSyncs(100)
	s.p.Transactional = true
	l := newLane(s)
	l.known = knownPlaces(100, 0)
	l.Placed(200, 100)
	l.Acked(210, -1, 10, 1) // not known
	for offset, want := range map[int64]Translation{
		99: {Offset: -1}, 100: {Exact: true}, 150: {}, 200: {Offset: 100, Exact: true}, 201: {Offset: 100, Exact: true, Behind: true},
	} {
		if got := l.lookUp(offset); !got.done || got.answer != want {
			t.Errorf("%d is %+v, want %+v", offset, got, want)
		}
	}
}

func TestAckedDoesNotAllocate(t *testing.T) {
	s := newSyncs(100)
	l := newLane(s)
	l.Placed(0, 0)
	at := int64(0)
	if n := testing.AllocsPerRun(1000, func() {
		at += 10
		l.Acked(at, at, 10, 100)
	}); n > 0 {
		t.Errorf("an acknowledgement makes %v allocations", n)
	}
	(*Lane)(nil).Acked(1, 1, 1, 1)
	(*Lane)(nil).Placed(1, 1)
	if (*Syncs)(nil).Lane(Partition{}, Partition{}) != nil {
		t.Error("nothing has a lane")
	}
}

// TestAcknowledgementsAllocateNothing holds for every batch of a flow at full
// speed.
func TestAcknowledgementsAllocateNothing(t *testing.T) {
	l := newLane(newSyncs(100))
	l.Placed(0, 0)
	var at int64
	if n := testing.AllocsPerRun(1000, func() {
		at += 250
		l.Acked(at, at, 250, 1<<17)
	}); n >= 1 {
		t.Errorf("an acknowledgement allocates %v times", n)
	}
	var none *Syncs
	off := none.Lane(Partition{}, Partition{})
	if n := testing.AllocsPerRun(10, func() { off.Acked(1, 1, 1, 1) }); n > 0 {
		t.Errorf("where nobody wants to know it allocates %v times", n)
	}
}

func BenchmarkAcked(b *testing.B) {
	l := newLane(newSyncs(100))
	l.Placed(0, 0)
	b.ReportAllocs()
	var at int64
	for b.Loop() {
		at += 250
		l.Acked(at, at, 250, 1<<17)
	}
}

// TestLaneWithStagesCounts has stages drop records, and others stand in their place at
// the target: as many offsets on both sides prove nothing.
func TestLaneWithStagesCounts(t *testing.T) {
	def := model.NewFlow(field.HCL)
	stage := model.NewStage(model.StageFilter)
	stage.Name, stage.When = "some", "offset % 2 == 0"
	def.Stages = []*model.Stage{stage}
	records, problems := program.ForFlow(def)
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	s := newSyncs(100)
	s.p.Records = func(topic string) *program.Program {
		if topic == "t" {
			return records
		}
		return nil
	}
	l := newLane(s)
	other := s.Lane(Partition{Topic: "other"}, Partition{Topic: "a.other"})
	for _, l := range []*Lane{l, other} {
		l.Placed(0, 0)
		l.Acked(100, 100, 50, 1)
	}
	for offset, want := range map[int64]Translation{
		0: {Exact: true}, 40: {}, 100: {Offset: 100, Exact: true},
	} {
		if got := l.lookUp(offset); got.answer != want {
			t.Errorf("%d is translated to %+v, want %+v", offset, got.answer, want)
		}
		if got := l.lookBack(offset); got.answer != want {
			t.Errorf("%d of the target is translated to %+v, want %+v", offset, got.answer, want)
		}
	}
	if got := other.lookUp(40).answer; got != (Translation{Offset: 40, Exact: true}) {
		t.Errorf("40 of a topic without stages is translated to %+v", got)
	}
}
