package wire

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// tokenRequest is what kgo sends for a call: a Fetch or Produce request whose
// body is the call's token.
type tokenRequest struct {
	call    *call
	highest int16 // version
	version int16 // set by kgo
}

// Key returns 1 for Fetch, 0 for Produce; kgo picks the connection by it.
func (r *tokenRequest) Key() int16 {
	if r.call.fetch != nil {
		return int16(kmsg.Fetch)
	}
	return int16(kmsg.Produce)
}

// MaxVersion returns the highest version for which the request has all that is
// needed: topic ids, from v13 on.
func (r *tokenRequest) MaxVersion() int16  { return r.highest }
func (r *tokenRequest) SetVersion(v int16) { r.version = v }
func (r *tokenRequest) GetVersion() int16  { return r.version }
func (r *tokenRequest) IsFlexible() bool   { return flexible(r.Key(), r.version) }

// Timeout is how long the broker may take on purpose, in milliseconds; kgo adds
// it to the time it waits for an answer.
func (r *tokenRequest) Timeout() int32 {
	if r.call.fetch != nil {
		return millis(r.call.fetch.MaxWait)
	}
	return millis(r.call.produce.Timeout)
}

// AppendTo appends the token. kgo serialises the requests of one broker one
// after the other, just before it writes them, which makes this the moment at
// which the request has its place. It may run more than once.
func (r *tokenRequest) AppendTo(dst []byte) []byte {
	if r.call.placed != nil {
		r.call.placed()
	}
	return appendToken(dst, r.call.id)
}

// ReadFrom is not needed: nobody receives this request.
func (r *tokenRequest) ReadFrom([]byte) error {
	return fmt.Errorf("reading a token as %s request: not supported", kmsg.NameForKey(r.Key()))
}

// ResponseKind returns what reads the answer as kgo hands it on: a token for
// Fetch, the broker's own bytes for Produce.
func (r *tokenRequest) ResponseKind() kmsg.Response {
	if r.call.fetch != nil {
		return &tokenResponse{request: *r}
	}
	return &kmsg.ProduceResponse{Version: r.version}
}

// tokenResponse is a fetch response that the connection has parsed already.
type tokenResponse struct {
	request  tokenRequest
	throttle int32
}

func (r *tokenResponse) Key() int16                 { return r.request.Key() }
func (r *tokenResponse) MaxVersion() int16          { return r.request.MaxVersion() }
func (r *tokenResponse) SetVersion(v int16)         { r.request.version = v }
func (r *tokenResponse) GetVersion() int16          { return r.request.version }
func (r *tokenResponse) IsFlexible() bool           { return r.request.IsFlexible() }
func (r *tokenResponse) AppendTo(dst []byte) []byte { return appendToken(dst, r.request.call.id) }
func (r *tokenResponse) RequestKind() kmsg.Request  { return &r.request }

// Throttle hands the broker's throttle time to kgo, which waits it out before
// its next write to that connection. Brokers throttle after the response from
// v8 on (KIP-219).
func (r *tokenResponse) Throttle() (millis int32, afterResponse bool) {
	return r.throttle, r.request.version >= 8
}

// ReadFrom checks that src is the token of this response's own call.
func (r *tokenResponse) ReadFrom(src []byte) error {
	c := r.request.call
	if id, ok := parseToken(src); !ok || id != c.id {
		return fmt.Errorf("%w: not the answer to this fetch", ErrMalformed)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	r.throttle = c.throttle
	return nil
}

func flexible(key, version int16) bool {
	if key == int16(kmsg.Fetch) {
		return version >= fetchFlexible
	}
	return version >= produceFlexible
}
