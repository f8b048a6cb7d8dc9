package groupsync

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/admin"
)

// Committed is what a group has of one partition.
type Committed struct {
	Offset   int64
	Metadata string // what its consumer keeps beside it, as Kafka Streams does stream time
}

// CommittedBy returns what one group has on a cluster. A group that is not there has
// nothing.
func CommittedBy(ctx context.Context, c *cluster.Cluster, group string) (map[cluster.TopicPartition]Committed, error) {
	found, refused, err := committedOffsets(ctx, c, []string{group})
	if err == nil {
		err = refused[group]
	}
	if err != nil {
		return nil, err
	}
	out := make(map[cluster.TopicPartition]Committed, len(found))
	for _, o := range found {
		if o.offset >= 0 {
			out[o.at] = Committed{Offset: o.offset, Metadata: o.metadata}
		}
	}
	return out, nil
}

// InUseError says that somebody is in a group, whose offsets are theirs then.
type InUseError struct {
	Group, Cluster string
	State          string // "stable"; empty: a broker found it out
}

func (e *InUseError) Error() string {
	state := "has members"
	if e.State != "" {
		state = "is " + e.State
	}
	return fmt.Sprintf("group %q %s on %q: its members commit its offsets themselves, stop them first", e.Group, state, e.Cluster)
}

// Free reports whether nobody is in a group of a cluster: nil, or an *InUseError.
func Free(ctx context.Context, c *cluster.Cluster, group string) error {
	all, err := list(ctx, c)
	if err != nil {
		return err
	}
	for _, l := range all {
		if l.name == group && !l.idle() {
			return &InUseError{Group: group, Cluster: c.Alias(), State: l.state}
		}
	}
	return nil
}

// Commit sets offsets of a group that nobody is in, whatever they were.
func Commit(ctx context.Context, c *cluster.Cluster, group string, to map[cluster.TopicPartition]Committed) error {
	offsets := kadm.Offsets{}
	for at, o := range to {
		offsets.Add(kadm.Offset{Topic: at.Topic, Partition: at.Partition, At: o.Offset, LeaderEpoch: noEpoch, Metadata: o.Metadata})
	}
	err := commitAll(ctx, c, group, offsets)
	if taken(err) {
		return &InUseError{Group: group, Cluster: c.Alias()}
	}
	if err != nil {
		return c.Explain(fmt.Errorf("writing the offsets of group %q: %w", group, err))
	}
	return nil
}

// commitAll commits offsets as nobody of the group. Their metadata goes along, as
// with MirrorMaker 2, but where the cluster allows less of it than they have.
func commitAll(ctx context.Context, c *cluster.Cluster, group string, offsets kadm.Offsets) error {
	err := commitOnce(ctx, c, group, offsets)
	if errors.Is(err, kerr.OffsetMetadataTooLarge) { // the cluster's offset.metadata.max.bytes
		err = commitOnce(ctx, c, group, bare(offsets))
	}
	return err
}

// bare returns offsets without their metadata.
func bare(offsets kadm.Offsets) kadm.Offsets {
	out := kadm.Offsets{}
	offsets.Each(func(o kadm.Offset) {
		o.Metadata = ""
		out.Add(o)
	})
	return out
}

func commitOnce(ctx context.Context, c *cluster.Cluster, group string, offsets kadm.Offsets) error {
	answers, err := c.Admin().CommitOffsets(ctx, group, offsets)
	if err == nil {
		err = answers.Error()
	}
	switch {
	case errors.Is(err, kerr.GroupAuthorizationFailed):
		return admin.Refused(err, "READ", admin.OnGroup(group))
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		for topic := range offsets {
			return admin.Refused(err, "READ", admin.OnTopic(topic))
		}
	}
	return err
}

// taken reports whether offsets were not committed since somebody is in the group.
func taken(err error) bool {
	return errors.Is(err, kerr.UnknownMemberID) || errors.Is(err, kerr.RebalanceInProgress) || errors.Is(err, kerr.StaleMemberEpoch)
}
