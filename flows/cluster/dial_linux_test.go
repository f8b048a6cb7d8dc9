package cluster

import (
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/strait-mirror/strait/config/model"
)

// accept is a listener that leaves its connections alone.
func accept(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

// TestSocketBuffers asks the system what became of the settings; Linux says
// twice what it was asked for, as its bookkeeping takes the other half; what only
// speaks like Linux says the figure itself.
func TestSocketBuffers(t *testing.T) {
	const send, receive = 40 << 10, 24 << 10
	address := accept(t)
	c := &model.Cluster{Connection: model.Connection{SendBuffer: send, ReceiveBuffer: receive}}
	d, err := newDialer(Params{Log: slog.New(slog.DiscardHandler), DialTimeout: 20 * time.Second}, c)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := d.dial(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		for option, want := range map[int]int{syscall.SO_SNDBUF: 2 * send, syscall.SO_RCVBUF: 2 * receive} {
			if got, err := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, option); err != nil || got != want && got != want/2 {
				t.Errorf("option %d is %d, want %d: %v", option, got, want, err)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestCanonicalNames are those that the system has for an address, and are used
// for bootstrap servers alone.
func TestCanonicalNames(t *testing.T) {
	address := accept(t)
	names, err := net.DefaultResolver.LookupAddr(t.Context(), "127.0.0.1")
	if err != nil || len(names) == 0 {
		names = []string{"127.0.0.1"}
	}
	for name, tt := range map[string]struct {
		lookup    string
		bootstrap []string
		want      string
	}{
		"bootstrap server": {canonicalNames, []string{address}, strings.TrimSuffix(names[0], ".")},
		"another broker":   {canonicalNames, nil, "127.0.0.1"},
		"all addresses":    {"use_all_dns_ips", []string{address}, "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			c := &model.Cluster{BootstrapServers: tt.bootstrap, Connection: model.Connection{DNSLookup: tt.lookup}}
			d, err := newDialer(Params{Log: slog.New(slog.DiscardHandler), DialTimeout: 20 * time.Second}, c)
			if err != nil {
				t.Fatal(err)
			}
			conn, host, err := d.connect(t.Context(), "tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if host != tt.want {
				t.Errorf("got %s, want %s", host, tt.want)
			}
		})
	}
}
