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

	// Owner is the flow that takes back the ACLs which it has created, when they are
	// wanted no more; "": none is taken back. It keeps them in a topic of this many
	// replicas; -1: the broker's default.
	Owner             string
	ReplicationFactor int16
}

// Syncer adds missing ACLs. Its method must not overlap with itself.
type Syncer struct {
	p    Params
	own  *own      // nil: none is taken back
	hint sync.Once // about a cluster without an authorizer
}

// New checks p and returns a syncer that has asked nothing yet.
func New(p Params) (*Syncer, error) {
	if p.Source == nil || p.Target == nil || p.Selector == nil || p.Namer == nil || p.Log == nil {
		return nil, errors.New("building ACL sync: source, target, selector, namer and log are required")
	}
	s := &Syncer{p: p}
	if p.Owner != "" {
		s.own = newOwn(p)
	}
	return s, nil
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

// Sync is one pass: it reads the ACLs on both clusters, creates those that the target
// lacks, and deletes the flow's own that are wanted no more, if it is to. A source
// without an authorizer has none, which is said once; the target is not asked then.
func (s *Syncer) Sync(ctx context.Context, pass *reconcile.Pass) error {
	wanted, err := s.wanted(ctx)
	if err != nil || wanted == nil {
		return err
	}
	kinds := s.kinds()
	if s.own != nil {
		if err := s.own.read(ctx); err != nil {
			return err
		}
		kinds = append(kinds, s.own.kinds()...)
	}
	if len(wanted) == 0 && (s.own == nil || len(s.own.made) == 0) {
		return nil
	}
	there, err := s.there(ctx, kinds)
	if err != nil || there == nil {
		return err
	}
	if err := s.create(ctx, pass, wanted, there); err != nil || s.own == nil {
		return err
	}
	return s.takeBack(ctx, pass, asSet(wanted), there)
}

// there returns the ACLs of the target; nil: it has no authorizer.
func (s *Syncer) there(ctx context.Context, kinds []admin.ResourceKind) (map[admin.ACL]bool, error) {
	slices.Sort(kinds)
	have, err := admin.ACLs(ctx, s.p.Target.Control(), slices.Compact(kinds)...)
	if errors.Is(err, kerr.SecurityDisabled) {
		s.notice(s.p.Target)
		return nil, nil
	}
	if err != nil {
		return nil, s.p.Target.Explain(err)
	}
	return asSet(have), nil
}

func asSet(acls []admin.ACL) map[admin.ACL]bool {
	out := make(map[admin.ACL]bool, len(acls))
	for _, a := range acls {
		out[a] = true
	}
	return out
}

// create creates what the target lacks.
func (s *Syncer) create(ctx context.Context, pass *reconcile.Pass, wanted []admin.ACL, there map[admin.ACL]bool) error {
	missing := missing(wanted, there)
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
		if s.own != nil {
			s.own.fresh[a] = true
		}
		pass.Changed(s.event(a))
	}
	return nil
}

// Foresee returns what a pass would create now. It writes nothing; whether a broker
// would refuse it is not known before, and neither is what is taken back.
func (s *Syncer) Foresee(ctx context.Context) ([]reconcile.Event, error) {
	wanted, err := s.wanted(ctx)
	if err != nil || len(wanted) == 0 {
		return nil, err
	}
	there, err := s.there(ctx, s.kinds())
	if err != nil || there == nil {
		return nil, err
	}
	var events []reconcile.Event
	for _, a := range missing(wanted, there) {
		events = append(events, s.event(a))
	}
	return events, nil
}

func (s *Syncer) event(a admin.ACL) reconcile.Event {
	return reconcile.Event{Kind: "acl created", Cluster: s.p.Target.Alias(), Object: a.Resource(), After: a.String()}
}

// missing returns those of the wanted ACLs that are not there.
func missing(wanted []admin.ACL, there map[admin.ACL]bool) []admin.ACL {
	return slices.DeleteFunc(slices.Clone(wanted), func(a admin.ACL) bool { return there[a] })
}

// wanted returns the ACLs that the target should have, each once; nil: the source has
// no authorizer.
func (s *Syncer) wanted(ctx context.Context) ([]admin.ACL, error) {
	all, err := admin.ACLs(ctx, s.p.Source.Control(), s.kinds()...)
	if errors.Is(err, kerr.SecurityDisabled) {
		s.notice(s.p.Source)
		return nil, nil
	}
	if err != nil {
		return nil, s.p.Source.Explain(err)
	}
	wanted := []admin.ACL{}
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
