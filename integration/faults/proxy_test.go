package faults

import (
	"bytes"
	"net"
	"testing"
	"time"
)

// far is a server that keeps what it is sent and echoes it.
func far(t *testing.T) (address string, got <-chan []byte) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	received := make(chan []byte, 100)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b := make([]byte, 100)
			for n, err := c.Read(b); err == nil; n, err = c.Read(b) {
				received <- bytes.Clone(b[:n])
				if _, err := c.Write(b[:n]); err != nil {
					break
				}
			}
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-ended
	})
	return l.Addr().String(), received
}

// near is an open proxy to a server, and where it listens.
func near(t *testing.T, to string) (*Proxy, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	p := NewProxy(address, to)
	if err := p.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p, address
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func say(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := c.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

// hear returns what comes within a moment; nothing is "".
func hear(t *testing.T, c net.Conn) (string, error) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 100)
	n, err := c.Read(b)
	return string(b[:n]), err
}

func TestProxyForwardsStallsAndCuts(t *testing.T) {
	to, got := far(t)
	p, at := near(t, to)
	c := dial(t, at)
	say(t, c, "one")
	if text, err := hear(t, c); text != "one" {
		t.Fatalf("heard %q, %v", text, err)
	}
	<-got

	p.Stall(Answers)
	say(t, c, "two")
	if b := <-got; string(b) != "two" {
		t.Errorf("the server got %q", b)
	}
	if text, _ := hear(t, c); text != "" {
		t.Errorf("heard %q through a stall", text)
	}
	p.Flow()
	if text, err := hear(t, c); text != "two" {
		t.Errorf("heard %q, %v after the stall", text, err)
	}

	p.Cut()
	if _, err := hear(t, c); err == nil {
		t.Error("a cut connection still works")
	}
	p.Close()
	if refused, err := net.Dial("tcp", at); err == nil {
		_ = refused.Close()
		t.Error("a closed proxy accepts")
	}
	if err := p.Open(); err != nil {
		t.Fatal(err)
	}
	c = dial(t, at)
	say(t, c, "three")
	if text, err := hear(t, c); text != "three" {
		t.Errorf("heard %q, %v after opening again", text, err)
	}
}

// TestProxyDeliversLate has a request arrive after its sender was cut off.
func TestProxyDeliversLate(t *testing.T) {
	to, got := far(t)
	p, at := near(t, to)
	c := dial(t, at)
	say(t, c, "first")
	if text, err := hear(t, c); text != "first" {
		t.Fatalf("heard %q, %v", text, err)
	}
	<-got
	p.Stall(Requests)
	say(t, c, "late")
	if text, _ := hear(t, c); text != "" { // meanwhile the proxy has it
		t.Fatalf("heard %q through a stall", text)
	}
	const delay = 200 * time.Millisecond
	began := time.Now()
	p.CutLate(delay)
	p.Flow()
	if _, err := hear(t, c); err == nil {
		t.Error("the client was not cut off")
	}
	if b := <-got; string(b) != "late" || time.Since(began) < delay {
		t.Errorf("the server got %q after %s", b, time.Since(began))
	}
}
