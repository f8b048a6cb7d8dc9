package survey

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Kinds of matches of a quota's entity (DescribeClientQuotas, KIP-546).
const (
	matchExact   = 0
	matchDefault = 1
)

// quotas asks which quotas hold for a user, in the order in which brokers look for
// them (ClientQuotaManager): those of single client ids are left out, since ours
// are many.
func (s *surveyor) quotas(ctx context.Context, user string) {
	if user == "" {
		return
	}
	for _, who := range []kmsg.DescribeClientQuotasRequestComponent{
		{EntityType: "user", MatchType: matchExact, Match: &user},
		{EntityType: "user", MatchType: matchDefault},
		{EntityType: "client-id", MatchType: matchDefault},
	} {
		req := kmsg.NewPtrDescribeClientQuotasRequest()
		req.Components = append(req.Components, who)
		resp, err := send[*kmsg.DescribeClientQuotasResponse](ctx, s, -1, req)
		if err != nil || resp.ErrorCode != 0 {
			return
		}
		for _, clients := range []bool{true, false} { // with the default client id before those without one
			for _, e := range resp.Entries {
				if (len(e.Entity) > 1) == clients && ours(e.Entity) {
					s.addQuotas(e.Values)
				}
			}
		}
	}
}

// ours reports whether a quota is of all client ids.
func ours(entity []kmsg.DescribeClientQuotasResponseEntryEntity) bool {
	for _, part := range entity {
		if part.Type == "client-id" && part.Name != nil {
			return false
		}
	}
	return true
}

// addQuotas keeps those that an earlier entry does not set.
func (s *surveyor) addQuotas(values []kmsg.DescribeClientQuotasResponseEntryValue) {
	if s.facts.Quotas == nil {
		s.facts.Quotas = map[string]float64{}
	}
	for _, v := range values {
		if _, set := s.facts.Quotas[v.Key]; !set {
			s.facts.Quotas[v.Key] = v.Value
		}
	}
}
