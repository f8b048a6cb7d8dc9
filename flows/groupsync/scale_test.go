package groupsync

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/flows/reconcile"
)

// counted counts the requests to a cluster by kind, but for those by which a client
// finds its way.
func counted(c *kfake.Cluster) (take func() map[string]int) {
	var mu sync.Mutex
	seen := map[string]int{}
	c.Control(func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		mu.Lock()
		defer mu.Unlock()
		switch kmsg.Key(req.Key()) {
		case kmsg.ApiVersions, kmsg.Metadata, kmsg.FindCoordinator, kmsg.GetTelemetrySubscriptions, kmsg.PushTelemetry:
		default:
			seen[kmsg.NameForKey(req.Key())]++
		}
		return nil, nil, false
	})
	return func() map[string]int {
		mu.Lock()
		defer mu.Unlock()
		was := seen
		seen = map[string]int{}
		return was
	}
}

// TestManyGroups has 2,000 groups: a pass lists them once and asks for the offsets of
// all at once, and writes those that moved.
func TestManyGroups(t *testing.T) {
	const groups = 2000
	n := newBench(t)
	for i := range groups {
		n.commit(t, fmt.Sprintf("g-%04d", i), 100, "t1", "t2")
	}
	source, target := counted(n.a), counted(n.b)
	pass := func(what string, of *reconcile.Loop, onSource, onTarget map[string]int) {
		t.Helper()
		began := time.Now()
		if err := of.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		took := time.Since(began)
		t.Logf("%s: %v", what, took.Round(time.Millisecond))
		if took > 25*time.Second { // five times what is promised
			t.Errorf("%s took %v", what, took)
		}
		if diff := cmp.Diff(onSource, source()); diff != "" {
			t.Errorf("%s, requests to the source (-want +got):\n%s", what, diff)
		}
		if diff := cmp.Diff(onTarget, target()); diff != "" {
			t.Errorf("%s, requests to the target (-want +got):\n%s", what, diff)
		}
	}
	type requests = map[string]int
	pass("the first checkpoints", n.loop,
		requests{"CreateTopics": 1, "ListOffsets": 1, "Fetch": 1, "ListGroups": 1, "OffsetFetch": 1}, // offset syncs among them
		requests{"CreateTopics": 2, "ListOffsets": 2, "Fetch": 2, "Produce": 1})
	pass("checkpoints without a change", n.loop, requests{"OffsetFetch": 1}, requests{"ListOffsets": 1, "Fetch": 1})
	pass("the first group offsets", n.sync, requests{"OffsetFetch": 1}, requests{"ListOffsets": 1, "ListGroups": 1, "OffsetCommit": groups})
	pass("group offsets without a change", n.sync, requests{"OffsetFetch": 1}, requests{"ListOffsets": 1, "ListGroups": 1, "OffsetFetch": 1})
}
