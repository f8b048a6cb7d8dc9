package cluster

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/flows/internal/admin"
)

// ProducerIDExpiration returns how old the last record of a producer may become
// before the brokers forget the producer (producer.id.expiration.ms), as some
// broker has it set. It needs DESCRIBE_CONFIGS on the cluster.
func (c *Cluster) ProducerIDExpiration(ctx context.Context) (time.Duration, error) {
	const name = "producer.id.expiration.ms"
	brokers, err := c.admin.ListBrokers(ctx)
	if err != nil {
		return 0, fmt.Errorf("listing brokers: %w", err)
	}
	if len(brokers) == 0 {
		return 0, errors.New("listing brokers: there are none")
	}
	resource := kmsg.NewDescribeConfigsRequestResource()
	resource.ResourceType = kmsg.ConfigResourceTypeBroker
	resource.ResourceName = strconv.Itoa(int(brokers[0].NodeID))
	resource.ConfigNames = []string{name}
	req := kmsg.NewPtrDescribeConfigsRequest()
	req.Resources = append(req.Resources, resource)
	resp, err := req.RequestWith(ctx, c.control)
	if err != nil {
		return 0, fmt.Errorf("describing broker %s: %w", resource.ResourceName, err)
	}
	for _, r := range resp.Resources {
		if err := admin.Refused(kerr.ErrorForCode(r.ErrorCode), "DESCRIBE_CONFIGS", "cluster"); err != nil {
			return 0, fmt.Errorf("describing broker %s: %w", resource.ResourceName, err)
		}
		for _, config := range r.Configs {
			if config.Name == name && config.Value != nil {
				ms, err := strconv.ParseInt(*config.Value, 10, 64)
				if err != nil {
					return 0, fmt.Errorf("reading %s: %w", name, err)
				}
				return time.Duration(ms) * time.Millisecond, nil
			}
		}
	}
	return 0, fmt.Errorf("describing broker %s: it does not tell %s", resource.ResourceName, name)
}
