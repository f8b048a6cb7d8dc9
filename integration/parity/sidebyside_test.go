package parity

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/strait-mirror/strait/config/load"
	"github.com/strait-mirror/strait/config/schema"
	"github.com/strait-mirror/strait/integration/kafka"
	"github.com/strait-mirror/strait/pipeline/supervisor"
)

// topology is the file that both programs run.
const topology = `
clusters = a, b
a->b.enabled = true
a->b.sync.group.offsets.enabled = true
topics = orders, customers, payments
groups = g-.*
replication.factor = 1
heartbeats.topic.replication.factor = 1
checkpoints.topic.replication.factor = 1
offset-syncs.topic.replication.factor = 1
offset.storage.replication.factor = 1
status.storage.replication.factor = 1
config.storage.replication.factor = 1
a.offset.flush.interval.ms = 1000
b.offset.flush.interval.ms = 1000
refresh.topics.interval.seconds = 1
refresh.groups.interval.seconds = 1
sync.topic.configs.interval.seconds = 1
sync.topic.acls.interval.seconds = 1
emit.checkpoints.interval.seconds = 1
sync.group.offsets.interval.seconds = 1
`

// allowance is what may differ because of a difference on the page of compatibility.
type allowance struct{ difference, of string }

// allowances are what may differ. Each must name a difference that is on the page,
// and each must be needed.
func allowances() []allowance {
	return []allowance{
		{"isolation", `b record a\.payments/0 [12]`},
		{"isolation", `a mm2-offset-syncs\.b\.internal payments 0 (upstream|downstream)`},
		{"settings for exact copies", `b topic a\.\S+ config message\.timestamp\.after\.max\.ms`},
		{"translation", `b a\.checkpoints\.internal g-(behind|drained) \S+ \d downstream`},
		{"translation", `b group g-(behind|drained) \S+ offset`},
		{"topics of its own", `[ab] topic mm2-(configs|status)\.[ab]\.internal .*`},
		{"topics of its own", `a topic mm2-offsets\.b\.internal .*`},
		{"topics of its own", `a mm2-offsets\.b\.internal .*`},
		{"topics of its own", `b topic mm2-offsets\.a\.internal config (compression|max\.compaction|min\.cleanable|min\.compaction|segment)\..*`},
		{"topics of its own", `b topic mm2-strait-places\.a\.internal .*`},
		{"topics of its own", `b mm2-strait-places\.a\.internal .*`},
		{"positions", `b mm2-offsets\.a\.internal MirrorSourceConnector a \S+ \d (version|target_end|producer_id|producer_epoch|next_sequence|leader_epoch|generation|fence|source_topic_id|target_topic_id|chain)`},
		{"positions", `b mm2-offsets\.a\.internal MirrorSourceConnector a payments 0 offset`},
		{"positions", `b mm2-offsets\.a\.internal StraitPrevious .*`},
		{"positions", `b mm2-offsets\.a\.internal \["Mirror(Heartbeat|Checkpoint)Connector".*`},
	}
}

// side is a source and a target, with the same on the source as the other side has.
type side map[string]*kafka.Cluster

// text is the topology with the addresses and logins of a side.
func (s side) text() string {
	var b strings.Builder
	b.WriteString(topology)
	for _, alias := range slices.Sorted(maps.Keys(s)) {
		fmt.Fprintf(&b, "%[1]s.bootstrap.servers = %[2]s\n%[1]s.security.protocol = SASL_PLAINTEXT\n%[1]s.sasl.mechanism = PLAIN\n"+
			"%[1]s.sasl.jaas.config = org.apache.kafka.common.security.plain.PlainLoginModule required username=\"mirror\" password=\"m\";\n",
			alias, s[alias].Bootstrap()[0])
	}
	return b.String()
}

// startSides starts two sides and fills their sources.
func startSides(ctx context.Context, t *testing.T) [2]side {
	t.Helper()
	sides := [2]side{{}, {}}
	for _, s := range sides {
		for _, alias := range []string{"a", "b"} {
			s[alias] = kafka.Start(t, kafka.Options{
				SASL: kafka.Plain, Users: map[string]string{"mirror": "m", "ann": "a"}, Authorizer: true, SuperUsers: []string{"User:mirror"},
			})
		}
	}
	at := time.UnixMilli(time.Now().UnixMilli()).Add(-time.Hour)
	var g errgroup.Group
	for _, s := range sides {
		g.Go(func() error { return fill(ctx, s["a"], at) })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	return sides
}

// fill makes a source: a plain topic with settings, a compacted one, one of
// transactions and one that is not mirrored; groups and permissions.
func fill(ctx context.Context, c *kafka.Cluster, at time.Time) error {
	for _, topic := range []kafka.Topic{
		{Name: "orders", Partitions: 3, Config: map[string]*string{
			"retention.ms": new("123456789"), "max.message.bytes": new("2000000"), "message.timestamp.type": new("CreateTime"), "min.insync.replicas": new("1"),
		}},
		{Name: "customers", Config: map[string]*string{"cleanup.policy": new("compact"), "min.cleanable.dirty.ratio": new("0.9")}},
		{Name: "payments", Partitions: 1},
		{Name: "elsewhere", Partitions: 1},
	} {
		if err := c.CreateTopic(ctx, topic); err != nil {
			return err
		}
	}
	for topic, partitions := range map[string]int{"orders": 3, "customers": 1, "elsewhere": 1} {
		if err := write(ctx, c, topic, partitions, at); err != nil {
			return err
		}
	}
	if err := transact(ctx, c, "payments", at); err != nil {
		return err
	}
	for group, offset := range map[string]int64{"g-drained": 700, "g-behind": 150, "g-begin": 0, "unselected": 5} {
		offsets := kadm.Offsets{}
		for p := range int32(3) {
			offsets.Add(kadm.Offset{Topic: "orders", Partition: p, At: offset, LeaderEpoch: -1, Metadata: "m-" + group})
		}
		offsets.Add(kadm.Offset{Topic: "customers", At: offset, LeaderEpoch: -1})
		if err := commit(ctx, c, group, offsets); err != nil {
			return err
		}
	}
	return permit(ctx, c)
}

// commit asks until the group has its coordinator.
func commit(ctx context.Context, c *kafka.Cluster, group string, offsets kadm.Offsets) error {
	for {
		if err := c.Admin().CommitAllOffsets(ctx, group, offsets); err == nil || ctx.Err() != nil {
			return err
		}
	}
}

// permit grants and denies what MirrorMaker 2 knows and does not know.
func permit(ctx context.Context, c *kafka.Cluster) error {
	allow := func(principal string, pattern kadm.ACLPattern, topic string, ops ...kadm.ACLOperation) *kadm.ACLBuilder {
		return kadm.NewACLs().Topics(topic).ResourcePatternType(pattern).Operations(ops...).Allow(principal).AllowHosts("10.1.2.3")
	}
	for _, b := range []*kadm.ACLBuilder{
		allow("User:ann", kadm.ACLPatternLiteral, "orders", kadm.OpRead, kadm.OpWrite),
		allow("User:all", kadm.ACLPatternLiteral, "orders", kadm.OpAll),
		allow("User:pre", kadm.ACLPatternPrefixed, "ord", kadm.OpRead),
		allow("User:oth", kadm.ACLPatternLiteral, "elsewhere", kadm.OpRead),
		kadm.NewACLs().Topics("customers").ResourcePatternType(kadm.ACLPatternLiteral).Operations(kadm.OpAll).Deny("User:dan").DenyHosts("*"),
	} {
		created, err := c.Admin().CreateACLs(ctx, b)
		if err != nil {
			return err
		}
		for _, r := range created {
			if r.Err != nil {
				return r.Err
			}
		}
	}
	return nil
}

// write writes 700 records to each partition.
func write(ctx context.Context, c *kafka.Cluster, topic string, partitions int, at time.Time) error {
	cl, err := kgo.NewClient(append(c.AdminOpts(), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		return err
	}
	defer cl.Close()
	var records []*kgo.Record
	for i := range 700 * partitions {
		records = append(records, &kgo.Record{
			Topic: topic, Partition: int32(i % partitions), Key: fmt.Appendf(nil, "k%d", i), Value: fmt.Appendf(nil, "%s-%d", topic, i),
			Headers: []kgo.RecordHeader{{Key: "n", Value: fmt.Append(nil, i)}, {Key: "n"}}, Timestamp: at.Add(time.Duration(i) * time.Millisecond),
		})
	}
	return cl.ProduceSync(ctx, records...).FirstErr()
}

// transact writes transactions, of which the second is aborted.
func transact(ctx context.Context, c *kafka.Cluster, topic string, at time.Time) error {
	cl, err := kgo.NewClient(append(c.AdminOpts(), kgo.TransactionalID("payer"))...)
	if err != nil {
		return err
	}
	defer cl.Close()
	for i := range 3 {
		if err := cl.BeginTransaction(); err != nil {
			return err
		}
		r := &kgo.Record{Topic: topic, Key: fmt.Appendf(nil, "tx%d", i), Value: []byte("v"), Timestamp: at}
		if err := cl.ProduceSync(ctx, r).FirstErr(); err != nil {
			return err
		}
		if err := cl.EndTransaction(ctx, kgo.TransactionEndTry(i != 1)); err != nil {
			return err
		}
	}
	return nil
}

// runStrait runs a properties file until the test ends.
func runStrait(t *testing.T, text string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mm2.properties")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, problems := load.Load([]string{path}, load.Options{Env: func(string) (string, bool) { return "", false }})
	if problems.HasErrors() {
		t.Fatal(problems.Err())
	}
	s, err := supervisor.New(supervisor.Params{Config: cfg, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("stopping: %v", err)
		}
	})
}

// TestSideBySide is conformance items 39, 55, 99 and 103. MirrorMaker 2 and Strait run
// the same file between clusters that hold the same, and all that either leaves is
// compared: topics and their settings, permissions, records, internal topics by field,
// the offsets of groups. What differs is on the page of compatibility, and nothing is
// allowed that does not differ.
func TestSideBySide(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	sides := startSides(ctx, t)
	real := kafka.StartMirrorMaker(t, kafka.MirrorMakerOptions{Properties: sides[0].text()})
	runStrait(t, sides[1].text())
	tick := time.NewTicker(3 * time.Second)
	defer tick.Stop()
	for {
		wrong := judge(t, look(t.Context(), t, sides[0]), look(t.Context(), t, sides[1]))
		if len(wrong) == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-real.Exited():
			t.Fatalf("MirrorMaker 2 ended:\n%s", real.Log(40))
		case <-ctx.Done():
			t.Fatalf("the sides differ:\n%s", strings.Join(wrong, "\n"))
		}
	}
}

// judge returns what differs and may not, and what is missing on both sides.
func judge(t *testing.T, mm2, strait snapshot) (wrong []string) {
	t.Helper()
	used := map[string]bool{}
	for _, path := range slices.Sorted(maps.Keys(union(mm2, strait))) {
		left, had := mm2[path]
		right, has := strait[path]
		if left == right && had == has {
			continue
		}
		if name, ok := allowed(path); ok {
			used[name] = true
			continue
		}
		wrong = append(wrong, fmt.Sprintf("%s: MirrorMaker 2 %s, Strait %s", path, shown(left, had), shown(right, has)))
	}
	for _, a := range allowances() {
		if !used[a.of] {
			wrong = append(wrong, fmt.Sprintf("nothing differs in %s, which is allowed as %q", a.of, a.difference))
		}
		if !slices.ContainsFunc(schema.Differences(), func(d schema.Difference) bool { return d.Name == a.difference }) {
			t.Fatalf("there is no difference %q", a.difference)
		}
	}
	for path, want := range map[string]string{ // exactly, where MirrorMaker 2 need not be
		"b group g-behind a.orders/1 offset": "150", "b group g-drained a.orders/1 offset": "700", "b group g-begin a.orders/1 offset": "0",
		"b a.checkpoints.internal g-behind a.customers 0 downstream": "150",
	} {
		if strait[path] != want {
			wrong = append(wrong, fmt.Sprintf("%s is %q with Strait, not %q", path, strait[path], want))
		}
	}
	for _, path := range []string{
		"b topic a.orders config retention.ms", "b acl ALLOW READ User:ann@10.1.2.3 LITERAL a.orders", "b record a.orders/2 699", "b record a.payments/0 1",
		"b record a.customers/0 699", "b heartbeats a b timestamp", "a heartbeats b a timestamp", "b a.heartbeats b a timestamp",
		"b a.checkpoints.internal g-drained a.orders 0 upstream", "b group g-drained a.orders/2 offset",
		"a mm2-offset-syncs.b.internal orders 0 upstream", "b mm2-offsets.a.internal MirrorSourceConnector a orders 0 offset",
	} {
		if mm2[path] == "" || strait[path] == "" {
			wrong = append(wrong, fmt.Sprintf("%s is missing: MirrorMaker 2 %q, Strait %q", path, mm2[path], strait[path]))
		}
	}
	return wrong
}

func union(a, b snapshot) snapshot {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// allowed finds the allowance for a path.
func allowed(path string) (of string, ok bool) {
	for _, a := range allowances() {
		if regexp.MustCompile("^(?:" + a.of + ")$").MatchString(path) {
			return a.of, true
		}
	}
	return "", false
}

func shown(value string, there bool) string {
	if !there {
		return "has none"
	}
	return fmt.Sprintf("%q", value)
}
