package topicsync

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

type prefixed string

func (p prefixed) RemoteTopic(topic string) string { return string(p) + topic }

// selected takes the topics that start with any of its elements.
type selected []string

func (s selected) Selected(topic string) bool {
	return slices.ContainsFunc(s, func(prefix string) bool { return strings.HasPrefix(topic, prefix) })
}

// bench is two clusters and a syncer between them, whose clock stands still.
type bench struct {
	t              *testing.T
	source, target *kfake.Cluster
	now            time.Time
	p              Params
	syncer         *Syncer
}

func newBench(t *testing.T, change func(*Params), targetOpts ...kfake.Opt) *bench {
	t.Helper()
	b := &bench{t: t, now: time.Unix(1_700_000_000, 0)}
	b.source, b.target = newCluster(t), newCluster(t, targetOpts...)
	b.p = Params{
		Source: newClient(t, b.source), Target: newClient(t, b.target),
		Selector: selected{"t"}, Namer: prefixed("A."), Log: slog.New(slog.DiscardHandler),
		ReadyTimeout: 50 * time.Millisecond, Now: func() time.Time { return b.now },
	}
	if change != nil {
		change(&b.p)
	}
	b.restart()
	return b
}

func newCluster(t *testing.T, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(2)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func newClient(t *testing.T, c *kfake.Cluster) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// restart forgets all that is remembered between passes.
func (b *bench) restart() {
	b.t.Helper()
	s, err := New(b.p)
	if err != nil {
		b.t.Fatal(err)
	}
	b.syncer = s
}

func (b *bench) create(c *kfake.Cluster, topic string, partitions int32, configs ...string) {
	b.t.Helper()
	all := make(map[string]string)
	for pair := range slices.Chunk(configs, 2) {
		all[pair[0]] = pair[1]
	}
	if err := c.CreateTopic(topic, partitions, all); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) sync() ([]Pair, []Problem) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 10*time.Second)
	defer cancel()
	pairs, problems, err := b.syncer.Sync(ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	return pairs, problems
}

// wantSync makes a pass and compares what it returns, in short:
// "t0->A.t0 3/3" and "t1 isolated retry: <text the error contains>".
func (b *bench) wantSync(pairs []string, problems ...string) []Pair {
	b.t.Helper()
	gotPairs, gotProblems := b.sync()
	var short []string
	for _, p := range gotPairs {
		short = append(short, fmt.Sprintf("%s->%s %d/%d", p.Source, p.Target, p.TargetPartitions, p.Partitions))
	}
	if diff := cmp.Diff(pairs, short); diff != "" {
		b.t.Errorf("pairs differ (-want +got):\n%s", diff)
	}
	for i, p := range gotProblems {
		var flags string
		if p.Isolated {
			flags += " isolated"
		}
		if p.Retry {
			flags += " retry"
		}
		got := fmt.Sprintf("%s%s: %v", p.Topic, flags, p.Err)
		if i >= len(problems) {
			b.t.Errorf("problem nobody expected: %s", got)
			continue
		}
		head, text, _ := strings.Cut(problems[i], ": ")
		if !strings.HasPrefix(got, head+": ") || !strings.Contains(got, text) {
			b.t.Errorf("problem is %q, want %q", got, problems[i])
		}
	}
	for _, missing := range problems[min(len(problems), len(gotProblems)):] {
		b.t.Errorf("problem missing: %s", missing)
	}
	return gotPairs
}

func (b *bench) targetConfigs(topic string) map[string]string {
	b.t.Helper()
	info := b.target.TopicInfo(topic)
	if info == nil {
		b.t.Fatalf("there is no target topic %s", topic)
	}
	configs := make(map[string]string)
	for k, v := range info.Configs {
		configs[k] = *v
	}
	return configs
}

func (b *bench) wantConfigs(topic string, want map[string]string) {
	b.t.Helper()
	if diff := cmp.Diff(want, b.targetConfigs(topic)); diff != "" {
		b.t.Errorf("configurations of %s differ (-want +got):\n%s", topic, diff)
	}
}

// TestSyncCreatesWhatIsMissing is conformance item 46.
func TestSyncCreatesWhatIsMissing(t *testing.T) {
	b := newBench(t, func(p *Params) { p.Exclude = matchName("min.insync.replicas") })
	b.create(b.source, "t0", 3, "retention.ms", "1000", "min.insync.replicas", "2", "cleanup.policy", "compact")
	b.create(b.source, "t1", 1)
	b.create(b.source, "other", 1)
	b.create(b.source, "tinternal", 1, "kfake.is_internal", "true")
	b.create(b.target, "A.t1", 2)
	b.create(b.target, "A.told", 2)

	pairs := b.wantSync([]string{"t0->A.t0 3/3", "t1->A.t1 2/1"})
	b.wantConfigs("A.t0", map[string]string{"retention.ms": "1000", "cleanup.policy": "compact"})
	for _, p := range pairs {
		if p.SourceID != b.source.TopicInfo(p.Source).TopicID || p.TargetID != b.target.TopicInfo(p.Target).TopicID {
			t.Errorf("ids of %s are %x, %x", p.Source, p.SourceID, p.TargetID)
		}
	}
	if f := pairs[0].TargetFacts; !f.Known || !f.Compacted || f.MaxMessageBytes != 1048588 || f.CompressionType != "producer" {
		t.Errorf("facts of the target are %+v", f)
	}
	if pairs[1].SourceFacts.Compacted || !pairs[1].SourceFacts.Known {
		t.Errorf("facts of the source are %+v", pairs[1].SourceFacts)
	}

	if err := b.source.DeleteTopic("t0"); err != nil {
		t.Fatal(err)
	}
	b.wantSync([]string{"t1->A.t1 2/1"})
	if b.target.TopicInfo("A.t0") == nil {
		t.Error("the target topic was deleted")
	}
}

// TestSyncAsksForSettingsOnlyWhenItMust is conformance item 47 of a flow that has
// nothing to do: a pass asks each cluster once.
func TestSyncAsksForSettingsOnlyWhenItMust(t *testing.T) {
	b := newBench(t, nil)
	b.create(b.source, "t0", 1)
	var requests []string
	watch := func(name string, c *kfake.Cluster) {
		c.Fault(kfake.Fault{Observe: true, Count: -1, When: func(req kmsg.Request) bool {
			if _, ok := req.(*kmsg.ApiVersionsRequest); !ok {
				requests = append(requests, name+" "+kmsg.NameForKey(req.Key()))
			}
			return true
		}})
	}
	b.sync()
	watch("source", b.source)
	watch("target", b.target)
	b.now = b.now.Add(5 * time.Second)
	b.sync()
	slices.Sort(requests)
	if diff := cmp.Diff([]string{"source Metadata", "target Metadata"}, slices.Compact(requests)); diff != "" {
		t.Errorf("requests of a pass without changes differ (-want +got):\n%s", diff)
	}
	requests = nil
	b.now = b.now.Add(time.Minute)
	b.sync()
	slices.Sort(requests)
	want := []string{"source DescribeConfigs", "source Metadata", "target DescribeConfigs", "target Metadata"}
	if diff := cmp.Diff(want, slices.Compact(requests)); diff != "" {
		t.Errorf("requests a minute later differ (-want +got):\n%s", diff)
	}
}

// TestSyncGrowsAndNeverShrinks is conformance item 47: new partitions of the source
// are seen, and more at the target are nothing to act on.
func TestSyncGrowsAndNeverShrinks(t *testing.T) {
	b := newBench(t, nil)
	b.create(b.source, "t0", 2)
	b.create(b.source, "t1", 2)
	b.create(b.target, "A.t1", 5)
	b.wantSync([]string{"t0->A.t0 2/2", "t1->A.t1 5/2"})
	grow(t, b.p.Source, "t0", 4)
	b.wantSync([]string{"t0->A.t0 4/4", "t1->A.t1 5/2"})

	grow(t, b.p.Source, "t0", 6)
	refuse := b.target.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreatePartitions}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	denied := `t0 retry: missing permission ALTER on topic "A.t0"`
	b.wantSync([]string{"t0->A.t0 4/6", "t1->A.t1 5/2"}, denied)
	refuse.Remove()
	b.wantSync([]string{"t0->A.t0 4/6", "t1->A.t1 5/2"}, denied) // not asked again yet
	b.now = b.now.Add(30 * time.Second)
	b.wantSync([]string{"t0->A.t0 6/6", "t1->A.t1 5/2"})
}

func grow(t *testing.T, cl *kgo.Client, topic string, to int32) {
	t.Helper()
	req := kmsg.NewPtrCreatePartitionsRequest()
	rt := kmsg.NewCreatePartitionsRequestTopic()
	rt.Topic, rt.Count = topic, to
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(t.Context(), cl)
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestSyncIsolatesTopicsThatCannotBeCreatedOrDescribed is conformance item 41: the
// missing permission is named, with the topic, and no other topic waits for it.
func TestSyncIsolatesTopicsThatCannotBeCreatedOrDescribed(t *testing.T) {
	tests := map[string]struct {
		onSource bool
		fault    kfake.Fault
		pairs    []string
		problem  string
	}{
		"create denied": {
			fault:   kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Topic: "A.t1", Err: kerr.TopicAuthorizationFailed},
			problem: `t1 isolated retry: missing permission CREATE on topic "A.t1" or cluster`,
		},
		"policy": {
			fault:   kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Topic: "A.t1", Err: kerr.PolicyViolation},
			problem: `t1 isolated: POLICY_VIOLATION`,
		},
		"too many replicas": {
			fault:   kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Topic: "A.t1", Err: kerr.InvalidReplicationFactor},
			problem: `t1 isolated: INVALID_REPLICATION_FACTOR`,
		},
		"throttled": {
			fault:   kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Topic: "A.t1", Err: kerr.ThrottlingQuotaExceeded},
			problem: `t1 isolated retry: THROTTLING_QUOTA_EXCEEDED`,
		},
		"source settings denied": {
			onSource: true,
			fault:    kfake.Fault{Keys: []kmsg.Key{kmsg.DescribeConfigs}, Resource: "t1", Err: kerr.TopicAuthorizationFailed},
			problem:  `t1 isolated retry: missing permission DESCRIBE_CONFIGS on topic "t1"`,
		},
		"target denied": {
			fault:   kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Topic: "A.t1", Err: kerr.TopicAuthorizationFailed},
			problem: `t1 isolated retry: missing permission DESCRIBE on topic "A.t1"`,
		},
		"target settings denied": {
			fault:   kfake.Fault{Keys: []kmsg.Key{kmsg.DescribeConfigs}, Resource: "A.t1", Err: kerr.TopicAuthorizationFailed},
			pairs:   []string{"t0->A.t0 1/1", "t1->A.t1 1/1", "t2->A.t2 1/1"},
			problem: `t1 retry: missing permission DESCRIBE_CONFIGS on topic "A.t1"`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil)
			for _, topic := range []string{"t0", "t1", "t2"} {
				b.create(b.source, topic, 1)
			}
			cluster := b.target
			if test.onSource {
				cluster = b.source
			}
			test.fault.Count = -1
			fault := cluster.Fault(test.fault)
			pairs := test.pairs
			if pairs == nil {
				pairs = []string{"t0->A.t0 1/1", "t2->A.t2 1/1"}
			}
			b.wantSync(pairs, test.problem)
			fault.Remove()
			b.now = b.now.Add(30 * time.Second)
			b.wantSync([]string{"t0->A.t0 1/1", "t1->A.t1 1/1", "t2->A.t2 1/1"})
		})
	}
}

func TestSyncIsNotHeldUpByAKnownTargetWithoutSourceSettings(t *testing.T) {
	b := newBench(t, nil)
	b.create(b.source, "t0", 1)
	b.create(b.target, "A.t0", 1)
	b.source.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DescribeConfigs}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	pairs := b.wantSync([]string{"t0->A.t0 1/1"}, `t0 retry: missing permission DESCRIBE_CONFIGS on topic "t0"`)
	if pairs[0].SourceFacts.Known {
		t.Errorf("facts nobody told are %+v", pairs[0].SourceFacts)
	}
}

func TestSyncBacksOffFromRefusedCreations(t *testing.T) {
	b := newBench(t, nil)
	b.create(b.source, "t0", 1)
	fault := b.target.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Topic: "A.t0", Err: kerr.PolicyViolation, Count: -1})
	for range 60 {
		b.sync()
		b.now = b.now.Add(time.Second)
	}
	if hits := fault.Hits(); hits > 6 { // after 0, 5, 15, 30, 45 s
		t.Errorf("creation was tried %d times in a minute", hits)
	}
	b.create(b.target, "A.t0", 1) // by hand
	b.wantSync([]string{"t0->A.t0 1/1"})
}

func TestSyncIsolatesCollisions(t *testing.T) {
	b := newBench(t, func(p *Params) {
		p.Namer = namer(func(topic string) string { return strings.TrimRight(topic, "0123456789") })
	})
	b.create(b.source, "ta1", 1)
	b.create(b.source, "ta2", 1)
	b.create(b.source, "tb1", 1)
	b.wantSync([]string{"tb1->tb 1/1"}, `ta1 isolated: would all be mirrored to target topic "ta"`, `ta2 isolated: ["ta1" "ta2"]`)
	if b.target.TopicInfo("ta") != nil {
		t.Error("the topic of a collision was created")
	}
}

type namer func(string) string

func (n namer) RemoteTopic(topic string) string { return n(topic) }

func TestSyncReportsTopicsThatWereCreatedAnew(t *testing.T) {
	b := newBench(t, nil)
	b.create(b.source, "t0", 1)
	first := b.wantSync([]string{"t0->A.t0 1/1"})[0]

	if err := b.source.DeleteTopic("t0"); err != nil {
		t.Fatal(err)
	}
	b.create(b.source, "t0", 1)
	second := b.wantSync([]string{"t0->A.t0 1/1"}, `t0: source topic "t0" was created anew`)[0]
	if second.SourceID == first.SourceID {
		t.Error("the pair has the old id")
	}

	if err := b.target.DeleteTopic("A.t0"); err != nil {
		t.Fatal(err)
	}
	third := b.wantSync([]string{"t0->A.t0 1/1"}, `t0: target topic "A.t0" was created anew`)[0]
	if third.TargetID == second.TargetID {
		t.Error("the pair has the old id")
	}
	b.wantSync([]string{"t0->A.t0 1/1"})
}

func TestSyncSetsEngineKeysAndReadsThemBack(t *testing.T) {
	b := newBench(t, nil, kfake.BrokerConfigs(map[string]string{"compression.type": "gzip", "log.message.max.bytes": "5000"}))
	b.create(b.source, "t0", 1, "max.message.bytes", "9000000")
	b.create(b.source, "t1", 1, "max.message.bytes", "9000000")
	b.create(b.source, "t2", 1, "compression.type", "zstd")
	b.create(b.source, "t3", 1, "compression.type", "zstd")
	b.create(b.target, "A.t1", 1)
	b.create(b.target, "A.t2", 1, "compression.type", "snappy", "max.message.bytes", "2000000")

	pairs := b.wantSync([]string{"t0->A.t0 1/1", "t1->A.t1 1/1", "t2->A.t2 1/1", "t3->A.t3 1/1"},
		`t2: target topic "A.t2" has compression.type=snappy, data pass unchanged with producer`)
	b.wantConfigs("A.t0", map[string]string{"compression.type": "producer", "max.message.bytes": "9000000"})
	b.wantConfigs("A.t1", map[string]string{"compression.type": "producer", "max.message.bytes": "9000000"})
	b.wantConfigs("A.t2", map[string]string{"compression.type": "snappy", "max.message.bytes": "2000000"})
	b.wantConfigs("A.t3", map[string]string{"compression.type": "zstd"})
	for i, want := range []string{"producer", "producer", "snappy", "zstd"} {
		if got := pairs[i].TargetFacts.CompressionType; got != want {
			t.Errorf("%s has compression.type %s, want %s", pairs[i].Target, got, want)
		}
	}
	if got := pairs[1].TargetFacts.MaxMessageBytes; got != 9000000 {
		t.Errorf("facts were not read back: max.message.bytes is %d", got)
	}
}

func TestSyncReportsEngineKeysThatAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		err      *kerr.Error
		refuse   string // the setting; empty: any
		problems []string
		want     map[string]string
	}{
		"permission": {
			err:      kerr.TopicAuthorizationFailed,
			problems: []string{`t0 retry: missing permission ALTER_CONFIGS on topic "A.t0"`, `t0 retry: ALTER_CONFIGS`},
			want:     map[string]string{},
		},
		"one of two": {
			err: kerr.InvalidConfig, refuse: keyMaxMessageBytes,
			problems: []string{`t0: data pass unchanged with 9000000: INVALID_CONFIG`},
			want:     map[string]string{"compression.type": "producer"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil, kfake.BrokerConfigs(map[string]string{"compression.type": "gzip"}))
			b.create(b.source, "t0", 1, "max.message.bytes", "9000000")
			b.create(b.target, "A.t0", 1)
			b.target.Fault(kfake.Fault{
				Keys: []kmsg.Key{kmsg.IncrementalAlterConfigs}, Topic: "A.t0", Err: test.err, Count: -1,
				When: func(req kmsg.Request) bool { return test.refuse == "" || sets(req, test.refuse) },
			})
			b.target.Fault(kfake.Fault{
				Keys: []kmsg.Key{kmsg.IncrementalAlterConfigs}, Resource: "A.t0", Err: test.err, Count: -1,
				When: func(req kmsg.Request) bool { return test.refuse == "" || sets(req, test.refuse) },
			})
			b.wantSync([]string{"t0->A.t0 1/1"}, test.problems...)
			b.wantConfigs("A.t0", test.want)
			b.wantSync([]string{"t0->A.t0 1/1"}, test.problems...) // still true, though nothing was asked
		})
	}
}

func sets(req kmsg.Request, name string) bool {
	for _, r := range req.(*kmsg.IncrementalAlterConfigsRequest).Resources {
		for _, c := range r.Configs {
			if c.Name == name {
				return true
			}
		}
	}
	return false
}

func TestSyncReturnsNewTopicsOnlyWithLeaders(t *testing.T) {
	b := newBench(t, nil)
	b.create(b.source, "t0", 1)
	b.create(b.source, "t1", 1)
	fault := b.target.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Topic: "A.t0", Err: kerr.UnknownTopicOrPartition, Count: -1})
	b.wantSync([]string{"t1->A.t1 1/1"}, `t0 isolated retry: waiting for leaders of new target topic "A.t0"`)
	fault.Remove()
	b.wantSync([]string{"t0->A.t0 1/1", "t1->A.t1 1/1"})
}

func TestSyncFailsWhenAClusterDoesNotAnswer(t *testing.T) {
	b := newBench(t, nil)
	b.create(b.source, "t0", 1)
	b.target.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, _, err := b.syncer.Sync(ctx); err == nil || !strings.Contains(err.Error(), "asking the target") {
		t.Errorf("got %v, want an error that names the target", err)
	}
	if _, err := New(Params{}); err == nil {
		t.Error("a syncer without clients was built")
	}
}

func TestErrorsCanBeAskedFor(t *testing.T) {
	b := newBench(t, nil)
	b.create(b.source, "t0", 1)
	b.target.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Topic: "A.t0", Err: kerr.TopicAuthorizationFailed, Count: -1})
	_, problems := b.sync()
	if len(problems) != 1 {
		t.Fatalf("got %+v", problems)
	}
	denied, ok := errors.AsType[*PermissionError](problems[0].Err)
	if !ok || denied.Operation != "CREATE" || denied.Resource != `topic "A.t0" or cluster` {
		t.Errorf("got %+v", problems[0].Err)
	}
}

// BenchmarkQuietPass is a pass over a thousand topics in which nothing has
// changed, both clusters included.
func BenchmarkQuietPass(b *testing.B) {
	newFake := func() (*kfake.Cluster, *kgo.Client) {
		c, err := kfake.NewCluster(kfake.NumBrokers(1))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(c.Close)
		cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(cl.Close)
		return c, cl
	}
	source, from := newFake()
	_, to := newFake()
	for i := range 1000 {
		if err := source.CreateTopic(fmt.Sprintf("t%d", i), 10, nil); err != nil {
			b.Fatal(err)
		}
	}
	s, err := New(Params{Source: from, Target: to, Selector: selected{"t"}, Namer: prefixed("A."), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if pairs, problems, err := s.Sync(b.Context()); err != nil || len(pairs) != 1000 {
			b.Fatal(len(pairs), problems, err)
		}
	}
}
