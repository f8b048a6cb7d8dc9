package wire

import (
	"encoding/binary"
	"net"
)

const (
	// scratchSize holds what is copied between two flushes: headers and batches
	// too small to be worth a write of their own.
	scratchSize = 64 << 10

	// copyBelowPlain is where one more vector entry costs the kernel about as
	// much as copying the batch costs us.
	copyBelowPlain = 2 << 10

	// recordSize is TLS's largest plaintext record: bytes are handed over in
	// multiples of it where possible, since a record costs a system call and a
	// tag whatever its size.
	recordSize = 16 << 10

	// maxParts keeps a flush within one writev of 1024 entries, Linux's and the
	// BSDs' IOV_MAX.
	maxParts = 1000
)

// A gather writes one frame that consists of many small fields and some large
// byte slices, without copying the latter. In counting mode it only adds up the
// size. The first error sticks; n counts what was written (or counted).
type gather struct {
	conn     net.Conn
	tcp      *socket // conn, if it takes vectors; nil for TLS, or a test's pipe
	counting bool
	n        int64
	err      error

	scratch []byte
	listed  int         // scratch[:listed] is in parts
	parts   net.Buffers // what the next flush writes, in order
}

// room makes sure that n bytes can be appended to scratch without moving it,
// since parts refer to it.
func (g *gather) room(n int) bool {
	if g.counting {
		g.n += int64(n)
		return false
	}
	if len(g.scratch)+n > cap(g.scratch) {
		g.flush()
	}
	return g.err == nil
}

func (g *gather) int8(v int8) {
	if g.room(1) {
		g.scratch = append(g.scratch, byte(v))
	}
}

func (g *gather) int16(v int16) {
	if g.room(2) {
		g.scratch = binary.BigEndian.AppendUint16(g.scratch, uint16(v))
	}
}

func (g *gather) int32(v int32) {
	if g.room(4) {
		g.scratch = binary.BigEndian.AppendUint32(g.scratch, uint32(v))
	}
}

func (g *gather) int64(v int64) {
	if g.room(8) {
		g.scratch = binary.BigEndian.AppendUint64(g.scratch, uint64(v))
	}
}

func (g *gather) uvarint(v uint64) {
	var buf [binary.MaxVarintLen64]byte
	g.raw(buf[:binary.PutUvarint(buf[:], v)])
}

// tags appends an empty set of tagged fields.
func (g *gather) tags(flexible bool) {
	if flexible {
		g.int8(0)
	}
}

// length appends an array's or a byte string's length.
func (g *gather) length(n int, flexible bool) {
	if flexible {
		g.uvarint(uint64(n) + 1)
	} else {
		g.int32(int32(n))
	}
}

func (g *gather) string(s string, flexible bool) {
	if flexible {
		g.uvarint(uint64(len(s)) + 1)
	} else {
		g.int16(int16(len(s)))
	}
	if len(s) > 1<<10 { // no legal topic or rack name
		g.raw([]byte(s))
	} else if g.room(len(s)) {
		g.scratch = append(g.scratch, s...)
	}
}

func (g *gather) nullableString(s string, flexible bool) {
	switch {
	case s != "":
		g.string(s, flexible)
	case flexible:
		g.uvarint(0)
	default:
		g.int16(-1)
	}
}

// raw copies p.
func (g *gather) raw(p []byte) {
	if g.counting {
		g.n += int64(len(p))
		return
	}
	for len(p) > 0 && g.err == nil {
		if len(g.scratch) == cap(g.scratch) {
			g.flush()
		}
		n := min(len(p), cap(g.scratch)-len(g.scratch))
		g.scratch = append(g.scratch, p[:n]...)
		p = p[n:]
	}
}

// batch writes p by reference unless it is small. Over TLS it copies just so
// much of both ends that the records around them are full.
func (g *gather) batch(p []byte) {
	switch {
	case g.counting || g.tcp != nil && len(p) < copyBelowPlain || g.tcp == nil && len(p) < recordSize:
		g.raw(p)
	case g.tcp != nil:
		g.list()
		g.parts = append(g.parts, p)
		if len(g.parts) >= maxParts {
			g.flush()
		}
	default:
		if rest := len(g.scratch) % recordSize; rest > 0 {
			g.raw(p[:recordSize-rest])
			p = p[recordSize-rest:]
		}
		whole := len(p) - len(p)%recordSize
		if whole > 0 {
			g.list()
			g.parts = append(g.parts, p[:whole])
			g.flush()
		}
		g.raw(p[whole:])
	}
}

// list appends what was copied since the last call to parts.
func (g *gather) list() {
	if g.listed < len(g.scratch) {
		g.parts = append(g.parts, g.scratch[g.listed:])
		g.listed = len(g.scratch)
	}
}

// flush writes everything so far.
func (g *gather) flush() {
	if g.counting || g.err != nil {
		return
	}
	g.list()
	parts := g.parts // WriteTo advances its receiver
	if len(parts) > 0 {
		var n int64
		if g.tcp != nil {
			n, g.err = g.tcp.writeBuffers(parts)
		} else {
			n, g.err = parts.WriteTo(g.conn)
		}
		g.n += n
	}
	clear(g.parts) // no batch stays referenced
	g.parts, g.scratch, g.listed = g.parts[:0], g.scratch[:0], 0
}
