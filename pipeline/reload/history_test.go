package reload

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/strait-mirror/strait/pipeline/plan"
	"github.com/strait-mirror/strait/pipeline/status"
)

// TestHistoryIsBounded has many edits with many long values each.
func TestHistoryIsBounded(t *testing.T) {
	var many []plan.Change
	for i := range 3 * maxChanges {
		many = append(many, plan.Change{Property: fmt.Sprint("p", i), After: strings.Repeat("ä", maxValue), Action: plan.UpdateLive})
	}
	var h history
	for range 3 * maxRevisions {
		h.add(status.Revision{Error: strings.Repeat("x", 10*maxError)}, &plan.Plan{Flows: []plan.Flow{{Name: "f", Action: plan.UpdateLive, Changes: many}}})
	}
	if n := len(h.list); n != maxRevisions || h.list[0].ID != 2*maxRevisions+1 || h.list[n-1].ID != 3*maxRevisions {
		t.Fatalf("%d are kept, from %d to %d", n, h.list[0].ID, h.list[n-1].ID)
	}
	for _, rev := range h.list {
		if len(rev.Changes) != maxChanges || rev.MoreChanges != 2*maxChanges || len(rev.Error) > maxError+3 {
			t.Fatalf("%d changes and %d more, error of %d bytes", len(rev.Changes), rev.MoreChanges, len(rev.Error))
		}
		if after := rev.Changes[0].After; len(after) > maxValue+3 || !utf8.ValidString(after) || !strings.HasSuffix(after, "ä...") {
			t.Fatalf("a value is %q", after)
		}
	}
}
