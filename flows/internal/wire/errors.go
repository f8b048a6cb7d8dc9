package wire

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/twmb/franz-go/pkg/kgo"
)

var (
	// ErrUnknownBroker says that the cluster's metadata, read again for this
	// request, has no broker of that id.
	ErrUnknownBroker = errors.New("the cluster has no such broker")

	// ErrClosed says that the client was closed.
	ErrClosed = errors.New("the client is closed")

	// ErrMalformed says that a response broke the protocol. The connection it
	// came from is gone.
	ErrMalformed = errors.New("malformed response")

	errAbandoned = errors.New("the request was given up")
)

// Error is how Fetch and Produce fail. Beneath it are ErrUnknownBroker,
// ErrClosed, ErrMalformed, the cause of the request's context, or whatever broke
// the connection.
type Error struct {
	Broker int32
	Sent   bool // the broker may have seen the request, so a batch may have been appended
	Err    error
}

// Error returns the cause, the broker and whether the outcome is known.
func (e *Error) Error() string {
	if e.Sent {
		return fmt.Sprintf("asking broker %d (no answer, though it may have seen the request): %v", e.Broker, e.Err)
	}
	return fmt.Sprintf("asking broker %d: %v", e.Broker, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// explain turns what kgo says of a request that failed under ctx into this
// package's errors. unknownBroker is kgo's own error for a broker it does not
// know. A closed client's requests fail with whatever was cut short, so client,
// kgo's context, decides.
func explain(ctx, client context.Context, err, unknownBroker error) error {
	switch {
	case errors.Is(err, unknownBroker):
		return ErrUnknownBroker
	case errors.Is(err, ErrMalformed):
		return err
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case client.Err() != nil || errors.Is(err, kgo.ErrClientClosed):
		return ErrClosed
	default:
		return err
	}
}

// isDial reports whether err is a connection that could not be made.
func isDial(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}
