package examples_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/integration/compare"
	"github.com/strait-mirror/strait/integration/kafka"
	"github.com/strait-mirror/strait/pipeline/supervisor"
)

// limit bounds each part: several times what it takes on a busy machine.
const limit = 3 * time.Minute

// copied is a topic that an example copies: where it is written, and what it is
// called where.
type copied struct{ from, topic, to, as string }

// run is an example on brokers.
type run struct {
	name   string
	passes int // hops that a record has to go
	copies []copied
	never  []copied // what must not be there
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
				{"us", "readings", "hub", "us.readings"},
				{"hub", "prices", "eu", "hub.prices"},
				{"hub", "prices", "us", "hub.prices"},
			},
			never: []copied{{to: "us", as: "hub.eu.readings"}},
		},
		{
			name: "chain", passes: 2,
			copies: []copied{{"factory", "stock", "region", "factory.stock"}, {"factory", "stock", "office", "region.factory.stock"}},
		},
	}
}

// TestPlain runs the examples that need no login on three clusters.
func TestPlain(t *testing.T) {
	kafka.Require(t)
	clusters := start(t, kafka.Options{}, kafka.Options{}, kafka.Options{})
	for _, r := range plainRuns() {
		t.Run(r.name, func(t *testing.T) { r.check(t, clusters) })
	}
}

// TestLogins runs the examples whose clusters want a login, as they are written
// but for addresses and certificate authorities.
func TestLogins(t *testing.T) {
	kafka.Require(t)
	clusters := start(t,
		kafka.Options{TLS: true, SASL: kafka.ScramSHA512, Users: map[string]string{"migration": "of-SELF_PASSWORD", "strait": "of-DC1_PASSWORD"}},
		kafka.Options{TLS: true, SASL: kafka.Plain, Users: map[string]string{"of-API_KEY": "of-API_SECRET"}},
		kafka.Options{})
	t.Run("managed", func(t *testing.T) {
		run{name: "managed", passes: 1, copies: []copied{{"self", "ledger", "managed", "ledger"}}}.check(t, clusters)
	})
	t.Run("active-passive", func(t *testing.T) {
		r := run{name: "active-passive", passes: 1, copies: []copied{{"dc1", "payments", "dc2", "payments"}}}
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

// check writes records, runs the example and compares. The clusters of the file
// are those given, in its order.
func (r run) check(t *testing.T, clusters []*kafka.Cluster) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cfg := read(t, filepath.Join(root, r.name))
	at := map[string]*kafka.Cluster{}
	for i, c := range cfg.Clusters {
		at[c.Alias] = clusters[i]
		place(c, clusters[i])
	}
	for _, f := range cfg.Flows {
		f.ReplicationFactor = -1 // the clusters have one broker each
	}
	written := map[string]bool{}
	for _, c := range r.copies {
		if !written[c.from+c.topic] {
			written[c.from+c.topic] = true
			write(ctx, t, at[c.from], c.topic)
		}
	}
	for range r.passes {
		once(ctx, t, cfg)
	}
	for _, c := range r.copies {
		same(ctx, t, at[c.from], c.topic, at[c.to], c.as)
	}
	for _, c := range r.never {
		if topics, err := at[c.to].Admin().ListTopics(ctx, c.as); err != nil || topics.Has(c.as) && topics[c.as].Err == nil {
			t.Errorf("%s has the topic %s: %v", c.to, c.as, err)
		}
	}
}

// place gives a cluster of an example the addresses and the authority of a real
// one.
func place(c *model.Cluster, real *kafka.Cluster) {
	c.BootstrapServers = real.Bootstrap()
	if c.TLS != nil {
		c.TLS.CAFile = real.PEM().CAFile
	}
}

// write creates a topic of two partitions with records in batches of several
// codecs.
func write(ctx context.Context, t *testing.T, c *kafka.Cluster, topic string) {
	t.Helper()
	if err := c.CreateTopic(ctx, kafka.Topic{Name: topic, Partitions: 2}); err != nil {
		t.Fatal(err)
	}
	for _, codec := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.ZstdCompression()} {
		client, err := kgo.NewClient(append(c.AdminOpts(), kgo.ProducerBatchCompression(codec), kgo.DefaultProduceTopic(topic))...)
		if err != nil {
			t.Fatal(err)
		}
		var records []*kgo.Record
		for i := range 500 {
			records = append(records, &kgo.Record{Key: fmt.Append(nil, i), Value: fmt.Appendf(nil, "%s %d", topic, i)})
		}
		err = client.ProduceSync(ctx, records...).FirstErr()
		client.Close()
		if err != nil {
			t.Fatal(err)
		}
	}
}

// once runs all flows up to the ends they see.
func once(ctx context.Context, t *testing.T, cfg *model.Config) {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	s, err := supervisor.New(supervisor.Params{Config: cfg, Log: log, Once: true, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(ctx); err != nil {
		t.Fatal(err)
	}
}

// same compares two topics record by record.
func same(ctx context.Context, t *testing.T, from *kafka.Cluster, topic string, to *kafka.Cluster, as string) {
	t.Helper()
	source, err := compare.Read(ctx, from.AdminOpts(), topic, compare.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	target, err := compare.Read(ctx, to.AdminOpts(), as, compare.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := compare.Diff(source, target, compare.Options{}).Err(); err != nil || len(source) != len(target) {
		t.Errorf("%s and %s, %d and %d partitions: %v", topic, as, len(source), len(target), err)
	}
	n := 0
	for _, records := range source {
		n += len(records)
	}
	if n == 0 {
		t.Errorf("%s is empty", topic)
	}
}
