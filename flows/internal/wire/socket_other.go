//go:build !linux

package wire

import "net"

// A socket is only a better one on Linux.
type socket struct{ *net.TCPConn }

func newSocket(tcp *net.TCPConn) *socket { return &socket{tcp} }

func (s *socket) writeBuffers(parts net.Buffers) (int64, error) { return parts.WriteTo(s.TCPConn) }
