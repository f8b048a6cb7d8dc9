package badinput

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/strait-mirror/strait/integration/kafka"
)

// grants does what the program asks for: it reads each kafka-acls.sh line of the
// log and grants just that.
type grants struct {
	t    *testing.T
	c    *kafka.Cluster
	user string
	done []string // "CREATE topic"
}

// follow grants what is asked for until ok, or until nothing is asked for that
// has not been granted for too long.
func (g *grants) follow(p *program, ok func() error) {
	g.t.Helper()
	line := regexp.MustCompile(`kafka-acls\.sh --bootstrap-server ` + regexp.QuoteMeta(g.c.Bootstrap()[0]) +
		` --add --allow-principal 'User:` + g.user + `' --operation (\w+) --(topic (\S+?)|cluster)["\s]`)
	deadline := time.Now().Add(heals)
	until(g.t, 3*time.Minute, func() error {
		for _, m := range line.FindAllStringSubmatch(p.log.String(), -1) {
			if what := m[1] + " " + m[2]; !slices.Contains(g.done, what) {
				g.grant(m[1], m[3])
				g.done = append(g.done, what)
				deadline = time.Now().Add(heals)
			}
		}
		err := ok()
		if err != nil && time.Now().After(deadline) {
			g.t.Fatalf("%v after %v, though all was granted that was asked for: %q", err, heals, g.done)
		}
		return err
	})
}

// grant does what the command line would do.
func (g *grants) grant(operation, topic string) {
	g.t.Helper()
	var op kadm.ACLOperation
	if err := op.UnmarshalText([]byte(operation)); err != nil {
		g.t.Fatal(err)
	}
	acl := kadm.NewACLs().Allow("User:" + g.user).AllowHosts("*").ResourcePatternType(kadm.ACLPatternLiteral).Operations(op)
	if topic == "" {
		acl = acl.Clusters()
	} else {
		acl = acl.Topics(topic)
	}
	results, err := g.c.Admin().CreateACLs(bounded(g.t), acl)
	for _, r := range results {
		if err == nil {
			err = r.Err
		}
	}
	if err != nil {
		g.t.Fatalf("granting %s on %q: %v", operation, topic, err)
	}
	until(g.t, patience, func() error { // the broker that decides hears of it later
		all, err := g.c.Admin().DescribeACLs(bounded(g.t), acl)
		if err != nil {
			return fmt.Errorf("describing ACLs: %w", err)
		}
		for _, r := range all {
			if len(r.Described) > 0 {
				return r.Err
			}
		}
		return errors.New("the ACL is not in effect")
	})
}

// TestPermissions has a user who may do nothing, on the target or on the source,
// and grants one by one what the program asks for, as its log says, until
// records arrive.
func TestPermissions(t *testing.T) {
	t.Parallel()
	locked := kafka.Options{SASL: kafka.ScramSHA512, Authorizer: true, Users: map[string]string{"bob": "b", "carol": "c", "dave": "d", "erin": "e"}}
	c := startAll(t, kafka.Options{}, locked)
	open, shut := c[0], c[1]

	t.Run("target", func(t *testing.T) {
		t.Parallel()
		create(t, open, kafka.Topic{Name: "orders", Partitions: 2})
		produce(t, open, some("orders", 10)...)
		text := clusterBlock("a", open.Bootstrap()[0], "") + clusterBlock("b", shut.Bootstrap()[0], loginBlock("bob", "b")) +
			clusterBlock("x", open.Bootstrap()[0], "") + clusterBlock("free", shut.AdminBootstrap()[0], "") +
			"flow \"a->b\" {\n  topics = [\"orders\"]\n" + quiet + "}\nflow \"x->free\" {\n  topics = [\"orders\"]\n" + quiet + "}\n"
		p := start(t, write(t, "mirror.hcl", text), "run", "mirror.hcl")
		arrives(t, shut, "x.orders", 10, patience) // the other flow does not care
		g := &grants{t: t, c: shut, user: "bob"}
		g.follow(p, func() error {
			if n := ends(t, shut, "a.orders")[0]; n != 10 {
				return fmt.Errorf("%d records arrived", n)
			}
			if !slices.Contains(g.done, "AlterConfigs topic a.orders") {
				return errors.New("the engine keys of the target topic were not asked for")
			}
			return nil
		})
		if _, err := open.Admin().CreatePartitions(bounded(t), 1, "orders"); err != nil {
			t.Fatal(err)
		}
		g.follow(p, func() error {
			if n := len(ends(t, shut, "a.orders")); n != 3 {
				return fmt.Errorf("the target topic has %d partitions", n)
			}
			return nil
		})
		for _, operation := range []string{"READ", "WRITE", "DESCRIBE_CONFIGS", "ALTER_CONFIGS", "ALTER"} {
			p.says(&p.log, `msg="problem solved".*`+operation+` on topic \\"a\.orders\\"`, 30*time.Second)
		}
		want := []string{
			"IdempotentWrite cluster", "DescribeConfigs cluster", "Describe topic mm2-offsets.a.internal", "Create topic mm2-offsets.a.internal",
			"Read topic mm2-offsets.a.internal", "Describe topic a.orders", "Create topic a.orders", "DescribeConfigs topic a.orders",
			"Read topic a.orders", "Write topic mm2-offsets.a.internal", "AlterConfigs topic a.orders", "Write topic a.orders",
			"Alter topic a.orders",
		}
		for _, w := range want {
			if !slices.Contains(g.done, w) {
				t.Errorf("%s was not asked for", w)
			}
		}
		if len(g.done) != len(want) {
			t.Errorf("granted %q, want %q", g.done, want)
		}
		for _, grant := range g.done {
			words := strings.Fields(grant)
			p.saidOnce(`--operation ` + words[0] + ` --` + strings.Join(words[1:], " ") + `["\s]`)
		}
	})
	t.Run("loop guard", func(t *testing.T) {
		t.Parallel()
		testGuardPermissions(t, open, shut)
	})
	t.Run("no loop guard", func(t *testing.T) {
		t.Parallel()
		testOneWay(t, open, shut)
	})
	t.Run("source", func(t *testing.T) {
		t.Parallel()
		create(t, shut, kafka.Topic{Name: "public"}, kafka.Topic{Name: "secret"})
		produce(t, shut, some("public", 10)...)
		produce(t, shut, some("secret", 10)...)
		g := &grants{t: t, c: shut, user: "carol"}
		g.grant("Read", "public")
		g.grant("DescribeConfigs", "public")
		text := clusterBlock("s", shut.Bootstrap()[0], loginBlock("carol", "c")) + clusterBlock("t", open.Bootstrap()[0], "") +
			"flow \"s->t\" {\n  topics = [\"public\", \"secret\"]\n" + quiet + "}\n"
		p := start(t, write(t, "mirror.hcl", text), "run", "mirror.hcl")
		arrives(t, open, "s.public", 10, patience)
		g.follow(p, func() error {
			if n := ends(t, open, "s.secret")[0]; n != 10 {
				return fmt.Errorf("%d records arrived", n)
			}
			return nil
		})
		want := []string{"Describe topic secret", "DescribeConfigs topic secret", "Read topic secret"}
		if !slices.Equal(g.done, want) {
			t.Errorf("granted %q, want %q", g.done, want)
		}
	})
}

// testGuardPermissions mirrors a topic both ways under its own name: what the loop
// guard needs is asked for, nothing is copied that could not be judged, and
// nothing returns.
func testGuardPermissions(t *testing.T, open, shut *kafka.Cluster) {
	const topic, index = "shared", "mm2-strait-index.o.internal"
	for _, c := range []*kafka.Cluster{open, shut} {
		create(t, c, kafka.Topic{Name: topic})
		produce(t, c, some(topic, 10)...)
	}
	flow := "flow %q {\n  topics             = [\"" + topic + "\"]\n  replication_policy = \"identity\"\n" + quiet + "}\n"
	text := clusterBlock("o", open.Bootstrap()[0], "") + clusterBlock("s", shut.Bootstrap()[0], loginBlock("dave", "d")) +
		fmt.Sprintf(flow, "o->s") + fmt.Sprintf(flow, "s->o")
	g := &grants{t: t, c: shut, user: "dave"}
	g.grant("Read", topic)
	g.grant("DescribeConfigs", topic)
	p := start(t, write(t, "mirror.hcl", text), "run", "mirror.hcl")
	p.says(&p.log, `--operation Read --topic `+index, patience)
	if n := ends(t, open, topic)[0]; n != 10 {
		t.Errorf("%d records were copied though nobody could tell where they came from", n-10)
	}
	equal := func(n int64) func() error {
		return func() error {
			if o, s := ends(t, open, topic)[0], ends(t, shut, topic)[0]; o != n || s != n {
				return fmt.Errorf("the topic ends at %d and %d, want %d", o, s, n)
			}
			return nil
		}
	}
	g.follow(p, equal(20))
	produce(t, open, some(topic, 5)...)
	produce(t, shut, some(topic, 5)...)
	until(t, patience, equal(30))
	for _, want := range []string{"Describe", "Create", "Read", "Write"} {
		if w := want + " topic " + index; !slices.Contains(g.done, w) {
			t.Errorf("%s was not asked for: %q", w, g.done)
		}
	}
}

// testOneWay mirrors one way under unchanged names with no more permissions than
// MirrorMaker 2 had: it copies, and says what it does without.
func testOneWay(t *testing.T, open, shut *kafka.Cluster) {
	const topic = "oneway"
	create(t, shut, kafka.Topic{Name: topic})
	produce(t, shut, some(topic, 10)...)
	create(t, shut, kafka.Topic{Name: "mm2-strait-index.one.internal"})
	g := &grants{t: t, c: shut, user: "erin"}
	g.grant("Read", topic)
	g.grant("DescribeConfigs", topic)
	g.grant("Describe", "mm2-strait-index.one.internal")
	text := clusterBlock("e", shut.Bootstrap()[0], loginBlock("erin", "e")) + clusterBlock("one", open.Bootstrap()[0], "") +
		"flow \"e->one\" {\n  topics = [\"" + topic + "\"]\n  replication_policy = \"identity\"\n" + quiet + "}\n"
	p := start(t, write(t, "mirror.hcl", text), "run", "mirror.hcl")
	arrives(t, open, topic, 10, patience)
	p.saidOnce(`no loop guard`)
	p.saidOnce(`--operation Read --topic mm2-strait-index.one.internal`)
}
