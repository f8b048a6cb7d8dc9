package wire

import (
	"bytes"
	"encoding/binary"
	"sync"

	"github.com/strait-mirror/strait/flows/internal/memory"
)

// A call is one request from the moment it is given to kgo until its caller has
// the outcome. kgo may still be writing it, or reading its answer, when the
// request's context ends and Request returns; close waits for that, so that
// nothing of a call's caller is touched afterwards.
type call struct {
	id      uint64
	fetch   *FetchRequest   // one of the two is set
	produce *ProduceRequest // partitions grouped by topic
	alloc   Allocator       // of a fetch; used only between enter and leave
	placed  func()          // called when the request got its place in the write order; may be nil

	mu       sync.Mutex // guards the rest
	idle     sync.Cond  // busy became 0
	busy     int        // writes and reads under way, at most one each
	closed   bool       // no more of either
	sent     bool       // a byte of it may have reached a broker
	answered bool
	response *FetchResponse // parsed and not yet taken
	throttle int32          // milliseconds, of the parsed response
}

func newCall() *call {
	c := &call{}
	c.idle.L = &c.mu
	return c
}

// enter begins a write or a read unless the call is closed.
func (c *call) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.busy++
	return true
}

// leave ends what enter began.
func (c *call) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy--; c.busy == 0 {
		c.idle.Broadcast()
	}
}

func (c *call) markSent() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent = true
}

// answer keeps a parsed response for take.
func (c *call) answer(r *FetchResponse, throttle int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.response != nil {
		c.response.release() // the same request answered twice, on a connection that failed in between
	}
	c.response, c.throttle, c.answered = r, throttle, true
}

// close forbids further writes and reads, waits for those under way (kgo ends
// them by a deadline when the request's context is over) and reports whether
// the request may have been seen. The response, if any, passes to the caller.
func (c *call) close() (sent bool, r *FetchResponse) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for c.busy > 0 {
		c.idle.Wait()
	}
	r, c.response = c.response, nil
	return c.sent, r
}

// release gives back every records buffer.
func (r *FetchResponse) release() {
	for i := range r.Partitions {
		if b := r.Partitions[i].Records; b != nil {
			b.Release()
			r.Partitions[i].Records = nil
		}
	}
}

// Registry knows the calls under way, by the token that stands for them in
// kgo's frames. One registry serves one Client and the connections its dialer
// made.
type Registry struct {
	limit int // bytes of one response

	mu    sync.Mutex // guards the rest
	calls map[uint64]*call
	last  uint64
}

// defaultLimit is kgo's own default for BrokerMaxReadBytes.
const defaultLimit = 100 << 20

// NewRegistry returns an empty registry whose connections refuse fetch
// responses of more than maxResponse bytes; zero means 100 MiB. The kgo client
// should be given the same limit (kgo.BrokerMaxReadBytes).
func NewRegistry(maxResponse int) *Registry {
	if maxResponse <= 0 {
		maxResponse = defaultLimit
	}
	return &Registry{limit: maxResponse, calls: make(map[uint64]*call)}
}

func (r *Registry) add(c *call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last++
	c.id = r.last
	r.calls[c.id] = c
}

func (r *Registry) remove(c *call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.calls, c.id)
}

func (r *Registry) find(id uint64) *call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls[id]
}

// A token is the whole body of our requests, and of fetch responses, as kgo
// sees them: a mark that begins no Fetch or Produce body (as a Fetch it would
// ask for replica id or wait 0x5374_7261; a Produce body is never this short)
// and the call's id.
const (
	tokenMark = "Strait\x00\x01"
	tokenSize = len(tokenMark) + 8
)

func appendToken(dst []byte, id uint64) []byte {
	dst = append(dst, tokenMark...)
	return binary.BigEndian.AppendUint64(dst, id)
}

func parseToken(body []byte) (id uint64, ok bool) {
	if len(body) != tokenSize || !bytes.HasPrefix(body, []byte(tokenMark)) {
		return 0, false
	}
	return binary.BigEndian.Uint64(body[len(tokenMark):]), true
}

// retainBatches keeps the memory of a produce request's batches until the
// returned function is called.
func retainBatches(parts []ProducePartition) (release func()) {
	held := make([]*memory.Buffer, 0, len(parts))
	for i := range parts {
		if b := parts[i].Buffer; b != nil {
			b.Retain()
			held = append(held, b)
		}
	}
	return func() {
		for _, b := range held {
			b.Release()
		}
	}
}
