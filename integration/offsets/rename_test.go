package offsets_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/strait-mirror/strait/integration/kafka"
)

// TestGroupsGetOtherNames has groups under other names at the target, by group sync
// and by hand, there and back; what would be one group there is left alone.
func TestGroupsGetOtherNames(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	p := pair{kafka.Start(t, kafka.Options{}), kafka.Start(t, kafka.Options{})}
	create(ctx, t, p.source, "t", 1)
	produce(ctx, t, p.source, "t", "k", 0, 100, 1)
	at := func(offset int64) map[int32]int64 { return map[int32]int64{0: offset} }
	for group, offset := range map[string]int64{"svc-a": 50, "svc-b": 60, "other": 70, "b@dc1": 80} {
		commit(ctx, t, p.source, group, "t", at(offset))
	}
	f := flow("a", "b", []string{"t"})
	f.Control.GroupPattern, f.Control.GroupReplacement = "svc-(.*)", "$1@dc1"
	stop := run(ctx, t, p.config(f))
	awaitOffsets(ctx, t, p.target, "a@dc1", "a.t", at(50))
	awaitOffsets(ctx, t, p.target, "other", "a.t", at(70))
	commit(ctx, t, p.source, "svc-a", "t", at(90)) // forwards, once it is there
	awaitOffsets(ctx, t, p.target, "a@dc1", "a.t", at(90))
	stop()
	for _, group := range []string{"svc-a", "svc-b", "b@dc1"} {
		if got := committed(ctx, t, p.target, group, "a.t"); len(got) > 0 {
			t.Errorf("group %s has %v at the target", group, got)
		}
	}

	c := commands{program: build(t), file: p.write(t, []string{"t"}, "  group_pattern = \"svc-(.*)\"\n  group_replacement = \"$1@dc1\"\n")}
	out, _ := c.exec(ctx, t, 0, "groups", "--output", "json")
	var doc struct {
		Flows []struct {
			Groups []struct {
				Group, Reason string
				Called        string `json:"target_group"`
				Target        string `json:"target_state"`
				Waiting       int
			}
		}
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil || len(doc.Flows) != 1 || len(doc.Flows[0].Groups) != 4 {
		t.Fatalf("%v in\n%s", err, out)
	}
	for _, g := range doc.Flows[0].Groups {
		switch clash := strings.Contains(g.Reason, `groups "b@dc1" and "svc-b" would both be "b@dc1" at the target`); g.Group {
		case "svc-a":
			if g.Called != "a@dc1" || g.Target != "empty" || g.Waiting != 0 || g.Reason != "" {
				t.Errorf("got %+v", g)
			}
		case "svc-b", "b@dc1":
			if !clash {
				t.Errorf("got %+v", g)
			}
		default:
			if g.Called != "other" || g.Reason != "" {
				t.Errorf("got %+v", g)
			}
		}
	}

	commit(ctx, t, p.source, "svc-a", "t", at(30)) // backwards, which group sync would not
	out, _ = c.exec(ctx, t, 0, "offsets", "translate", "--group", "svc-a", "--yes")
	if !strings.Contains(out, `1 offsets of group "a@dc1" written on b`) {
		t.Errorf("it says\n%s", out)
	}
	awaitOffsets(ctx, t, p.target, "a@dc1", "a.t", at(30))
	commit(ctx, t, p.target, "a@dc1", "a.t", at(40))
	c.exec(ctx, t, 0, "offsets", "translate", "--group", "svc-a", "--back", "--yes")
	awaitOffsets(ctx, t, p.source, "svc-a", "t", at(40))
}
