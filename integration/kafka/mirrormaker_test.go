package kafka_test

import (
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/integration/kafka"
)

// TestMirrorMakerMirrorsATopic runs the real MirrorMaker 2 between two
// clusters, of which one asks for TLS, a certificate and a password, and waits
// for a record to arrive under its prefixed name.
func TestMirrorMakerMirrorsATopic(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	a := kafka.Start(t, kafka.Options{SASL: kafka.ScramSHA512, MTLS: true})
	b := kafka.Start(t, kafka.Options{})
	if err := a.CreateTopic(ctx, kafka.Topic{Name: "orders"}); err != nil {
		t.Fatal(err)
	}
	if err := a.Client().ProduceSync(ctx, &kgo.Record{Topic: "orders", Value: []byte("first")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	config := map[string]string{
		"clusters": "a, b", "a->b.enabled": "true", "topics": "orders",
		"emit.heartbeats.enabled":               "false",
		"replication.factor":                    "1",
		"checkpoints.topic.replication.factor":  "1",
		"offset-syncs.topic.replication.factor": "1",
		"offset.storage.replication.factor":     "1",
		"status.storage.replication.factor":     "1",
		"config.storage.replication.factor":     "1",
	}
	for alias, c := range map[string]*kafka.Cluster{"a": a, "b": b} {
		for k, v := range c.ClientConfig("") {
			config[alias+"."+k] = v
		}
	}
	m := kafka.StartMirrorMaker(t, kafka.MirrorMakerOptions{Properties: kafka.Properties(config)})

	cl, err := kgo.NewClient(append(b.AdminOpts(), kgo.ConsumeTopics("a.orders"))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for {
		f := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatal("the record did not arrive")
		}
		if rs := f.Records(); len(rs) > 0 {
			if string(rs[0].Value) != "first" {
				t.Errorf("got %q, want first", rs[0].Value)
			}
			break
		}
	}
	rss, err := m.PeakRSS()
	if err != nil || rss < 10<<20 {
		t.Errorf("peak memory is %d, %v", rss, err)
	}
	if err := m.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	<-m.Exited()
	// A Java process that SIGTERM ends reports 128 + 15.
	if want := 128 + int(syscall.SIGTERM); m.ExitCode() != want {
		t.Errorf("exit code is %d, want %d", m.ExitCode(), want)
	}
	cpu, err := m.CPUTime()
	if err != nil || cpu <= 0 {
		t.Errorf("processor time of the ended process is %v, %v", cpu, err)
	}
	t.Logf("MirrorMaker 2 used %v and %d MiB", cpu, rss>>20)
}
