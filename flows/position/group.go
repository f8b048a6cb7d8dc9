package position

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/flows/internal/admin"
	"github.com/strait-mirror/strait/flows/internal/mm2fmt"
)

// GroupParams is what NewGroup needs. All of it is required.
type GroupParams struct {
	Client *kgo.Client // the source's control client
	Group  string      // group.id
	Log    *slog.Logger
}

// Group keeps positions as the committed offsets of a consumer group on the
// source, as MirrorMaker 1 does, so that either program can go on where the
// other stopped and lag tools see both. It commits as a group without members:
// a broker takes that only while the group has none, which keeps it from
// overwriting what somebody else commits. All methods are safe for concurrent
// use; Get and All never wait for a broker.
type Group struct {
	p     GroupParams
	admin *kadm.Client

	mu      sync.Mutex // guards anchors
	anchors map[Lane]Anchor
}

// NewGroup checks p and returns a store that holds nothing yet.
func NewGroup(p GroupParams) (*Group, error) {
	if p.Client == nil || p.Group == "" || p.Log == nil {
		return nil, errors.New("building positions in a group: client, group and log are required")
	}
	return &Group{p: p, admin: kadm.NewClient(p.Client), anchors: map[Lane]Anchor{}}, nil
}

// LiveGroupError says that somebody else reads in the name of the group.
type LiveGroupError struct {
	Group   string
	Members []string // "client-id at host"; empty: the broker named none
}

func (e *LiveGroupError) Error() string {
	if len(e.Members) == 0 {
		return fmt.Sprintf("consumer group %q has members; two programs cannot mirror in its name", e.Group)
	}
	return fmt.Sprintf("consumer group %q has %d members (%s); two programs cannot mirror in its name",
		e.Group, len(e.Members), strings.Join(e.Members, ", "))
}

// Hint says what to do about it.
func (e *LiveGroupError) Hint() string {
	return "stop MirrorMaker 1, or whoever they are: mirroring goes on where the group was when its last member has left"
}

// Open finds out that the group has no members and reads what it has committed.
func (g *Group) Open(ctx context.Context) error {
	if err := g.Check(ctx); err != nil {
		return err
	}
	// Stable: not below what a transaction is about to commit.
	committed, err := g.admin.FetchOffsets(kadm.RequireStable(ctx), g.p.Group)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) { // a group that never was has no offsets
		return fmt.Errorf("reading the offsets of consumer group %q: %w", g.p.Group, g.refused(err))
	}
	anchors := map[Lane]Anchor{}
	for _, topic := range committed {
		for _, o := range topic {
			if o.Err != nil {
				return fmt.Errorf("reading the offset of %s/%d in consumer group %q: %w", o.Topic, o.Partition, g.p.Group, o.Err)
			}
			if o.At < 0 {
				continue
			}
			a := Anchor{
				Topic: o.Topic, Partition: o.Partition, Offset: o.At - 1, LeaderEpoch: o.LeaderEpoch,
				// Not bare: a committed 0 is a position, too.
				Version: mm2fmt.OffsetVersion, TargetEnd: -1, ProducerID: -1,
			}
			anchors[a.Lane()] = a
		}
	}
	g.mu.Lock()
	g.anchors = anchors
	g.mu.Unlock()
	return nil
}

// Get returns where the group is in a partition.
func (g *Group) Get(topic string, partition int32) (Anchor, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	a, ok := g.anchors[Lane{topic, partition}]
	return a, ok
}

// All returns where the group is, in no order.
func (g *Group) All() []Anchor {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := make([]Anchor, 0, len(g.anchors))
	for _, a := range g.anchors {
		all = append(all, a)
	}
	return all
}

// Write commits anchors. Those of topics that are gone are dropped, as
// MirrorMaker 1 does; a *LiveGroupError says that the group has got members
// and that nothing was committed.
func (g *Group) Write(ctx context.Context, anchors []Anchor) error {
	var offsets kadm.Offsets
	for _, a := range anchors {
		offsets.AddOffset(a.Topic, a.Partition, a.Next(), a.LeaderEpoch)
	}
	committed, err := g.admin.CommitOffsets(ctx, g.p.Group, offsets)
	if err != nil {
		return fmt.Errorf("committing offsets to consumer group %q: %w", g.p.Group, g.refused(err))
	}
	var failed []error
	for _, a := range anchors {
		o, _ := committed.Lookup(a.Topic, a.Partition)
		switch {
		case o.Err == nil:
			g.keep(a)
		case errors.Is(o.Err, kerr.UnknownTopicOrPartition), errors.Is(o.Err, kerr.UnknownTopicID):
			g.p.Log.Debug("position of a topic that is gone was dropped", "topic", a.Topic, "partition", a.Partition)
		case isLive(o.Err):
			return g.live(ctx)
		default:
			failed = append(failed, fmt.Errorf("committing %s/%d to consumer group %q: %w", a.Topic, a.Partition, g.p.Group, g.refused(o.Err)))
		}
	}
	if len(failed) > 0 {
		return failed[0] // the others fail for the same reason
	}
	return nil
}

func (g *Group) keep(a Anchor) {
	a.Version = mm2fmt.OffsetVersion
	g.mu.Lock()
	defer g.mu.Unlock()
	g.anchors[a.Lane()] = a
}

// isLive reports whether a broker refused a commit because the group has
// members (GroupMetadataManager.validateOffsetCommit).
func isLive(err error) bool {
	for _, code := range []error{kerr.UnknownMemberID, kerr.IllegalGeneration, kerr.RebalanceInProgress, kerr.StaleMemberEpoch} {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}

// live returns who is in the group as an error, also where they have left
// meanwhile or hide.
func (g *Group) live(ctx context.Context) error {
	if err := g.Check(ctx); err != nil {
		if live, ok := errors.AsType[*LiveGroupError](err); ok {
			return live
		}
	}
	return &LiveGroupError{Group: g.p.Group}
}

// Check returns a *LiveGroupError when the group has members. It needs DESCRIBE
// on the group, as reading its offsets does.
func (g *Group) Check(ctx context.Context) error {
	described, err := g.admin.DescribeGroups(ctx, g.p.Group)
	if err == nil {
		err = described[g.p.Group].Err
	}
	var members []string
	switch {
	case err == nil:
		for _, m := range described[g.p.Group].Members {
			members = append(members, m.ClientID+" at "+strings.TrimPrefix(m.ClientHost, "/"))
		}
	case errors.Is(err, kerr.GroupIDNotFound):
		// Brokers from 4.0 on say so of groups of the new protocol, too (KIP-848).
		if members, err = g.newProtocol(ctx); err != nil {
			return err
		}
	default:
		return fmt.Errorf("describing consumer group %q: %w", g.p.Group, g.refused(err))
	}
	if len(members) > 0 {
		return &LiveGroupError{Group: g.p.Group, Members: members}
	}
	return nil
}

// newProtocol names the members of a group of the new protocol; none where
// there is no such group or the broker does not know the protocol.
func (g *Group) newProtocol(ctx context.Context) ([]string, error) {
	described, err := g.admin.DescribeConsumerGroups(ctx, g.p.Group)
	if err == nil {
		err = described[g.p.Group].Err
	}
	switch {
	case errors.Is(err, kerr.GroupIDNotFound), errors.Is(err, kerr.UnsupportedVersion):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("describing consumer group %q: %w", g.p.Group, g.refused(err))
	}
	var members []string
	for _, m := range described[g.p.Group].Members {
		members = append(members, m.ClientID+" at "+strings.TrimPrefix(m.ClientHost, "/"))
	}
	return members, nil
}

// refused names the permission that a broker's refusal asks for: READ on the
// group implies DESCRIBE.
func (g *Group) refused(err error) error {
	return admin.Refused(err, "READ", admin.OnGroup(g.p.Group))
}
