package kafka_test

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/integration/kafka"
)

// bounded is a context for one test that ends before the test binary would.
func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// roundTrip produces one record with a client's options and reads it back.
func roundTrip(ctx context.Context, t *testing.T, topic string, opts ...kgo.Opt) {
	t.Helper()
	cl, err := kgo.NewClient(append(opts, kgo.DefaultProduceTopic(topic), kgo.ConsumeTopics(topic))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	want := time.Now().String()
	if err := cl.ProduceSync(ctx, kgo.StringRecord(want)).FirstErr(); err != nil {
		t.Fatalf("producing: %v", err)
	}
	for {
		f := cl.PollFetches(ctx)
		if err := f.Err(); err != nil {
			t.Fatalf("consuming: %v", err)
		}
		for _, r := range f.Records() {
			if string(r.Value) == want {
				return
			}
		}
	}
}

func TestOneBroker(t *testing.T) {
	t.Parallel()
	for _, version := range []string{kafka.Version42, kafka.Version39} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			ctx := bounded(t)
			began := time.Now()
			c := kafka.Start(t, kafka.Options{Version: version})
			t.Logf("started in %v", time.Since(began))
			if err := c.CreateTopic(ctx, kafka.Topic{Name: "a", Partitions: 2}); err != nil {
				t.Fatal(err)
			}
			opts, err := c.ClientOpts()
			if err != nil {
				t.Fatal(err)
			}
			roundTrip(ctx, t, "a", opts...)
			cpu, err := c.CPUTime()
			if err != nil || cpu <= 0 {
				t.Errorf("processor time is %v, %v", cpu, err)
			}
		})
	}
}
