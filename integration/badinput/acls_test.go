package badinput

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/integration/kafka"
)

// printed is an ACL as the command acls prints it.
type printed struct {
	Type      string `json:"resource_type"`
	Name      string `json:"name"`
	Pattern   string `json:"pattern_type"`
	Operation string `json:"operation"`
}

func (a printed) String() string { return a.Operation + " " + a.Name }

// quiet are lines of a flow that keep it from sending heartbeats, syncing ACLs and
// what offsets of groups need: all need permissions of their own.
const quiet = "  emit_heartbeats_enabled = false\n  sync_topic_acls_enabled = false\n  emit_offset_syncs_enabled = false\n  emit_checkpoints_enabled = false\n"

// acls runs the command acls and returns what it prints, of all clusters.
func acls(t *testing.T, dir string, args ...string) []printed {
	t.Helper()
	p := start(t, dir, append([]string{"acls", "--output", "json"}, args...)...)
	p.exits(0, patience)
	var doc struct {
		Clusters []struct{ ACLs []printed }
	}
	if err := json.Unmarshal([]byte(p.out.String()), &doc); err != nil {
		t.Fatal(err)
	}
	var all []printed
	for _, c := range doc.Clusters {
		all = append(all, c.ACLs...)
	}
	return all
}

// builder is the ACL that grants a to a user.
func (a printed) builder(t *testing.T, user string) *kadm.ACLBuilder {
	t.Helper()
	var op kadm.ACLOperation
	if err := op.UnmarshalText([]byte(a.Operation)); err != nil {
		t.Fatal(err)
	}
	pattern := kadm.ACLPatternLiteral
	if a.Pattern == "prefixed" {
		pattern = kadm.ACLPatternPrefixed
	}
	b := kadm.NewACLs().Allow("User:" + user).AllowHosts("*").ResourcePatternType(pattern).Operations(op)
	if a.Type == "cluster" {
		return b.Clusters()
	}
	switch a.Type {
	case "group":
		return b.Groups(a.Name)
	case "transactional_id":
		return b.TransactionalIDs(a.Name)
	}
	return b.Topics(a.Name)
}

// allow grants ACLs to a user, and waits until the broker knows them.
func allow(t *testing.T, c *kafka.Cluster, user string, all []printed) {
	t.Helper()
	for _, a := range all {
		results, err := c.Admin().CreateACLs(bounded(t), a.builder(t, user))
		for _, r := range results {
			if err == nil {
				err = r.Err
			}
		}
		if err != nil {
			t.Fatalf("granting %v: %v", a, err)
		}
	}
	granted(t, c, user, len(all))
}

// revoke takes an ACL away from a user who had n.
func revoke(t *testing.T, c *kafka.Cluster, user string, a printed, n int) {
	t.Helper()
	if _, err := c.Admin().DeleteACLs(bounded(t), a.builder(t, user)); err != nil {
		t.Fatalf("revoking %v: %v", a, err)
	}
	granted(t, c, user, n-1)
}

// granted waits until a user has n ACLs.
func granted(t *testing.T, c *kafka.Cluster, user string, n int) {
	t.Helper()
	until(t, patience, func() error {
		b := kadm.NewACLs().Allow("User:" + user).AllowHosts("*").AnyResource().ResourcePatternType(kadm.ACLPatternAny).Operations()
		described, err := c.Admin().DescribeACLs(bounded(t), b)
		if err != nil {
			return err
		}
		have := 0
		for _, d := range described {
			have += len(d.Described)
		}
		if have != n {
			return fmt.Errorf("user %s has %d ACLs, want %d", user, have, n)
		}
		return nil
	})
}

// aclCase is one user who mirrors a topic of his own from the cluster to itself,
// so that all cases can share it.
type aclCase struct {
	t    *testing.T
	c    *kafka.Cluster
	user string
	dir  string
	all  []printed // what the program asks for
}

func newACLCase(t *testing.T, c *kafka.Cluster, i int) *aclCase {
	t.Helper()
	a := &aclCase{t: t, c: c, user: fmt.Sprintf("u%d", i)}
	create(t, c, kafka.Topic{Name: a.topic()})
	produce(t, c, a.records()...)
	login := loginBlock(a.user, "pw")
	flow := fmt.Sprintf("flow \"%s->t\" {\n  topics = [%q]\n%s}\n", a.user, a.topic(), quiet)
	a.dir = write(t, "mirror.hcl", clusterBlock(a.user, c.Bootstrap()[0], login)+clusterBlock("t", c.Bootstrap()[0], login)+flow)
	a.all = acls(t, a.dir, "mirror.hcl")
	return a
}

func (a *aclCase) topic() string  { return "orders-" + a.user }
func (a *aclCase) target() string { return a.user + ".orders-" + a.user }

// once mirrors up to the end and returns what was wrong: nothing, or the
// warnings and the exit code.
func (a *aclCase) once() []string {
	a.t.Helper()
	p := start(a.t, a.dir, "run", "--once", "--timeout", "5s", "mirror.hcl")
	code := p.wait(2 * patience)
	wrong := p.log.lines(`level=(WARN|ERROR)`)
	if code != 0 {
		wrong = append(wrong, fmt.Sprintf("exit code %d: %s", code, p.log.last()))
	}
	return wrong
}

// complaints mirrors until something is wrong, and returns what.
func (a *aclCase) complaints(without printed) []string {
	a.t.Helper()
	args := []string{"run", "--once", "--timeout", "5s", "mirror.hcl"}
	if without.Type == "group" && without.Operation == "READ" {
		args = []string{"run", "mirror.hcl"} // a single pass shares nothing
	}
	p := start(a.t, a.dir, args...)
	until(a.t, patience, func() error {
		if len(p.log.lines(`level=(WARN|ERROR)`)) > 0 {
			return nil
		}
		select {
		case <-p.ended:
			return nil
		default:
			return errors.New("nothing is wrong so far")
		}
	})
	return p.log.lines(`level=(WARN|ERROR)`)
}

// change does to the source what makes a flow use each of its permissions.
func (a *aclCase) change() {
	a.t.Helper()
	if err := a.c.GrowTopic(bounded(a.t), a.topic(), 2); err != nil {
		a.t.Fatal(err)
	}
	set(a.t, a.c, a.topic(), "max.message.bytes", "2000000")
	produce(a.t, a.c, a.records()...)
}

// records are some that are older than brokers remember their producer for, so that
// the permission to shut out late requests is used.
func (a *aclCase) records() []*kgo.Record {
	records := some(a.topic(), 10)
	for _, r := range records {
		r.Timestamp = time.Now().Add(-48 * time.Hour)
	}
	return records
}

// TestACLs runs flows with exactly the ACLs that the command acls prints, and
// with each one of them left out: then something fails or is reported.
func TestACLs(t *testing.T) {
	t.Parallel()
	const most = 16 // one user has all, and one lacks each
	users := map[string]string{}
	for i := range most {
		users[fmt.Sprintf("u%d", i)] = "pw"
	}
	c := startAll(t, kafka.Options{SASL: kafka.ScramSHA512, Authorizer: true, Users: users})[0]

	t.Run("all", func(t *testing.T) {
		t.Parallel()
		a := newACLCase(t, c, 0)
		allow(t, c, a.user, a.all)
		if wrong := a.once(); len(wrong) > 0 {
			t.Errorf("the first run: %q", wrong)
		}
		a.change()
		if wrong := a.once(); len(wrong) > 0 {
			t.Errorf("the second run: %q", wrong)
		}
		if got := ends(t, c, a.target()); len(got) != 2 || got[0] < 20 { // and a marker
			t.Errorf("the target ends at %v", got)
		}
		if missing := acls(t, a.dir, "--online", "mirror.hcl"); len(missing) > 0 {
			t.Errorf("missing by looking at what is allowed: %v", missing)
		}
		if len(a.all) != most-1 {
			t.Errorf("%d ACLs are printed, and tests for %d", len(a.all), most-1)
		}
	})
	for i := range most - 1 {
		t.Run(fmt.Sprintf("without %d", i), func(t *testing.T) {
			t.Parallel()
			a := newACLCase(t, c, i+1)
			if i >= len(a.all) {
				t.Fatalf("there are %d ACLs", len(a.all))
			}
			without := a.all[i]
			rest := slices.Delete(slices.Clone(a.all), i, i+1)
			if without.Operation == "CREATE" {
				allow(t, c, a.user, rest)
			} else {
				allow(t, c, a.user, a.all)
				if wrong := a.once(); len(wrong) > 0 {
					t.Fatalf("the first run: %q", wrong)
				}
				a.change()
				revoke(t, c, a.user, without, len(a.all))
			}
			began := time.Now()
			wrong := a.complaints(without)
			if len(wrong) == 0 {
				t.Errorf("nothing was wrong without %v", without)
			}
			if text := strings.Join(wrong, "\n"); !strings.Contains(text, without.Operation) && !strings.Contains(text, "permission") {
				t.Errorf("without %v nothing names a permission:\n%s", without, text)
			}
			t.Logf("without %v, after %v: %s", without, time.Since(began).Round(time.Millisecond), strings.Join(wrong, "\n"))
			if looked := acls(t, a.dir, "--online", "mirror.hcl"); !slices.Contains(looked, without) {
				t.Errorf("without %v, missing by looking at what is allowed: %v", without, looked)
			}
			// Who may read ACLs is told exactly what is missing.
			flow := fmt.Sprintf("flow \"%s->t\" {\n  topics = [%q]\n%s}\n", a.user, a.topic(), quiet)
			server := c.AdminBootstrap()[0]
			dir := write(t, "open.hcl", clusterBlock(a.user, server, "")+clusterBlock("t", server, "")+flow)
			if d := cmp.Diff([]printed{without}, acls(t, dir, "--online", "--principal", "User:"+a.user, "open.hcl")); d != "" {
				t.Errorf("by reading ACLs: %s", d)
			}
		})
	}
}
