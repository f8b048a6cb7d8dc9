package wire

import (
	"io"
	"net"
	"syscall"
	"unsafe"
)

// A socket is a TCP connection that copies to and from the kernel without
// telling Go's scheduler. Its system calls never block, but they copy up to a
// megabyte, long enough for the scheduler to take the processor away in the
// middle, wake another thread for it and put this one to sleep afterwards: that
// costs as much as a fifth of the copying. Waiting for the socket goes through
// the runtime's poller as always, deadlines and Close included.
//
// Read and writeBuffers may be called at the same time, but each by one
// goroutine only.
type socket struct {
	*net.TCPConn
	raw syscall.RawConn
	in  reading
	out writing
}

// mostAtOnce bounds what one system call copies, some 100 µs: for so long the
// garbage collector may have to wait for it.
const mostAtOnce = 1 << 20

// newSocket returns nil when the connection gives no access to its descriptor.
func newSocket(tcp *net.TCPConn) *socket {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	s := &socket{TCPConn: tcp, raw: raw}
	s.in.try, s.out.try = s.in.read, s.out.write
	return s
}

// reading is a Read under way.
type reading struct {
	p     []byte
	n     int
	errno syscall.Errno
	try   func(fd uintptr) bool // read, made once
}

// Read reads what is there, at least one byte.
func (s *socket) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	r := &s.in
	r.p, r.n, r.errno = p[:min(len(p), mostAtOnce)], 0, 0
	err := s.raw.Read(r.try)
	r.p = nil
	switch {
	case err != nil:
		return 0, err
	case r.errno != 0:
		return 0, &net.OpError{Op: "read", Net: "tcp", Source: s.LocalAddr(), Addr: s.RemoteAddr(), Err: r.errno}
	case r.n == 0:
		return 0, io.EOF
	}
	return r.n, nil
}

// read reports false when the socket must be waited for.
func (r *reading) read(fd uintptr) bool {
	for {
		n, _, errno := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(&r.p[0])), uintptr(len(r.p)))
		switch errno {
		case syscall.EINTR:
		case syscall.EAGAIN:
			return false
		case 0:
			r.n = int(n)
			return true
		default:
			r.errno = errno
			return true
		}
	}
}

// writing is a vector write under way.
type writing struct {
	vector []syscall.Iovec // what is left of it
	n      int64
	errno  syscall.Errno
	try    func(fd uintptr) bool // write, made once
	space  []syscall.Iovec
}

// writeBuffers writes all of parts, at most 1024 and none of them empty, and
// returns how many bytes were written.
func (s *socket) writeBuffers(parts net.Buffers) (int64, error) {
	w := &s.out
	w.vector, w.n, w.errno = w.space[:0], 0, 0
	for _, p := range parts {
		v := syscall.Iovec{Base: &p[0]}
		v.SetLen(len(p))
		w.vector = append(w.vector, v)
	}
	all := w.vector
	err := s.raw.Write(w.try)
	clear(all) // no batch stays referenced
	w.vector, w.space = nil, all[:0]
	if err == nil && w.errno != 0 {
		err = &net.OpError{Op: "write", Net: "tcp", Source: s.LocalAddr(), Addr: s.RemoteAddr(), Err: w.errno}
	}
	return w.n, err
}

// write reports false when the socket must be waited for.
func (w *writing) write(fd uintptr) bool {
	for len(w.vector) > 0 {
		n, _, errno := syscall.RawSyscall(syscall.SYS_WRITEV, fd, uintptr(unsafe.Pointer(&w.vector[0])), uintptr(len(w.vector)))
		switch errno {
		case syscall.EINTR:
		case syscall.EAGAIN:
			return false
		case 0:
			w.advance(int(n))
		default:
			w.errno = errno
			return true
		}
	}
	return true
}

// advance drops n written bytes from the front of the vector.
func (w *writing) advance(n int) {
	w.n += int64(n)
	for n > 0 {
		v := &w.vector[0]
		if size := int(v.Len); n >= size {
			n -= size
			w.vector = w.vector[1:]
			continue
		}
		v.Base = (*byte)(unsafe.Add(unsafe.Pointer(v.Base), n))
		v.SetLen(int(v.Len) - n)
		n = 0
	}
}
