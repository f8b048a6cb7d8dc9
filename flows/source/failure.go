package source

import (
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/strait-mirror/strait/flows/internal/wire"
)

// How long a partition waits after a failure. What a cluster heals by itself is
// tried again within a second, what waits for a person within ten; the first
// quick retry comes at once, since most often a leader has merely moved.
const (
	quickFirst = 20 * time.Millisecond
	quickMost  = time.Second
	slowFirst  = time.Second
	slowMost   = 10 * time.Second
	// A follower that failed is not used for so long: a leader goes on naming
	// it while it is in sync by the leader's clock.
	replicaPause = 10 * time.Second
	// How long a follower is used before the leader is asked again; as the Java
	// consumer's metadata.max.age.ms.
	replicaLease = 5 * time.Minute
)

// failure is what went wrong with one partition and what is to be done.
type failure struct {
	err    error
	label  string // equal labels in a row are one problem
	tell   bool   // the handler at once, not only when patience ends
	slow   bool   // wait for a person
	park   bool   // wait for SeekTo
	fresh  bool   // metadata needs no refresh: a hint came with the answer
	ranged bool   // look up the ends of the log
}

// classify says what a partition's error code in an answer of broker means.
// Codes that are not named are treated as passing ones (KIP-74 and later add to
// them freely); they become a Problem when they last.
func classify(code int16, broker int32, offset int64) failure {
	switch code {
	case kerr.OffsetOutOfRange.Code:
		return failure{err: kerr.OffsetOutOfRange, label: "range", ranged: true}
	case kerr.TopicAuthorizationFailed.Code, kerr.ClusterAuthorizationFailed.Code:
		return failure{err: &UnauthorizedError{}, label: "unauthorized", tell: true, slow: true}
	case kerr.CorruptMessage.Code:
		return corrupt(offset, kerr.CorruptMessage)
	case kerr.UnsupportedCompressionType.Code, kerr.UnsupportedVersion.Code, kerr.InvalidRequest.Code,
		kerr.MessageTooLarge.Code, kerr.InvalidTopicException.Code, kerr.PolicyViolation.Code:
		return failure{err: &BrokerError{Code: code}, label: "broker", tell: true, slow: true}
	case kerr.UnknownTopicOrPartition.Code, kerr.UnknownTopicID.Code, kerr.InconsistentTopicID.Code:
		return failure{err: &GoneError{Code: code}, label: "gone"}
	}
	return failure{err: &UnavailableError{Broker: broker, Err: kerr.ErrorForCode(code)}, label: "unavailable"}
}

func corrupt(offset int64, err error) failure {
	return failure{err: &CorruptError{Offset: offset, Err: err}, label: "corrupt", tell: true, slow: true}
}

func unavailable(broker int32, err error) failure {
	return failure{err: &UnavailableError{Broker: broker, Err: err}, label: "unavailable"}
}

// backoff returns how long to wait after the given number of failures in a row.
func (fl failure) backoff(failures int) time.Duration {
	first, most, doublings := quickFirst, quickMost, failures-2
	switch {
	case fl.slow:
		first, most, doublings = slowFirst, slowMost, failures-1
	case failures <= 1:
		return 0
	}
	return min(first<<min(doublings, 10), most)
}

// failLocked takes p out of its loop and has it wait as fl demands. It returns
// whether the caller must tell the handler. p.calls and f.mu are held.
func (f *Fetcher) failLocked(p *Partition, fl failure, now time.Time) (tell bool) {
	fromReplica := p.replica >= 0
	f.detachLocked(p)
	if p.failures++; p.failures == 1 {
		p.since = now
	}
	p.trouble = fl.err
	if fromReplica {
		p.replica, p.replicaNotUntil = -1, now.Add(replicaPause)
	}
	f.counters.failures.Add(1)

	switch {
	case fl.park:
		p.state = parked
	default:
		p.stale = !fl.fresh || p.failures != 1
		// A follower may lack what the leader has: ask the leader first.
		p.ranged = fl.ranged && !fromReplica
		f.scheduleLocked(p, now.Add(fl.backoff(p.failures)))
	}
	switch {
	case fl.ranged: // the lookup will tell
		return false
	case fl.park: // always: only the handler can go on
	case fl.label == p.reported, !fl.tell && now.Sub(p.since) < f.p.Patience:
		return false
	}
	p.reported = fl.label
	return true
}

// tell reports a problem to the handler, who also logs it where that is due.
// p.calls is held, f.mu not.
func (f *Fetcher) tell(p *Partition, err error) {
	f.p.Log.Debug("source partition not fetched",
		"topic", p.name.topic, "partition", p.name.partition, "error", err)
	p.handler.Problem(err)
}

// healLocked notes that p is being fetched. It returns whether the caller must
// tell the handler. f.mu is held.
func (f *Fetcher) healLocked(p *Partition) (tell bool) {
	tell = p.reported != ""
	p.failures, p.reported, p.trouble, p.raced, p.stale = 0, "", nil, 0, false
	return tell
}

// recovered reports the end of a problem. p.calls is held, f.mu not.
func (f *Fetcher) recovered(p *Partition) {
	f.p.Log.Debug("source partition fetched again", "topic", p.name.topic, "partition", p.name.partition)
	p.handler.Recovered()
}

// differ returns whether two topic ids are known and not the same.
func differ(a, b wire.TopicID) bool {
	return a != b && a != wire.TopicID{} && b != wire.TopicID{}
}
