package examples_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/integration/compare"
	"github.com/strait-mirror/strait/integration/kafka"
)

// limit bounds each part: several times what it takes on a busy machine.
const limit = 3 * time.Minute

// tries is how often a crash is tried that comes at the right moment.
const tries = 5

// copied is a topic that an example copies: where it is written, and what it is
// called where.
type copied struct{ from, topic, to, as string }

// run is an example on brokers.
type run struct {
	name   string
	passes int // hops that a record has to go
	copies []copied
	never  []copied // what must not be there
	// back are the arguments that turn the example round, if its README has any.
	back string
}

// plainRuns are the examples without logins. Those that copy everything come
// first, while the clusters are empty.
func plainRuns() []run {
	return []run{
		{name: "stretch", passes: 1, copies: []copied{{"stretch", "audit", "beside", "audit"}}},
		{
			name: "active-active", passes: 1,
			copies: []copied{{"west", "carts", "east", "west.carts"}, {"east", "visits", "west", "east.visits"}},
			never:  []copied{{to: "west", as: "east.west.carts"}, {to: "east", as: "west.east.visits"}},
		},
		{
			name: "hub-and-spoke", passes: 1,
			copies: []copied{
				{"eu", "readings", "hub", "eu.readings"},
				{"eu", "alarms", "hub", "eu.alarms"},
				{"us", "readings", "hub", "us.readings"},
				{"us", "alarms", "hub", "us.alarms"},
				{"hub", "prices", "eu", "hub.prices"},
				{"hub", "prices", "us", "hub.prices"},
			},
			never: []copied{{to: "us", as: "hub.eu.readings"}},
		},
		{
			name: "chain", passes: 2,
			copies: []copied{
				{"factory", "stock", "region", "factory.stock"},
				{"factory", "stock", "office", "region.factory.stock"},
				{"factory", "orders", "region", "factory.orders"},
				{"factory", "orders", "office", "region.factory.orders"},
			},
		},
		{
			name: "consolidation", passes: 1,
			copies: []copied{
				{"berlin", "measurements", "headquarters", "measurements"},
				{"paris", "measurements", "headquarters", "measurements"},
				{"berlin", "faults", "headquarters", "faults"},
				{"paris", "faults", "headquarters", "faults"},
			},
		},
		{
			name: "merge", passes: 1,
			copies: []copied{
				{"shops", "orders-web", "warehouse", "orders"},
				{"shops", "orders-app", "warehouse", "orders"},
				{"partner", "partner-orders", "warehouse", "orders"},
			},
		},
	}
}

// open is a cluster that authorizes the user of the examples without a login.
func open() kafka.Options {
	return kafka.Options{Authorizer: true, SASL: kafka.ScramSHA512, Users: map[string]string{
		mirrorUser: mirrorPassword, "reader": "of-reader", "writer": "of-writer",
	}}
}

// TestPlain runs the examples that need no login on three clusters.
func TestPlain(t *testing.T) {
	kafka.Require(t)
	clusters := start(t, open(), open(), open())
	for _, r := range plainRuns() {
		t.Run(r.name, func(t *testing.T) { r.check(t, clusters) })
	}
	t.Run("clients", func(t *testing.T) { checkClients(t, clusters) })
}

// TestLogins runs the examples whose clusters want a login, as they are written
// but for addresses and certificate authorities.
func TestLogins(t *testing.T) {
	kafka.Require(t)
	clusters := start(t,
		kafka.Options{
			Authorizer: true, TLS: true, SASL: kafka.ScramSHA512,
			Users: map[string]string{"migration": "of-SELF_PASSWORD", "strait": "of-DC1_PASSWORD"},
		},
		kafka.Options{Authorizer: true, TLS: true, SASL: kafka.Plain, Users: map[string]string{"of-API_KEY": "of-API_SECRET"}},
		open())
	t.Run("managed", func(t *testing.T) {
		run{name: "managed", passes: 1, copies: []copied{{"self", "ledger", "managed", "ledger"}}}.check(t, clusters)
	})
	t.Run("active-passive", func(t *testing.T) {
		r := run{
			name: "active-passive", passes: 1, back: "--var failed_over=true",
			copies: []copied{{"dc1", "payments", "dc2", "payments"}, {"dc1", "orders-eu", "dc2", "orders-eu"}},
		}
		r.check(t, []*kafka.Cluster{clusters[0], clusters[2]})
	})
}

// start starts clusters side by side.
func start(t *testing.T, options ...kafka.Options) []*kafka.Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	type started struct {
		i   int
		c   *kafka.Cluster
		err error
	}
	results := make(chan started)
	for i, o := range options {
		dir := t.TempDir()
		go func() {
			c, err := kafka.New(ctx, dir, o)
			results <- started{i, c, err}
		}()
	}
	clusters := make([]*kafka.Cluster, len(options))
	for range options {
		s := <-results
		if s.err != nil {
			t.Error(s.err)
			continue
		}
		clusters[s.i] = s.c
		t.Cleanup(func() {
			if err := s.c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	if t.Failed() {
		t.FailNow()
	}
	return clusters
}

// check runs both forms of the example and compares. The clusters of the file are
// those given, in its order.
func (r run) check(t *testing.T, clusters []*kafka.Cluster) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	l := r.lab(t, clusters)
	defer l.leave(t)
	l.grants(ctx, t, "strait.hcl")
	for _, c := range r.sources() {
		l.create(ctx, t, c)
	}
	l.mirror(ctx, t, "strait.hcl")
	for _, c := range r.copies {
		consume(ctx, t, l.at[c.to], c.as)
	}
	for _, c := range r.sources() {
		l.change(ctx, t, c)
	}
	// What reads the target after an interruption is used only where the crash
	// came before the position was stored, which a busy machine may prevent.
	var unused []string
	for range tries {
		l.crash(ctx, t, "strait.hcl")
		l.mirror(ctx, t, "strait.hcl")
		if unused = l.audit(t); len(unused) == 0 {
			break
		}
		for _, c := range r.sources() {
			write(ctx, t, l.at[c.from], c.topic, c.from, forgotten)
		}
	}
	if len(unused) > 0 {
		t.Errorf("superfluous permissions:\n%s", strings.Join(unused, "\n"))
	}
	l.compare(ctx, t)
	l.online(ctx, t, "strait.hcl")
	if len(forms(t, l.dir)) > 1 {
		l.again(ctx, t, "mm2.properties", func(c copied) string { return c.from })
	}
	if r.back != "" {
		l.again(ctx, t, r.back+" strait.hcl", func(c copied) string { return c.to })
		l.again(ctx, t, "strait.hcl", func(c copied) string { return c.from })
	}
}

// again writes more records, on the side that writes now, and mirrors them with
// the ACLs of another form of the topology.
func (l *lab) again(ctx context.Context, t *testing.T, form string, writes func(copied) string) {
	t.Helper()
	l.grants(ctx, t, form)
	for _, c := range l.sources() {
		write(ctx, t, l.at[writes(c)], c.topic, writes(c), forgotten)
	}
	l.mirror(ctx, t, form)
	l.compare(ctx, t)
	l.audit(t)
}

// targets are the topics that are written, with all that goes into each.
func (r run) targets() map[copied][]copied {
	all := map[copied][]copied{}
	for _, c := range r.copies {
		to := copied{to: c.to, as: c.as}
		all[to] = append(all[to], c)
	}
	return all
}

// sources are the topics that are copied, each once.
func (r run) sources() []copied {
	var all []copied
	for _, c := range r.copies {
		if !slices.ContainsFunc(all, func(o copied) bool { return o.from == c.from && o.topic == c.topic }) {
			all = append(all, c)
		}
	}
	return all
}

// create creates a topic of two partitions with records.
func (l *lab) create(ctx context.Context, t *testing.T, c copied) {
	t.Helper()
	if err := l.at[c.from].CreateTopic(ctx, kafka.Topic{Name: c.topic, Partitions: 2}); err != nil {
		t.Fatal(err)
	}
	write(ctx, t, l.at[c.from], c.topic, c.from, forgotten)
	consume(ctx, t, l.at[c.from], c.topic)
}

// consumers is a group that reads what is copied.
const consumers = "app"

// consume has a group on a cluster be somewhere in a topic.
func consume(ctx context.Context, t *testing.T, c *kafka.Cluster, topic string) {
	t.Helper()
	offsets := kadm.Offsets{}
	offsets.Add(kadm.Offset{Topic: topic, At: 1, LeaderEpoch: -1})
	for { // it fails while the first coordinator ever is being made
		err := c.Admin().CommitAllOffsets(ctx, consumers, offsets)
		if err == nil {
			return
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			t.Fatal(err)
		}
	}
}

// leave deletes the groups: the next example may not see their topics.
func (l *lab) leave(t *testing.T) {
	t.Helper()
	for _, c := range l.copies {
		for _, alias := range []string{c.from, c.to} {
			if _, err := l.at[alias].Admin().DeleteGroups(t.Context(), consumers); err != nil {
				t.Error(err)
			}
		}
	}
}

// change does to a topic what makes a flow use each of its permissions.
func (l *lab) change(ctx context.Context, t *testing.T, c copied) {
	t.Helper()
	if err := l.at[c.from].GrowTopic(ctx, c.topic, 3); err != nil {
		t.Fatal(err)
	}
	most := "2000000"
	answers, err := l.at[c.from].Admin().AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "max.message.bytes", Value: &most}}, c.topic)
	if err == nil {
		_, err = answers.On(c.topic, func(a *kadm.AlterConfigsResponse) error { return a.Err })
	}
	if err != nil {
		t.Fatal(err)
	}
	write(ctx, t, l.at[c.from], c.topic, c.from, forgotten)
}

// forgotten is an age of records beyond which brokers forget who wrote them
// (producer.id.expiration.ms, a day): all that keeps such exact is used.
const forgotten = 48 * time.Hour

// write writes records in batches of several codecs, which say where they are
// from, and are as old as age.
func write(ctx context.Context, t *testing.T, c *kafka.Cluster, topic, alias string, age time.Duration) {
	t.Helper()
	for _, codec := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.ZstdCompression()} {
		client, err := kgo.NewClient(append(c.AdminOpts(), kgo.ProducerBatchCompression(codec), kgo.DefaultProduceTopic(topic))...)
		if err != nil {
			t.Fatal(err)
		}
		var records []*kgo.Record
		for i := range 500 {
			records = append(records, &kgo.Record{Timestamp: time.Now().Add(-age), Key: fmt.Append(nil, i), Value: fmt.Appendf(nil, "%s %d", origin(alias, topic), i)})
		}
		err = client.ProduceSync(ctx, records...).FirstErr()
		client.Close()
		if err != nil {
			t.Fatal(err)
		}
	}
}

// origin begins the values of records.
func origin(alias, topic string) string { return alias + "/" + topic }

// same compares a topic of the target, record by record, with what it is the
// copy of. Of a topic that has several sources, the records of each are compared
// by themselves, and no other may be there.
func (l *lab) same(ctx context.Context, t *testing.T, to string, as string, sources []copied) {
	t.Helper()
	target, err := compare.Read(ctx, l.at[to].AdminOpts(), as, compare.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, c := range sources {
		source, err := compare.Read(ctx, l.at[c.from].AdminOpts(), c.topic, compare.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		mine := target
		if len(sources) > 1 {
			mine = of(target, origin(c.from, c.topic))
		}
		report := compare.Diff(source, mine, compare.Options{})
		if err := report.Err(); err != nil || len(source) != len(target) || report.Source == 0 {
			t.Errorf("%s of %s and %s of %s, %d and %d partitions, %d records: %v", c.topic, c.from, as, to, len(source), len(target), report.Source, err)
		}
		seen += count(mine)
	}
	if n := count(target); n != seen {
		t.Errorf("%s of %s has %d records, and %d of them from its sources", as, to, n, seen)
	}
}

// of returns the records that say they are from somewhere.
func of(all map[int32][]compare.Record, from string) map[int32][]compare.Record {
	out := map[int32][]compare.Record{}
	for p, records := range all {
		for _, r := range records {
			if strings.HasPrefix(string(r.Value), from+" ") {
				out[p] = append(out[p], r)
			}
		}
	}
	return out
}

func count(all map[int32][]compare.Record) (n int) {
	for _, records := range all {
		n += len(records)
	}
	return n
}
