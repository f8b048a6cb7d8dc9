package control_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/position"
	"github.com/strait-mirror/strait/integration/kafka"
	"github.com/strait-mirror/strait/pipeline/status"
	"github.com/strait-mirror/strait/pipeline/supervisor"
)

// TestWithoutReadOnTheTarget has a user who may not read the copies: they are
// mirrored at least once, which status says before a crash shows it, with what to
// grant. Granted, the problem is over.
func TestWithoutReadOnTheTarget(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	a, b := kafka.Start(t, kafka.Options{}), secured(t)
	create(ctx, t, a, "t", 1)
	create(ctx, t, b, "a.t", 1)
	all := kadm.NewACLs().Topics("*").Groups("*").Clusters().ResourcePatternType(kadm.ACLPatternLiteral).Operations(kadm.OpAll).Allow("User:bob").AllowHosts("*")
	denied := kadm.NewACLs().Topics("a.t").ResourcePatternType(kadm.ACLPatternLiteral).Operations(kadm.OpRead).Deny("User:bob").DenyHosts("*")
	for _, acl := range []*kadm.ACLBuilder{all, denied} {
		if _, err := b.Admin().CreateACLs(ctx, acl); err != nil {
			t.Fatal(err)
		}
	}
	cfg := properties(t, `
a->b.enabled = true
emit.heartbeats.enabled = false
topics = t
replication.factor = 1
refresh.topics.interval.seconds = 1
sync.topic.acls.enabled = false
`+login("b", "bob", "b"), map[string]*kafka.Cluster{"a": a, "b": b})
	for _, f := range cfg.Flows {
		f.Delivery = model.ExactlyOnce
	}
	produce := func(values ...string) {
		t.Helper()
		for _, v := range values {
			if err := a.Client().ProduceSync(ctx, &kgo.Record{Topic: "t", Value: []byte(v)}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	const warning, fix, then = `lacks the permission READ on topic "a.t"`, "--operation Read --topic a.t", "exactly_once is unproven"
	warned := func(f status.Flow) bool {
		for _, p := range f.Problems {
			if p.Topic == "t" && strings.Contains(p.Summary, warning) && strings.Contains(p.Fix, fix) && strings.Contains(p.Fix, then) {
				return true
			}
		}
		return false
	}
	// run mirrors until the flow is as it should be, and ends in good order.
	run := func(until func(status.Flow) bool) {
		t.Helper()
		s, err := supervisor.New(supervisor.Params{Config: cfg, Log: logTo(t)})
		if err != nil {
			t.Fatal(err)
		}
		lasting, stop := context.WithCancel(ctx)
		var running sync.WaitGroup
		running.Go(func() {
			if err := s.Run(lasting); err != nil {
				t.Errorf("stopping: %v", err)
			}
		})
		reached := wait(ctx, func() bool { return until(s.Status().Flows[0]) })
		stop()
		running.Wait()
		if !reached {
			t.Fatalf("gave up; problems are\n%s", problems(s))
		}
	}
	produce("1", "2", "3")
	run(func(f status.Flow) bool { return f.Records == 3 && warned(f) })
	crashed(ctx, t, b, func(*position.Anchor) {})
	produce("4")
	run(func(f status.Flow) bool { return f.Records == 4 && f.Unproven == 1 && warned(f) })
	if _, err := b.Admin().DeleteACLs(ctx, denied); err != nil {
		t.Fatal(err)
	}
	run(func(f status.Flow) bool { return f.State == "running" && f.Partitions == 1 && len(f.Problems) == 0 })
}

// crashed rewrites the position of partition 0 of topic "t" as a crash would have
// left it: all that is on the target is behind it. edit changes it further.
func crashed(ctx context.Context, t *testing.T, b *kafka.Cluster, edit func(*position.Anchor)) {
	t.Helper()
	store, err := position.NewStore(position.Params{Client: b.Client(), SourceAlias: "a", Log: logTo(t), KeepSettings: true})
	if err == nil {
		err = store.Open(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	a, ok := store.Get("t", 0)
	if !ok || a.Bare() {
		t.Fatalf("the position is %+v", a)
	}
	a.Offset, a.TargetEnd, a.NextSequence, a.LeaderEpoch = -1, 0, 0, -1
	edit(&a)
	if err := store.Write(ctx, []position.Anchor{a}); err != nil {
		t.Fatal(err)
	}
}
