package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/flows/grant"
	"github.com/strait-mirror/strait/flows/internal/admin"
)

// Missing returns those of wanted that the cluster does not grant to principal.
// It reads the ACLs where we may, and otherwise, if principal is who we are,
// looks at what the cluster lets us do with the topics that are there; what that
// cannot tell counts as missing. On a cluster without an authorizer nothing is.
func (c *Cluster) Missing(ctx context.Context, principal string, wanted []grant.Grant) ([]grant.Grant, error) {
	var missing []grant.Grant
	err := c.Await(ctx, func(ctx context.Context) error {
		acls, err := c.acls(ctx)
		switch {
		case errors.Is(err, kerr.SecurityDisabled):
			return nil
		case err != nil && !errors.Is(err, kerr.ClusterAuthorizationFailed):
			return err
		case err != nil && principal != c.principal():
			return admin.Refused(err, "DESCRIBE", "cluster")
		}
		missing = slices.DeleteFunc(slices.Clone(wanted), func(g grant.Grant) bool { return err == nil && allowed(acls, principal, g) })
		if principal != c.principal() || len(missing) == 0 {
			return nil
		}
		missing, err = c.probe(ctx, missing) // we may be a super user
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("asking for permissions: %w", c.Explain(err))
	}
	return missing, nil
}

// acl is one ACL.
type acl struct {
	principal string
	host      string
	deny      bool
	grant     grant.Grant
}

func (c *Cluster) acls(ctx context.Context) ([]acl, error) {
	req := kmsg.NewPtrDescribeACLsRequest()
	req.ResourceType = kmsg.ACLResourceTypeAny
	req.ResourcePatternType = kmsg.ACLResourcePatternTypeAny
	req.Operation = kmsg.ACLOperationAny
	req.PermissionType = kmsg.ACLPermissionTypeAny
	resp, err := req.RequestWith(ctx, c.control)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return nil, fmt.Errorf("describing ACLs: %w", err)
	}
	var out []acl
	for _, r := range resp.Resources {
		on := grant.On{
			Kind: grant.Kind(strings.ToLower(r.ResourceType.String())), Name: r.ResourceName,
			Prefixed: r.ResourcePatternType == kmsg.ACLResourcePatternTypePrefixed,
		}
		for _, a := range r.ACLs {
			out = append(out, acl{
				principal: a.Principal, host: a.Host, deny: a.PermissionType == kmsg.ACLPermissionTypeDeny,
				grant: grant.Grant{Operation: grant.Operation(a.Operation.String()), On: on},
			})
		}
	}
	return out, nil
}

// allowed reports whether ACLs grant all of g to a principal from any host: who
// may connect from some hosts only may be on another one tomorrow. One that
// denies anything of it, even to one host, wins, as it does in Kafka.
func allowed(acls []acl, principal string, g grant.Grant) bool {
	ok := false
	for _, a := range acls {
		if a.principal != principal && a.principal != "User:*" {
			continue
		}
		same := a.grant.Operation == "ALL" || a.grant.Operation == g.Operation
		switch {
		case a.deny && same && (a.grant.On.Include(g.On) || g.On.Include(a.grant.On)):
			return false
		case !a.deny && a.host == "*" && a.grant.Includes(g):
			ok = true
		}
	}
	return ok
}

// probeCluster leaves out of wanted what brokers let us do with the cluster: its
// authorized operations are told only to who may describe it.
func (c *Cluster) probeCluster(ctx context.Context, wanted []grant.Grant) ([]grant.Grant, error) {
	settings := grant.Grant{Operation: grant.DescribeConfigs, On: grant.Itself()}
	i := slices.Index(wanted, settings)
	if i < 0 {
		return wanted, nil
	}
	_, err := c.ProducerIDExpiration(ctx)
	switch {
	case errors.Is(err, kerr.ClusterAuthorizationFailed):
		return wanted, nil
	case err != nil:
		return nil, err
	}
	return slices.Delete(slices.Clone(wanted), i, i+1), nil
}

// probe returns what we may not do, or cannot be seen to be allowed.
func (c *Cluster) probe(ctx context.Context, wanted []grant.Grant) ([]grant.Grant, error) {
	wanted, err := c.probeCluster(ctx, wanted)
	if err != nil {
		return nil, err
	}
	visible, err := admin.Topics(ctx, c.control, nil)
	if err != nil {
		return nil, err
	}
	var names []string
	for name := range visible {
		if slices.ContainsFunc(wanted, func(g grant.Grant) bool { return g.On.Include(grant.Topic(name)) }) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	topics, err := admin.Topics(ctx, c.control, names)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(wanted), func(g grant.Grant) bool {
		switch g.On.Kind {
		case grant.Groups:
			return c.mayUse(ctx, g)
		case grant.TransactionalIDs:
			return c.mayTransact(ctx, g)
		case grant.Topics, grant.Cluster: // below
		}
		seen := false
		for name, t := range topics {
			if !g.On.Include(grant.Topic(name)) {
				continue
			}
			if seen = true; !t.May(string(g.Operation)) {
				return false
			}
		}
		return seen
	}), nil
}

// mayTransact reports whether we may write with transactional ids as g says. The end
// of a transaction that nobody has begun asks for WRITE and changes nothing, and any
// broker looks at that before it looks whose transactions it keeps
// (KafkaApis.handleEndTxnRequest).
func (c *Cluster) mayTransact(ctx context.Context, g grant.Grant) bool {
	req := kmsg.NewPtrEndTxnRequest()
	req.TransactionalID = g.On.Name
	if g.On.Prefixed {
		req.TransactionalID += "permission"
	}
	for _, b := range c.control.DiscoveredBrokers() {
		resp, err := b.Request(ctx, req)
		if err != nil {
			continue
		}
		return g.Operation == grant.Write && resp.(*kmsg.EndTxnResponse).ErrorCode != kerr.TransactionalIDAuthorizationFailed.Code
	}
	return false
}

// mayUse reports whether we may do with a group what g says. A heartbeat of nobody
// asks for READ and changes nothing.
func (c *Cluster) mayUse(ctx context.Context, g grant.Grant) bool {
	var code int16
	switch g.Operation {
	case grant.Describe:
		req := kmsg.NewPtrDescribeGroupsRequest()
		req.Groups = []string{g.On.Name}
		resp, err := req.RequestWith(ctx, c.control)
		if err != nil || len(resp.Groups) != 1 {
			return false
		}
		code = resp.Groups[0].ErrorCode
	case grant.Read:
		req := kmsg.NewPtrHeartbeatRequest()
		req.Group, req.MemberID = g.On.Name, "strait-asks"
		resp, err := req.RequestWith(ctx, c.control)
		if err != nil {
			return false
		}
		code = resp.ErrorCode
	default:
		return false
	}
	return code != kerr.GroupAuthorizationFailed.Code
}
