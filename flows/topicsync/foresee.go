package topicsync

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/flows/internal/admin"
	"github.com/strait-mirror/strait/flows/reconcile"
)

// writer is how a pass changes the target: all that it writes goes through here.
type writer struct {
	create    func(context.Context, *kgo.Client, map[string]admin.NewTopic) (map[string]admin.Created, error)
	grow      func(context.Context, *kgo.Client, map[string]int32) (map[string]error, error)
	change    func(context.Context, *kgo.Client, map[string]map[string]*string) (map[string]error, error)
	validates bool // nothing is written: brokers only say what they would answer
}

func writing() writer {
	return writer{create: admin.Create, grow: admin.Grow, change: admin.Change}
}

func validating() writer {
	return writer{create: admin.Validate, grow: admin.ValidateGrow, change: admin.ValidateChange, validates: true}
}

// Foresee returns what the first pass of a Syncer would change, in its order, and
// the problems it would meet. It decides as a pass does, and asks the target to
// validate each change instead of carrying it out, so that what brokers refuse,
// as for a missing permission, is a problem here as well.
func Foresee(ctx context.Context, p Params) ([]reconcile.Event, []Problem, error) {
	var events []reconcile.Event
	p.Changed = func(e reconcile.Event) {
		if !slices.Contains(events, e) { // sources that share a target
			events = append(events, e)
		}
	}
	p.Leads = nil // whoever leads does it
	s, err := New(p)
	if err != nil {
		return nil, nil, err
	}
	s.write = validating()
	pass := &pass{Syncer: s, now: s.p.Now()}
	if err := pass.discover(ctx); err != nil {
		return nil, nil, fmt.Errorf("discovering topics: %w", err)
	}
	for _, step := range []func(context.Context) error{
		pass.describeSources, pass.create, pass.grow, pass.leaveNew, pass.describeTargets, pass.syncSettings,
	} {
		if err := step(ctx); err != nil {
			return nil, nil, fmt.Errorf("foreseeing topics: %w", err)
		}
	}
	pass.reportSettings()
	_, problems := pass.result()
	return events, problems, nil
}

// leaveNew takes topics out of the pass that would have been created in it: they
// have all their settings from then on.
func (p *pass) leaveNew(context.Context) error {
	p.live = slices.DeleteFunc(p.live, func(t *topic) bool { return missing(t.targetNow) })
	return nil
}

// pretend notes changes that were not refused as if the target had them: what is
// decided next goes by that.
func pretend(changed []*topic, changes map[string]map[string]*string, refused map[string]map[string]error) {
	for _, t := range changed {
		settings := maps.Clone(t.targetSettings.settings)
		for name, value := range changes[t.target] {
			if refused[t.target][name] == nil {
				settings[name] = admin.Setting{Value: *value, Source: kmsg.ConfigSourceDynamicTopicConfig}
			}
		}
		t.targetSettings.settings = settings
	}
}
