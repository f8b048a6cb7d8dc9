package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/strait-mirror/strait/config/model"
)

// A dialer opens the connections of every client of a cluster, and remembers
// which address failed with what, since the errors of a login do not say.
type dialer struct {
	timeout time.Duration
	tls     *tls.Config // nil: plaintext; its ServerName is empty unless configured

	served atomic.Bool // the cluster has answered a request beyond the handshake

	mu     sync.Mutex // guards failed
	failed []failure  // the last few, newest last
}

type failure struct {
	address string
	err     error
}

// maxFailures is about one per broker that is being tried at the same time.
const maxFailures = 16

func newDialer(config *model.Cluster, timeout time.Duration) (*dialer, error) {
	d := &dialer{timeout: timeout}
	var err error
	if config.TLS != nil {
		d.tls, err = tlsConfig(config.TLS)
	}
	return d, err
}

// handshakeError is a TLS handshake that failed after the connection was made.
// It counts as a dial error for kgo.
type handshakeError struct{ err error }

func (e *handshakeError) Error() string { return "shaking hands: " + e.err.Error() }
func (e *handshakeError) Unwrap() error { return e.err }

// dial opens a connection, TLS included.
func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil || d.tls == nil {
		return conn, err
	}
	config := d.tls.Clone()
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(address)
	}
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, &net.OpError{Op: "dial", Net: network, Addr: conn.RemoteAddr(), Err: &handshakeError{err}}
	}
	return secure, nil
}

// OnBrokerConnect is kgo's hook: err is set when dialing, asking for versions or
// logging in failed.
func (d *dialer) OnBrokerConnect(meta kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if err == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.failed) == maxFailures {
		d.failed = append(d.failed[:0], d.failed[1:]...)
	}
	address := net.JoinHostPort(meta.Host, fmt.Sprint(meta.Port))
	d.failed = append(d.failed, failure{address: address, err: err})
}

// OnBrokerRead is kgo's hook. An answer to a metadata request means that TLS and
// the login are as the cluster wants them.
func (d *dialer) OnBrokerRead(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, err error) {
	if err == nil && key == int16(kmsg.Metadata) {
		d.served.Store(true)
	}
}

// address returns where err happened, or "".
func (d *dialer) address(err error) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range slices.Backward(d.failed) {
		if errors.Is(err, f.err) {
			return f.address
		}
	}
	return ""
}

func tlsConfig(m *model.TLS) (*tls.Config, error) {
	config := &tls.Config{
		MinVersion:                  tls.VersionTLS12,
		ServerName:                  m.ServerName,
		ClientSessionCache:          tls.NewLRUClientSessionCache(0),
		DynamicRecordSizingDisabled: true, // throughput before the first byte's latency
	}
	if !m.CA.IsZero() {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(m.CA.Reveal())) {
			return nil, errors.New("reading the trusted certificates: no PEM certificate found")
		}
	}
	if !m.Certificate.IsZero() || !m.Key.IsZero() {
		pair, err := tls.X509KeyPair([]byte(m.Certificate.Reveal()), []byte(m.Key.Reveal()))
		if err != nil {
			return nil, fmt.Errorf("reading the client certificate: %w", err)
		}
		// Sent whatever authorities the broker names: its refusal is clearer than
		// a certificate that was silently left out.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	if m.SkipHostnameCheck {
		config.InsecureSkipVerify = true // the chain is verified here, the name is not
		config.VerifyConnection = func(s tls.ConnectionState) error { return verifyChain(s, config.RootCAs) }
	}
	return config, nil
}

// verifyChain checks a server's certificate without its name.
func verifyChain(s tls.ConnectionState, roots *x509.CertPool) error {
	if len(s.PeerCertificates) == 0 {
		return errors.New("the server sent no certificate")
	}
	options := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
	for _, cert := range s.PeerCertificates[1:] {
		options.Intermediates.AddCert(cert)
	}
	if _, err := s.PeerCertificates[0].Verify(options); err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: s.PeerCertificates, Err: err}
	}
	return nil
}

// mechanism returns nil when there is no login.
func mechanism(m *model.SASL) (sasl.Mechanism, error) {
	if m == nil {
		return nil, nil
	}
	user, password := m.Username, m.Password.Reveal()
	switch m.Mechanism {
	case "PLAIN":
		return plain.Auth{User: user, Pass: password}.AsMechanism(), nil
	case "SCRAM-SHA-256":
		return scram.Auth{User: user, Pass: password}.AsSha256Mechanism(), nil
	case "SCRAM-SHA-512":
		return scram.Auth{User: user, Pass: password}.AsSha512Mechanism(), nil
	}
	return nil, fmt.Errorf("SASL mechanism %q is not supported (PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 are)", m.Mechanism)
}
