package cluster

import (
	"context"
	"errors"
	"fmt"

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

// Rack returns where this program runs, for reads from the nearest replica;
// empty: it does not say.
func (c *Cluster) Rack() string { return c.p.Config.Rack }
