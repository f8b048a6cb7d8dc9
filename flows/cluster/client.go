package cluster

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/internal/login"
)

const (
	retryTimeout = 5 * time.Second // of a control request's retries: callers have their own
	retries      = 3

	// idleTimeout keeps connections of quiet partitions open; Java's
	// connections.max.idle.ms, a minute below the brokers' own. maxIdle is what
	// kgo allows; brokers do not wait so long.
	idleTimeout = 9 * time.Minute
	maxIdle     = 15 * time.Minute

	// metadataMinAge lets kgo look for a moved broker at once when it has to;
	// beyond maxMetadataAge it does not go.
	metadataMinAge = 250 * time.Millisecond
	metadataMaxAge = 5 * time.Minute
	maxMetadataAge = time.Hour
)

// newClient makes a kgo client that connects as config says, through d.
func (c *Cluster) newClient(config *model.Cluster, d *dialer, purpose string, timeout time.Duration, more ...kgo.Opt) (*kgo.Client, error) {
	id := c.p.ClientID
	if purpose != "" {
		id += "-" + purpose
	}
	how := config.Connection
	seeds := slices.Clone(config.BootstrapServers)
	opts := []kgo.Opt{
		kgo.SeedBrokers(seeds...),
		kgo.ClientID(id),
		kgo.SoftwareNameAndVersion("strait", "0"),
		kgo.WithLogger(newLogger(c.p.Log)),
		kgo.WithHooks(d),
		kgo.RequestTimeoutOverhead(timeout),
		kgo.RequestRetries(retries),
		kgo.RetryTimeout(cmp.Or(how.APITimeout, retryTimeout)),
		kgo.RetryBackoffFn(backoff(how)),
		kgo.ConnIdleTimeout(idle(how.MaxIdle)),
		kgo.MetadataMinAge(metadataMinAge),
		kgo.MetadataMaxAge(min(max(cmp.Or(how.MetadataMaxAge, metadataMaxAge), metadataMinAge), maxMetadataAge)),
		kgo.BrokerMaxReadBytes(c.p.MaxResponse),
		kgo.DisableClientMetrics(),
	}
	if how.MetadataRecover != "none" {
		opts = append(opts, kgo.OnRebootstrapRequired(func() ([]string, error) { return seeds, nil }))
	}
	if config.SASL != nil {
		mechanism, err := login.New(login.Params{SASL: config.SASL, Log: c.p.Log, ReadFile: c.p.ReadFile})
		if err != nil {
			return nil, fmt.Errorf("building cluster %q: %w", config.Alias, err)
		}
		opts = append(opts, kgo.SASL(mechanism))
	}
	client, err := kgo.NewClient(append(opts, more...)...)
	if err != nil {
		return nil, fmt.Errorf("building a client of cluster %q: %w", config.Alias, err)
	}
	return client, nil
}

// idle returns how long a connection without traffic is kept. A negative time
// keeps it in Java; brokers close it after ten minutes all the same.
func idle(configured time.Duration) time.Duration {
	if configured < 0 {
		return maxIdle
	}
	return min(max(cmp.Or(configured, idleTimeout), time.Second), maxIdle)
}

// backoff returns the pause after so many failures: it doubles, give or take a
// fifth, so that many members do not ask a recovering broker in step. kgo has
// one for requests and connections.
func backoff(how model.Connection) func(failures int) time.Duration {
	first := cmp.Or(max(how.RetryBackoff, how.ReconnectBackoff), 100*time.Millisecond)
	most := cmp.Or(max(how.RetryBackoffMax, how.ReconnectBackoffMax), time.Second)
	return func(failures int) time.Duration {
		d := min(first<<min(max(failures-1, 0), 20), most)
		return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
	}
}
