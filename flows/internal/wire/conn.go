package wire

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// DialFunc opens a connection, TLS included; it is kgo's own type of dialer.
type DialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// WrapDialer returns a dialer for kgo (kgo.Dialer) whose connections carry the
// raw requests of the Client that has the same registry.
func WrapDialer(dial DialFunc, registry *Registry) DialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		inner, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return newConn(inner, registry), nil
	}
}

// A conn stands between kgo and a socket. kgo writes whole frames, one at a
// time, and reads them through a bufio.Reader, also one at a time but from
// another goroutine. Deadlines and Close go to the socket as they are.
type conn struct {
	net.Conn
	registry *Registry
	tcp      *socket // Conn, if it is plain TCP; else nil

	scratch []byte      // of Write
	parts   net.Buffers // of Write

	mu      sync.Mutex          // guards pending
	pending map[int32]sentFetch // by correlation id: fetches written and not answered

	// The rest belongs to Read.
	src   *bufio.Reader
	wide  bool   // src has fetchBuffer bytes
	ready []byte // of a frame made for kgo, not yet read by it
	pass  int    // bytes of the current frame to pass through; below 0: everything from here on
}

type sentFetch struct {
	call    *call
	version int16
}

const (
	// plainBuffer is enough for the small frames of connections without fetches.
	plainBuffer = 4 << 10

	// fetchBuffer holds the fields around record data. Records above it are read
	// past it, into their own memory.
	fetchBuffer = 64 << 10
)

func newConn(inner net.Conn, registry *Registry) *conn {
	var tcp *socket
	if t, ok := inner.(*net.TCPConn); ok {
		if tcp = newSocket(t); tcp != nil {
			inner = tcp
		}
	}
	return &conn{
		Conn: inner, registry: registry, tcp: tcp,
		pending: make(map[int32]sentFetch),
		src:     bufio.NewReaderSize(inner, plainBuffer),
	}
}

// Write writes one frame of kgo's: as it is, or, when its body is a token, the
// request that the token stands for. It returns len(p) when all was written and
// 0 with an error when nothing was, upon which kgo tries once more on a new
// connection.
func (c *conn) Write(p []byte) (int, error) {
	h, ok := parseHeader(p)
	if !ok {
		return c.Conn.Write(p)
	}
	call := c.registry.find(h.id)
	if call == nil || !call.enter() {
		return 0, errAbandoned
	}
	defer call.leave()
	n, err := c.writeCall(call, h, p)
	switch {
	case err == nil:
		return len(p), nil
	case n == 0:
		return 0, err
	default:
		return min(int(n), len(p)), err
	}
}

// writeCall writes the frame of a call and returns the bytes written.
func (c *conn) writeCall(call *call, h header, p []byte) (int64, error) {
	body := func(g *gather) { produceBody(g, call.produce, h.version) }
	err := checkVersion("Produce", h.version, produceMin, produceMax)
	if call.fetch != nil {
		body = func(g *gather) { fetchBody(g, call.fetch, h.version) }
		err = checkVersion("Fetch", h.version, fetchMin, fetchMax)
	}
	if err != nil {
		return 0, err
	}
	head := p[4 : len(p)-tokenSize] // from the key to the header's tags
	size := gather{counting: true}
	body(&size)
	total := size.n + int64(len(head))
	if total > 1<<31-1 {
		return 0, fmt.Errorf("a request of %d bytes does not fit a frame", total)
	}

	if call.fetch != nil {
		c.await(h.correlation, sentFetch{call, h.version})
	}
	if c.scratch == nil {
		c.scratch = make([]byte, 0, scratchSize)
	}
	g := gather{conn: c.Conn, tcp: c.tcp, scratch: c.scratch, parts: c.parts}
	g.int32(int32(total))
	g.raw(head)
	body(&g)
	g.flush()
	c.parts = g.parts
	if g.n > 0 {
		call.markSent()
	}
	if g.err != nil && call.fetch != nil {
		c.forget(h.correlation)
	}
	if g.err == nil && g.n != total+4 {
		return g.n, fmt.Errorf("writing a frame: %d bytes announced, %d written", total+4, g.n)
	}
	return g.n, g.err
}

func (c *conn) await(correlation int32, f sentFetch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending[correlation] = f
}

func (c *conn) forget(correlation int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pending, correlation)
}

// header is what a request header (v1, v2 when flexible) with a token behind it
// says.
type header struct {
	key, version int16
	correlation  int32
	id           uint64 // of the call
}

// parseHeader reports whether the frame p is a Fetch or Produce request whose
// whole body is a token.
func parseHeader(p []byte) (header, bool) {
	const fixed = 4 + 2 + 2 + 4 + 2 // size, key, version, correlation id, client id's length
	if len(p) < fixed+tokenSize || int(binary.BigEndian.Uint32(p)) != len(p)-4 {
		return header{}, false
	}
	h := header{
		key:         int16(binary.BigEndian.Uint16(p[4:])),
		version:     int16(binary.BigEndian.Uint16(p[6:])),
		correlation: int32(binary.BigEndian.Uint32(p[8:])),
	}
	if h.key != int16(kmsg.Produce) && h.key != int16(kmsg.Fetch) {
		return header{}, false
	}
	size := fixed + max(0, int(int16(binary.BigEndian.Uint16(p[12:])))) + tokenSize
	if flexible(h.key, h.version) {
		size++ // no tags
	}
	if size != len(p) {
		return header{}, false
	}
	var ok bool
	h.id, ok = parseToken(p[len(p)-tokenSize:])
	return h, ok
}
