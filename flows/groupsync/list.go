package groupsync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/admin"
)

// listedGroup is what brokers say of a group in a list.
type listedGroup struct {
	name     string
	kind     string // "classic", "consumer", "share", "streams"; "": the broker is older than Kafka 3.8
	protocol string // of its members: "consumer", "connect"; "": there never were any
	state    string // "stable"; in lower case
}

// idle reports whether nobody is in the group, so that its offsets may be written.
func (l listedGroup) idle() bool { return l.state == "empty" || l.state == "dead" }

// list returns the groups of a cluster that may be described, by name.
func list(ctx context.Context, c *cluster.Cluster) ([]listedGroup, error) {
	var out []listedGroup
	for _, shard := range c.Control().RequestSharded(ctx, kmsg.NewPtrListGroupsRequest()) {
		if shard.Err != nil {
			return nil, c.Explain(fmt.Errorf("listing groups: %w", shard.Err))
		}
		resp := shard.Resp.(*kmsg.ListGroupsResponse)
		if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
			return nil, c.Explain(fmt.Errorf("listing groups: %w", admin.Refused(err, "DESCRIBE", "cluster")))
		}
		for _, l := range resp.Groups {
			out = append(out, listedGroup{
				name: l.Group, kind: strings.ToLower(l.GroupType), protocol: l.ProtocolType, state: strings.ToLower(l.GroupState),
			})
		}
	}
	slices.SortFunc(out, func(a, b listedGroup) int { return cmp.Compare(a.name, b.name) })
	return slices.CompactFunc(out, func(a, b listedGroup) bool { return a.name == b.name }), nil
}

// reason says why a group is not taken along; "": it is.
func (g *Groups) reason(l listedGroup) string {
	if why := g.filter.Reason(l.name); why != "" {
		return why
	}
	switch {
	case l.kind == "share":
		return "it is a share group, which has no offset to go on at but a state of its own for each record"
	case l.kind == "streams":
		return "it is a streams group (KIP-1071), whose offsets only its members commit"
	case l.protocol != "" && l.protocol != "consumer":
		return fmt.Sprintf("its members are no consumers: their protocol is %q", l.protocol)
	}
	return ""
}

// choose takes over which of the groups of the source are taken along, and what they
// are called at the target. Of those that would get one name there none is: its
// offsets would be now one's, now the other's.
func (g *Groups) choose(listed []listedGroup) {
	g.groups, g.called, g.unable = nil, map[string]string{}, map[string]error{}
	owners := map[string][]string{}
	for _, l := range listed {
		if g.reason(l) != "" {
			continue
		}
		name, err := g.filter.Name(l.name)
		if err != nil {
			g.unable[l.name] = fmt.Errorf("naming group %q: %w", l.name, err)
			continue
		}
		g.called[l.name] = name
		owners[name] = append(owners[name], l.name)
	}
	for _, l := range listed {
		name, named := g.called[l.name]
		switch all := owners[name]; {
		case !named:
		case len(all) == 1:
			g.groups = append(g.groups, l.name)
		default:
			g.unable[l.name] = fmt.Errorf("groups %q and %q would both be %q at the target: change group_replacement", all[0], all[1], name)
		}
	}
}

// committed is an offset that a group committed.
type committed struct {
	group    string
	at       cluster.TopicPartition
	offset   int64 // -1: none
	metadata string
}

// committedOffsets asks for all committed offsets of groups: one request per
// coordinator where brokers take that. Groups that could not be asked for are in
// refused.
func committedOffsets(ctx context.Context, c *cluster.Cluster, groups []string) (out []committed, refused map[string]error, err error) {
	refused = map[string]error{}
	for name, answer := range c.Admin().FetchManyOffsets(ctx, groups...) {
		switch {
		case errors.Is(answer.Err, kerr.GroupAuthorizationFailed):
			refused[name] = c.Explain(fmt.Errorf("asking for committed offsets: %w", admin.Refused(answer.Err, "DESCRIBE", admin.OnGroup(name))))
			continue
		case errors.Is(answer.Err, kerr.GroupIDNotFound):
			continue // it is gone
		case answer.Err != nil && !isBrokers(answer.Err):
			return nil, nil, c.Explain(fmt.Errorf("asking for committed offsets: %w", answer.Err))
		case answer.Err != nil:
			refused[name] = c.Explain(fmt.Errorf("asking for committed offsets of group %q: %w", name, answer.Err))
			continue
		}
		for topic, partitions := range answer.Fetched {
			for partition, o := range partitions {
				if o.Err == nil {
					out = append(out, committed{name, cluster.TopicPartition{Topic: topic, Partition: partition}, o.At, o.Metadata})
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b committed) int {
		return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.at.Topic, b.at.Topic), cmp.Compare(a.at.Partition, b.at.Partition))
	})
	return out, refused, nil
}

// isBrokers reports whether a broker has answered with err.
func isBrokers(err error) bool {
	_, ok := errors.AsType[*kerr.Error](err)
	return ok
}
