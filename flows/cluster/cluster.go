// Package cluster owns the connections to one Kafka cluster: it turns a cluster
// of the model into kgo clients (TLS, SASL, timeouts, logging), keeps the
// leaders of the topics that are being copied, asks for log ends and producer
// ids, and explains in a sentence what is wrong when a cluster cannot be used.
// No other package makes a kgo client. What is sent over the clients belongs to
// their users; raw records belong to package wire.
package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/config/secret"
	"github.com/strait-mirror/strait/flows/internal/wire"
)

// Params is what New needs. A zero optional field means its default.
type Params struct {
	Config *model.Cluster // required
	Log    *slog.Logger   // required

	// Data is how the clients for records connect, where that differs from
	// Config.
	Data *model.Cluster

	// ReadFile reads certificates and passwords, for each connection anew;
	// default secret.ReadFile.
	ReadFile func(path string) ([]byte, error)

	// ClientID begins the id of every client; default Config.ClientID, else
	// "strait". Quotas and broker logs go by it.
	ClientID string

	// RequestTimeout is how long an answer may take beyond what its request asks
	// the broker to wait; default 30 s, Java's request.timeout.ms. Control
	// requests wait 10 s at most, so that they can be tried again.
	RequestTimeout time.Duration

	// MaxResponse bounds the bytes of one response; default 100 MiB, as kgo's.
	MaxResponse int32

	// DialTimeout bounds making a connection, TLS included; default
	// Config.Connection.SetupTimeout, else 10 s.
	DialTimeout time.Duration

	// Dial opens the connection beneath; default that of a zero net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Cluster is one Kafka cluster. Its methods are safe for concurrent use.
type Cluster struct {
	p        Params
	dialer   *dialer // of the control client
	records  *dialer // of the clients for records
	control  *kgo.Client
	admin    *kadm.Client
	metadata *Metadata

	pending sync.WaitGroup // goroutines of Go

	mu     sync.Mutex // guards the rest
	ended  bool
	writer *kgo.Client // nil: nobody has written
}

const (
	controlTimeout = 10 * time.Second // of one control request
)

// New checks p and returns a cluster; it dials nothing. Unreadable certificates
// and unknown SASL mechanisms are errors.
func New(p Params) (*Cluster, error) {
	if p.Config == nil || p.Log == nil {
		return nil, errors.New("building a cluster: config and log are required")
	}
	p.ClientID = cmp.Or(p.ClientID, p.Config.ClientID, "strait")
	p.RequestTimeout = cmp.Or(p.RequestTimeout, 30*time.Second)
	p.MaxResponse = cmp.Or(p.MaxResponse, 100<<20)
	p.DialTimeout = cmp.Or(p.DialTimeout, p.Config.Connection.SetupTimeout, 10*time.Second)
	p.Data = cmp.Or(p.Data, p.Config)
	if p.Data != p.Config { // a client's own request.timeout.ms; the cluster's is about control requests
		p.RequestTimeout = max(p.RequestTimeout, p.Data.Connection.RequestTimeout)
	}
	if p.ReadFile == nil {
		p.ReadFile = secret.ReadFile
	}
	p.Log = p.Log.With("cluster", p.Config.Alias)

	d, err := newDialer(p, p.Config)
	if err != nil {
		return nil, fmt.Errorf("building cluster %q: %w", p.Config.Alias, err)
	}
	c := &Cluster{p: p, dialer: d, records: d}
	if p.Data != p.Config {
		if c.records, err = newDialer(p, p.Data); err != nil {
			return nil, fmt.Errorf("building cluster %q: %w", p.Config.Alias, err)
		}
	}
	timeout := cmp.Or(p.Config.Connection.RequestTimeout, min(p.RequestTimeout, controlTimeout))
	if c.control, err = c.newClient(p.Config, d, "", timeout, kgo.Dialer(d.dial)); err != nil {
		return nil, err
	}
	c.admin = kadm.NewClient(c.control)
	c.admin.SetTimeoutMillis(int32(timeout.Milliseconds()))
	c.metadata = newMetadata(requestor{c}.Request)
	return c, nil
}

// Alias returns the cluster's name in the topology.
func (c *Cluster) Alias() string { return c.p.Config.Alias }

// Control returns the client for everything but records. Requests through it
// are retried for about five seconds. It belongs to the cluster.
func (c *Cluster) Control() *kgo.Client { return c.control }

// Admin returns the administrative calls on the control client.
func (c *Cluster) Admin() *kadm.Client { return c.admin }

// Metadata returns what is known of the topics that are being copied.
func (c *Cluster) Metadata() *Metadata { return c.metadata }

// Data returns a new client for raw records, with connections of its own. Its
// client id ends in "-" and purpose. The caller closes it. Hooks of kgo's see its
// requests as the client does, without their records.
func (c *Cluster) Data(purpose string, hooks ...kgo.Hook) (*wire.Client, error) {
	registry := wire.NewRegistry(int(c.p.MaxResponse))
	kafka, err := c.newClient(c.p.Data, c.records, purpose, c.p.RequestTimeout, kgo.Dialer(wire.WrapDialer(c.records.dial, registry)), kgo.WithHooks(hooks...))
	if err != nil {
		return nil, err
	}
	return wire.NewClient(wire.Params{Client: kafka, Registry: registry})
}

// Close closes the cluster's own clients. Data clients are closed by their owners.
func (c *Cluster) Close() {
	c.mu.Lock()
	ended, writer := c.ended, c.writer
	c.ended = true
	c.mu.Unlock()
	if ended {
		return
	}
	c.control.Close()
	if writer != nil {
		writer.Close()
	}
	c.pending.Wait()
}

// Await calls try, which uses the control client, and returns what it returns,
// or why ctx ended: the client goes on waiting for a silent broker for some
// seconds after that. What try writes is its own then. Close ends the call and
// waits for it.
func (c *Cluster) Await(ctx context.Context, try func(context.Context) error) error {
	select {
	case err := <-c.Go(ctx, try):
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// requestor sends control requests as Await does.
type requestor struct{ c *Cluster }

// Request implements kmsg.Requestor.
func (r requestor) Request(ctx context.Context, req kmsg.Request) (kmsg.Response, error) {
	answer := make(chan kmsg.Response, 1)
	err := r.c.Await(ctx, func(ctx context.Context) error {
		resp, err := r.c.control.Request(ctx, req)
		answer <- resp
		return err
	})
	if err != nil {
		return nil, err
	}
	return <-answer, nil
}

// Go is Await for callers that have more to wait for. After Close it calls nothing
// and gives kgo.ErrClientClosed.
func (c *Cluster) Go(ctx context.Context, try func(context.Context) error) <-chan error {
	done := make(chan error, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended { // nobody would wait for it
		done <- kgo.ErrClientClosed
		return done
	}
	c.pending.Go(func() { done <- try(ctx) })
	return done
}

// Requestor returns what sends control requests as Await does: they end with
// their context, also while a broker is silent.
func (c *Cluster) Requestor() kmsg.Requestor { return requestor{c} }
