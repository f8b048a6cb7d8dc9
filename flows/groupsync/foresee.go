package groupsync

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/strait-mirror/strait/flows/internal/admin"
	"github.com/strait-mirror/strait/flows/reconcile"
)

// ForeseeTopic returns the topic of checkpoints where a pass would create it.
func (g *Groups) ForeseeTopic(ctx context.Context) ([]reconcile.Event, error) {
	return g.checkpoints.Foresee(ctx)
}

// ForeseeOffsets returns the offsets that Sync would write now, in order, and what
// keeps groups from being asked. It writes nothing; Params.Offsets must have been
// loaded.
func (g *Groups) ForeseeOffsets(ctx context.Context) ([]reconcile.Event, []error, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.read(ctx); err != nil {
		return nil, nil, err
	}
	positions, refused, err := g.observe(ctx)
	if err != nil {
		return nil, nil, err
	}
	wanted, more, err := g.wanted(ctx, positions)
	if err != nil {
		return nil, nil, err
	}
	maps.Copy(refused, more)
	var problems []error
	for _, group := range slices.Sorted(maps.Keys(refused)) {
		problems = append(problems, refused[group])
	}
	var events []reconcile.Event
	for _, group := range slices.Sorted(maps.Keys(wanted)) {
		for _, p := range wanted[group] {
			before := ""
			if p.before >= 0 {
				before = strconv.FormatInt(p.before, 10)
			}
			events = append(events, reconcile.Event{
				Kind: "group offset written", Cluster: g.p.Target.Alias(),
				Object: fmt.Sprintf("%s %s partition %d", admin.OnGroup(p.called), admin.OnTopic(p.topic), p.partition),
				Before: before, After: strconv.FormatInt(p.to.Offset, 10),
			})
		}
	}
	return events, problems, nil
}
