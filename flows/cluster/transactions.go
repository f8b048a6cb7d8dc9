package cluster

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// TransactionsV2 reports whether the cluster has transaction.version 2: its
// brokers add partitions to transactions by themselves, and every transaction
// has an epoch of its own (KIP-890, from Kafka 4.0 on).
func (c *Cluster) TransactionsV2(ctx context.Context) (bool, error) {
	req := kmsg.NewPtrApiVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = "strait", "0"
	resp, err := req.RequestWith(ctx, c.control)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return false, fmt.Errorf("asking for features: %w", err)
	}
	for _, f := range resp.FinalizedFeatures {
		if f.Name == "transaction.version" {
			return f.MaxVersionLevel >= 2, nil
		}
	}
	return false, nil
}

// Coordinator returns a new client for requests to the coordinators of
// transactional ids. Without v2 it keeps to the versions before
// transaction.version 2, by which brokers tell how a client means them. The
// caller closes it.
func (c *Cluster) Coordinator(purpose string, v2 bool) (*kgo.Client, error) {
	if v2 {
		return c.Producer(purpose)
	}
	versions := kversion.Stable()
	versions.SetMaxKeyVersion(int16(kmsg.AddPartitionsToTxn), 3) // later ones are for brokers
	versions.SetMaxKeyVersion(int16(kmsg.EndTxn), 4)
	return c.Producer(purpose, kgo.MaxVersions(versions))
}
