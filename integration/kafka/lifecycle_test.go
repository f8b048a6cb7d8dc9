package kafka_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/integration/kafka"
)

// leader returns who leads the first partition of a topic.
func leader(t *testing.T, c *kafka.Cluster, topic string) int {
	t.Helper()
	topics, err := c.Admin().ListTopics(bounded(t), topic)
	if err != nil {
		t.Fatal(err)
	}
	return int(topics[topic].Partitions[0].Leader)
}

// TestThreeBrokers does everything to brokers that tests of failures need, on
// one cluster because its start is the costly part.
func TestThreeBrokers(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	began := time.Now()
	c := kafka.Start(t, kafka.Options{Brokers: 3, Config: map[string]string{
		"broker.session.timeout.ms":    "2000", // how soon a killed broker is missed
		"broker.heartbeat.interval.ms": "300",
	}})
	t.Logf("started in %v", time.Since(began))
	if err := c.CreateTopic(ctx, kafka.Topic{Name: "a", Replication: 3}); err != nil {
		t.Fatal(err)
	}
	if err := c.WaitISR(ctx, "a", 3); err != nil {
		t.Fatal(err)
	}
	for _, to := range []int{3, 1, 2} {
		if err := c.MoveLeader(ctx, "a", 0, to); err != nil {
			t.Fatal(err)
		}
		if got := leader(t, c, "a"); got != to {
			t.Errorf("the leader is %d, want %d", got, to)
		}
		roundTrip(ctx, t, "a", c.AdminOpts()...)
	}
	if _, err := os.Stat(filepath.Join(c.LogDir(2), "a-0")); err != nil {
		t.Errorf("the log directory has no partition: %v", err)
	}
	if err := c.CreateTopic(ctx, kafka.Topic{Name: "single", Replication: 1}); err != nil {
		t.Fatal(err)
	}
	for _, to := range []int{2, 3} { // one of them has no replica yet
		if err := c.MoveLeader(ctx, "single", 0, to); err != nil {
			t.Fatal(err)
		}
	}
	roundTrip(ctx, t, "single", c.AdminOpts()...)

	t.Log("killing the leader")
	if err := c.Kill(2); err != nil {
		t.Fatal(err)
	}
	roundTrip(ctx, t, "a", c.AdminOpts()...)
	if err := c.Restart(ctx, 2); err != nil {
		t.Fatal(err)
	}
	if err := c.WaitISR(ctx, "a", 3); err != nil {
		t.Fatal(err)
	}

	t.Log("stopping a broker in good order")
	if err := c.Stop(ctx, 1); err != nil {
		t.Fatal(err)
	}
	roundTrip(ctx, t, "a", c.AdminOpts()...)
	if err := c.Restart(ctx, 1); err != nil {
		t.Fatal(err)
	}

	t.Log("pausing a broker")
	if err := c.MoveLeader(ctx, "a", 0, 3); err != nil {
		t.Fatal(err)
	}
	if err := c.Pause(3); err != nil {
		t.Fatal(err)
	}
	cl, err := kgo.NewClient(append(c.AdminOpts(), kgo.DefaultProduceTopic("a"), kgo.ProduceRequestTimeout(time.Second), kgo.RequestTimeoutOverhead(time.Second))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.ProduceSync(ctx, kgo.StringRecord("past a paused leader")).FirstErr(); err != nil {
		t.Errorf("producing with the leader paused: %v", err)
	}
	if err := c.Resume(3); err != nil {
		t.Fatal(err)
	}
	if err := c.WaitISR(ctx, "a", 3); err != nil {
		t.Fatal(err)
	}

	t.Log("killing two of three")
	if err := errors.Join(c.Kill(1), c.Kill(2)); err != nil {
		t.Fatal(err)
	}
	roundTrip(ctx, t, "a", c.AdminOpts()...)
	if err := c.Restart(ctx, 9); err == nil {
		t.Error("a broker that does not exist was restarted")
	}
	if err := c.Restart(ctx, 3); err == nil {
		t.Error("a running broker was restarted")
	}
}

// TestRestartKeepsData restarts the only broker of a cluster.
func TestRestartKeepsData(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	c := kafka.Start(t, kafka.Options{Config: map[string]string{"broker.session.timeout.ms": "2000", "broker.heartbeat.interval.ms": "300"}})
	if err := c.CreateTopic(ctx, kafka.Topic{Name: "a"}); err != nil {
		t.Fatal(err)
	}
	roundTrip(ctx, t, "a", c.AdminOpts()...)
	for _, end := range []func() error{
		func() error { return c.Kill(1) },
		func() error { return c.Stop(ctx, 1) },
	} {
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if err := c.Restart(ctx, 1); err != nil {
			t.Fatal(err)
		}
	}
	ends, err := c.Admin().ListEndOffsets(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	if o, _ := ends.Lookup("a", 0); o.Offset != 1 {
		t.Errorf("the end offset is %d, want 1", o.Offset)
	}
}
