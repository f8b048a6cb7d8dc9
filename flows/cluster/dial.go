package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/config/model"
)

// A dialer opens the connections of every client of a cluster, and remembers
// which address failed with what, since the errors of a login do not say.
type dialer struct {
	open      func(ctx context.Context, network, address string) (net.Conn, error)
	timeout   time.Duration // of making a connection, TLS included; doubled for an address that does not answer
	timeouts  time.Duration // up to this
	how       model.Connection
	bootstrap []string // addresses whose names may be replaced by canonical ones
	trust     *trust   // nil: plaintext

	served atomic.Bool // the cluster has answered a request beyond the handshake

	mu     sync.Mutex     // guards the rest
	failed []failure      // the last few, newest last
	silent map[string]int // how often in a row an address did not answer in time
}

type failure struct {
	address string
	err     error
}

// maxFailures is about one per broker that is being tried at the same time.
const maxFailures = 16

func newDialer(p Params, config *model.Cluster) (*dialer, error) {
	d := &dialer{
		open: p.Dial, timeout: p.DialTimeout, timeouts: max(p.DialTimeout, config.Connection.SetupTimeoutMax),
		how: config.Connection, bootstrap: config.BootstrapServers, silent: map[string]int{},
	}
	if d.open == nil {
		d.open = new(net.Dialer).DialContext
	}
	if config.TLS == nil {
		return d, nil
	}
	var err error
	d.trust, err = newTrust(config.TLS, p.Log, p.ReadFile)
	return d, err
}

// handshakeError is a TLS handshake that failed after the connection was made.
// It counts as a dial error for kgo.
type handshakeError struct{ err error }

func (e *handshakeError) Error() string { return "shaking hands: " + e.err.Error() }
func (e *handshakeError) Unwrap() error { return e.err }

// dial opens a connection, TLS included.
func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.patience(address))
	defer cancel()
	conn, host, err := d.connect(ctx, network, address)
	if err == nil && d.trust != nil {
		conn, err = d.secure(ctx, network, conn, host)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil && ctx.Err() != nil {
		d.silent[address]++
	} else {
		delete(d.silent, address)
	}
	return conn, err
}

// patience returns how long an address gets to answer: longer each time it has
// not, as Java's socket.connection.setup.timeout.ms grows.
func (d *dialer) patience(address string) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return min(d.timeout<<min(d.silent[address], 16), d.timeouts)
}

// connect opens the TCP connection. Of a name with several addresses each is
// tried. It returns the name that the broker's certificate must have.
func (d *dialer) connect(ctx context.Context, network, address string) (net.Conn, string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, "", fmt.Errorf("reading the address %s: %w", address, err)
	}
	if d.how.DNSLookup == canonicalNames && slices.Contains(d.bootstrap, address) {
		host = canonical(ctx, host)
	}
	conn, err := d.open(ctx, network, net.JoinHostPort(host, port))
	if err != nil {
		return nil, "", err //nolint:wrapcheck // a *net.OpError says it all
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		// The system may give less than it is asked for, and says nothing then.
		if d.how.ReceiveBuffer > 0 {
			_ = tcp.SetReadBuffer(int(d.how.ReceiveBuffer))
		}
		if d.how.SendBuffer > 0 {
			_ = tcp.SetWriteBuffer(int(d.how.SendBuffer))
		}
	}
	return conn, host, nil
}

// canonicalNames is the value of client.dns.lookup that asks for them.
const canonicalNames = "resolve_canonical_bootstrap_servers_only"

// canonical returns the name that the first address of a name is called by, as
// Java does for Kerberos behind an alias; the name itself where there is none.
func canonical(ctx context.Context, host string) string {
	addresses, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil {
		return host
	}
	for _, address := range addresses {
		if names, err := net.DefaultResolver.LookupAddr(ctx, address); err == nil && len(names) > 0 {
			return strings.TrimSuffix(names[0], ".")
		}
	}
	return host
}

// secure shakes hands.
func (d *dialer) secure(ctx context.Context, network string, conn net.Conn, host string) (net.Conn, error) {
	config := d.trust.current().Clone()
	if config.ServerName == "" {
		config.ServerName = host
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
