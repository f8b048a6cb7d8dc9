package topicsync

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/flows/internal/admin"
)

// stale reports whether settings should be asked for: never told, too old, or
// refused a while ago.
func (p *pass) stale(d *described) bool {
	age := p.now.Sub(d.at)
	return d.at.IsZero() || age >= p.p.FactsInterval || d.err != nil && age >= retryMost
}

// describeSources describes the source topics whose settings are not known or
// too old.
func (p *pass) describeSources(ctx context.Context) error {
	err := p.describe(ctx, p.p.Source, func(t *topic) (string, *described) { return t.source, &t.sourceSettings })
	if err != nil {
		return &ClusterError{Source: true, Err: err}
	}
	for _, t := range p.live {
		if err := t.sourceSettings.err; err != nil && !missing(t.targetNow) {
			p.report(t, Problem{
				Err:    fmt.Errorf("describing settings of source topic %q: %w", t.source, err),
				Hint:   "without them the target topic may refuse large batches",
				Retry:  kerr.IsRetriable(err),
				Source: true,
			})
		}
	}
	return nil
}

// describeTargets describes the target topics whose settings are not known or
// too old, and sets the engine keys that they lack.
func (p *pass) describeTargets(ctx context.Context) error {
	var asked []*topic
	err := p.describe(ctx, p.p.Target, func(t *topic) (string, *described) {
		if t.denied() && p.now.Sub(t.targetSettings.at) >= retryMost {
			t.targetSettings.at = time.Time{} // it may have been granted
		}
		if p.stale(&t.targetSettings) {
			asked = append(asked, t)
		}
		return t.target, &t.targetSettings
	})
	if err != nil {
		return &ClusterError{Err: err}
	}
	return p.setEngineKeys(ctx, asked)
}

// denied reports whether a setting was refused for a missing permission.
func (t *topic) denied() bool {
	return slices.ContainsFunc(t.settings, func(e *SettingError) bool {
		_, denied := errors.AsType[*PermissionError](e.Err)
		return denied
	})
}

// describe asks for the settings of the live topics that of returns, where
// they are stale. An answer that is an error keeps what was told before.
func (p *pass) describe(ctx context.Context, cl *kgo.Client, of func(*topic) (string, *described)) error {
	asked := make(map[string][]*described) // sources may share a target
	for _, t := range p.live {
		if name, d := of(t); p.stale(d) {
			asked[name] = append(asked[name], d)
		}
	}
	answers, err := admin.TopicSettings(ctx, cl, slices.Sorted(maps.Keys(asked)))
	if err != nil {
		return err
	}
	for name, all := range asked {
		for _, d := range all {
			d.at, d.err = p.now, answers[name].Err
			if d.err == nil {
				d.settings = answers[name].Settings
			}
		}
	}
	return nil
}

// setEngineKeys sets what topics, whose settings have just been described,
// need to take batches as they are, and reads it back. What somebody set on a
// topic by hand is left alone, unless it was this process when it created it.
func (p *pass) setEngineKeys(ctx context.Context, topics []*topic) error {
	changes := make(map[string]map[string]*string)
	var changed []*topic
	for _, t := range topics {
		t.settings = nil
		if t.targetSettings.err != nil {
			continue
		}
		set := p.toSet(t)
		if len(set) > 0 {
			for name, value := range changes[t.target] { // another source of it needs more
				if set[name] == nil || greater(*set[name], *value) == *value {
					set[name] = value
				}
			}
			changes[t.target] = set
			changed = append(changed, t)
		}
	}
	before := make(map[string]admin.Settings, len(changed))
	for _, t := range changed {
		before[t.target] = t.targetSettings.settings
	}
	refused, err := p.alter(ctx, changes)
	if err != nil {
		return err
	}
	if p.write.validates {
		pretend(changed, changes, refused)
	} else if err := p.readBack(ctx, changed, refused); err != nil {
		return err
	}
	for _, t := range topics {
		if t.targetSettings.err == nil {
			p.settle(t, before[t.target], changes[t.target], refused[t.target])
		}
	}
	return nil
}

// readBack describes changed topics until they show what was set and not
// refused, for at most ReadyTimeout: a controller's answer comes before the
// brokers know of the change.
func (p *pass) readBack(ctx context.Context, changed []*topic, refused map[string]map[string]error) error {
	deadline := time.NewTimer(p.p.ReadyTimeout)
	defer deadline.Stop()
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 500*time.Millisecond) {
		for _, t := range changed {
			t.targetSettings.at = time.Time{} // ask
		}
		err := p.describe(ctx, p.p.Target, func(t *topic) (string, *described) { return t.target, &t.targetSettings })
		if err != nil {
			return err
		}
		changed = slices.DeleteFunc(changed, func(t *topic) bool {
			return t.targetSettings.err != nil || !slices.ContainsFunc(p.left(t), func(n need) bool {
				return refused[t.target][n.name] == nil
			})
		})
		if len(changed) == 0 {
			return nil
		}
		select {
		case <-time.After(pause):
		case <-deadline.C:
			for _, t := range changed { // look again soon
				t.targetSettings.at = p.now.Add(retryFirst - p.p.FactsInterval)
			}
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// left returns what a topic still needs and this process may set.
func (p *pass) left(t *topic) []need {
	return slices.DeleteFunc(needs(t.sourceSettings.settings, t.targetSettings.settings), func(n need) bool {
		return n.hand && !t.fresh
	})
}

// toSet returns what has to be set on a topic.
func (p *pass) toSet(t *topic) map[string]*string {
	set := make(map[string]*string)
	if p.p.LeaveTopics || !p.p.Leads() {
		return set
	}
	for _, n := range p.left(t) {
		set[n.name] = &n.value
	}
	return set
}

// alter sets changes and returns what was refused, by topic and setting. A
// broker that refuses one setting of a topic takes none of them, so the others
// are tried by themselves.
func (p *pass) alter(ctx context.Context, changes map[string]map[string]*string) (map[string]map[string]error, error) {
	all, err := p.write.change(ctx, p.p.Target, changes)
	if err != nil {
		return nil, err
	}
	refused := make(map[string]map[string]error)
	byKey := make(map[string]map[string]map[string]*string)
	for target, err := range all {
		_, denied := errors.AsType[*PermissionError](err)
		refused[target] = make(map[string]error)
		for key, value := range changes[target] {
			refused[target][key] = err
			if denied || len(changes[target]) == 1 {
				continue
			}
			if byKey[key] == nil {
				byKey[key] = make(map[string]map[string]*string)
			}
			byKey[key][target] = map[string]*string{key: value}
		}
	}
	for key, single := range byKey {
		again, err := p.write.change(ctx, p.p.Target, single)
		if err != nil {
			return nil, err
		}
		for target := range single {
			refused[target][key] = again[target]
		}
	}
	return refused, nil
}

// settle notes what still changes or refuses data after everything was tried.
func (p *pass) settle(t *topic, before admin.Settings, tried map[string]*string, refused map[string]error) {
	done := true
	for _, n := range needs(t.sourceSettings.settings, t.targetSettings.settings) {
		problem := &SettingError{Topic: t.target, Name: n.name, Value: n.now, Need: n.value}
		if _, ok := tried[n.name]; ok {
			if problem.Err = refused[n.name]; problem.Err == nil {
				problem.Err = errNotKept
			}
			done = done && !kerr.IsRetriable(problem.Err)
		}
		t.settings = append(t.settings, problem)
	}
	if done {
		t.fresh = false
	}
	p.tellSettings(t.target, before, tried, refused)
}

// errNotKept says that a broker took a setting and does not have it.
const errNotKept = settingError("the target took the setting but does not show it")

type settingError string

func (e settingError) Error() string { return string(e) }

// reportSettings reports what is known to stand in the way of byte-exact
// copies. Pairs are mirrored all the same.
func (p *pass) reportSettings() {
	for _, t := range p.live {
		if t.targetNow.Err == nil && !t.targetNow.MayRead() {
			p.report(t, Problem{
				Err:  admin.Refused(kerr.TopicAuthorizationFailed, "READ", admin.OnTopic(t.target)),
				Hint: "without it exactly_once is unproven: after an interruption nobody can tell what has arrived, so that records may be repeated",
			})
		}
		if err := t.targetSettings.err; err != nil {
			p.report(t, Problem{
				Err:   fmt.Errorf("describing settings of target topic %q: %w", t.target, err),
				Hint:  "without them it is not known whether the target changes or refuses data",
				Retry: kerr.IsRetriable(err),
			})
		}
		for _, err := range t.settings {
			p.report(t, Problem{Err: err, Hint: settingHint(err), Retry: kerr.IsRetriable(err)})
		}
		for _, problem := range t.unsynced {
			p.report(t, problem)
		}
	}
}

func settingHint(e *SettingError) string {
	var hint strings.Builder
	fmt.Fprintf(&hint, "%s; to avoid it: kafka-configs.sh --alter --entity-type topics --entity-name %s --add-config %s=%s",
		e.Effect(), e.Topic, e.Name, e.Need)
	return hint.String()
}

// Effect says what the setting does to data.
func (e *SettingError) Effect() string {
	switch e.Name {
	case keyCompressionType:
		return "the target re-encodes batches"
	case keyMaxMessageBytes:
		return "larger batches are split, larger records refused"
	}
	return "records that are too old or too new for it are refused"
}
