package supervisor

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/strait-mirror/strait/pipeline/status"
)

// TestOrders has processes tell each other what they were asked: the later order
// holds everywhere, whoever heard it first.
func TestOrders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a, b, late orders
		give := func(o *orders, flow string, paused bool) {
			t.Helper()
			time.Sleep(time.Second)
			if err := o.give(flow, paused); err != nil {
				t.Fatal(err)
			}
		}
		give(&a, "x", true)
		give(&b, "x", false)
		give(&b, "y", false)
		give(&a, "y", true)
		for range 2 { // in any order, and again
			b.hear(a.say())
			a.hear(b.say())
			late.hear(a.say())
		}
		for name, o := range map[string]*orders{"a": &a, "b": &b, "late": &late} {
			_, x := o.paused("x")
			_, y := o.paused("y")
			if x || !y {
				t.Errorf("%s: x is paused: %v, y: %v", name, x, y)
			}
		}
		for _, nonsense := range []string{"", "{", "[]", `{"x":{"paused":1}}`, "null"} {
			a.hear([]byte(nonsense))
		}
		time.Sleep(2 * forgotten)
		if said := string(a.say()); strings.Contains(said, `"x"`) || !strings.Contains(said, `"y"`) {
			t.Errorf("after a while it says %s", said)
		}
		for i := range mostOrders - 1 {
			if err := a.give(fmt.Sprint(i), true); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.give("one more", true); err == nil {
			t.Error("there is no end of orders")
		}
		if err := a.give("y", false); err != nil {
			t.Errorf("what is paused cannot go on: %v", err)
		}
	})
}

// TestPauseAndResume asks a fleet, whose clusters are not there: an edit keeps what
// was asked for, and what the file says only an edit ends.
func TestPauseAndResume(t *testing.T) {
	f, err := NewFleet(Params{Config: topology(t, `topics = ["orders"]`), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer discard(f.ships)
	paused := func() (by, cause string) {
		u := f.ships[0].all()[0]
		st := f.ships[0].p.orders.addTo(status.Flow{Name: u.flow.Name(), PausedBy: u.flow.Status().PausedBy})
		return st.PausedBy, st.Cause
	}
	if err := f.Pause("a->b"); err != nil {
		t.Fatal(err)
	}
	if by, cause := paused(); by != "request" || !strings.Contains(cause, "strait resume 'a->b' lets it go on") {
		t.Errorf("paused by %q: %q", by, cause)
	}
	if err := f.Restart("a->b"); err != nil {
		t.Fatal(err)
	}
	c, err := f.ships[0].change(topology(t, `topics = ["orders"]`, `fetch_max_wait = "100ms"`))
	if err != nil {
		t.Fatal(err)
	}
	c.end()
	c.begin()
	if by, _ := paused(); by != "request" {
		t.Errorf("after a restart and an edit it is paused by %q", by)
	}
	if err := f.Resume("a->b"); err != nil {
		t.Fatal(err)
	}
	if by, _ := paused(); by != "" {
		t.Errorf("after resume it is paused by %q", by)
	}
	for _, do := range []func(string) error{f.Pause, f.Resume, f.Restart} {
		if err := do("b->a"); err == nil || !strings.Contains(err.Error(), "there are a->b") {
			t.Errorf("of a flow that is not there: %v", err)
		}
	}
	byFile, err := NewFleet(Params{Config: topology(t, `paused = true`), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer discard(byFile.ships)
	if err := byFile.Resume("a->b"); err == nil || !strings.Contains(err.Error(), "remove paused = true") {
		t.Errorf("what the file pauses: %v", err)
	}
}
