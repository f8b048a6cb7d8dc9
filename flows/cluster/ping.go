package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Ping reports whether some broker of the cluster answers, with TLS and login
// done.
func (c *Cluster) Ping(ctx context.Context) error { return c.control.Ping(ctx) }

// ID returns the cluster's own id, which no other cluster has.
func (c *Cluster) ID(ctx context.Context) (string, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{} // none, rather than all
	resp, err := req.RequestWith(ctx, requestor{c})
	if err != nil {
		return "", fmt.Errorf("asking for the cluster's id: %w", err)
	}
	if resp.ClusterID == nil || *resp.ClusterID == "" {
		return "", errors.New("the cluster has no id")
	}
	return *resp.ClusterID, nil
}

// Verify reports whether the cluster is the one that its configuration expects:
// nil where it expects none, a *Problem where it is another one.
func (c *Cluster) Verify(ctx context.Context) error {
	if c.p.Config.ExpectClusterID == "" {
		return nil
	}
	id, err := c.ID(ctx)
	if err != nil {
		return err
	}
	return c.verifyID(id)
}

// verifyID is Verify for an id that is known.
func (c *Cluster) verifyID(id string) error {
	if want := c.p.Config.ExpectClusterID; want != "" && id != want {
		return &Problem{
			Cluster: c.Alias(), Address: strings.Join(c.p.Config.BootstrapServers, ", "),
			Cause: fmt.Sprintf("this is the cluster with the id %s, but expect_cluster_id is %s; nothing is read from it or written to it", id, want),
			Fix:   "correct bootstrap_servers, or expect_cluster_id where this is the right cluster",
			Err:   errors.New("another cluster than expected"),
		}
	}
	return nil
}

// Rack returns where this program runs, for reads from the nearest replica;
// empty: it does not say.
func (c *Cluster) Rack() string { return c.p.Data.Rack }
