package topicsync

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/twmb/franz-go/pkg/kfake"
)

// counter counts the requests to a cluster by kind.
type counter struct {
	mu   sync.Mutex
	seen map[string]int
}

// count has a cluster's requests counted, those that keep connections up left out.
func count(c *kfake.Cluster) *counter {
	n := &counter{seen: map[string]int{}}
	c.Control(func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		n.mu.Lock()
		defer n.mu.Unlock()
		if req.Key() != int16(kmsg.ApiVersions) {
			n.seen[kmsg.NameForKey(req.Key())]++
		}
		return nil, nil, false
	})
	return n
}

// take returns what was counted and begins anew.
func (n *counter) take() map[string]int {
	n.mu.Lock()
	defer n.mu.Unlock()
	seen := n.seen
	n.seen = map[string]int{}
	return seen
}

// TestManyTopics has 5,000 topics with 20,000 partitions: a full refresh, with all
// settings compared, asks for 500 topics at a time, and one that finds nothing new
// asks each cluster once.
func TestManyTopics(t *testing.T) {
	const topics, partitions = 5000, 4
	b := newBench(t, func(p *Params) { p.SyncInterval = 10 * time.Minute })
	for i := range topics {
		b.create(b.source, fmt.Sprintf("t%04d", i), partitions)
		b.create(b.target, fmt.Sprintf("A.t%04d", i), partitions)
	}
	source, target := count(b.source), count(b.target)
	if pairs, problems := b.sync(); len(pairs) != topics || len(problems) != 0 {
		t.Fatalf("%d pairs, %d problems", len(pairs), len(problems))
	}
	source.take()
	target.take()
	wantRequests := func(what string, full bool) {
		t.Helper()
		began := time.Now()
		if pairs, problems := b.sync(); len(pairs) != topics || len(problems) != 0 {
			t.Fatalf("%d pairs, %d problems", len(pairs), len(problems))
		}
		t.Logf("%s: %v", what, time.Since(began).Round(time.Millisecond))
		if took := time.Since(began); took > 25*time.Second { // five times what is promised
			t.Errorf("%s took %v", what, took)
		}
		want := map[string]int{"Metadata": 1}
		if full {
			want["DescribeConfigs"] = topics / 500
		}
		for side, seen := range map[string]map[string]int{"source": source.take(), "target": target.take()} {
			if diff := cmp.Diff(want, seen); diff != "" {
				t.Errorf("%s, requests to the %s (-want +got):\n%s", what, side, diff)
			}
		}
	}
	wantRequests("a refresh without a change", false)
	b.now = b.now.Add(10 * time.Minute)
	wantRequests("a full refresh", true)
}
