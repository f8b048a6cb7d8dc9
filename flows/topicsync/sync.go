package topicsync

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/strait-mirror/strait/flows/internal/admin"
	"github.com/strait-mirror/strait/flows/reconcile"
)

// syncDue reports whether the settings of target topics are to be made like their
// sources' in this pass.
func (p *pass) syncDue() bool {
	return p.p.SyncInterval > 0 && !p.p.LeaveTopics && !p.now.Before(p.nextSync)
}

// askAnew has this pass describe all settings, on both sides: what somebody
// changed since they were described last is to be seen.
func (p *pass) askAnew() {
	for _, t := range p.topics {
		t.sourceSettings.at, t.targetSettings.at = time.Time{}, time.Time{}
	}
}

// syncSettings makes the settings of target topics follow their sources' by
// MirrorMaker 2's rules, but sends what differs only.
func (p *pass) syncSettings(ctx context.Context) error {
	if !p.syncDue() || !p.p.Leads() {
		return nil
	}
	changes := make(map[string]map[string]*string)
	before := make(map[string]admin.Settings)
	for _, t := range p.live {
		t.unsynced = nil
		_, shared := before[t.target]
		if shared || t.sourceSettings.err != nil || t.targetSettings.err != nil {
			continue // the first of several sources says what their target is like
		}
		before[t.target] = t.targetSettings.settings
		if set := p.differing(t.sourceSettings.settings, t.targetSettings.settings); len(set) > 0 {
			changes[t.target] = set
		}
	}
	refused, err := p.alter(ctx, changes)
	if err != nil {
		return &ClusterError{Err: err}
	}
	p.nextSync = p.now.Add(p.p.SyncInterval)
	for _, t := range p.live {
		set := changes[t.target]
		if set == nil {
			continue
		}
		t.targetSettings.at = time.Time{} // the next pass sees what there is now
		t.unsynced = unsynced(t.target, set, refused[t.target])
		if len(t.unsynced) > 0 {
			p.nextSync = p.now.Add(min(p.p.SyncInterval, retryMost))
		}
		p.tellSettings(t.target, before[t.target], set, refused[t.target])
		delete(changes, t.target)
	}
	return nil
}

// differing returns the settings of a target topic that are not as they should
// be, by name, with the value to set; nil: none is to be set on the topic itself.
// A setting that the target does not name is left alone: its brokers do not know
// it.
func (s *Syncer) differing(source, target admin.Settings) map[string]*string {
	changes := make(map[string]*string)
	for name, from := range source {
		if !s.follows(name, from) {
			continue
		}
		var want *string
		if !isDefault(from) || s.p.UseSourceDefaults {
			want = &from.Value
		}
		change(changes, target, name, want)
	}
	for name, value := range s.p.Settings {
		change(changes, target, name, &value)
	}
	return changes
}

// change notes that a setting of a target topic is to be another one, if it is.
func change(changes map[string]*string, target admin.Settings, name string, want *string) {
	now, known := target[name]
	switch {
	case !known, want == nil && !now.Explicit(), want != nil && now.Explicit() && now.Value == *want:
	case !held(name, now, want):
		changes[name] = want
	}
}

// held reports whether the engine needs a setting of a target topic as it is: a
// batch that is on its way, written under the source's former settings, would be
// changed or refused otherwise. MirrorMaker 2, which builds its batches anew, would
// change it.
func held(name string, now admin.Setting, want *string) bool {
	switch name {
	case keyTimestampBefore, keyTimestampAfter, keyTimestampDifference:
		return true
	case keyCompressionType:
		return want == nil && now.Value == compressionProducer
	case keyMaxMessageBytes:
		if want == nil {
			return true
		}
		target := admin.Settings{name: now}
		return number(admin.Settings{name: {Value: *want}}, name, 0) < number(target, name, 0)
	}
	return false
}

// UnsyncedError says that a setting of a target topic could not be made like its
// source's.
type UnsyncedError struct {
	Topic string // on the target
	Name  string
	Err   error
}

func (e *UnsyncedError) Error() string {
	return fmt.Sprintf("syncing %s of target topic %q: %v", e.Name, e.Topic, e.Err)
}

// Unwrap returns why it was refused.
func (e *UnsyncedError) Unwrap() error { return e.Err }

// unsynced returns what is to be said of the settings that were refused. A missing
// permission is said once, not for every setting.
func unsynced(target string, set map[string]*string, refused map[string]error) []Problem {
	var problems []Problem
	for _, name := range slices.Sorted(maps.Keys(set)) {
		err := refused[name]
		if err == nil {
			continue
		}
		if _, denied := errors.AsType[*PermissionError](err); denied {
			return []Problem{{Err: err, Hint: "without it the settings of the target topic do not follow the source's"}}
		}
		problems = append(problems, Problem{
			Err:  &UnsyncedError{Topic: target, Name: name, Err: err},
			Hint: "add the setting to config_properties_exclude, or have the target take it",
		})
	}
	return problems
}

// tellSettings tells the settings of a target topic that were changed.
func (p *pass) tellSettings(target string, before admin.Settings, set map[string]*string, refused map[string]error) {
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if refused[name] != nil {
			continue
		}
		e := reconcile.Event{
			Kind: "topic config set", Object: admin.OnTopic(target) + " " + name, Before: before[name].Value,
		}
		if value := set[name]; value == nil {
			e.Kind = "topic config deleted"
		} else {
			e.After = *value
		}
		p.p.Changed(e)
	}
}
