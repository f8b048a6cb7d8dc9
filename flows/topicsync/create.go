package topicsync

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/strait-mirror/strait/flows/internal/admin"
	"github.com/strait-mirror/strait/flows/reconcile"
)

// create creates the targets that are missing. Their settings are those of the
// source by MirrorMaker 2's rules and the engine keys, which are found by
// asking the target what the topic would look like without them.
func (p *pass) create(ctx context.Context) error {
	if p.p.LeaveTopics {
		p.isolate(func(t *topic) (hint string, err error) {
			if !missing(t.targetNow) {
				return "", nil
			}
			return "create it by hand, or let this flow create missing topics", fmt.Errorf("target topic %q: %w", t.target, t.targetNow.Err)
		})
		return nil
	}
	due := p.dueForCreation()
	if len(due) == 0 {
		return nil
	}
	if !p.p.Leads() {
		p.isolate(func(t *topic) (hint string, err error) {
			if !missing(t.targetNow) {
				return "", nil
			}
			return "", fmt.Errorf("%w %q", ErrFollows, t.target)
		})
		return nil
	}
	wanted := make(map[string]admin.NewTopic, len(due))
	partitions := p.partitions()
	for _, t := range due {
		if _, shared := wanted[t.target]; shared {
			continue // the first of several sources says what their target is like
		}
		wanted[t.target] = admin.NewTopic{
			Partitions:        partitions[t.target],
			ReplicationFactor: p.p.ReplicationFactor,
			Settings:          p.copied(t.sourceSettings.settings),
		}
	}
	plain := maps.Clone(wanted)
	answers, err := admin.Validate(ctx, p.p.Target, wanted)
	if err != nil {
		return &ClusterError{Err: err}
	}
	for _, t := range due {
		if answers[t.target].Err != nil {
			delete(wanted, t.target)
			continue
		}
		wanted[t.target] = withEngineKeys(wanted[t.target], needs(t.sourceSettings.settings, answers[t.target].Settings))
	}
	created, err := p.createWithout(ctx, wanted, plain)
	if err != nil {
		return &ClusterError{Err: err}
	}
	maps.Copy(answers, created)
	for _, t := range due {
		p.finishCreation(t, answers[t.target].Err)
	}
	for _, name := range slices.Sorted(maps.Keys(created)) {
		if created[name].Err == nil {
			p.p.Changed(reconcile.Event{Kind: "topic created", Object: admin.OnTopic(name), After: wanted[name].String()})
		}
	}
	p.isolateRefused()
	return nil
}

// dueForCreation returns the topics to create in this pass. Missing topics
// that were refused a moment ago are isolated, and so are those whose settings
// on the source are not known: created with others, a compacted topic would
// delete by age.
func (p *pass) dueForCreation() []*topic {
	p.isolate(func(t *topic) (hint string, err error) {
		if !missing(t.targetNow) || t.sourceSettings.settings != nil {
			return "", nil
		}
		return "the target topic may also be created by hand",
			&ClusterError{Source: true, Err: fmt.Errorf("creating target topic %q: settings of the source not known: %w", t.target, t.sourceSettings.err)}
	})
	p.isolateRefused()
	var due []*topic
	for _, t := range p.live {
		if missing(t.targetNow) {
			due = append(due, t)
		} else {
			t.refusals, t.refused = 0, nil
		}
	}
	return due
}

// isolateRefused isolates missing topics whose next creation is not due.
func (p *pass) isolateRefused() {
	p.isolate(func(t *topic) (hint string, err error) {
		if !missing(t.targetNow) || t.refused == nil || !p.now.Before(t.retryAt) {
			return "", nil
		}
		return creationHint(t.refused), fmt.Errorf("creating target topic %q: %w", t.target, t.refused)
	})
}

func creationHint(err error) string {
	switch {
	case errors.Is(err, kerr.InvalidConfig), errors.Is(err, kerr.PolicyViolation):
		return "add the setting that the target refuses to config_properties_exclude, or create the topic by hand"
	case errors.Is(err, kerr.InvalidReplicationFactor):
		return "set replication_factor to at most the number of brokers of the target, or -1 for their default"
	case errors.Is(err, kerr.InvalidTopicException):
		return "rename the topic: the target refuses this name, or has one that differs only in '.' and '_'"
	}
	return ""
}

// withEngineKeys returns t with needs set over what was copied.
func withEngineKeys(t admin.NewTopic, engine []need) admin.NewTopic {
	t.Settings = maps.Clone(t.Settings)
	for _, n := range engine {
		t.Settings[n.name] = greater(t.Settings[n.name], n.value)
	}
	return t
}

// greater returns the greater of two values of an engine key: what several
// sources need of one target. Of the others, which are words or one number, it
// is the second.
func greater(a, b string) string {
	x, err := strconv.ParseInt(a, 10, 64)
	y, err2 := strconv.ParseInt(b, 10, 64)
	if err == nil && err2 == nil && x > y {
		return a
	}
	return b
}

// createWithout creates topics, and those whose engine keys are refused
// without them: setEngineKeys then finds out which one it is.
func (p *pass) createWithout(ctx context.Context, wanted, plain map[string]admin.NewTopic) (map[string]admin.Created, error) {
	answers, err := p.write.create(ctx, p.p.Target, wanted)
	if err != nil {
		return nil, err
	}
	again := make(map[string]admin.NewTopic)
	for name, answer := range answers {
		refused := errors.Is(answer.Err, kerr.InvalidConfig) || errors.Is(answer.Err, kerr.PolicyViolation)
		if refused && !maps.Equal(wanted[name].Settings, plain[name].Settings) {
			again[name] = plain[name]
		}
	}
	second, err := p.write.create(ctx, p.p.Target, again)
	if err != nil {
		return nil, err
	}
	maps.Copy(answers, second)
	return answers, nil
}

func (p *pass) finishCreation(t *topic, err error) {
	switch {
	case errors.Is(err, kerr.TopicAlreadyExists): // somebody else was faster
		t.touched, t.unready = true, true
	case err != nil:
		t.refusals++
		t.refused = err
		t.retryAt = p.now.Add(min(retryFirst<<min(t.refusals-1, 8), retryMost))
	default:
		t.touched, t.unready, t.fresh = true, true, true
	}
	if err == nil || t.touched {
		t.refusals, t.refused, t.targetSettings = 0, nil, described{}
	}
}

// errLeft is why the partitions of a target topic stay as they are.
var errLeft = errors.New("this flow leaves the topics of the target as they are")

// grow adds partitions to targets that have fewer than their source, and never
// takes any away.
func (p *pass) grow(ctx context.Context) error {
	if p.p.AnySize {
		return nil
	}
	wanted := make(map[string]int32)
	var short []*topic
	partitions := p.partitions()
	for _, t := range p.live {
		if t.targetNow.Err != nil || len(t.targetNow.Partitions) >= int(partitions[t.target]) {
			continue
		}
		short = append(short, t)
		if p.p.LeaveTopics {
			t.grown = errLeft
			continue
		}
		if p.p.Leads() && (t.grown == nil || !p.now.Before(t.retryAt)) {
			wanted[t.target] = partitions[t.target]
		}
	}
	refused, err := p.write.grow(ctx, p.p.Target, wanted)
	if err != nil {
		return &ClusterError{Err: err}
	}
	told := map[string]bool{} // of targets, which several sources may have
	for _, t := range short {
		if wanted[t.target] == 0 {
			continue
		}
		t.grown = refused[t.target]
		if errors.Is(t.grown, kerr.InvalidPartitions) { // somebody else was faster
			t.grown = nil
		}
		t.retryAt = p.now.Add(retryMost)
		if t.touched = t.grown == nil; t.touched && !told[t.target] {
			told[t.target] = true
			p.p.Changed(reconcile.Event{
				Kind: "partitions added", Object: admin.OnTopic(t.target),
				Before: strconv.Itoa(len(t.targetNow.Partitions)), After: strconv.Itoa(int(wanted[t.target])),
			})
		}
	}
	p.reportShort(short)
	return nil
}

// reportShort reports target topics that have too few partitions.
func (p *pass) reportShort(short []*topic) {
	for _, t := range short {
		if t.grown != nil {
			p.report(t, Problem{
				Err:   fmt.Errorf("adding partitions to target topic %q: %w", t.target, t.grown),
				Hint:  fmt.Sprintf("partitions from %d on are not mirrored until the target topic has them", len(t.targetNow.Partitions)),
				Retry: true,
			})
		}
	}
}

// awaitLeaders waits until what this process created or grew is there. Other
// topics may have partitions without a leader: that is their partitions'
// problem.
func (p *pass) awaitLeaders(ctx context.Context) error {
	want := make(map[string]int32)
	partitions := p.partitions()
	for _, t := range p.live {
		switch {
		case t.touched && t.unready && !t.fresh: // created by somebody else, as he pleased
			want[t.target] = max(want[t.target], 1)
		case t.touched:
			want[t.target] = max(partitions[t.target], 1)
		}
	}
	if len(want) > 0 {
		targets, err := admin.WaitReady(ctx, p.p.Target, want, p.p.ReadyTimeout)
		if err != nil {
			return &ClusterError{Err: err}
		}
		for _, t := range p.live {
			if now := targets[t.target]; now != nil && (now.Err == nil || t.unready) {
				t.targetNow = now
				p.noticeTarget(t)
			}
		}
	}
	p.isolate(func(t *topic) (hint string, err error) {
		t.unready = t.unready && !t.targetNow.Ready(1)
		if !t.unready {
			return "", nil
		}
		return "", fmt.Errorf("waiting for leaders of new target topic %q: %w",
			t.target, errors.Join(t.targetNow.Err, kerr.LeaderNotAvailable))
	})
	return nil
}
