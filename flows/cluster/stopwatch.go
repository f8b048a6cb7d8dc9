package cluster

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/internal/wire"
)

// stopwatch is a hook of a client that says how far one request came, and how long
// each part of the way took.
type stopwatch struct {
	dial wire.DialFunc

	mu        sync.Mutex    // guards the rest
	dialed    time.Duration // TLS included
	versions  time.Duration // to ask for the versions of requests
	ready     time.Duration // all of the above, and the login
	metadata  time.Duration
	spoke     bool // the broker answered for its versions
	connected bool // all of that worked
}

// askWith asks the bootstrap servers of config for metadata of no topic, once.
func (c *Cluster) askWith(ctx context.Context, config *model.Cluster, t *stopwatch) (*kmsg.MetadataResponse, error) {
	client, err := c.newClient(config, c.dialer, "check", controlTimeout, kgo.Dialer(t.open), kgo.WithHooks(t))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{} // none, rather than all
	answer, err := client.SeedBrokers()[0].Request(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("asking for metadata: %w", err)
	}
	return answer.(*kmsg.MetadataResponse), nil
}

func (t *stopwatch) open(ctx context.Context, network, address string) (net.Conn, error) {
	began := time.Now()
	conn, err := t.dial(ctx, network, address)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.dialed = time.Since(began)
	return conn, err
}

// OnBrokerE2E implements kgo.HookBrokerE2E.
func (t *stopwatch) OnBrokerE2E(_ kgo.BrokerMetadata, key int16, end kgo.BrokerE2E) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch kmsg.Key(key) { //nolint:exhaustive // nothing else is timed
	case kmsg.ApiVersions:
		t.versions, t.spoke = end.DurationE2E(), end.Err() == nil
	case kmsg.Metadata:
		t.metadata = end.DurationE2E()
	}
}

// OnBrokerConnect implements kgo.HookBrokerConnect.
func (t *stopwatch) OnBrokerConnect(_ kgo.BrokerMetadata, took time.Duration, _ net.Conn, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ready, t.connected = took, err == nil
}
