package demo

import (
	"fmt"
	"math"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// brokers is the size of each cluster: enough that partitions have different
// leaders.
const brokers = 3

// side is one of the two clusters.
type side struct {
	name    string // its alias in the topology
	cluster *kfake.Cluster
	streams []stream
}

// startSide starts a cluster that listens on free ports of the loopback
// interface and has the topics of streams.
func startSide(name string, streams []stream) (*side, error) {
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(brokers),
		kfake.ClusterID("strait-demo-"+name),
	)
	if err != nil {
		return nil, fmt.Errorf("starting cluster %s: %w", name, err)
	}
	cluster.ControlKey(int16(kmsg.Fetch), widenFetch)
	for _, s := range streams {
		if err := cluster.CreateTopic(s.topic, s.partitions, s.configs); err != nil {
			cluster.Close()
			return nil, fmt.Errorf("creating topic %s on %s: %w", s.topic, name, err)
		}
	}
	return &side{name: name, cluster: cluster, streams: streams}, nil
}

// address is where any Kafka client can attach.
func (s *side) address() string { return s.cluster.ListenAddrs()[0] }

func (s *side) close() { s.cluster.Close() }

// widenFetch lifts the limit of a whole fetch response; those of its partitions
// stay. The fake cluster leaves out the list of aborted transactions for the
// partition at which a response reaches its limit, so that any reader would take
// aborted records for committed ones. Kafka does not.
func widenFetch(req kmsg.Request) (kmsg.Response, error, bool) {
	if fetch, ok := req.(*kmsg.FetchRequest); ok {
		fetch.MaxBytes = math.MaxInt32
	}
	return nil, nil, false
}
