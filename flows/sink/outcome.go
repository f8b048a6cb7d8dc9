package sink

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"
)

// result is what became of one send.
type result struct {
	err     error // no answer
	code    int16 // the broker's error code; 0: appended
	message string
	base    int64 // where it was appended
}

var (
	errNoAnswer = errors.New("the broker's answer left this partition out")
	errNoLeader = errors.New("the partition has no known leader")
	errMoved    = errors.New("the partition's leader moved")
	errUnsafe   = errors.New("the records are older than the target remembers their producer for")
)

// failKind says what a failed round needs before the next.
type failKind int

const (
	failNone      failKind = iota
	failMoved              // nothing failed, the leader changed
	failUnsafe             // nothing failed, what comes next needs another producer id
	failRetry              // refused before the append: send again
	failLeader             // refused by a broker that is not the leader, or is not ready
	failAmbiguous          // appended or not, nobody knows
	failSequence           // out of order: at the head, read the log; behind it, a consequence
	failRefused            // the target will never accept this batch as it is
	failDenied             // no permission: heals only when somebody grants it
	failFenced             // a newer owner writes this lane, or its transaction is over
	failTruncated          // the target lost what it had acknowledged
	failRecreated          // the target topic is another one by the same name
)

type failure struct {
	kind     failKind
	err      error
	code     int16
	message  string
	sequence int32 // of the batch it is about
	lost     bool  // some send of the round may have been appended or may still arrive
}

// classify maps an answer to what it means.
func classify(r result) failKind {
	if r.err != nil {
		return failAmbiguous // a lost connection: it may have arrived
	}
	switch r.code {
	case kerr.NotEnoughReplicas.Code, kerr.ConcurrentTransactions.Code:
		return failRetry // checked before the append
	case kerr.LeaderNotAvailable.Code, kerr.UnknownTopicOrPartition.Code, kerr.UnknownTopicID.Code,
		kerr.InconsistentTopicID.Code, kerr.FencedLeaderEpoch.Code, kerr.UnknownLeaderEpoch.Code:
		return failLeader
	case kerr.OutOfOrderSequenceNumber.Code, kerr.DuplicateSequenceNumber.Code, kerr.UnknownProducerID.Code:
		return failSequence
	case kerr.InvalidProducerEpoch.Code, kerr.ProducerFenced.Code,
		kerr.InvalidTxnState.Code, kerr.InvalidProducerIDMapping.Code, kerr.TransactionAbortable.Code:
		return failFenced
	case kerr.MessageTooLarge.Code, kerr.InvalidRecord.Code, kerr.InvalidTimestamp.Code, kerr.CorruptMessage.Code,
		kerr.RecordListTooLarge.Code, kerr.UnsupportedCompressionType.Code, kerr.UnsupportedForMessageFormat.Code,
		kerr.InvalidRequiredAcks.Code, kerr.InvalidTopicException.Code:
		return failRefused
	case kerr.TopicAuthorizationFailed.Code, kerr.ClusterAuthorizationFailed.Code,
		kerr.TransactionalIDAuthorizationFailed.Code, kerr.PolicyViolation.Code:
		return failDenied
	}
	// REQUEST_TIMED_OUT and NOT_ENOUGH_REPLICAS_AFTER_APPEND are on the leader;
	// NOT_LEADER_OR_FOLLOWER also answers a request that was appended and was
	// waiting when leadership moved; storage and unknown errors may mean either.
	return failAmbiguous
}

// outcome takes the answer to one send, named by its sequence. Answers may come
// in any order.
func (l *Lane) outcome(sequence int32, r result) {
	l.mu.Lock()
	l.out--
	i := l.indexLocked(sequence)
	var gone []entry
	switch {
	case i < 0: // a later answer proved it already, or the lane was closed
	case r.err == nil && r.code == 0:
		gone = l.ackLocked(i, r.base)
	default:
		f := failure{kind: classify(r), err: r.err, code: r.code, message: r.message, sequence: sequence}
		if f.err == nil {
			f.err = kerr.ErrorForCode(r.code)
		}
		l.window[i].late = l.window[i].late || r.err != nil
		l.failLocked(f)
	}
	l.resolveIfDrainedLocked()
	l.scheduleLocked()
	l.settleQuietLocked()
	l.mu.Unlock()
	releaseAll(gone)
}

func (l *Lane) indexLocked(sequence int32) int {
	for i := range l.window {
		if l.window[i].sequence == sequence {
			return i
		}
	}
	return -1
}

// ackLocked removes window[:i+1]: an append at a sequence proves all before it,
// since the broker takes them in order only.
func (l *Lane) ackLocked(i int, base int64) []entry {
	e := &l.window[i]
	switch {
	case base < 0: // a duplicate whose offset the broker forgot
	case base > e.base:
		// Another lane or somebody else appended in between. Everything behind
		// moves with it.
		shift := base - e.base
		if !l.sink.meets(l.key) && !l.sink.transactional() { // markers take offsets, too
			l.foreign += shift
		}
		for j := i; j < len(l.window); j++ {
			l.window[j].base += shift
		}
		l.next.base += shift
	case base < e.base:
		l.failLocked(failure{kind: failTruncated, err: &TruncatedError{Expected: e.base, Got: base}, sequence: e.sequence})
		return nil
	}
	return l.popLocked(i + 1)
}

// popLocked acknowledges the first n entries of the window and returns them for
// release.
func (l *Lane) popLocked(n int) []entry {
	gone := make([]entry, n)
	copy(gone, l.window)
	rest := copy(l.window, l.window[n:])
	clear(l.window[rest:])
	l.window = l.window[:rest]
	l.sent = max(0, l.sent-n)

	ack := Ack{ProducerID: l.pid, ProducerEpoch: l.pidEpoch, Foreign: l.foreign}
	l.foreign = 0
	for i := range gone {
		ack.Records += int64(gone[i].Records)
		ack.Bytes += int64(len(gone[i].Data))
	}
	last := &gone[n-1]
	ack.SourceNext, ack.SourceEpoch = last.SourceNext, last.SourceEpoch
	ack.TargetEnd = last.base + int64(last.Records)
	ack.NextSequence = last.end()
	ack.LastTime, l.lastTime = last.MaxTimestamp, last.MaxTimestamp
	l.attempts = 0
	if l.state == stateOpen {
		l.state = stateRun
	}
	stats := &l.sink.stats
	stats.Batches.Add(int64(n))
	stats.Records.Add(ack.Records)
	stats.Bytes.Add(ack.Bytes)
	l.acked = ack
	l.acked.Records, l.acked.Bytes, l.acked.Foreign = 0, 0, 0
	l.events.Acked(ack)
	if l.troubled && l.state == stateRun {
		l.troubled = false
		l.events.Trouble(nil, false)
	}
	return gone
}

// failLocked ends the round. The failure nearest the head is the one to act on:
// what comes behind it failed because of it.
func (l *Lane) failLocked(f failure) {
	f.lost = f.kind == failAmbiguous
	switch l.state {
	case stateStopped:
		return
	case stateOpen, stateRun:
		l.state = stateDrain
		l.failure = f
	case stateDrain:
		lost := f.lost || l.failure.lost
		known := l.indexLocked(l.failure.sequence)
		if final(f.kind) || l.failure.kind == failMoved || known < 0 || l.indexLocked(f.sequence) < known {
			if !final(l.failure.kind) {
				l.failure = f
			}
		}
		l.failure.lost = lost
	}
	l.resolveIfDrainedLocked()
}

// final reports whether a failure ends the lane whatever else happened.
func final(k failKind) bool {
	return k == failFenced || k == failTruncated || k == failRecreated
}

// settleQuietLocked wakes Close once nothing of a closing lane is in flight.
func (l *Lane) settleQuietLocked() {
	if l.quiet != nil && len(l.window) == 0 && l.out == 0 && l.state != stateStopped {
		l.state = stateStopped
		close(l.quiet)
	}
}
