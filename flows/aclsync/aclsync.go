// Package aclsync owns the permissions of mirrored topics: who may do something
// with a topic of the source may do it with the copy on the target, but for
// writing. The rules are MirrorMaker 2's. Who is to go on at the target needs more,
// which goes along where the flow says so: what is on groups, on transactional ids and
// on prefixes. It reads the ACLs of the source and adds
// ACLs on the target; which topics are mirrored under which names is the answer of
// room transforms.
package aclsync

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/internal/admin"
	"github.com/strait-mirror/strait/flows/reconcile"
)

// Selector says which source topics are mirrored.
type Selector interface{ Selected(topic string) bool }

// Namer says how a source topic is called on the target; empty: it has no name
// there.
type Namer interface{ RemoteTopic(topic string) string }

// Params is what New needs.
type Params struct {
	Source, Target *cluster.Cluster // required
	Selector       Selector         // required
	Namer          Namer            // required
	Log            *slog.Logger     // required

	// Prefix returns what the names on the target begin with of topics whose names
	// begin with its argument; nil: ACLs on prefixes are left out.
	Prefix func(prefix string) string

	// Group returns what a group of the source, or with prefixed all whose names begin
	// so, is called on the target; "": it is not taken along. Nil: no group is.
	Group func(name string, prefixed bool) string

	TransactionalIDs         bool // whether ACLs on transactional ids go along
	PrefixedTransactionalIDs bool // and on prefixes of them
}

// Syncer adds missing ACLs. Its method must not overlap with itself.
type Syncer struct {
	p    Params
	hint sync.Once // about a cluster without an authorizer
}

// New checks p and returns a syncer that has asked nothing yet.
func New(p Params) (*Syncer, error) {
	if p.Source == nil || p.Target == nil || p.Selector == nil || p.Namer == nil || p.Log == nil {
		return nil, errors.New("building ACL sync: source, target, selector, namer and log are required")
	}
	return &Syncer{p: p}, nil
}

// kinds returns what ACLs are asked for.
func (s *Syncer) kinds() []admin.ResourceKind {
	kinds := []admin.ResourceKind{admin.TopicResource}
	if s.p.Group != nil {
		kinds = append(kinds, admin.GroupResource)
	}
	if s.p.TransactionalIDs {
		kinds = append(kinds, admin.TransactionalIDResource)
	}
	return kinds
}

// Sync is one pass: it reads the ACLs on both clusters and creates those
// that the target lacks. It never deletes any. A source without an authorizer has
// none, which is said once; the target is not asked then.
func (s *Syncer) Sync(ctx context.Context, pass *reconcile.Pass) error {
	wanted, err := s.wanted(ctx)
	if err != nil || len(wanted) == 0 {
		return err
	}
	have, err := admin.ACLs(ctx, s.p.Target.Control(), s.kinds()...)
	if errors.Is(err, kerr.SecurityDisabled) {
		s.notice(s.p.Target)
		return nil
	}
	if err != nil {
		return s.p.Target.Explain(err)
	}
	there := make(map[admin.ACL]bool, len(have))
	for _, a := range have {
		there[a] = true
	}
	missing := slices.DeleteFunc(wanted, func(a admin.ACL) bool { return there[a] })
	if len(missing) == 0 || !pass.Leads() {
		return nil
	}
	refused, err := admin.CreateACLs(ctx, s.p.Target.Control(), missing)
	if err != nil {
		return s.p.Target.Explain(err)
	}
	for i, a := range missing {
		if refused[i] != nil {
			pass.Problem(reconcile.Problem{Err: s.p.Target.Explain(fmt.Errorf("creating ACL %s: %w", a, refused[i]))})
			continue
		}
		pass.Changed(reconcile.Event{Kind: "acl created", Cluster: s.p.Target.Alias(), Object: a.Resource(), After: a.String()})
	}
	return nil
}

// wanted returns the ACLs that the target should have, each once.
func (s *Syncer) wanted(ctx context.Context) ([]admin.ACL, error) {
	all, err := admin.ACLs(ctx, s.p.Source.Control(), s.kinds()...)
	if errors.Is(err, kerr.SecurityDisabled) {
		s.notice(s.p.Source)
		return nil, nil
	}
	if err != nil {
		return nil, s.p.Source.Explain(err)
	}
	var wanted []admin.ACL
	known := make(map[admin.ACL]bool)
	for _, a := range all {
		if copied, ok := s.translate(a); ok && !known[copied] {
			known[copied] = true
			wanted = append(wanted, copied)
		}
	}
	return wanted, nil
}

// translate returns what becomes of an ACL of the source. Those on groups and
// transactional ids stay as they are, but for the name; "*" would let somebody use what
// is the target's own.
func (s *Syncer) translate(a admin.ACL) (admin.ACL, bool) {
	switch {
	case a.Kind == admin.TopicResource:
		return s.onTopic(a)
	case a.Name == "*":
		return admin.ACL{}, false
	case a.Kind == admin.GroupResource && s.p.Group != nil:
		a.Name = s.p.Group(a.Name, a.Prefixed)
		return a, a.Name != ""
	}
	return a, a.Kind == admin.TransactionalIDResource && s.p.TransactionalIDs && (!a.Prefixed || s.p.PrefixedTransactionalIDs)
}

// onTopic returns what MirrorMaker 2 makes of an ACL on a topic: it leaves
// out those on topics that are not mirrored, lets nobody write, and makes reading
// of everything. What is denied stays so. ACLs on prefixes it leaves out, too, but
// here they go along where Prefix says so.
func (s *Syncer) onTopic(a admin.ACL) (admin.ACL, bool) {
	if !a.Deny && a.Operation == "WRITE" || !a.Prefixed && !s.p.Selector.Selected(a.Name) {
		return admin.ACL{}, false
	}
	if !a.Deny && a.Operation == "ALL" {
		a.Operation = "READ"
	}
	switch {
	case !a.Prefixed:
		a.Name = s.p.Namer.RemoteTopic(a.Name)
	case s.p.Prefix != nil:
		a.Name = s.p.Prefix(a.Name)
	default:
		return admin.ACL{}, false
	}
	return a, a.Name != ""
}

// notice says once that a cluster has no ACLs.
func (s *Syncer) notice(c *cluster.Cluster) {
	s.hint.Do(func() {
		s.p.Log.Info("cluster without an authorizer, no ACLs are synced; sync_topic_acls_enabled = false saves the question", "cluster", c.Alias())
	})
}
