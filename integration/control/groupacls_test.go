package control_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/integration/kafka"
)

// beside returns the ACLs on groups and transactional ids, one line each, in order.
func beside(ctx context.Context, t *testing.T, c *kafka.Cluster) []string {
	t.Helper()
	var lines []string
	for _, b := range []*kadm.ACLBuilder{kadm.NewACLs().Groups(), kadm.NewACLs().TransactionalIDs()} {
		described, err := c.Admin().DescribeACLs(ctx, b.ResourcePatternType(kadm.ACLPatternAny).Operations().Allow().AllowHosts().Deny().DenyHosts())
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range described {
			for _, a := range d.Described {
				lines = append(lines, a.Type.String()+" "+a.Pattern.String()+" "+a.Name+" "+a.Permission.String()+" "+a.Operation.String()+" "+a.Principal)
			}
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

// TestACLsOnGroupsAndTransactionalIDs is what MirrorMaker 2 does not do, and what is
// left out all the same.
func TestACLsOnGroupsAndTransactionalIDs(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	a, b := secured(t), secured(t)
	create(ctx, t, a, "t", 1)
	permit(ctx, t, a, acl{false, "User:ann", kadm.OpRead, kadm.ACLPatternLiteral, "t"})
	for _, builder := range []*kadm.ACLBuilder{
		kadm.NewACLs().Groups("svc-a", "other", "*").ResourcePatternType(kadm.ACLPatternLiteral).Operations(kadm.OpRead).Allow("User:ann"),
		kadm.NewACLs().Groups("svc-a").ResourcePatternType(kadm.ACLPatternLiteral).Operations(kadm.OpAll).Deny("User:dan"),
		kadm.NewACLs().Groups("svc-").ResourcePatternType(kadm.ACLPatternPrefixed).Operations(kadm.OpDescribe).Allow("User:ann"),
		kadm.NewACLs().TransactionalIDs("billing", "*").ResourcePatternType(kadm.ACLPatternLiteral).Operations(kadm.OpWrite).Allow("User:ann"),
		kadm.NewACLs().TransactionalIDs("bill-").ResourcePatternType(kadm.ACLPatternPrefixed).Operations(kadm.OpWrite).Allow("User:ann"),
	} {
		created, err := a.Admin().CreateACLs(ctx, builder)
		for _, r := range created {
			if err == nil {
				err = r.Err
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	mirrored := func(t *testing.T, edit func(*model.Control), want ...string) {
		t.Helper()
		cfg := properties(t, acls+login("a", "mirror", "m")+login("b", "mirror", "m"), map[string]*kafka.Cluster{"a": a, "b": b})
		c := &cfg.Flows[0].Control
		c.Groups, c.SyncGroupACLsEnabled, c.SyncTransactionalIDACLsEnabled = []string{"svc-.*"}, true, true
		edit(c)
		s := strait(t, cfg)
		diff := ""
		for ctx.Err() == nil {
			if diff = cmp.Diff(want, beside(ctx, t, b)); diff == "" {
				break
			}
		}
		if p := problems(s); p != "" || diff != "" {
			t.Errorf("ACLs stay (-want +got):\n%s, problems:\n%s", diff, p)
		}
	}
	renamed := []string{
		"GROUP LITERAL dc1.svc-a ALLOW READ User:ann", "GROUP LITERAL dc1.svc-a DENY ALL User:dan",
		"TRANSACTIONAL_ID LITERAL billing ALLOW WRITE User:ann",
	}
	t.Run("other names", func(t *testing.T) {
		mirrored(t, func(c *model.Control) { c.GroupReplacement, c.SyncPrefixedACLsEnabled = "dc1.$0", false }, renamed...)
	})
	t.Run("prefixes", func(t *testing.T) {
		want := append(slices.Clone(renamed),
			"GROUP LITERAL svc-a ALLOW READ User:ann", "GROUP LITERAL svc-a DENY ALL User:dan",
			"GROUP PREFIXED svc- ALLOW DESCRIBE User:ann", "TRANSACTIONAL_ID PREFIXED bill- ALLOW WRITE User:ann",
		)
		slices.Sort(want)
		mirrored(t, func(c *model.Control) { c.SyncPrefixedACLsEnabled = true }, want...)
	})
}

// TestOwnACLsAreTakenBack deletes ACLs on the source, also while nothing runs: what
// the flow has created for them goes, and what somebody else has created stays, though
// it is the same.
func TestOwnACLsAreTakenBack(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	a, b := secured(t), secured(t)
	create(ctx, t, a, "t", 1)
	on := func(user string, op kadm.ACLOperation) acl { return acl{false, user, op, kadm.ACLPatternLiteral, "t"} }
	permit(ctx, t, a, on("User:ann", kadm.OpRead), on("User:bob", kadm.OpRead), on("User:cat", kadm.OpRead), on("User:cat", kadm.OpDescribe))
	permit(ctx, t, b, acl{false, "User:bob", kadm.OpRead, kadm.ACLPatternLiteral, "a.t"}, acl{false, "User:own", kadm.OpWrite, kadm.ACLPatternLiteral, "a.t"})
	revoke := func(user string) {
		t.Helper()
		gone := kadm.NewACLs().Topics("t").ResourcePatternType(kadm.ACLPatternLiteral).Operations(kadm.OpRead).Allow(user).AllowHosts("10.1.2.3")
		if _, err := a.Admin().DeleteACLs(ctx, gone); err != nil {
			t.Fatal(err)
		}
	}
	const left = "ALLOW DESCRIBE User:cat@10.1.2.3 LITERAL a.t"
	others := []string{"ALLOW READ User:bob@10.1.2.3 LITERAL a.t", "ALLOW WRITE User:own@10.1.2.3 LITERAL a.t", left}
	run := func(t *testing.T, act func(), want ...string) {
		t.Helper()
		cfg := properties(t, acls+login("a", "mirror", "m")+login("b", "mirror", "m"), map[string]*kafka.Cluster{"a": a, "b": b})
		cfg.Flows[0].Control.DeleteACLsEnabled = true
		s := strait(t, cfg)
		act()
		aclsBecome(ctx, t, b, append(want, others...)...)
		if p := problems(s); p != "" {
			t.Errorf("problems:\n%s", p)
		}
	}
	const ann, cat = "ALLOW READ User:ann@10.1.2.3 LITERAL a.t", "ALLOW READ User:cat@10.1.2.3 LITERAL a.t"
	t.Run("while it runs", func(t *testing.T) {
		run(t, func() {
			aclsBecome(ctx, t, b, append([]string{ann, cat}, others...)...)
			for ctx.Err() == nil { // entered just after they were created
				if ends, err := b.Admin().ListEndOffsets(ctx, "mm2-strait-acls.a.internal"); err == nil && ends["mm2-strait-acls.a.internal"][0].Offset >= 3 {
					break
				}
			}
			revoke("User:ann")
			revoke("User:bob")
		}, cat)
	})
	revoke("User:cat")
	t.Run("after a restart", func(t *testing.T) { run(t, func() {}) })
}
