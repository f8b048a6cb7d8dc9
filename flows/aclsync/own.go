package aclsync

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/flows/internal/admin"
	"github.com/strait-mirror/strait/flows/internal/mm2fmt"
	"github.com/strait-mirror/strait/flows/internal/tail"
	"github.com/strait-mirror/strait/flows/reconcile"
)

// own is which ACLs of the target a flow has created itself: an ACL does not say who
// made it. What is entered was created before: somebody who creates one that we may
// not create keeps it.
type own struct {
	flow  string
	topic *tail.Topic
	made  map[admin.ACL]bool // as the topic says
	fresh map[admin.ACL]bool // created, and not entered yet
}

func newOwn(p Params) *own {
	return &own{
		flow: p.Owner, made: map[admin.ACL]bool{}, fresh: map[admin.ACL]bool{},
		topic: tail.NewTopic(p.Target, mm2fmt.ACLsTopic(p.Source.Alias()), "ACLs", p.ReplicationFactor),
	}
}

// read takes over what the topic says, whoever wrote it.
func (o *own) read(ctx context.Context) error {
	return o.topic.Read(ctx, func(r *kgo.Record) {
		k, err := mm2fmt.ParseACL(r.Key)
		a, known := fromRecord(k)
		switch {
		case err != nil || !known || k.Flow != o.flow: // another flow's, or a newer Strait's
		case r.Value == nil:
			delete(o.made, a)
		default:
			o.made[a] = true
		}
	})
}

// enter writes that ACLs were created, or with gone that they are not there any more.
func (o *own) enter(ctx context.Context, pass *reconcile.Pass, acls []admin.ACL, gone bool) error {
	if len(acls) == 0 {
		return nil
	}
	if err := o.topic.Ensure(ctx, pass); err != nil {
		return err
	}
	of := make(map[*kgo.Record]admin.ACL, len(acls))
	records := make([]*kgo.Record, 0, len(acls))
	for _, a := range acls {
		key, value, err := toRecord(o.flow, a).Encode()
		if err != nil {
			return err
		}
		if gone {
			value = nil
		}
		r := &kgo.Record{Topic: o.topic.Name(), Key: key, Value: value}
		records, of[r] = append(records, r), a
	}
	err := o.topic.Write(ctx, records, func(lost *kgo.Record) { delete(of, lost) })
	for _, a := range of {
		delete(o.fresh, a)
		if gone {
			delete(o.made, a)
		} else {
			o.made[a] = true
		}
	}
	return err
}

// kinds returns the kinds of resources that the flow's ACLs are on.
func (o *own) kinds() []admin.ResourceKind {
	var kinds []admin.ResourceKind
	for a := range o.made {
		if !slices.Contains(kinds, a.Kind) {
			kinds = append(kinds, a.Kind)
		}
	}
	return kinds
}

// takeBack deletes the ACLs of the flow that are wanted no more; there is what the
// target has.
func (s *Syncer) takeBack(ctx context.Context, pass *reconcile.Pass, wanted, there map[admin.ACL]bool) error {
	o := s.own
	if err := o.enter(ctx, pass, slices.Collect(maps.Keys(o.fresh)), false); err != nil {
		return err
	}
	var present, gone []admin.ACL
	for a := range o.made {
		switch {
		case wanted[a]:
		case there[a]:
			present = append(present, a)
		default:
			gone = append(gone, a) // somebody has deleted it
		}
	}
	if len(present) > 0 && pass.Leads() {
		refused, err := admin.DeleteACLs(ctx, s.p.Target.Control(), present)
		if err != nil {
			return s.p.Target.Explain(err)
		}
		for i, a := range present {
			if refused[i] != nil {
				pass.Problem(reconcile.Problem{Err: s.p.Target.Explain(fmt.Errorf("deleting ACL %s: %w", a, refused[i]))})
				continue
			}
			gone = append(gone, a)
			pass.Changed(reconcile.Event{Kind: "acl deleted", Cluster: s.p.Target.Alias(), Object: a.Resource(), Before: a.String()})
		}
	}
	if !pass.Leads() {
		return nil
	}
	return o.enter(ctx, pass, gone, true)
}

// words are how a record names kinds of resources.
func words() map[admin.ResourceKind]string {
	return map[admin.ResourceKind]string{
		admin.TopicResource: "topic", admin.GroupResource: "group", admin.TransactionalIDResource: "transactional_id",
	}
}

func toRecord(flow string, a admin.ACL) mm2fmt.ACL {
	out := mm2fmt.ACL{
		Flow: flow, Resource: words()[a.Kind], Name: a.Name, Pattern: "literal",
		Principal: a.Principal, Host: a.Host, Operation: a.Operation, Permission: "allow",
	}
	if a.Prefixed {
		out.Pattern = "prefixed"
	}
	if a.Deny {
		out.Permission = "deny"
	}
	return out
}

// fromRecord is the way back; known is false for what a newer Strait may write.
func fromRecord(k mm2fmt.ACL) (a admin.ACL, known bool) {
	for kind, word := range words() {
		if word == k.Resource {
			a = admin.ACL{
				Kind: kind, Name: k.Name, Prefixed: k.Pattern == "prefixed",
				Principal: k.Principal, Host: k.Host, Operation: k.Operation, Deny: k.Permission == "deny",
			}
			return a, toRecord(k.Flow, a) == k
		}
	}
	return a, false
}
