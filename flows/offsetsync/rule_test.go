package offsetsync

import "testing"

// TestRuleIsMirrorMakers is conformance items 60 to 62: records one by one,
// by their offsets on both sides, and whether a sync is due.
func TestRuleIsMirrorMakers(t *testing.T) {
	type step struct {
		up, down int64
		due      bool
	}
	tests := map[string]struct {
		lag   int64
		steps []step
	}{
		"lag of 50": {50, []step{
			{0, 100, true},
			{2, 102, true},
			{3, 152, false},
			{4, 153, true},
			{5, 154, false},
			{6, 203, false},
			{7, 204, true},
			{2, 206, true},
			{3, 207, false},
			{4, 3, true},
			{5, 4, false},
		}},
		"no lag": {0, []step{{0, 0, true}, {1, 1, true}, {2, 2, true}}},
		"runs":   {50, []step{{7, 6, true}, {8, 7, false}, {10, 57, true}, {11, 58, false}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var r rule
			for _, s := range tt.steps {
				if got := r.due(place{s.up + 1, s.down + 1}, 1, tt.lag); got != s.due {
					t.Errorf("a sync of %d at %d is due: %v, want %v", s.up, s.down, got, s.due)
				}
			}
		})
	}
}

// TestRuleOfBatches has several records acknowledged at once.
func TestRuleOfBatches(t *testing.T) {
	var r rule
	for i, step := range []struct {
		to      place
		records int64
		due     bool
	}{
		{place{10, 10}, 10, true},
		{place{100, 100}, 90, false},  // 89 behind the last sync
		{place{111, 111}, 11, true},   // 101
		{place{150, 150}, 39, false},  //
		{place{161, 160}, 10, true},   // an offset had no record
		{place{200, 199}, 39, false},  //
		{place{1000, 999}, 800, true}, //
		{place{1010, 500}, 10, true},  // the target was cut short
		{place{1020, 510}, 10, false}, //
		{place{1020, 520}, 10, true},  // copied again
		{place{1030, 621}, 10, true},  // somebody else wrote 90 records
		{place{1131, 722}, 101, true}, //
		{place{1140, 731}, 9, false},  //
		{place{1, 732}, 1, true},      // the source begins anew
	} {
		if got := r.due(step.to, step.records, 100); got != step.due {
			t.Errorf("step %d: a sync is due: %v, want %v", i, got, step.due)
		}
	}
}
