package source

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/strait-mirror/strait/flows/internal/wire"
)

// Side says on which side of a log a wanted offset lies.
type Side uint8

const (
	// Below is before the log's start: retention, or DeleteRecords, took what
	// was wanted.
	Below Side = iota + 1
	// Above is after the log's end: the log was cut by an unclean election, or
	// the topic was deleted and made anew.
	Above
)

// String returns "below" or "above".
func (s Side) String() string {
	if s == Below {
		return "below"
	}
	return "above"
}

// OutOfRangeError says that the wanted offset is not in the source's log. The
// partition is parked until SeekTo: the fetcher never skips on its own.
type OutOfRangeError struct {
	Side       Side
	Requested  int64
	Start, End int64 // of the log: first offset, and the offset after the last
	StartEpoch int32 // leader epoch at Start, for SeekTo; NoEpoch: not known
	EndEpoch   int32 // leader epoch at End, for SeekTo; NoEpoch: not known
}

// Error implements error.
func (e *OutOfRangeError) Error() string {
	return fmt.Sprintf("offset %d is %s the source's log, which holds %d to %d", e.Requested, e.Side, e.Start, e.End)
}

// DivergedError says that the source's log no longer continues what was read
// from it: the last batch read is of an epoch that ends earlier in the leader's
// log (KIP-595). The partition is parked until SeekTo.
type DivergedError struct {
	Requested int64 // the offset that was wanted
	LastEpoch int32 // of the last batch that was read
	Epoch     int32 // the largest epoch of the leader's log not above LastEpoch
	End       int64 // the offset after Epoch's last record in the leader's log
}

// Error implements error.
func (e *DivergedError) Error() string {
	return fmt.Sprintf("the source's log was cut: epoch %d ends at offset %d, but %d was to be read after epoch %d",
		e.Epoch, e.End, e.Requested, e.LastEpoch)
}

// RecreatedError says that the topic was deleted and made anew: its name now
// has another id. The partition is parked; a partition with the new id must be
// added in its place.
type RecreatedError struct {
	Old, New wire.TopicID
}

// Error implements error.
func (e *RecreatedError) Error() string {
	return fmt.Sprintf("the source topic was recreated: its id changed from %x to %x", e.Old, e.New)
}

// UnauthorizedError says that the source refuses reads of the topic. It is
// retried and heals by itself once READ is granted.
type UnauthorizedError struct{}

// Error implements error.
func (e *UnauthorizedError) Error() string {
	return "the source refuses READ on the topic"
}

// Unwrap returns Kafka's own error.
func (e *UnauthorizedError) Unwrap() error { return kerr.TopicAuthorizationFailed }

// GoneError says that the source knows neither the topic nor, where Code says
// so, its id, for longer than Params.Patience. It is retried.
type GoneError struct {
	Code int16 // Kafka's error code of the last answer
}

// Error implements error.
func (e *GoneError) Error() string { return "the source does not know the topic or partition" }

// Unwrap returns Kafka's own error.
func (e *GoneError) Unwrap() error { return kerr.ErrorForCode(e.Code) }

// UnavailableError says that nobody serves the partition for longer than
// Params.Patience: its broker cannot be reached, it has no leader, or the
// leader is not ready. It is retried.
type UnavailableError struct {
	Broker int32 // that was asked; -1: there is none to ask
	Err    error // the connection's failure, or Kafka's error
}

// Error implements error.
func (e *UnavailableError) Error() string {
	if e.Broker < 0 {
		return fmt.Sprintf("no source broker serves the partition: %v", e.Err)
	}
	return fmt.Sprintf("source broker %d does not serve the partition: %v", e.Broker, e.Err)
}

// Unwrap returns the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }

// CorruptError says that the source's data is damaged, by its own word or
// because it does not parse. It is retried.
type CorruptError struct {
	Offset int64 // that was wanted
	Err    error
}

// Error implements error.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("the source's data at offset %d is damaged: %v", e.Offset, e.Err)
}

// Unwrap returns the cause.
func (e *CorruptError) Unwrap() error { return e.Err }

// BrokerError is an error code that calls for a person: retrying alone is not
// known to heal it. It is retried all the same.
type BrokerError struct {
	Code int16
}

// Error implements error.
func (e *BrokerError) Error() string {
	return fmt.Sprintf("the source refuses the fetch: %v", kerr.ErrorForCode(e.Code))
}

// Unwrap returns Kafka's own error.
func (e *BrokerError) Unwrap() error { return kerr.ErrorForCode(e.Code) }
