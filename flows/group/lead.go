package group

import (
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// plan is how the leader divided the work.
type plan struct {
	claims   []claim // as they will be
	withheld int     // buckets that a member has yet to let go of
}

// divide makes the assignments of a generation.
func (m *Member) divide(members []kmsg.JoinGroupResponseMember) ([]kmsg.SyncGroupRequestGroupAssignment, error) {
	mine := m.selects()
	claims := make([]claim, 0, len(members))
	sharing := 0
	for _, r := range members {
		s, err := decodeSubscription(r.ProtocolMetadata)
		if err != nil {
			return nil, fmt.Errorf("reading what member %q of group %q holds: %w", r.MemberID, m.p.Group, err)
		}
		m.p.Hear(s.said)
		c := claim{id: r.MemberID, generation: s.generation, held: s.held, idle: s.fingerprint != mine}
		if !c.idle {
			sharing++
		}
		claims = append(claims, c)
	}
	w, measured := m.weigh()
	shares := assign(claims, w, measured)
	next, said := plan{claims: claims}, m.p.Say()
	out := make([]kmsg.SyncGroupRequestGroupAssignment, 0, len(claims))
	for i, c := range claims {
		s := shares[c.id]
		next.withheld += s.withheld
		next.claims[i].held = s.owned
		a := kmsg.NewSyncGroupRequestGroupAssignment()
		a.MemberID = c.id
		a.MemberAssignment = assignment{fingerprint: mine, members: sharing, owned: s.owned, said: said}.encode()
		out = append(out, a)
	}
	m.mu.Lock()
	m.plan = &next
	m.mu.Unlock()
	m.p.Log.Info("work divided among the members of the group", "members", sharing, "to_be_handed_over", next.withheld)
	return out, nil
}

func (m *Member) weigh() (w *Weights, measured bool) {
	w = &Weights{}
	measured = m.p.Weigh(func(topic string, partition int32, weight int64) { w[Bucket(topic, partition)] += max(weight, 0) })
	return w, measured
}

// outdated reports whether the leader should divide the work anew: because it
// does not know how it was divided, somebody died before letting go of what
// another one waits for, or what there is to do has changed. Flows go on
// meanwhile.
func (m *Member) outdated() bool {
	m.mu.Lock()
	leader, p := m.leader, m.plan
	m.mu.Unlock()
	if !leader {
		return false
	}
	if p == nil || p.withheld > 0 {
		return true
	}
	w, measured := m.weigh()
	shares := assign(p.claims, w, measured)
	return slices.ContainsFunc(p.claims, func(c claim) bool {
		for b := range Buckets {
			if w[b] > 0 && c.held.Has(b) && !shares[c.id].owned.Has(b) {
				return true
			}
		}
		return false
	})
}
