package mirror

import (
	"fmt"
	"time"
)

// A broker whose quota a client is beyond answers, says for how long it is to send
// nothing, and does not read from it for that time (KIP-124, KIP-219). kgo keeps to
// that. A flow that is slow because of it looks like one with a slow network, so that
// it is named.

// noteThrottled says which cluster's quota holds the flow back.
func (f *Flow) noteThrottled(now time.Time) {
	for at, t := range [sides]*traffic{reading: &f.fetching, writing: &f.producing} {
		key := noteKey{kind: noteThrottled, partition: WholeTopic, what: [sides]string{reading: "source", writing: "target"}[at]}
		if t.held(now) {
			f.note(key, f.throttledProblem(side(at)))
		} else {
			f.clearNote(key)
		}
	}
}

// throttledProblem says what a quota does, and how it is changed.
func (f *Flow) throttledProblem(at side) Problem {
	c, alias, client, quota, does := f.p.Source, f.From(), fetchPurpose, "consumer_byte_rate", "reading from"
	if at == writing {
		c, alias, client, quota, does = f.p.Target, f.To(), producePurpose, "producer_byte_rate", "writing to"
	}
	return Problem{
		Err: fmt.Errorf("a quota of cluster %q (%s or request_percentage) holds back %s it", alias, quota, does),
		Fix: fmt.Sprintf("raise it (%s, or that of the user), or stay below it with bytes_per_second", c.QuotaCommand(client+f.Name(), quota)),
	}
}
