package survey

import (
	"context"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// groups asks which groups there are, and the wanted ones for their offsets.
func (s *surveyor) groups(ctx context.Context, wanted func(string) bool) {
	if wanted == nil {
		return
	}
	s.facts.Groups = map[string]Group{}
	for _, id := range s.ids {
		resp, err := send[*kmsg.ListGroupsResponse](ctx, s, id, kmsg.NewPtrListGroupsRequest())
		if err != nil || resp.ErrorCode != 0 {
			continue
		}
		for _, g := range resp.Groups {
			s.facts.Groups[g.Group] = Group{State: g.GroupState}
		}
	}
	var names []string
	for name := range s.facts.Groups {
		if wanted(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	s.offsets(ctx, names[:min(len(names), MaxGroups)])
}

// offsets asks in which topics groups have committed offsets.
func (s *surveyor) offsets(ctx context.Context, names []string) {
	if len(names) == 0 {
		return
	}
	answer := make(chan kadm.FetchOffsetsResponses, 1)
	if err := s.c.Await(ctx, func(ctx context.Context) error {
		answer <- s.c.Admin().FetchManyOffsets(ctx, names...)
		return nil
	}); err != nil {
		return
	}
	for name, resp := range <-answer {
		g, known := s.facts.Groups[name]
		if !known || resp.Err != nil {
			continue
		}
		g.Topics = slices.Sorted(maps.Keys(resp.Fetched))
		s.facts.Groups[name] = g
	}
}
