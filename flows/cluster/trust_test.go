package cluster

import (
	"bytes"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/strait-mirror/strait/config/model"
)

// echo is a TLS server that sends back what it reads.
func echo(t *testing.T, config *tls.Config) string {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	wait.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wait.Go(func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn) // ends with the client's connection
			})
		}
	})
	t.Cleanup(func() { l.Close(); wait.Wait() })
	return l.Addr().String()
}

// says sends a word over a connection and wants it back.
func says(t *testing.T, conn net.Conn, word string) {
	t.Helper()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, word); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(word))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != word {
		t.Fatalf("got %q, %v", got, err)
	}
}

// TestABrokenCertificateFileIsSaidAndHealed: while the files are broken the last
// good ones are used and connections live on; the next good ones are taken up.
func TestABrokenCertificateFileIsSaidAndHealed(t *testing.T) {
	a := newAuthority(t)
	server := a.server(nil)
	server.ClientAuth = tls.RequireAnyClientCert
	var seen struct {
		sync.Mutex
		serial string
	}
	server.VerifyConnection = func(s tls.ConnectionState) error {
		seen.Lock()
		defer seen.Unlock()
		seen.serial = s.PeerCertificates[0].SerialNumber.String()
		return nil
	}
	shown := func() string {
		seen.Lock()
		defer seen.Unlock()
		return seen.serial
	}
	address := echo(t, server)
	cert, key := a.pair(nil)
	files := map[string]string{"cert": cert, "key": key}
	var log bytes.Buffer
	config := &model.Cluster{TLS: &model.TLS{CA: model.NewSecret(a.pem), CertificateFile: "cert", KeyFile: "key"}}
	d, err := newDialer(Params{
		Log: slog.New(slog.NewTextHandler(&log, nil)), DialTimeout: 20 * time.Second,
		ReadFile: func(path string) ([]byte, error) { return []byte(files[path]), nil },
	}, config)
	if err != nil {
		t.Fatal(err)
	}
	dial := func(word string) net.Conn {
		conn, err := d.dial(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		says(t, conn, word)
		return conn
	}

	old := dial("before")
	first := shown()
	files["key"] = "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----"
	dial("while broken")
	dial("still broken")
	if shown() != first {
		t.Error("another certificate was shown while the files were broken")
	}
	says(t, old, "old connections live")
	if n := strings.Count(log.String(), "cannot be used"); n != 1 || strings.Contains(log.String(), "hunter2") {
		t.Errorf("said %d times:\n%s", n, log.String())
	}

	files["cert"], files["key"] = a.pair(nil)
	dial("healed")
	if shown() == first {
		t.Error("the new certificate is not used")
	}
	says(t, old, "and live on")
	if !strings.Contains(log.String(), "certificates changed") {
		t.Errorf("the change was not said:\n%s", log.String())
	}
}
