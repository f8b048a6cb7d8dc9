package supervisor

import (
	"context"
	"errors"
	"fmt"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
	"github.com/strait-mirror/strait/flows/mirror"
	"github.com/strait-mirror/strait/flows/reconcile"
	"github.com/strait-mirror/strait/pipeline/offsets"
	"github.com/strait-mirror/strait/pipeline/plan"
)

// Foresee asks the clusters of a flow of the topology what it would create and change
// there when it begins: the parts that would run are built, and asked for what they
// would do instead of being started. It writes nothing. An error says that a cluster
// cannot be used.
func Foresee(ctx context.Context, p Params, def *model.Flow) (plan.OnFlow, error) {
	out := plan.OnFlow{Flow: def.Name}
	p.Pair, p.Instance, p.Once = &Pair{def.From, def.To}, nil, false
	s, err := New(p) //nolint:contextcheck // nothing of it runs
	if err != nil {
		return out, err
	}
	defer s.close()
	for _, u := range s.all() {
		if u.def != def {
			continue
		}
		if u.flow != nil {
			events, problems, err := u.flow.Foresee(ctx)
			if err != nil {
				return out, fmt.Errorf("foreseeing what is created and changed: %w", err)
			}
			out.Add(writes(events)...)
			out.Problems = append(out.Problems, troubles(problems)...)
		}
		for _, ask := range u.control.now().foresee {
			events, err := ask(ctx)
			if ctx.Err() != nil {
				return out, fmt.Errorf("foreseeing what is created and changed: %w", context.Cause(ctx))
			}
			if err != nil {
				out.Problems = append(out.Problems, trouble("", err, ""))
			}
			out.Add(writes(events)...)
		}
	}
	if !def.Enabled || !def.TracksOffsets() || !def.Control.SyncGroupOffsetsEnabled {
		return out, nil
	}
	err = foreseeGroups(ctx, p, def, &out)
	return out, err
}

// foreseeGroups adds the offsets of consumer groups, by what is stored of the flow: what
// runs knows more once its partitions have moved.
func foreseeGroups(ctx context.Context, p Params, def *model.Flow, out *plan.OnFlow) error {
	pair, err := offsets.Open(offsets.Params{Config: p.Config, Flow: def, Log: p.Log})
	if err != nil {
		return err
	}
	defer pair.Close()
	events, problems, err := pair.ForeseeGroups(ctx)
	if err != nil {
		return fmt.Errorf("foreseeing offsets of groups: %w", err)
	}
	out.Add(writes(events)...)
	for _, err := range problems {
		out.Problems = append(out.Problems, trouble("", err, ""))
	}
	return nil
}

func writes(events []reconcile.Event) []plan.Write {
	var list []plan.Write
	for _, e := range events {
		list = append(list, plan.Write{Kind: e.Kind, Cluster: e.Cluster, Object: e.Object, Before: e.Before, After: e.After})
	}
	return list
}

func troubles(problems []mirror.Problem) []plan.Trouble {
	var list []plan.Trouble
	for _, p := range problems {
		list = append(list, trouble(p.Topic, p.Err, p.Fix))
	}
	return list
}

func trouble(topic string, err error, fix string) plan.Trouble {
	if explained, ok := errors.AsType[*cluster.Problem](err); ok && fix == "" {
		fix = explained.Fix
	}
	return plan.Trouble{Topic: topic, Summary: err.Error(), Fix: fix}
}
