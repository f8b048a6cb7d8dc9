package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/strait-mirror/strait/integration/kafka"
)

// relayBuffer is what the relay reads and writes at a time.
const relayBuffer = 1 << 20

// firstFile is the descriptor of the first listener a child inherits.
const firstFile = 3

// child runs one of the programs that this one starts itself as: a process of
// its own is what can be measured, or kept out of a measurement.
func child(name string, args []string) error {
	switch {
	case name == "relay" && len(args) == 1:
		return relay(args[0])
	case name == "delay" && len(args) > 1:
		oneWay, err := time.ParseDuration(args[0])
		if err != nil {
			return fmt.Errorf("reading the delay: %w", err)
		}
		return delay(oneWay, args[1:])
	case name == "loop":
		return loop(args)
	}
	return fmt.Errorf("starting a child: there is none called %q with %d arguments", name, len(args))
}

// inherited returns the n-th listener that the parent opened for this process.
func inherited(n int) (net.Listener, error) {
	f := os.NewFile(uintptr(firstFile+n), "listener")
	defer f.Close()
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("taking over listener %d: %w", n, err)
	}
	return l, nil
}

// relay carries the bytes of one connection to a target and back, and ends with
// it. It is the least that any mirror can do in user space.
func relay(target string) error {
	l, err := inherited(0)
	if err != nil {
		return err
	}
	in, err := l.Accept()
	if err != nil {
		return fmt.Errorf("accepting a connection: %w", err)
	}
	defer in.Close()
	out, err := net.Dial("tcp", target)
	if err != nil {
		return fmt.Errorf("dialling the target: %w", err)
	}
	defer out.Close()
	var g errgroup.Group
	g.Go(func() error { return carry(out, in) })
	g.Go(func() error { return carry(in, out) })
	return g.Wait()
}

// carry copies by read and write until the end of from. io.Copy would have the
// kernel splice the two sockets.
func carry(to, from net.Conn) error {
	buffer := make([]byte, relayBuffer)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return fmt.Errorf("writing: %w", err)
			}
		}
		if errors.Is(err, io.EOF) {
			return halfClose(to)
		}
		if err != nil {
			return fmt.Errorf("reading: %w", err)
		}
	}
}

// halfClose tells the other end that nothing more comes.
func halfClose(c net.Conn) error {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return fmt.Errorf("closing one direction: %T is no TCP connection", c)
	}
	if err := tcp.CloseWrite(); err != nil {
		return fmt.Errorf("closing one direction: %w", err)
	}
	return nil
}

// startChild starts this program as one of its children, with listeners.
func startChild(dir string, listeners []net.Listener, args ...string) (*kafka.Program, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	var files []*os.File
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	for _, l := range listeners {
		tcp, ok := l.(*net.TCPListener)
		if !ok {
			return nil, fmt.Errorf("handing over a listener: %T is none of TCP", l)
		}
		f, err := tcp.File()
		if err != nil {
			return nil, fmt.Errorf("handing over a listener: %w", err)
		}
		files = append(files, f)
	}
	return kafka.NewProgram(dir, kafka.ProgramOptions{
		Path: self, Args: append([]string{childWord}, args...), Files: files,
	})
}

// listen opens a listener on the loopback interface.
func listen(ctx context.Context) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening on loopback: %w", err)
	}
	return l, nil
}

// runRelay pushes a number of bytes through a relay process and returns what
// that process used. Sender and sink are this process.
func (b *bench) runRelay(ctx context.Context, bytes int64) (*sample, error) {
	sink, err := listen(ctx)
	if err != nil {
		return nil, err
	}
	defer sink.Close()
	entry, err := listen(ctx)
	if err != nil {
		return nil, err
	}
	defer entry.Close()
	dir, err := b.lab.newDir("relay")
	if err != nil {
		return nil, err
	}
	began := time.Now()
	prog, err := startChild(dir, []net.Listener{entry}, "relay", sink.Addr().String())
	if err != nil {
		return nil, err
	}
	w := watchProcess(prog, began)
	s := &sample{}
	var g errgroup.Group
	g.Go(func() error { return push(ctx, entry.Addr().String(), bytes) })
	g.Go(func() error {
		var err error
		s.copied, err = drain(sink, bytes)
		return err
	})
	err = w.wait(ctx) // a relay that failed has closed both connections
	if err != nil {
		entry.Close()
		sink.Close()
	}
	if err := errors.Join(err, g.Wait()); err != nil {
		return nil, fmt.Errorf("relaying: %w", err)
	}
	if err := s.take(w); err != nil {
		return nil, err
	}
	return s, nil
}

// push sends bytes to the relay.
func push(ctx context.Context, to string, bytes int64) error {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", to)
	if err != nil {
		return fmt.Errorf("dialling the relay: %w", err)
	}
	defer c.Close()
	buffer := make([]byte, relayBuffer)
	for bytes > 0 {
		n, err := c.Write(buffer[:min(bytes, relayBuffer)])
		if err != nil {
			return fmt.Errorf("sending: %w", err)
		}
		bytes -= int64(n)
	}
	if err := halfClose(c); err != nil {
		return err
	}
	// The relay ends when both directions have.
	_, err = io.Copy(io.Discard, c)
	return err
}

// drain reads what comes out of the relay and returns the time from the first
// byte to the last.
func drain(l net.Listener, want int64) (time.Duration, error) {
	c, err := l.Accept()
	if err != nil {
		return 0, fmt.Errorf("accepting the relay: %w", err)
	}
	defer c.Close()
	buffer := make([]byte, relayBuffer)
	n, err := c.Read(buffer)
	first := time.Now()
	for got := int64(n); ; got += int64(n) {
		if err != nil && (!errors.Is(err, io.EOF) || got != want) {
			return 0, fmt.Errorf("receiving %d bytes of %d: %w", got, want, err)
		}
		if err != nil {
			return time.Since(first), nil
		}
		n, err = c.Read(buffer)
	}
}
