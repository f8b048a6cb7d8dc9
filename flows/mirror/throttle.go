package mirror

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/flows/cluster"
)

// A broker whose quota a client is beyond answers, says for how long it is to send
// nothing, and does not read from it for that time (KIP-124, KIP-219). kgo keeps to
// that. A flow that is slow because of it looks like one with a slow network, so that
// it is counted and named.

// throttle counts for how long brokers of one cluster had one of a flow's data
// clients wait. It is a hook of that client, and safe for concurrent use.
type throttle struct {
	nanos atomic.Int64
	until atomic.Int64 // when the last of these times ends, in ns since 1970
}

// OnBrokerThrottle implements kgo.HookBrokerThrottle.
func (t *throttle) OnBrokerThrottle(_ kgo.BrokerMetadata, wait time.Duration, _ bool) {
	t.nanos.Add(int64(wait))
	if until := time.Now().Add(wait).UnixNano(); until > t.until.Load() { // of two at once either will do
		t.until.Store(until)
	}
}

func (t *throttle) waited() time.Duration { return time.Duration(t.nanos.Load()) }

// throttles are a flow's, by the side where it has problems.
type throttles [sides]throttle

// quotas tells from look to look whether brokers hold a flow back.
type quotas struct {
	at   time.Time
	seen [sides]time.Duration
}

const (
	// throttledFrom is the share of a time that a client must have been kept waiting
	// to be worth a word: below it, the quota is what it should be, a limit that is
	// reached now and then.
	throttledFrom = 0.2
	// throttledLook is over how long that share is taken.
	throttledLook = 10 * time.Second
)

// noteThrottled says which cluster's quota holds the flow back.
func (q *quotas) noteThrottled(f *Flow, now time.Time) {
	if q.at.IsZero() {
		q.at = now
		for at := range sides {
			q.seen[at] = f.throttles[at].waited()
		}
	}
	over := now.Sub(q.at)
	if over < min(throttledLook, 2*f.heldLook) {
		return
	}
	q.at = now
	for at, c := range [sides]*cluster.Cluster{reading: f.p.Source, writing: f.p.Target} {
		total := f.throttles[at].waited()
		share := float64(total-q.seen[at]) / float64(over)
		q.seen[at] = total
		key := noteKey{kind: noteThrottled, partition: WholeTopic, what: f.sideName(side(at))}
		if share < throttledFrom && now.UnixNano() >= f.throttles[at].until.Load() {
			f.clearNote(key)
			continue
		}
		f.note(key, throttledProblem(f, side(at), c))
	}
}

// sideName is the alias of the cluster on a side.
func (f *Flow) sideName(at side) string {
	if at == reading {
		return f.From()
	}
	return f.To()
}

// throttledProblem says what a quota does, and how it is changed.
func throttledProblem(f *Flow, at side, c *cluster.Cluster) Problem {
	client, quota, does := fetchPurpose+f.Name(), "consumer_byte_rate", "reading from"
	if at == writing {
		client, quota, does = producePurpose+f.Name(), "producer_byte_rate", "writing to"
	}
	return Problem{
		Err: fmt.Errorf("a quota of cluster %q (%s or request_percentage) holds back %s it", f.sideName(at), quota, does),
		Fix: fmt.Sprintf("raise it (%s, or that of the user), or stay below it with bytes_per_second", c.QuotaCommand(client, quota)),
	}
}
