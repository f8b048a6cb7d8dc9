package offsetsync

import "testing"

// TestBackIsTranslateTheOtherWay has offsets of the target on the source, as far as
// that needs no look into the source's log.
func TestBackIsTranslateTheOtherWay(t *testing.T) {
	s := newSyncs(100)
	l := newLane(s)
	l.Placed(0, 0)
	l.Acked(100, 100, 100, 1) // dense
	l.remember()
	l.Acked(101, 100, 0, 0) // a marker
	l.Acked(201, 150, 50, 1)
	l.remember()
	l.Acked(260, 209, 59, 1)
	tests := map[string]struct {
		target, source int64
		exact, behind  bool
	}{
		"a known place":            {100, 100, true, false},
		"between dense places":     {40, 40, true, false},
		"among dropped records":    {120, 100, false, false},
		"behind the last":          {180, 231, true, false},
		"where the mirror is":      {209, 260, true, false},
		"beyond where it is":       {300, 260, true, true},
		"the beginning":            {0, 0, true, false},
		"where the first stretch ": {99, 99, true, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := s.Translator(0).Back(t.Context(), "t", 0, tt.target)
			if !ok || got != (Translation{Partition: 0, Offset: tt.source, Exact: tt.exact, Behind: tt.behind}) {
				t.Errorf("%d is %+v (%v), want %+v", tt.target, got, ok, tt)
			}
		})
	}
	if _, ok := s.Translator(0).Back(t.Context(), "other", 0, 1); ok {
		t.Error("something is known of a partition that nobody told of")
	}
	other := newLane(newSyncs(100))
	other.Placed(1000, 50)
	if _, ok := other.syncs.Translator(0).Back(t.Context(), "t", 0, 20); ok {
		t.Error("something is known of what was before all places")
	}
}
