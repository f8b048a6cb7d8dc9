package badinput

import (
	"net"
	"testing"
	"time"

	"github.com/strait-mirror/strait/integration/kafka"
)

// TestLintOnline lints a topology that breaks rules which only brokers can tell:
// two names for one cluster, missing permissions, a login that is refused, more
// replicas than brokers and copies that differ from their topics. A cluster that
// is down does not keep the others from being linted.
func TestLintOnline(t *testing.T) {
	t.Parallel()
	c := startAll(t, kafka.Options{SASL: kafka.ScramSHA512, Authorizer: true, Users: map[string]string{"bob": "b"}})[0]
	create(t, c, kafka.Topic{Name: "orders", Partitions: 2, Config: map[string]*string{"cleanup.policy": new("compact")}})
	create(t, c, kafka.Topic{Name: "a.orders", Config: map[string]*string{
		"message.timestamp.type": new("LogAppendTime"), "max.message.bytes": new("1000"),
	}})
	g := &grants{t: t, c: c, user: "bob"}
	g.grant("DESCRIBE", "orders")

	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	down := closed.Addr().String()
	_ = closed.Close()

	text := clusterBlock("a", c.AdminBootstrap()[0], "") + clusterBlock("b", c.AdminBootstrap()[0], "") +
		clusterBlock("bob", c.Bootstrap()[0], loginBlock("bob", "b")) +
		clusterBlock("wrong", c.Bootstrap()[0], loginBlock("bob", "x")) +
		"flow \"a->b\" {\n  topics = [\"orders\", \"oders\"]\n  replication_factor = 3\n}\n" +
		"flow \"bob->b\" {\n  topics = [\"orders\"]\n}\nflow \"wrong->b\" {\n  topics = [\"orders\"]\n}\n"
	ignore := []string{"lint", "--online", "--ignore", "ST201,ST202", "m.hcl"}
	p := start(t, write(t, "m.hcl", text), ignore...)
	p.exits(3, time.Minute)
	for _, want := range []string{
		`error ST103: clusters "a" and "b" are the same one`,
		`error ST406: flow "a->b": replication_factor is 3, but cluster "b" has 1 brokers`,
		`warning ST403: flow "a->b": "oders" matches no topic of cluster "a"`,
		`fix: did you mean "orders"\?`,
		`warning ST408: flow "a->b": copies have fewer partitions than their topics: orders`,
		`warning ST409: .*: orders`,
		`warning ST410: .*: orders`,
		`warning ST305: .*: orders`,
		`error ST413: flow "bob->b": our user on cluster "bob" may not READ topic orders`,
		`fix: kafka-acls\.sh .*'User:bob' --operation Read --topic orders`,
		`error ST211: cluster "wrong" at .* refuses user "bob" with SCRAM-SHA-512`,
	} {
		p.says(&p.out, want, 0)
	}

	// What is wrong with one cluster is said of it alone.
	p = start(t, write(t, "m.hcl", text+clusterBlock("down", down, "")+"flow \"down->b\" { topics = [\"x\"] }\n"), ignore...)
	p.exits(1, time.Minute)
	p.says(&p.out, `error ST103`, 0)
	p.says(&p.log, `cluster "down" at `+down, 0)
}
