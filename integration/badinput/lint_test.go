package badinput

import (
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

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

	quotas := []kadm.AlterClientQuotaEntry{{
		Entity: kadm.ClientQuotaEntity{{Type: "user", Name: new("bob")}},
		Ops:    []kadm.AlterClientQuotaOp{{Key: "consumer_byte_rate", Value: 1000}},
	}}
	if _, err := c.Admin().AlterClientQuotas(t.Context(), quotas); err != nil {
		t.Fatal(err)
	}
	g.grant("DESCRIBE_CONFIGS", "")

	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	down := closed.Addr().String()
	_ = closed.Close()

	text := clusterBlock("a", c.AdminBootstrap()[0], "") + clusterBlock("b", c.AdminBootstrap()[0], "") +
		clusterBlock("bob", c.Bootstrap()[0], loginBlock("bob", "b")) +
		clusterBlock("wrong", c.Bootstrap()[0], loginBlock("bob", "x")) +
		"flow \"a->b\" {\n  topics = [\"orders\", \"oders\"]\n  replication_factor = 3\n" +
		"  transform \"filter\" \"paid\" {\n    when = \"headers['plan'] == 'paid'\"\n  }\n}\n" +
		"flow \"bob->b\" {\n  topics = [\"orders\"]\n  bytes_per_second = \"1MiB\"\n}\nflow \"wrong->b\" {\n  topics = [\"orders\"]\n}\n"
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
		`warning ST602: flow "a->b": stage "paid" drops tombstones of compacted topics: orders`,
		`error ST413: flow "bob->b": our user on cluster "bob" may not READ topic orders`,
		`fix: kafka-acls\.sh .*'User:bob' --operation Read --topic orders`,
		`warning ST415: flow "bob->b": bytes_per_second is 1048576, but consumer_byte_rate of our user is 1000 on each of the 1 brokers`,
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

// TestLintRecreated lints a topology whose topic was made anew since it was
// mirrored.
func TestLintRecreated(t *testing.T) {
	t.Parallel()
	c := startAll(t, kafka.Options{})[0]
	create(t, c, kafka.Topic{Name: "orders"})
	produce(t, c, &kgo.Record{Topic: "orders", Value: []byte("x")})
	text := clusterBlock("a", c.Bootstrap()[0], "") + clusterBlock("b", c.Bootstrap()[0], "") +
		"flow \"a->b\" {\n  topics = [\"orders\"]\n}\n"
	path := write(t, "m.hcl", text)
	start(t, path, "run", "--once", "m.hcl").exits(0, time.Minute)
	lint := []string{"lint", "--online", "--ignore", "ST103", "m.hcl"}
	start(t, path, lint...).exits(0, time.Minute)

	if _, err := c.Admin().DeleteTopics(t.Context(), "orders"); err != nil {
		t.Fatal(err)
	}
	create(t, c, kafka.Topic{Name: "orders"})
	p := start(t, path, lint...)
	p.exits(3, time.Minute)
	p.says(&p.out, `m.hcl:8:12: error ST411: flow "a->b": topic "orders" of cluster "a" was deleted and made anew`, 0)
	p.says(&p.out, `fix: write on_recreate = "start_anew"`, 0)
}
