package examples_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/strait-mirror/strait/integration/kafka"
)

// printed is what the command acls says about one cluster.
type printed struct {
	Cluster   string
	Principal string
	ACLs      []struct {
		ResourceType string `json:"resource_type"`
		Name         string
		PatternType  string `json:"pattern_type"`
		Operation    string
	}
	Commands []string
}

// list returns the ACLs as an authorizer names them, in order.
func (p printed) list() []kafka.ACL {
	var all []kafka.ACL
	for _, a := range p.ACLs {
		all = append(all, kafka.ACL{
			ResourceType: strings.ToUpper(a.ResourceType), Name: a.Name,
			PatternType: strings.ToUpper(a.PatternType), Operation: a.Operation,
		})
	}
	slices.SortFunc(all, byName)
	return all
}

// acls runs the command acls in dir.
func acls(ctx context.Context, t *testing.T, dir string, environ []string, args string) []printed {
	t.Helper()
	code, out, log := program(ctx, t, dir, environ, "acls --output json "+args)
	if code != 0 {
		t.Fatalf("acls: exit code %d: %s", code, log)
	}
	var doc struct{ Clusters []printed }
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatal(err)
	}
	return doc.Clusters
}

// grant does what the command lines of acls say, and makes these the only ACLs
// of the cluster.
func (p printed) grant(ctx context.Context, t *testing.T, c *kafka.Cluster) {
	t.Helper()
	if _, err := c.Admin().DeleteACLs(ctx, everything()); err != nil {
		t.Fatal(err)
	}
	for _, line := range p.Commands {
		allow(ctx, t, c, ruleOf(t, line, p.Principal))
	}
	has(ctx, t, c, p.list())
}

// allow creates ACLs.
func allow(ctx context.Context, t *testing.T, c *kafka.Cluster, b *kadm.ACLBuilder) {
	t.Helper()
	results, err := c.Admin().CreateACLs(ctx, b)
	for _, r := range results {
		err = errors.Join(err, r.Err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// holds waits until a cluster has these ACLs, and maybe others: runs copy those of
// topics.
func holds(ctx context.Context, t *testing.T, c *kafka.Cluster, want []kafka.ACL) {
	t.Helper()
	for deadline := time.Now().Add(limit); ; {
		have := granted(ctx, t, c)
		missing := slices.DeleteFunc(slices.Clone(want), func(a kafka.ACL) bool { return slices.Contains(have, a) })
		if len(missing) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the cluster has no ACLs %v", missing)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// lacks waits until a cluster does not have an ACL.
func lacks(ctx context.Context, t *testing.T, c *kafka.Cluster, a kafka.ACL) {
	t.Helper()
	for deadline := time.Now().Add(limit); slices.Contains(granted(ctx, t, c), a); <-time.After(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the cluster still has the ACL %v", a)
		}
	}
}

// first returns the first ACL but for the one that lets read ACLs.
func (p printed) first() kafka.ACL {
	all := p.list()
	return all[slices.IndexFunc(all, func(a kafka.ACL) bool { return a.ResourceType != "CLUSTER" || a.Operation != "DESCRIBE" })]
}

// has waits until a cluster has these ACLs and no other.
func has(ctx context.Context, t *testing.T, c *kafka.Cluster, want []kafka.ACL) {
	t.Helper()
	slices.SortFunc(want, byName)
	for deadline := time.Now().Add(limit); ; {
		have := granted(ctx, t, c)
		if slices.Equal(have, want) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the cluster has the ACLs %v, want %v", have, want)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// byName orders ACLs.
func byName(a, b kafka.ACL) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) }

// everything is a filter that all ACLs pass.
func everything() *kadm.ACLBuilder {
	return kadm.NewACLs().AnyResource().Allow().AllowHosts().ResourcePatternType(kadm.ACLPatternAny).Operations()
}

// granted returns the ACLs that a cluster has, in order.
func granted(ctx context.Context, t *testing.T, c *kafka.Cluster) []kafka.ACL {
	t.Helper()
	results, err := c.Admin().DescribeACLs(ctx, everything())
	if err != nil {
		t.Fatal(err)
	}
	var all []kafka.ACL
	for _, r := range results {
		for _, d := range r.Described {
			all = append(all, kafka.ACL{
				ResourceType: d.Type.String(), Name: d.Name, PatternType: d.Pattern.String(), Operation: d.Operation.String(),
			})
		}
	}
	slices.SortFunc(all, byName)
	return slices.Compact(all)
}

// ruleOf reads a line for kafka-acls.sh as a shell and that program would.
func ruleOf(t *testing.T, line, principal string) *kadm.ACLBuilder {
	t.Helper()
	b := kadm.NewACLs().AllowHosts("*").ResourcePatternType(kadm.ACLPatternLiteral)
	var operations []kadm.ACLOperation
	words := strings.Fields(line)
	if words[0] != "kafka-acls.sh" || words[1] != "--bootstrap-server" || words[3] != "--add" {
		t.Fatalf("%q adds no ACL", line)
	}
	for i := 4; i < len(words); i += 2 {
		if words[i] == "--cluster" {
			b.Clusters()
			break
		}
		value := strings.Trim(words[i+1], "'")
		switch words[i] {
		case "--allow-principal":
			if value != principal {
				t.Errorf("%q is not for %s", line, principal)
			}
			b.Allow(value)
		case "--operation":
			var op kadm.ACLOperation
			if err := op.UnmarshalText([]byte(value)); err != nil {
				t.Fatal(err)
			}
			operations = append(operations, op)
		case "--topic":
			b.Topics(value)
		case "--group":
			b.Groups(value)
		case "--transactional-id":
			b.TransactionalIDs(value)
		case "--resource-pattern-type":
			if value != "prefixed" {
				t.Fatalf("%q", line)
			}
			b.ResourcePatternType(kadm.ACLPatternPrefixed)
		default:
			t.Fatalf("%q has the option %s", line, words[i])
		}
	}
	return b.Operations(operations...)
}

// audit holds what a cluster was asked for, from decision number from on,
// against what was granted: it returns the ACLs that nothing has used, and fails
// where something was denied.
func (p printed) audit(t *testing.T, c *kafka.Cluster, from int) (unused []kafka.ACL) {
	t.Helper()
	decisions, err := c.Audit()
	if err != nil {
		t.Fatal(err)
	}
	used := map[kafka.ACL]bool{}
	for _, d := range decisions[from:] {
		used[d.ACL] = true
		if !d.Allowed {
			t.Errorf("on %s a permission is missing: %v", p.Cluster, d)
		}
	}
	// A target's ACLs are changed only where the source has some to copy.
	copies := kafka.ACL{ResourceType: "CLUSTER", Name: "kafka-cluster", PatternType: "LITERAL", Operation: "ALTER"}
	return slices.DeleteFunc(p.list(), func(a kafka.ACL) bool { return used[a] || a == copies })
}

// decided returns how many decisions a cluster has made.
func decided(t *testing.T, c *kafka.Cluster) int {
	t.Helper()
	decisions, err := c.Audit()
	if err != nil {
		t.Fatal(err)
	}
	return len(decisions)
}
