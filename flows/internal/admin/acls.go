package admin

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ACL is one entry of an authorizer that is on a topic, or on all topics whose
// names begin with Name. It is comparable.
type ACL struct {
	Name      string // "*" stands for every topic
	Prefixed  bool
	Principal string // "User:ann"
	Host      string // "*" for any
	Operation string // "READ"
	Deny      bool
}

// String is the entry in words.
func (a ACL) String() string {
	allows, pattern := "allows", ""
	if a.Deny {
		allows = "denies"
	}
	if a.Prefixed {
		pattern = " (prefix)"
	}
	return fmt.Sprintf("%s %s from host %s %s on topic %q%s", allows, a.Principal, a.Host, a.Operation, a.Name, pattern)
}

// TopicACLs returns all ACLs on topics. kerr.SecurityDisabled says that the
// cluster has no authorizer.
func TopicACLs(ctx context.Context, cl *kgo.Client) ([]ACL, error) {
	req := kmsg.NewPtrDescribeACLsRequest()
	req.ResourceType = kmsg.ACLResourceTypeTopic
	req.ResourcePatternType = kmsg.ACLResourcePatternTypeAny
	req.Operation = kmsg.ACLOperationAny
	req.PermissionType = kmsg.ACLPermissionTypeAny
	resp, err := req.RequestWith(ctx, cl)
	if err == nil {
		err = Refused(brokerError(resp.ErrorCode, resp.ErrorMessage), "DESCRIBE", "cluster")
	}
	if err != nil {
		return nil, fmt.Errorf("describing ACLs: %w", err)
	}
	var all []ACL
	for _, r := range resp.Resources {
		for _, a := range r.ACLs {
			all = append(all, ACL{
				Name: r.ResourceName, Prefixed: r.ResourcePatternType == kmsg.ACLResourcePatternTypePrefixed,
				Principal: a.Principal, Host: a.Host, Operation: a.Operation.String(), Deny: a.PermissionType == kmsg.ACLPermissionTypeDeny,
			})
		}
	}
	return all, nil
}

// aclsAtOnce is how many ACLs one request creates: a KRaft controller takes at
// most 10,000 records at once (MAX_RECORDS_PER_USER_OP).
const aclsAtOnce = 4000

// CreateACLs creates ACLs and returns, for each, why it was refused.
func CreateACLs(ctx context.Context, cl *kgo.Client, all []ACL) ([]error, error) {
	refused := make([]error, len(all))
	for from := 0; from < len(all); from += aclsAtOnce {
		part := all[from:min(from+aclsAtOnce, len(all))]
		req := kmsg.NewPtrCreateACLsRequest()
		for _, a := range part {
			c, err := a.request()
			if err != nil {
				return nil, err
			}
			req.Creations = append(req.Creations, c)
		}
		resp, err := req.RequestWith(ctx, cl)
		if err != nil {
			return nil, fmt.Errorf("creating ACLs: %w", err)
		}
		for i := range part {
			refused[from+i] = kerr.UnknownServerError
			if i < len(resp.Results) {
				refused[from+i] = Refused(brokerError(resp.Results[i].ErrorCode, resp.Results[i].ErrorMessage), "ALTER", "cluster")
			}
		}
	}
	return refused, nil
}

func (a ACL) request() (kmsg.CreateACLsRequestCreation, error) {
	c := kmsg.NewCreateACLsRequestCreation()
	op, err := kmsg.ParseACLOperation(a.Operation)
	if err != nil {
		return c, fmt.Errorf("creating ACL %s: %w", a, err)
	}
	c.ResourceType, c.ResourceName, c.ResourcePatternType = kmsg.ACLResourceTypeTopic, a.Name, kmsg.ACLResourcePatternTypeLiteral
	if a.Prefixed {
		c.ResourcePatternType = kmsg.ACLResourcePatternTypePrefixed
	}
	c.Principal, c.Host, c.Operation, c.PermissionType = a.Principal, a.Host, op, kmsg.ACLPermissionTypeAllow
	if a.Deny {
		c.PermissionType = kmsg.ACLPermissionTypeDeny
	}
	return c, nil
}
