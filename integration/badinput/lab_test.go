package badinput

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/integration/kafka"
)

// bounded is a context that ends before the test binary would.
func bounded(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// startAll starts several clusters at the same time.
func startAll(t *testing.T, options ...kafka.Options) []*kafka.Cluster {
	t.Helper()
	kafka.Require(t)
	type started struct {
		i int
		c *kafka.Cluster
	}
	all, done := make([]*kafka.Cluster, len(options)), make(chan started)
	for i, o := range options {
		dir := t.TempDir()
		go func() {
			c, err := kafka.New(bounded(t), dir, o)
			if err != nil {
				t.Error(err)
			}
			done <- started{i, c}
		}()
	}
	for range options {
		s := <-done
		if all[s.i] = s.c; s.c != nil {
			t.Cleanup(func() {
				if err := s.c.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
	if t.Failed() {
		t.FailNow()
	}
	return all
}

// produce writes records to a topic through the harness's own listener.
func produce(t testing.TB, c *kafka.Cluster, records ...*kgo.Record) {
	t.Helper()
	cl, err := kgo.NewClient(append(c.AdminOpts(), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(4<<20))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.ProduceSync(bounded(t), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// some returns n small records for partition 0 of a topic.
func some(topic string, n int) []*kgo.Record {
	var records []*kgo.Record
	for i := range n {
		records = append(records, &kgo.Record{Topic: topic, Key: fmt.Append(nil, i), Value: []byte("value")})
	}
	return records
}

// ends returns the end of each partition of a topic, and nothing while there is
// no such topic.
func ends(t testing.TB, c *kafka.Cluster, topic string) map[int32]int64 {
	t.Helper()
	listed, err := c.Admin().ListEndOffsets(bounded(t), topic)
	if err != nil {
		t.Fatal(err)
	}
	found := map[int32]int64{}
	for _, p := range listed[topic] {
		if p.Err == nil {
			found[p.Partition] = p.Offset
		}
	}
	return found
}

// arrives waits until partition 0 of a topic holds n records.
func arrives(t testing.TB, c *kafka.Cluster, topic string, n int64, within time.Duration) {
	t.Helper()
	until(t, within, func() error {
		if got := ends(t, c, topic)[0]; got != n {
			return fmt.Errorf("topic %s ends at %d, want %d", topic, got, n)
		}
		return nil
	})
}

// create creates topics.
func create(t testing.TB, c *kafka.Cluster, topics ...kafka.Topic) {
	t.Helper()
	for _, topic := range topics {
		if err := c.CreateTopic(bounded(t), topic); err != nil {
			t.Fatal(err)
		}
	}
}

// set changes a setting of a topic.
func set(t testing.TB, c *kafka.Cluster, topic, name, value string) {
	t.Helper()
	r, err := c.Admin().AlterTopicConfigs(bounded(t), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: name, Value: &value}}, topic)
	if err == nil {
		_, err = r.On(topic, func(a *kadm.AlterConfigsResponse) error { return a.Err })
	}
	if err != nil {
		t.Fatal(err)
	}
}

// settings are topic properties, as "name=value".
func settings(list ...string) map[string]*string {
	m := map[string]*string{}
	for _, s := range list {
		name, value, _ := strings.Cut(s, "=")
		m[name] = &value
	}
	return m
}

// clusterBlock writes a cluster of a topology.
func clusterBlock(alias, server, body string) string {
	return fmt.Sprintf("cluster %q {\n  bootstrap_servers = [%q]\n%s}\n", alias, server, body)
}

// loginBlock writes a SCRAM login.
func loginBlock(user, password string) string {
	return fmt.Sprintf("  sasl \"scram-sha-512\" {\n    username = %q\n    password = %q\n  }\n", user, password)
}
