package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/strait-mirror/strait/flows/internal/memory"
)

// Read returns bytes of one frame at most: of the broker's own, or, for the
// answer to one of our fetches, of the short frame that stands for it. Such an
// answer is read and parsed to its end before Read returns.
func (c *conn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if len(c.ready) == 0 && c.pass == 0 {
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	if len(c.ready) > 0 {
		n := copy(p, c.ready)
		c.ready = c.ready[n:]
		return n, nil
	}
	if c.pass > 0 {
		p = p[:min(len(p), c.pass)]
	}
	n, err := c.src.Read(p)
	if c.pass > 0 {
		c.pass -= n
	}
	return n, err
}

// next finds out what the next frame is. An error leaves everything as it was,
// unless it came from within an answer of ours, after which the connection is
// of no further use; kgo closes it after any error.
func (c *conn) next() error {
	sizeBytes, err := c.src.Peek(4)
	if errors.Is(err, io.EOF) && len(sizeBytes) > 0 {
		c.pass = -1 // kgo reports a frame cut short
		return nil
	}
	if err != nil {
		return err
	}
	size := int(int32(binary.BigEndian.Uint32(sizeBytes)))
	if size < 0 || size > c.registry.limit {
		if c.awaits() {
			return fmt.Errorf("%w: a frame of %d bytes, more than %d", ErrMalformed, size, c.registry.limit)
		}
		c.pass = -1 // most likely not Kafka: kgo refuses it too, and knows what HTTP and TLS look like
		return nil
	}
	fetch, correlation, err := c.match(size)
	if err != nil {
		return err
	}
	if fetch.call == nil {
		c.pass = 4 + size
		return nil
	}
	return c.readFetch(fetch, size, correlation)
}

// awaits reports whether fetches await their answer.
func (c *conn) awaits() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.pending) > 0
}

// match returns the fetch that the next frame answers, and forgets it, or a
// zero sentFetch.
func (c *conn) match(size int) (sentFetch, int32, error) {
	if size < 4 || !c.awaits() {
		return sentFetch{}, 0, nil // the frames of raw SASL have no correlation id
	}
	c.widen()
	start, err := c.src.Peek(8)
	if err == io.EOF {
		return sentFetch{}, 0, nil
	}
	if err != nil {
		return sentFetch{}, 0, err
	}
	correlation := int32(binary.BigEndian.Uint32(start[4:]))
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.pending[correlation]
	delete(c.pending, correlation)
	return f, correlation, nil
}

// widen gives a connection that fetches its larger buffer.
func (c *conn) widen() {
	if c.wide {
		return
	}
	c.wide = true
	var from io.Reader = c.Conn
	if rest, _ := c.src.Peek(c.src.Buffered()); len(rest) > 0 {
		from = &prefixed{rest: rest, then: c.Conn}
	}
	c.src = bufio.NewReaderSize(from, fetchBuffer)
}

// prefixed reads rest before everything else.
type prefixed struct {
	rest []byte
	then io.Reader
}

func (r *prefixed) Read(p []byte) (int, error) {
	if len(r.rest) > 0 {
		n := copy(p, r.rest)
		r.rest = r.rest[n:]
		return n, nil
	}
	return r.then.Read(p)
}

// readFetch parses the answer to one of our fetches and makes the frame that
// tells kgo of it.
func (c *conn) readFetch(f sentFetch, size int, correlation int32) error {
	call := f.call
	if !call.enter() {
		return errAbandoned
	}
	defer call.leave()
	p := fetchParser{
		frameReader: frameReader{src: c.src, left: 4 + size},
		version:     f.version,
		get:         func(n int) *memory.Buffer { return call.alloc.Get(n) },
	}
	p.skip(8) // size and correlation id
	if f.version >= fetchFlexible {
		p.tags(nil) // of the response header
	}
	if err := p.parse(); err != nil {
		return err
	}
	call.answer(p.response, p.throttle)
	c.ready = c.token(f, correlation)
	return nil
}

// token returns the frame that kgo gets instead of the response.
func (c *conn) token(f sentFetch, correlation int32) []byte {
	frame := binary.BigEndian.AppendUint32(make([]byte, 4, 4+4+1+tokenSize), uint32(correlation))
	if f.version >= fetchFlexible {
		frame = append(frame, 0)
	}
	frame = appendToken(frame, f.call.id)
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
	return frame
}
