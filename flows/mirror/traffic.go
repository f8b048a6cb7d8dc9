package mirror

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Traffic is what one side's clients for records did since the process started.
type Traffic struct {
	Requests    int64         // fetches or produces that were sent
	Errors      int64         // of them, without an answer; and connections that could not be made
	Connections int64         // that were made, the first to each broker too
	Throttled   time.Duration // that brokers had the client wait for a quota, all together
}

// traffic counts for one side of a flow, over all of its runs. It is a hook of the
// clients for records; a throttled answer costs a lock, any other an addition.
type traffic struct {
	key                           int16 // of the requests that carry records
	requests, errors, connections atomic.Int64

	mu        sync.Mutex // guards the rest
	throttled time.Duration
	window    [2]time.Duration // throttled in the present throttleWindow and the one before
	began     time.Time        // the present one
}

const (
	// throttleWindow is how long a throttled answer counts as lately: quotas are
	// enforced over windows of a second, and shown for as long as people look.
	throttleWindow = 10 * time.Second

	// throttleShare is how much of the time must go to waiting for a quota to say
	// that it holds a flow back.
	throttleShare = 0.1
)

func (t *traffic) counted() Traffic {
	t.mu.Lock()
	defer t.mu.Unlock()
	return Traffic{Requests: t.requests.Load(), Errors: t.errors.Load(), Connections: t.connections.Load(), Throttled: t.throttled}
}

// OnBrokerE2E implements kgo.HookBrokerE2E.
func (t *traffic) OnBrokerE2E(_ kgo.BrokerMetadata, key int16, end kgo.BrokerE2E) {
	if key != t.key {
		return
	}
	t.requests.Add(1)
	if end.Err() != nil {
		t.errors.Add(1)
	}
}

// OnBrokerConnect implements kgo.HookBrokerConnect.
func (t *traffic) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if err != nil {
		t.errors.Add(1)
		return
	}
	t.connections.Add(1)
}

// OnBrokerThrottle implements kgo.HookBrokerThrottle: a broker says for how long it
// wants nothing, or has kept the answer back.
func (t *traffic) OnBrokerThrottle(_ kgo.BrokerMetadata, d time.Duration, _ bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.throttled += d
	t.turn(time.Now())
	t.window[0] += d
}

// turn begins another window where the present one is over. t.mu is held.
func (t *traffic) turn(now time.Time) {
	switch past := now.Sub(t.began); {
	case past < throttleWindow:
	case past < 2*throttleWindow:
		t.window[1], t.window[0], t.began = t.window[0], 0, now
	default:
		t.window[1], t.window[0], t.began = 0, 0, now
	}
}

// held reports whether quotas lately took a good part of the time.
func (t *traffic) held(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turn(now)
	return t.window[0]+t.window[1] > time.Duration(throttleShare*float64(throttleWindow))
}
