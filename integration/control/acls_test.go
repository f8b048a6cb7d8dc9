package control_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/strait-mirror/strait/integration/kafka"
)

// aclsOf returns the ACLs on topics, one line each, in order.
func aclsOf(ctx context.Context, t *testing.T, c *kafka.Cluster) []string {
	t.Helper()
	all := kadm.NewACLs().Topics().ResourcePatternType(kadm.ACLPatternAny).Operations().Allow().AllowHosts().Deny().DenyHosts()
	described, err := c.Admin().DescribeACLs(ctx, all)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, d := range described {
		for _, a := range d.Described {
			lines = append(lines, fmt.Sprintf("%s %s %s@%s %s %s", a.Permission, a.Operation, a.Principal, a.Host, a.Pattern, a.Name))
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

// acl is what permit makes.
type acl struct {
	deny      bool
	principal string
	operation kadm.ACLOperation
	pattern   kadm.ACLPattern
	topic     string
}

func permit(ctx context.Context, t *testing.T, c *kafka.Cluster, acls ...acl) {
	t.Helper()
	for _, a := range acls {
		b := kadm.NewACLs().Topics(a.topic).ResourcePatternType(a.pattern).Operations(a.operation)
		if a.deny {
			b = b.Deny(a.principal).DenyHosts("*")
		} else {
			b = b.Allow(a.principal).AllowHosts("10.1.2.3")
		}
		created, err := c.Admin().CreateACLs(ctx, b)
		for _, r := range created {
			if err == nil {
				err = r.Err
			}
		}
		if err != nil {
			t.Fatalf("creating %+v: %v", a, err)
		}
	}
}

// aclsBecome waits until a cluster has these ACLs on topics.
func aclsBecome(ctx context.Context, t *testing.T, c *kafka.Cluster, want ...string) {
	t.Helper()
	slices.Sort(want)
	var diff string
	for ctx.Err() == nil {
		if diff = cmp.Diff(want, aclsOf(ctx, t, c)); diff == "" {
			return
		}
	}
	t.Fatalf("ACLs stay (-want +got):\n%s", diff)
}

// secured is a cluster with an authorizer whose super user mirrors, and its part
// of a properties file.
func secured(t *testing.T) *kafka.Cluster {
	t.Helper()
	return kafka.Start(t, kafka.Options{SASL: kafka.Plain, Users: map[string]string{"mirror": "m", "bob": "b"}, Authorizer: true, SuperUsers: []string{"User:mirror"}})
}

func login(alias, user, password string) string {
	return fmt.Sprintf("%[1]s.security.protocol = SASL_PLAINTEXT\n%[1]s.sasl.mechanism = PLAIN\n"+
		"%[1]s.sasl.jaas.config = org.apache.kafka.common.security.plain.PlainLoginModule required username=\"%s\" password=\"%s\";\n", alias, user, password)
}

const acls = `
a->b.enabled = true
emit.heartbeats.enabled = false
topics = t.*
replication.factor = 1
sync.topic.acls.interval.seconds = 1
`

// TestACLsAsMirrorMaker2 is conformance items 39 and 121: what may be done with a
// topic may be done with its copy, but for writing, both ways; prefixes and topics
// that are not mirrored are left out, and nothing is ever deleted.
func TestACLsAsMirrorMaker2(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	a, b := secured(t), secured(t)
	create(ctx, t, a, "t", 1)
	create(ctx, t, b, "t", 1)
	permit(ctx, t, a,
		acl{false, "User:ann", kadm.OpRead, kadm.ACLPatternLiteral, "t"},
		acl{false, "User:wil", kadm.OpWrite, kadm.ACLPatternLiteral, "t"},
		acl{false, "User:all", kadm.OpAll, kadm.ACLPatternLiteral, "t"},
		acl{false, "User:all", kadm.OpRead, kadm.ACLPatternLiteral, "t"},
		acl{true, "User:dan", kadm.OpAll, kadm.ACLPatternLiteral, "t"},
		acl{true, "User:dan", kadm.OpWrite, kadm.ACLPatternLiteral, "t"},
		acl{false, "User:des", kadm.OpDelete, kadm.ACLPatternLiteral, "t-not-there"},
		acl{false, "User:pre", kadm.OpRead, kadm.ACLPatternPrefixed, "t"},
		acl{false, "User:oth", kadm.OpRead, kadm.ACLPatternLiteral, "other"},
	)
	permit(ctx, t, b, acl{false, "User:own", kadm.OpRead, kadm.ACLPatternLiteral, "t"}, acl{false, "User:own", kadm.OpWrite, kadm.ACLPatternLiteral, "a.t"})
	s := strait(t, properties(t, acls+"b->a.enabled = true\n"+login("a", "mirror", "m")+login("b", "mirror", "m"), map[string]*kafka.Cluster{"a": a, "b": b}))
	want := []string{
		"ALLOW READ User:ann@10.1.2.3 LITERAL a.t", "ALLOW READ User:all@10.1.2.3 LITERAL a.t",
		"DENY ALL User:dan@* LITERAL a.t", "DENY WRITE User:dan@* LITERAL a.t", "ALLOW DELETE User:des@10.1.2.3 LITERAL a.t-not-there",
		"ALLOW READ User:own@10.1.2.3 LITERAL t", "ALLOW WRITE User:own@10.1.2.3 LITERAL a.t",
	}
	aclsBecome(ctx, t, b, want...)
	for ctx.Err() == nil && !slices.Contains(aclsOf(ctx, t, a), "ALLOW READ User:own@10.1.2.3 LITERAL b.t") {
		continue
	}
	gone := kadm.NewACLs().Topics("t").ResourcePatternType(kadm.ACLPatternLiteral).Operations(kadm.OpRead).Allow("User:ann").AllowHosts("10.1.2.3")
	if _, err := a.Admin().DeleteACLs(ctx, gone); err != nil {
		t.Fatal(err)
	}
	permit(ctx, t, a, acl{false, "User:new", kadm.OpDescribe, kadm.ACLPatternLiteral, "t"})
	aclsBecome(ctx, t, b, append(want, "ALLOW DESCRIBE User:new@10.1.2.3 LITERAL a.t")...)
	if p := problems(s); p != "" {
		t.Errorf("problems:\n%s", p)
	}
}

// TestACLsWithoutAuthorizer is conformance item 40: the target is not asked.
func TestACLsWithoutAuthorizer(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	a, b := kafka.Start(t, kafka.Options{}), secured(t)
	create(ctx, t, a, "t", 1)
	permit(ctx, t, b, acl{false, "User:bob", kadm.OpAll, kadm.ACLPatternPrefixed, "a."}, acl{false, "User:bob", kadm.OpAll, kadm.ACLPatternPrefixed, "mm2-"})
	s := strait(t, properties(t, acls+login("b", "mirror", "m"), map[string]*kafka.Cluster{"a": a, "b": b}))
	before := aclsOf(ctx, t, b)
	becomes(ctx, t, b, "a.t", engine())
	for ctx.Err() == nil {
		if f := s.Status().Flows[0]; f.Partitions == 1 && f.State == "running" {
			break
		}
	}
	if p := problems(s); p != "" {
		t.Errorf("problems:\n%s", p)
	}
	if diff := cmp.Diff(before, aclsOf(ctx, t, b)); diff != "" {
		t.Errorf("the target's ACLs changed:\n%s", diff)
	}
}

// TestACLsNameTheMissingPermission has a user who may not read the source's ACLs:
// its topics are mirrored all the same, and status says what to grant.
func TestACLsNameTheMissingPermission(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	a, b := secured(t), kafka.Start(t, kafka.Options{})
	create(ctx, t, a, "t", 1)
	for _, op := range []kadm.ACLOperation{kadm.OpRead, kadm.OpDescribeConfigs} {
		builder := kadm.NewACLs().Topics("t").ResourcePatternType(kadm.ACLPatternLiteral).Operations(op).Allow("User:bob").AllowHosts("*")
		if _, err := a.Admin().CreateACLs(ctx, builder); err != nil {
			t.Fatal(err)
		}
	}
	s := strait(t, properties(t, acls+login("a", "bob", "b"), map[string]*kafka.Cluster{"a": a, "b": b}))
	for ctx.Err() == nil {
		for _, f := range s.Status().Flows {
			for _, p := range f.Problems {
				if strings.Contains(p.Summary, "acls: ") && strings.Contains(p.Summary, "DESCRIBE on cluster") && strings.Contains(p.Fix, "--operation Describe --cluster") {
					return
				}
			}
		}
	}
	t.Fatalf("problems are\n%s", problems(s))
}

// TestPrefixedACLs is what MirrorMaker 2 does not do.
func TestPrefixedACLs(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	a, b := secured(t), secured(t)
	create(ctx, t, a, "t", 1)
	permit(ctx, t, a,
		acl{false, "User:pre", kadm.OpAll, kadm.ACLPatternPrefixed, "team-"},
		acl{false, "User:pre", kadm.OpWrite, kadm.ACLPatternPrefixed, "team-"},
	)
	cfg := properties(t, acls+login("a", "mirror", "m")+login("b", "mirror", "m"), map[string]*kafka.Cluster{"a": a, "b": b})
	cfg.Flows[0].Control.SyncPrefixedACLsEnabled = true
	strait(t, cfg)
	aclsBecome(ctx, t, b, "ALLOW READ User:pre@10.1.2.3 PREFIXED a.team-")
}
