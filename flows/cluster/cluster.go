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
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/internal/wire"
)

// Params is what New needs. A zero optional field means its default.
type Params struct {
	Config *model.Cluster // required
	Log    *slog.Logger   // required

	// ClientID begins the id of every client; default Config.ClientID, else
	// "strait". Quotas and broker logs go by it.
	ClientID string

	// RequestTimeout is how long an answer may take beyond what its request asks
	// the broker to wait; default 30 s, Java's request.timeout.ms. Control
	// requests wait 10 s at most, so that they can be tried again.
	RequestTimeout time.Duration

	// MaxResponse bounds the bytes of one response; default 100 MiB, as kgo's.
	MaxResponse int32

	// DialTimeout bounds making a connection, TLS included; default 10 s.
	DialTimeout time.Duration
}

// Cluster is one Kafka cluster. Its methods are safe for concurrent use.
type Cluster struct {
	p        Params
	dialer   *dialer
	control  *kgo.Client
	admin    *kadm.Client
	metadata *Metadata

	pending sync.WaitGroup // goroutines of Go

	mu    sync.Mutex // guards close against itself
	ended bool
}

const (
	controlTimeout = 10 * time.Second // of one control request
	retryTimeout   = 5 * time.Second  // of a control request's retries: callers have their own
	retries        = 3

	// idleTimeout keeps connections of quiet partitions open; Java's
	// connections.max.idle.ms, a minute below the brokers' own.
	idleTimeout = 9 * time.Minute

	// metadataMinAge lets kgo look for a moved broker at once when it has to.
	metadataMinAge = 250 * time.Millisecond
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
	p.DialTimeout = cmp.Or(p.DialTimeout, 10*time.Second)
	p.Log = p.Log.With("cluster", p.Config.Alias)

	d, err := newDialer(p.Config, p.DialTimeout)
	if err != nil {
		return nil, fmt.Errorf("building cluster %q: %w", p.Config.Alias, err)
	}
	c := &Cluster{p: p, dialer: d}
	timeout := min(p.RequestTimeout, controlTimeout)
	if c.control, err = c.newClient("", timeout, kgo.Dialer(d.dial)); err != nil {
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
// client id ends in "-" and purpose. The caller closes it.
func (c *Cluster) Data(purpose string) (*wire.Client, error) {
	registry := wire.NewRegistry(int(c.p.MaxResponse))
	kafka, err := c.newClient(purpose, c.p.RequestTimeout, kgo.Dialer(wire.WrapDialer(c.dialer.dial, registry)))
	if err != nil {
		return nil, err
	}
	return wire.NewClient(wire.Params{Client: kafka, Registry: registry})
}

// Close closes the control client. Data clients are closed by their owners.
func (c *Cluster) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.ended = true
		c.control.Close()
		c.pending.Wait()
	}
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

// Go is Await for callers that have more to wait for.
func (c *Cluster) Go(ctx context.Context, try func(context.Context) error) <-chan error {
	done := make(chan error, 1)
	c.pending.Go(func() { done <- try(ctx) })
	return done
}

func (c *Cluster) newClient(purpose string, timeout time.Duration, more ...kgo.Opt) (*kgo.Client, error) {
	id := c.p.ClientID
	if purpose != "" {
		id += "-" + purpose
	}
	seeds := slices.Clone(c.p.Config.BootstrapServers)
	opts := []kgo.Opt{
		kgo.SeedBrokers(seeds...),
		kgo.OnRebootstrapRequired(func() ([]string, error) { return seeds, nil }),
		kgo.ClientID(id),
		kgo.SoftwareNameAndVersion("strait", "0"),
		kgo.WithLogger(newLogger(c.p.Log)),
		kgo.WithHooks(c.dialer),
		kgo.RequestTimeoutOverhead(timeout),
		kgo.RequestRetries(retries),
		kgo.RetryTimeout(retryTimeout),
		kgo.RetryBackoffFn(backoff),
		kgo.ConnIdleTimeout(idleTimeout),
		kgo.MetadataMinAge(metadataMinAge),
		kgo.BrokerMaxReadBytes(c.p.MaxResponse),
		kgo.DisableClientMetrics(),
	}
	mechanism, err := mechanism(c.p.Config.SASL)
	if err != nil {
		return nil, fmt.Errorf("building cluster %q: %w", c.p.Config.Alias, err)
	}
	if mechanism != nil {
		opts = append(opts, kgo.SASL(mechanism))
	}
	client, err := kgo.NewClient(append(opts, more...)...)
	if err != nil {
		return nil, fmt.Errorf("building a client of cluster %q: %w", c.p.Config.Alias, err)
	}
	return client, nil
}

// backoff grows from 100 ms to 1 s, give or take a fifth, so that many members
// do not ask a recovering broker in step.
func backoff(failures int) time.Duration {
	d := min(100*time.Millisecond<<min(max(failures-1, 0), 8), time.Second)
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
}
