package mirror

import (
	"testing"

	"github.com/strait-mirror/strait/config/model"
)

// TestFlowsOfOneTopicKeepTheirPlaces mirrors a topic under two names in two
// rounds, in the second of which one flow runs first: neither goes on where the
// other is.
func TestFlowsOfOneTopicKeepTheirPlaces(t *testing.T) {
	w := newTwo(t)
	w.create(t, "orders", 1)
	run := func(prefix string, owns model.Ownership) {
		t.Helper()
		f := w.flow(t, true, func(f *model.Flow) {
			f.Name, f.Topics, f.OwnsOffsets = prefix, []string{"orders"}, owns
			f.ReplicationPolicy, f.LoopGuard = model.PolicyIdentity, model.LoopGuardOff
			s := model.NewStage(model.StageRename)
			s.Name, s.Rename.Prefix = "prefix", prefix
			f.Stages = []*model.Stage{s}
		})
		if err := f.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for round := range 2 {
		w.produce(t, "orders", "1", "2", "3")
		run("y.", model.OwnsNo)
		run("x.", model.OwnsAuto)
		want := int64(3 * (round + 1))
		if x, y := w.held(t, "x.orders"), w.held(t, "y.orders"); x != want || y != want {
			t.Errorf("round %d: the targets hold %d and %d records, want %d", round, x, y, want)
		}
	}
}
