package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/internal/wire"
)

// listen runs serve for each connection to a new loopback listener.
func listen(t testing.TB, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serve(conn)
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

// readFirst reads what a broker reads before it gives up on a frame that is far
// too large, or on one it cannot decrypt.
func readFirst(conn net.Conn) {
	if err := conn.SetReadDeadline(time.Now().Add(time.Second)); err == nil {
		_, _ = conn.Read(make([]byte, 1024)) // its end and its failure are the same to a broker
	}
}

// refusing starts a cluster that answers a login as Kafka does: with these codes.
// kfake itself closes the connection.
func refusing(t testing.TB, handshake, authenticate int16) string {
	t.Helper()
	k := startKafka(t, kfake.EnableSASL(), kfake.Superuser("PLAIN", "ann", "right"))
	k.Control(func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		switch r := req.ResponseKind().(type) {
		case *kmsg.SASLHandshakeResponse:
			r.ErrorCode = handshake
			return r, nil, handshake != 0
		case *kmsg.SASLAuthenticateResponse:
			r.ErrorCode = authenticate
			r.ErrorMessage = new("Authentication failed: Invalid username or password")
			return r, nil, authenticate != 0
		}
		return nil, nil, false
	})
	return k.ListenAddrs()[0]
}

func TestExplainNamesTheLikelyCause(t *testing.T) {
	a, other := newAuthority(t), newAuthority(t)
	plainLogin := func(user, password, mechanism string) *model.SASL {
		return &model.SASL{Mechanism: mechanism, Username: user, Password: model.NewSecret(password)}
	}
	needsClient := a.server(nil)
	needsClient.ClientAuth, needsClient.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	needsClient.ClientCAs.AddCert(a.cert)
	strangerCert, strangerKey := other.pair(nil)
	stranger := a.trusted()
	stranger.Certificate, stranger.Key = model.NewSecret(strangerCert), model.NewSecret(strangerKey)

	closed := listen(t, func(net.Conn) {})
	kafka := func(opts ...kfake.Opt) string { return startKafka(t, opts...).ListenAddrs()[0] }

	for name, test := range map[string]struct {
		address string
		tls     *model.TLS
		sasl    *model.SASL
		want    []string
	}{
		"refused":               {address: "127.0.0.1:1", want: []string{`cluster "west" at 127.0.0.1:1: nothing listens there`}},
		"no such name":          {address: "strait-test.invalid:9092", want: []string{`at strait-test.invalid:9092: the name "strait-test.invalid"`, "resolve"}},
		"closes at once":        {address: closed, want: []string{closed, "closed the connection", "TLS"}},
		"TLS to plaintext":      {address: listen(t, readFirst), tls: a.trusted(), want: []string{"most likely the listener does not speak TLS"}},
		"TLS to kfake":          {address: kafka(), tls: a.trusted(), want: []string{"the listener does not speak TLS"}},
		"plaintext to TLS":      {address: kafka(kfake.TLS(a.server(nil))), want: []string{"speaks TLS", "SSL or SASL_SSL"}},
		"HTTP":                  {address: listen(t, func(c net.Conn) { readFirst(c); _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") }), want: []string{"an HTTP server answers"}},
		"unknown authority":     {address: kafka(kfake.TLS(other.server(nil))), tls: a.trusted(), want: []string{"is not trusted", "test authority"}},
		"expired":               {address: kafka(kfake.TLS(a.server(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }))), tls: a.trusted(), want: []string{"is valid from", "only"}},
		"wrong host":            {address: kafka(kfake.TLS(a.server(func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"broker.test"} }))), tls: a.trusted(), want: []string{"is for another name", "127.0.0.1"}},
		"no client certificate": {address: kafka(kfake.TLS(needsClient)), tls: a.trusted(), want: []string{"demands a client certificate"}},
		"bad client":            {address: kafka(kfake.TLS(needsClient)), tls: stranger, want: []string{"refuses our client certificate"}},
		"login cut off": {
			address: kafka(kfake.EnableSASL(), kfake.Superuser("PLAIN", "ann", "right")), sasl: plainLogin("ann", "wrong", "PLAIN"),
			want: []string{"closed the connection during the login", `user "ann"`, "PLAIN"},
		},
		"SCRAM login cut off": {
			address: kafka(kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "ann", "right")), sasl: plainLogin("ann", "wrong", "SCRAM-SHA-512"),
			want: []string{`user "ann"`, "SCRAM-SHA-512"},
		},
		"wrong password": {
			address: refusing(t, 0, kerr.SaslAuthenticationFailed.Code), sasl: plainLogin("ann", "wrong", "PLAIN"),
			want: []string{`refuses user "ann" with PLAIN`},
		},
		"mechanism not offered": {
			address: refusing(t, kerr.UnsupportedSaslMechanism.Code, 0), sasl: plainLogin("ann", "right", "SCRAM-SHA-256"),
			want: []string{"does not offer SASL mechanism SCRAM-SHA-256"},
		},
		"login not expected": {
			address: refusing(t, kerr.IllegalSaslState.Code, 0), sasl: plainLogin("ann", "right", "PLAIN"),
			want: []string{"does not expect a SASL login"},
		},
		"login missing": {address: kafka(kfake.EnableSASL(), kfake.Superuser("PLAIN", "ann", "right")), want: []string{"demands a SASL login"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t, []string{test.address}, func(m *model.Cluster) { m.TLS, m.SASL = test.tls, test.sasl })
			_, err := c.Control().Request(t.Context(), kmsg.NewPtrMetadataRequest())
			if err == nil {
				t.Fatal("no error")
			}
			got := c.Explain(err).Error()
			for _, want := range append(test.want, `cluster "west"`, test.address) {
				if !strings.Contains(got, want) {
					t.Errorf("%q does not say %q; it is about %q", got, want, err)
				}
			}
			if strings.Contains(got, "\n") || strings.Contains(got, "wrong password right") {
				t.Errorf("%q", got)
			}
		})
	}
}

func TestExplainKnowsErrorsOfLaterRequests(t *testing.T) {
	c := newCluster(t, []string{"127.0.0.1:1"}, nil)
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"topic":       {kerr.TopicAuthorizationFailed, "lacks a permission (ACL) on a topic"},
		"cluster":     {fmt.Errorf("creating: %w", kerr.ClusterAuthorizationFailed), "lacks a permission (ACL) on the cluster"},
		"timeout":     {context.DeadlineExceeded, "no answer in time"},
		"unknown":     {&wire.Error{Broker: 3, Err: wire.ErrUnknownBroker}, "broker 3"},
		"interrupted": {&wire.Error{Broker: 3, Sent: true, Err: io.EOF}, "closed by the other end"},
		"other":       {errors.New("quite another"), "quite another"},
	} {
		t.Run(name, func(t *testing.T) {
			got := c.Explain(test.err)
			if !strings.Contains(got.Error(), test.want) || !errors.Is(got, test.err) {
				t.Errorf("%q", got)
			}
			if again := c.Explain(fmt.Errorf("more: %w", got)); strings.Count(again.Error(), "west") != 1 {
				t.Errorf("%q", again)
			}
		})
	}
	if c.Explain(nil) != nil {
		t.Error("nil is explained")
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	for name, edit := range map[string]func(*model.Cluster){
		"mechanism":   func(m *model.Cluster) { m.SASL = &model.SASL{Mechanism: "GSSAPI"} },
		"trust store": func(m *model.Cluster) { m.TLS = &model.TLS{CA: model.NewSecret("none")} },
		"key":         func(m *model.Cluster) { m.TLS = &model.TLS{Certificate: model.NewSecret("none")} },
	} {
		t.Run(name, func(t *testing.T) {
			config := &model.Cluster{Alias: "west", BootstrapServers: []string{"127.0.0.1:1"}}
			edit(config)
			if _, err := New(Params{Config: config, Log: slog.New(slog.DiscardHandler)}); err == nil || !strings.Contains(err.Error(), "west") {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := New(Params{}); err == nil {
		t.Error("no error without a config")
	}
}

func TestExplainBlamesNoSettingsOnceTheClusterHasServed(t *testing.T) {
	k := startKafka(t)
	c := newCluster(t, k.ListenAddrs(), nil)
	if got := c.Explain(io.EOF).Error(); strings.Contains(got, "stopping") {
		t.Errorf("before any answer: %s", got)
	}
	if err := c.Metadata().Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := c.Explain(io.EOF).Error(); !strings.Contains(got, "stopping") {
		t.Errorf("after an answer: %s", got)
	}
}
