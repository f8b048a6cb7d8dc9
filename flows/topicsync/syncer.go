package topicsync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/flows/internal/admin"
	"github.com/strait-mirror/strait/flows/reconcile"
)

// Selector says which source topics are mirrored.
type Selector interface{ Selected(topic string) bool }

// Namer says how a source topic is called on the target.
type Namer interface{ RemoteTopic(topic string) string }

// Layout says how source topics share target topics.
type Layout interface {
	// Merged reports whether source topics with one name on the target are
	// mirrored to it together. Otherwise stage is what gave them that name, if
	// it has a name itself.
	Merged(topics []string) (stage string, ok bool)
	// Partitions returns how many partitions a target topic should have at
	// least: most is the greatest number that a topic mirrored to it has,
	// existing its own; 0: it is to be created.
	Partitions(most, existing int32) int32
	// Unnamed says why a selected topic has no name on the target.
	Unnamed(topic string) error
}

// oneToOne is the Layout of a flow that says nothing else.
type oneToOne struct{}

func (oneToOne) Merged([]string) (string, bool) { return "", false }
func (oneToOne) Partitions(most, _ int32) int32 { return most }
func (oneToOne) Unnamed(string) error           { return errors.New("it has no name on the target") }

// Matcher says which settings are never copied.
type Matcher interface{ Match(name string) bool }

// Params is what New needs. A zero optional field means its default.
type Params struct {
	Source   *kgo.Client  // control client of the source; required
	Target   *kgo.Client  // control client of the target; required
	Selector Selector     // required
	Namer    Namer        // required
	Log      *slog.Logger // required

	Layout            Layout            // default: one target topic each, with as many partitions
	Named             []string          // topics selected by name: reported where the source hides them
	Exclude           Matcher           // config.properties.exclude; default excludes nothing
	Settings          map[string]string // of target topics, in the place of their sources'
	UseSourceDefaults bool              // use.defaults.from=source: copy defaults of the source, too
	ReplicationFactor int16             // of new topics; default -1, the broker's default
	LeaveTopics       bool              // never create a topic of the target, and never add partitions
	AnySize           bool              // a target topic may have fewer partitions than its source

	SyncInterval time.Duration // how often settings of target topics are made like their sources'; 0: never
	Fixed        bool          // topics and partitions that appear after the first pass are left alone

	Leads   func() bool           // asked before each change; default: always true
	Changed func(reconcile.Event) // told of each change, its cluster left out; default: Log

	FactsInterval time.Duration // how old described settings may get; default 60s
	ReadyTimeout  time.Duration // how long one pass waits for leaders of what it created; default 5s
	Now           func() time.Time
}

// Syncer discovers and creates topics. It remembers what it has described and
// what was refused, and is not safe for concurrent use.
type Syncer struct {
	p        Params
	write    writer
	topics   map[string]*topic // by source name
	listed   bool              // the source, once at least
	nextSync time.Time         // of settings
}

// topic is what is known of a pair between passes.
type topic struct {
	source, target string
	sourceNow      *admin.Topic // of this pass
	targetNow      *admin.Topic // of this pass

	sourceID, targetID [16]byte // of the last pass

	sourceSettings described
	targetSettings described

	fresh    bool            // created by this process and not settled: what is set on it was set by nobody else
	unready  bool            // created by this process and not yet seen with all its leaders
	touched  bool            // created or grown in this pass
	refusals int             // creations in a row that failed
	refused  error           // the last one's error
	grown    error           // why the last attempt to grow it failed
	retryAt  time.Time       // of creating or growing it
	settings []*SettingError // what changes or refuses data, by name of the setting
	unsynced []Problem       // settings that could not be made like the source's
	first    int             // partitions of the source when it was listed first
}

// described is one side's settings and when they were asked for.
type described struct {
	settings admin.Settings // the last that were told; nil: none
	err      error          // of the last attempt
	at       time.Time      // of the last attempt; zero: ask now
}

// Pauses between attempts to create a refused topic.
const (
	retryFirst = 5 * time.Second
	retryMost  = 20 * time.Second // design §2: everything is retried at most 30 s later, discovery's own pause included
)

// New checks p and returns a Syncer that knows nothing yet.
func New(p Params) (*Syncer, error) {
	if p.Source == nil || p.Target == nil || p.Selector == nil || p.Namer == nil || p.Log == nil {
		return nil, errors.New("building topic sync: source, target, selector, namer and log are required")
	}
	p.ReplicationFactor = cmp.Or(p.ReplicationFactor, -1)
	p.FactsInterval = cmp.Or(p.FactsInterval, time.Minute)
	p.ReadyTimeout = cmp.Or(p.ReadyTimeout, 5*time.Second)
	if p.Layout == nil {
		p.Layout = oneToOne{}
	}
	if p.Now == nil {
		p.Now = time.Now
	}
	if p.Leads == nil {
		p.Leads = func() bool { return true }
	}
	if p.Changed == nil {
		p.Changed = func(e reconcile.Event) { e.Log(p.Log) }
	}
	return &Syncer{p: p, write: writing(), topics: make(map[string]*topic)}, nil
}

// Sync makes one pass: it lists the source, creates and grows what is missing
// on the target, sees to the settings, and returns the pairs that can be
// mirrored, by source name, and the problems it met. An error means that one
// of the clusters did not answer, and that nothing is known of any topic; what
// goes wrong with one topic is a Problem and leaves the others alone.
//
// A pass in which nothing has changed asks each cluster once, for metadata;
// settings are described anew when FactsInterval has gone by.
func (s *Syncer) Sync(ctx context.Context) (pairs []Pair, problems []Problem, err error) {
	pass := &pass{Syncer: s, now: s.p.Now()}
	if pass.syncDue() {
		pass.askAnew()
	}
	if err := pass.discover(ctx); err != nil {
		return nil, nil, fmt.Errorf("discovering topics: %w", err)
	}
	for _, step := range []func(context.Context) error{
		pass.describeSources, pass.create, pass.grow, pass.awaitLeaders, pass.describeTargets, pass.syncSettings,
	} {
		if err := step(ctx); err != nil {
			return nil, nil, fmt.Errorf("syncing topics: %w", err)
		}
	}
	pass.reportSettings()
	pairs, problems = pass.result()
	return pairs, problems, nil
}

// SetNamed says which topics are selected by name from the next pass on; see
// Params.Named.
func (s *Syncer) SetNamed(topics []string) { s.p.Named = topics }

// Recheck has the next pass describe the settings of a source topic's target
// anew.
func (s *Syncer) Recheck(source string) {
	if t := s.topics[source]; t != nil {
		t.targetSettings.at = time.Time{}
	}
}

// pass is one Sync.
type pass struct {
	*Syncer
	now      time.Time
	live     []*topic // still to be mirrored, by source name: a step that isolates a topic takes it out
	problems []Problem
}

func (p *pass) report(t *topic, problem Problem) {
	problem.Topic, problem.Target = t.source, t.target
	if _, denied := errors.AsType[*PermissionError](problem.Err); denied {
		problem.Retry = true // it may be granted
	}
	p.problems = append(p.problems, problem)
}

// isolate reports err and takes the topics for which it is not nil out of the
// pass.
func (p *pass) isolate(check func(*topic) (hint string, err error)) {
	p.live = slices.DeleteFunc(p.live, func(t *topic) bool {
		hint, err := check(t)
		if err != nil {
			from, _ := errors.AsType[*ClusterError](err)
			p.report(t, Problem{Err: err, Hint: hint, Retry: kerr.IsRetriable(err) || errors.Is(err, ErrFollows), Isolated: true, Source: from != nil && from.Source})
		}
		return err != nil
	})
}

// discover lists the source, selects and names, and looks the names up on the
// target.
func (p *pass) discover(ctx context.Context) error {
	sources, err := admin.Topics(ctx, p.p.Source, nil)
	if err == nil {
		err = p.addHidden(ctx, sources)
	}
	if err != nil {
		return &ClusterError{Source: true, Err: err}
	}
	p.selectFrom(sources)
	names := make([]string, 0, len(p.live))
	for _, t := range p.live {
		names = append(names, t.target)
	}
	slices.Sort(names)
	targets, err := admin.Topics(ctx, p.p.Target, slices.Compact(names))
	if err != nil {
		return &ClusterError{Err: err}
	}
	for _, t := range p.live {
		t.targetNow = targets[t.target]
	}
	p.noticeRecreated()
	p.isolate(func(t *topic) (hint string, err error) {
		if t.targetNow.Err != nil && !missing(t.targetNow) {
			return "", fmt.Errorf("describing target topic %q: %w", t.target, t.targetNow.Err)
		}
		return "", nil
	})
	return nil
}

// addHidden adds topics that a source does not list because they may not be
// described: those selected by name and those that were there before.
func (p *pass) addHidden(ctx context.Context, sources map[string]*admin.Topic) error {
	asked := make(map[string]bool)
	for name := range p.topics {
		asked[name] = sources[name] == nil
	}
	for _, name := range p.p.Named {
		asked[name] = sources[name] == nil
	}
	maps.DeleteFunc(asked, func(_ string, hidden bool) bool { return !hidden })
	if len(asked) == 0 {
		return nil
	}
	found, err := admin.Topics(ctx, p.p.Source, slices.Sorted(maps.Keys(asked)))
	if err != nil {
		return err
	}
	for name, t := range found {
		if _, denied := errors.AsType[*PermissionError](t.Err); denied {
			sources[name] = t
		}
	}
	return nil
}

// missing reports whether a target topic has to be created.
func missing(t *admin.Topic) bool { return errors.Is(t.Err, kerr.UnknownTopicOrPartition) }

// selectFrom fills live with the source topics to mirror, and forgets those
// that are gone or no longer selected.
func (p *pass) selectFrom(sources map[string]*admin.Topic) {
	byTarget := make(map[string][]string)
	known := p.topics
	p.topics = make(map[string]*topic, len(known))
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		if sources[name].Internal || !p.p.Selector.Selected(name) {
			continue
		}
		t := p.recall(known[name], sources[name])
		if t == nil {
			continue
		}
		p.topics[name] = t
		p.live = append(p.live, t)
		byTarget[t.target] = append(byTarget[t.target], name)
	}
	p.listed = true
	colliding := p.collisions(byTarget)
	p.isolate(func(t *topic) (hint string, err error) {
		switch sharing := byTarget[t.target]; {
		case t.target == "":
			why := p.p.Layout.Unnamed(t.source)
			if told, ok := errors.AsType[interface {
				error
				Hint() string
			}](why); ok {
				return told.Hint(), why
			}
			return "check the renames of this flow", why
		case len(t.target) > maxName:
			return "exclude it with topics_exclude, or choose a shorter cluster name or replication_policy = \"identity\"",
				fmt.Errorf("its name on the target would have %d characters (%.40s...), Kafka allows %d", len(t.target), t.target, maxName)
		case !legal(t.target):
			return "choose a cluster name and a replication_policy_separator of letters, digits, '.', '_' and '-'",
				fmt.Errorf("its name on the target, %q, has characters that Kafka does not allow", t.target)
		case colliding[t.target] != "":
			return colliding[t.target], &CollisionError{Target: t.target, Sources: sharing}
		case t.sourceNow.Err != nil:
			return "", &ClusterError{Source: true, Err: fmt.Errorf("describing topic %q: %w", t.source, t.sourceNow.Err)}
		}
		return "", nil
	})
}

// recall returns what is known of a source topic, brought up to date with now; nil:
// it is left alone, since it appeared too late.
func (p *pass) recall(t *topic, now *admin.Topic) *topic {
	if p.p.Fixed && p.listed && t == nil {
		return nil
	}
	remote := p.p.Namer.RemoteTopic(now.Name)
	if t == nil || t.target != remote {
		t = &topic{source: now.Name, target: remote}
	}
	if t.first == 0 { // also of one that could not be described until now
		t.first = len(now.Partitions)
	}
	if p.p.Fixed {
		now.Partitions = now.Partitions[:min(len(now.Partitions), t.first)]
	}
	t.sourceNow, t.touched = now, false
	return t
}

// collisions returns what to do about the target names that several topics have
// and must not share.
func (p *pass) collisions(byTarget map[string][]string) map[string]string {
	hints := make(map[string]string)
	for target, sharing := range byTarget {
		if len(sharing) < 2 {
			continue
		}
		switch stage, ok := p.p.Layout.Merged(sharing); {
		case ok:
		case stage == "":
			hints[target] = "rename all but one of them, or exclude them from this flow"
		default:
			hints[target] = fmt.Sprintf("give them different names in stage %q, or write merge = true in it to have one topic of them", stage)
		}
	}
	return hints
}

// partitions returns how many partitions the target of each live topic should
// have, by its name.
func (p *pass) partitions() map[string]int32 {
	most := make(map[string]int32)
	for _, t := range p.live {
		most[t.target] = max(most[t.target], int32(len(t.sourceNow.Partitions)))
	}
	wanted := make(map[string]int32, len(most))
	for _, t := range p.live {
		wanted[t.target] = p.p.Layout.Partitions(most[t.target], int32(len(t.targetNow.Partitions)))
	}
	return wanted
}

// maxName is the most characters of a topic's name (Topic.MAX_NAME_LENGTH).
const maxName = 249

// legal reports whether a name has none but the characters that Kafka allows.
func legal(name string) bool {
	illegal := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
	}
	return !strings.ContainsFunc(name, illegal) && name != "." && name != ".."
}

// noticeRecreated reports topics whose id is not that of the last pass, and
// forgets what was known of the old ones.
func (p *pass) noticeRecreated() {
	for _, t := range p.live {
		if other(t.sourceID, t.sourceNow.ID) {
			p.report(t, Problem{Err: &RecreatedError{"source", t.source, t.sourceID, t.sourceNow.ID}})
			t.sourceSettings = described{}
		}
		t.sourceID = t.sourceNow.ID
		p.noticeTarget(t)
	}
}

// noticeTarget does so for the target's side. The id of a target that is gone
// is kept to compare it with the next one's.
func (p *pass) noticeTarget(t *topic) {
	if other(t.targetID, t.targetNow.ID) {
		p.report(t, Problem{Err: &RecreatedError{"target", t.target, t.targetID, t.targetNow.ID}})
		t.targetSettings, t.settings = described{}, nil
	}
	if t.targetNow.ID != ([16]byte{}) {
		t.targetID = t.targetNow.ID
	}
}

// other reports whether two ids are known and differ.
func other(a, b [16]byte) bool {
	none := [16]byte{}
	return a != b && a != none && b != none
}

// result returns what is left as pairs.
func (p *pass) result() ([]Pair, []Problem) {
	pairs := make([]Pair, 0, len(p.live))
	for _, t := range p.live {
		pairs = append(pairs, Pair{
			Source: t.source, Target: t.target,
			SourceID: t.sourceNow.ID, TargetID: t.targetNow.ID,
			Partitions:       int32(len(t.sourceNow.Partitions)),
			TargetPartitions: int32(len(t.targetNow.Partitions)),
			SourceFacts:      newFacts(t.sourceSettings.settings),
			TargetFacts:      newFacts(t.targetSettings.settings),
		})
	}
	slices.SortStableFunc(p.problems, func(a, b Problem) int { return cmp.Compare(a.Topic, b.Topic) })
	return pairs, p.problems
}
