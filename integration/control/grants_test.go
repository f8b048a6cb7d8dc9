package control_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/grant"
	"github.com/strait-mirror/strait/integration/kafka"
)

// builder is the ACL that grants g to bob.
func builder(g grant.Grant, operation kadm.ACLOperation) *kadm.ACLBuilder {
	b, name := kadm.NewACLs().Allow("User:bob").AllowHosts("*").Operations(operation), g.On.Name
	switch g.On.Kind {
	case grant.Topics:
		b = b.Topics(name)
	case grant.Groups:
		b = b.Groups(name)
	case grant.TransactionalIDs:
		b = b.TransactionalIDs(name)
	case grant.Cluster:
		b = b.Clusters()
	}
	if g.On.Prefixed {
		return b.ResourcePatternType(kadm.ACLPatternPrefixed)
	}
	return b.ResourcePatternType(kadm.ACLPatternLiteral)
}

// TestGrantsOfWhatIsOptedIn has a user with no more than package grant asks for begin
// at a group, write offsets of a group under another name, take an ACL back and delete
// the copy of a topic.
func TestGrantsOfWhatIsOptedIn(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	a, b := secured(t), secured(t)
	clusters := map[string]*kafka.Cluster{"a": a, "b": b}
	for _, topic := range []string{"t-gone", "t-left"} {
		create(ctx, t, a, topic, 1)
		for range 10 {
			if err := a.Client().ProduceSync(ctx, &kgo.Record{Topic: topic, Value: []byte("v")}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	offsets := kadm.Offsets{}
	offsets.AddOffset("t-gone", 0, 4, -1)
	offsets.AddOffset("t-left", 0, 7, -1)
	for _, group := range []string{"mirrors", "svc"} {
		if err := until(ctx, func() error { return a.Admin().CommitAllOffsets(ctx, group, offsets) }, func(err error) bool { return err == nil }); err != nil {
			t.Fatal(err)
		}
	}
	permit(ctx, t, a, acl{false, "User:ann", kadm.OpRead, kadm.ACLPatternLiteral, "t-left"})

	cfg := properties(t, acls+"sync.group.offsets.enabled = true\nsync.group.offsets.interval.seconds = 1\n"+login("a", "bob", "b")+login("b", "bob", "b"), clusters)
	f := cfg.Flows[0]
	f.Start, f.RefreshTopicsInterval = model.StartGroup("mirrors"), time.Second
	f.Control.OffsetSyncsTopicLocation = "target"
	f.Control.Groups, f.Control.GroupReplacement = []string{"svc"}, "dc1.$0"
	f.Control.DeleteACLsEnabled, f.Control.DeleteTopicsEnabled, f.Control.DeleteTopicsAfter = true, true, 10*time.Second
	for _, on := range grant.For(cfg.Flows, func(string, *model.Cluster) string { return "User:bob" }) {
		for _, e := range on.Entries {
			operation, err := kmsg.ParseACLOperation(string(e.Operation))
			if err != nil {
				t.Fatal(err)
			}
			created, err := clusters[on.Alias].Admin().CreateACLs(ctx, builder(e.Grant, operation))
			if err != nil || len(created) != 1 || created[0].Err != nil {
				t.Fatalf("granting %+v: %v, %v", e.Grant, created, err)
			}
		}
	}
	s := strait(t, cfg)
	wait := func(what string, done func() error) {
		t.Helper()
		if err := until(ctx, done, func(err error) bool { return err == nil }); err != nil {
			t.Fatalf("%s: %v; problems:\n%s", what, err, problems(s))
		}
	}
	copied := func(topic string, n int64) func() error {
		return func() error {
			ends, err := b.Admin().ListEndOffsets(ctx, topic)
			if err == nil && ends[topic][0].Offset != n {
				err = fmt.Errorf("%s has %d records", topic, ends[topic][0].Offset)
			}
			return err
		}
	}
	wait("what comes behind the group is copied", copied("a.t-gone", 6))
	wait("what comes behind the group is copied", copied("a.t-left", 3))
	wait("the group is at the target", func() error {
		at, err := b.Admin().FetchOffsets(ctx, "dc1.svc")
		if err == nil && at["a.t-left"][0].At != 0 {
			err = fmt.Errorf("it is at %v", at)
		}
		if _, there := at["a.t-left"]; err == nil && !there {
			err = fmt.Errorf("it is at %v", at)
		}
		return err
	})
	const given = "ALLOW READ User:ann@10.1.2.3 LITERAL a.t-left"
	wait("the ACL is there", func() error {
		if all := aclsOf(ctx, t, b); !slices.Contains(all, given) {
			return fmt.Errorf("there are %q", all)
		}
		ends, err := b.Admin().ListEndOffsets(ctx, "mm2-strait-acls.a.internal")
		if err == nil && ends["mm2-strait-acls.a.internal"][0].Offset == 0 {
			err = fmt.Errorf("it is not entered yet")
		}
		return err
	})
	gone := kadm.NewACLs().Topics("t-left").ResourcePatternType(kadm.ACLPatternLiteral).Operations(kadm.OpRead).Allow("User:ann").AllowHosts("10.1.2.3")
	if _, err := a.Admin().DeleteACLs(ctx, gone); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Admin().DeleteTopics(ctx, "t-gone"); err != nil {
		t.Fatal(err)
	}
	wait("the ACL is taken back", func() error {
		if all := aclsOf(ctx, t, b); slices.Contains(all, given) {
			return fmt.Errorf("there are %q", all)
		}
		return nil
	})
	wait("the copy is deleted", func() error {
		there, err := b.Admin().ListTopics(ctx)
		if err == nil && there.Has("a.t-gone") {
			err = fmt.Errorf("there are %v", there.Names())
		}
		return err
	})
}
