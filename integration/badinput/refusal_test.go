package badinput

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/integration/kafka"
)

// heals is how long something may take to come right by itself: a stopped
// partition is tried again every 30 s.
const heals = 50 * time.Second

// TestTargetRefuses has a target topic that refuses records, or that cannot be
// made: it is named with what to do, the others go on, and it goes on by itself
// when it was done.
func TestTargetRefuses(t *testing.T) {
	t.Parallel()
	c := startAll(t, kafka.Options{}, kafka.Options{})
	a, b := c[0], c[1]
	long := strings.Repeat("n", 248)
	create(t, a,
		kafka.Topic{Name: "fine"}, kafka.Topic{Name: "keyed"}, kafka.Topic{Name: "large"}, kafka.Topic{Name: "keyless"}, kafka.Topic{Name: "future", Partitions: 2, Config: settings("message.timestamp.after.max.ms=9223372036854775807")},
		kafka.Topic{Name: long},
	)
	create(t, b,
		kafka.Topic{Name: "a.large", Config: settings("max.message.bytes=1000")},
		kafka.Topic{Name: "a.keyless", Config: settings("cleanup.policy=compact")},
		kafka.Topic{Name: "a.future", Partitions: 2, Config: settings("message.timestamp.after.max.ms=3600000")},
	)
	soon := time.Now().Add(48 * time.Hour)
	produce(t, a, some("fine", 10)...)
	produce(t, a, append(append(some("large", 10), &kgo.Record{Topic: "large", Value: noise(5000)}), some("large", 10)...)...)
	produce(t, a, append(some("keyless", 10), &kgo.Record{Topic: "keyless", Value: []byte("no key")})...)
	produce(t, a, append(some("future", 1), &kgo.Record{Topic: "future", Value: []byte("later"), Timestamp: soon},
		&kgo.Record{Topic: "future", Partition: 1, Value: []byte("later"), Timestamp: soon})...)
	text := clusterBlock("a", a.Bootstrap()[0], "") + clusterBlock("b", b.Bootstrap()[0], "")
	server := regexp.QuoteMeta(b.Bootstrap()[0])

	t.Run("all tolerated", func(t *testing.T) {
		text := strings.ReplaceAll(text, `cluster "a"`, `cluster "x"`)
		create(t, b,
			kafka.Topic{Name: "x.large", Config: settings("max.message.bytes=1000")},
			kafka.Topic{Name: "x.keyless", Config: settings("cleanup.policy=compact")},
			kafka.Topic{Name: "x.future", Partitions: 2, Config: settings("message.timestamp.after.max.ms=3600000")},
		)
		p := start(t, write(t, "m.hcl", text+"flow \"x->b\" {\n  topics = [\"fine\", \"large\", \"keyless\", \"future\"]\n  errors_tolerance = \"all\"\n  sync_topic_configs_enabled = false\n}\n"),
			"run", "--once", "m.hcl")
		p.exits(exitOK, patience)
		for topic, n := range map[string]int64{"x.fine": 10, "x.large": 20, "x.keyless": 10, "x.future": 1} {
			arrives(t, b, topic, n, 0)
			p.log.lines(topic)
		}
		if last := p.out.last(); !strings.Contains(last, "copied 41 records") || !strings.HasSuffix(last, ", skipped 4 that the target refused") {
			t.Errorf("the last line is %q", last)
		}
	})
	const few = "; fix: set replication_factor to at most the number of brokers of the target, or -1 for their default"
	for alias, want := range map[string]string{
		"x": `mirroring is incomplete: topic "keyed": creating target topic "x.keyed": INVALID_REPLICATION_FACTOR`,
		"y": `gave up after 3s in which nothing moved: cluster "b": opening positions: creating topic "mm2-offsets.y.internal": INVALID_REPLICATION_FACTOR`,
	} {
		t.Run("replication factor of "+alias, func(t *testing.T) {
			text := strings.ReplaceAll(text, `cluster "a"`, `cluster "`+alias+`"`)
			flow := "flow \"" + alias + "->b\" {\n  topics = [\"keyed\"]\n  replication_factor = 3\n}\n"
			p := start(t, write(t, "m.hcl", text+flow), "run", "--once", "--timeout=3s", "m.hcl")
			p.exits(exitFailed, patience)
			if last := p.log.last(); !strings.HasPrefix(last, `strait: error: running m.hcl: flow "`+alias+`->b": `+want) || !strings.HasSuffix(last, few) {
				t.Errorf("the last line is %q", last)
			}
		})
	}

	p := start(t, write(t, "m.hcl", text+"flow \"a->b\" {\n  topics_exclude = [\"keyed\"]\n  sync_topic_configs_enabled = false\n}\n"), "run", "m.hcl")
	arrives(t, b, "a.fine", 10, patience)
	stopped := map[string]string{
		"large":   `the record at offset 10 needs a batch of \d+ bytes, topic ."a\.large." takes at most 1000 \(max\.message\.bytes\)`,
		"keyless": `topic ."a\.keyless." refuses records without a key, since it is compacted`,
		"future":  `topic ."a\.future." refuses records whose time is too far from now: it takes any time back and 1h0m0s ahead`,
	}
	stopped["large"] = strings.ReplaceAll(stopped["large"], `."`, `\\"`)
	for topic, why := range stopped {
		why = strings.NewReplacer(`."a`, `\\"a`, `." `, `\\" `).Replace(why)
		p.says(&p.log, `level=ERROR msg="partition stopped, retrying" flow=a->b topic=`+topic+
			` partition=\d err="cluster \\"b\\": `+why+`" fix="kafka-configs\.sh --bootstrap-server `+server+
			` --alter --entity-type topics --entity-name a\.`+topic+` --add-config .*; or set errors_tolerance = \\"all\\" to skip and count such records"`, patience)
	}
	p.says(&p.log, `msg="topic is not mirrored, retrying" flow=a->b topic=n+ err="its name on the target would have 250 characters \(a\.n+\.\.\.\), Kafka allows 249" fix="exclude it`, patience)
	p.says(&p.out, `a->b unhealthy: topic`, patience)
	p.says(&p.out, `  ! future\[0\], future\[1\]: cluster "b": topic "a\.future" refuses`, patience)
	set(t, b, "a.large", "max.message.bytes", "100000")
	set(t, b, "a.keyless", "cleanup.policy", "delete")
	set(t, b, "a.future", "message.timestamp.after.max.ms", "9223372036854775807")
	arrives(t, b, "a.large", 21, heals)
	arrives(t, b, "a.keyless", 11, heals)
	arrives(t, b, "a.future", 2, heals)
	for topic := range stopped {
		p.saidOnce(`partition stopped.* topic=` + topic)
		p.says(&p.log, `msg="problem solved" flow=a->b (topic=`+topic+` partition=\d|concerned=2) was=.*a\.`+topic, patience)
	}
}

// noise is n bytes that do not compress.
func noise(n int) []byte {
	b, random := make([]byte, n), rand.New(rand.NewPCG(1, 1))
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return b
}
