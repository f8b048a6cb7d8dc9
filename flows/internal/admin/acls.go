package admin

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ResourceKind is what an ACL is on.
type ResourceKind uint8

// The kinds of resources whose ACLs are asked for.
const (
	TopicResource ResourceKind = iota
	GroupResource
	TransactionalIDResource
)

// ACL is one entry of an authorizer that is on a resource, or on all of its kind whose
// names begin with Name. It is comparable.
type ACL struct {
	Kind      ResourceKind
	Name      string // "*" stands for every one of its kind
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
	return fmt.Sprintf("%s %s from host %s %s on %s%s", allows, a.Principal, a.Host, a.Operation, a.Resource(), pattern)
}

// Resource is what the entry is on, in words.
func (a ACL) Resource() string {
	switch a.Kind {
	case GroupResource:
		return OnGroup(a.Name)
	case TransactionalIDResource:
		return fmt.Sprintf("transactional id %q", a.Name)
	case TopicResource:
	}
	return OnTopic(a.Name)
}

// inProtocol is the number of the kind in requests.
func (k ResourceKind) inProtocol() kmsg.ACLResourceType {
	switch k {
	case GroupResource:
		return kmsg.ACLResourceTypeGroup
	case TransactionalIDResource:
		return kmsg.ACLResourceTypeTransactionalId
	case TopicResource:
	}
	return kmsg.ACLResourceTypeTopic
}

// ACLs returns all ACLs on resources of some kinds, a request for each.
// kerr.SecurityDisabled says that the cluster has no authorizer.
func ACLs(ctx context.Context, cl *kgo.Client, kinds ...ResourceKind) ([]ACL, error) {
	var all []ACL
	for _, kind := range kinds {
		some, err := aclsOn(ctx, cl, kind)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

func aclsOn(ctx context.Context, cl *kgo.Client, kind ResourceKind) ([]ACL, error) {
	req := kmsg.NewPtrDescribeACLsRequest()
	req.ResourceType = kind.inProtocol()
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
				Kind: kind, Name: r.ResourceName, Prefixed: r.ResourcePatternType == kmsg.ACLResourcePatternTypePrefixed,
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
		return c, fmt.Errorf("naming the operation of ACL %s: %w", a, err)
	}
	c.ResourceType, c.ResourceName, c.ResourcePatternType = a.Kind.inProtocol(), a.Name, kmsg.ACLResourcePatternTypeLiteral
	if a.Prefixed {
		c.ResourcePatternType = kmsg.ACLResourcePatternTypePrefixed
	}
	c.Principal, c.Host, c.Operation, c.PermissionType = a.Principal, a.Host, op, kmsg.ACLPermissionTypeAllow
	if a.Deny {
		c.PermissionType = kmsg.ACLPermissionTypeDeny
	}
	return c, nil
}

// DeleteACLs deletes ACLs, these and no others, and returns, for each, why it was
// refused. One that is not there is not refused.
func DeleteACLs(ctx context.Context, cl *kgo.Client, all []ACL) ([]error, error) {
	refused := make([]error, len(all))
	for from := 0; from < len(all); from += aclsAtOnce {
		part := all[from:min(from+aclsAtOnce, len(all))]
		req := kmsg.NewPtrDeleteACLsRequest()
		for _, a := range part {
			f, err := a.filter()
			if err != nil {
				return nil, err
			}
			req.Filters = append(req.Filters, f)
		}
		resp, err := req.RequestWith(ctx, cl)
		if err != nil {
			return nil, fmt.Errorf("deleting ACLs: %w", err)
		}
		for i := range part {
			refused[from+i] = kerr.UnknownServerError
			if i < len(resp.Results) {
				refused[from+i] = deleted(&resp.Results[i])
			}
		}
	}
	return refused, nil
}

// deleted returns what kept an ACL from being deleted.
func deleted(r *kmsg.DeleteACLsResponseResult) error {
	err := brokerError(r.ErrorCode, r.ErrorMessage)
	for i := range r.MatchingACLs {
		if err == nil {
			err = brokerError(r.MatchingACLs[i].ErrorCode, r.MatchingACLs[i].ErrorMessage)
		}
	}
	return Refused(err, "ALTER", "cluster")
}

// filter matches the entry alone.
func (a ACL) filter() (kmsg.DeleteACLsRequestFilter, error) {
	c, err := a.request()
	f := kmsg.NewDeleteACLsRequestFilter()
	f.ResourceType, f.ResourceName, f.ResourcePatternType = c.ResourceType, &c.ResourceName, c.ResourcePatternType
	f.Principal, f.Host, f.Operation, f.PermissionType = &c.Principal, &c.Host, c.Operation, c.PermissionType
	return f, err
}
