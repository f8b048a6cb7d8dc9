package position

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/strait-mirror/strait/flows/internal/admin"
	"github.com/strait-mirror/strait/flows/reconcile"
)

// Foresee returns what Open would create or set of the topic, the cluster left out,
// and writes nothing. An error says why Open would fail.
func (s *Store) Foresee(ctx context.Context) ([]reconcile.Event, error) {
	wanted := s.newTopic()
	created, refused, err := admin.Foresee(ctx, s.p.Client, s.p.Topic, wanted)
	if errors.Is(refused, kerr.InvalidConfig) || errors.Is(refused, kerr.PolicyViolation) {
		wanted.Settings = map[string]string{"cleanup.policy": "compact"} // as createTopic does
		created, refused, err = admin.Foresee(ctx, s.p.Client, s.p.Topic, wanted)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("foreseeing positions: %w", err)
	case refused != nil:
		return nil, fmt.Errorf("foreseeing positions: %w", refused)
	case created != nil:
		return []reconcile.Event{{Kind: "topic created", Object: admin.OnTopic(s.p.Topic), After: created.String()}}, nil
	case s.p.KeepSettings:
		return nil, nil
	}
	answers, err := admin.TopicSettings(ctx, s.p.Client, []string{s.p.Topic})
	if err != nil {
		return nil, fmt.Errorf("foreseeing positions: %w", err)
	}
	have := answers[s.p.Topic].Settings
	if policy, ok := have["cleanup.policy"]; ok && strings.TrimSpace(policy.Value) != "compact" {
		return nil, &CleanupPolicyError{Topic: s.p.Topic, Policy: policy.Value}
	}
	change := improvements(have)
	var events []reconcile.Event
	for _, name := range slices.Sorted(maps.Keys(change)) {
		events = append(events, reconcile.Event{
			Kind: "topic config set", Object: admin.OnTopic(s.p.Topic) + " " + name, Before: have[name].Value, After: change[name],
		})
	}
	return events, nil
}
