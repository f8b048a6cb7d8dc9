package compare_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/integration/compare"
)

// fake starts a fake cluster with some topics of two partitions.
func fake(t *testing.T, topics ...string) []kgo.Opt {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.SeedTopics(2, topics...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return []kgo.Opt{kgo.SeedBrokers(c.ListenAddrs()...), kgo.MetadataMinAge(10 * time.Millisecond)}
}

// client makes a client that writes where it is told.
func client(t *testing.T, opts []kgo.Opt, more ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append(append(slices.Clone(opts), kgo.RecordPartitioner(kgo.ManualPartitioner())), more...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// bounded is a context for one test.
func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestReadTellsNullFromEmpty(t *testing.T) {
	ctx := bounded(t)
	opts := fake(t, "a")
	at := time.UnixMilli(1_600_000_000_123)
	err := client(t, opts).ProduceSync(ctx,
		&kgo.Record{Topic: "a", Timestamp: at, Key: nil, Value: []byte{}},
		&kgo.Record{Topic: "a", Timestamp: at, Key: []byte{}, Value: nil, Headers: []kgo.RecordHeader{{Key: "h"}, {Key: "h", Value: []byte{}}}},
	).FirstErr()
	if err != nil {
		t.Fatal(err)
	}
	got, err := compare.Read(ctx, opts, "a", compare.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[int32][]compare.Record{
		0: {
			{Offset: 0, Timestamp: at.UnixMilli(), Value: []byte{}},
			{Offset: 1, Timestamp: at.UnixMilli(), Key: []byte{}, Headers: []compare.Header{{Key: "h"}, {Key: "h", Value: []byte{}}}},
		},
		1: nil,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestReadCommitted leaves an aborted and an open transaction behind.
func TestReadCommitted(t *testing.T) {
	ctx := bounded(t)
	opts := fake(t, "a")
	for i, end := range []string{"commit", "abort", "leave"} {
		cl := client(t, opts, kgo.TransactionalID(end))
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := cl.ProduceSync(ctx, &kgo.Record{Topic: "a", Value: fmt.Append(nil, i)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if end == "leave" {
			continue
		}
		if err := cl.EndTransaction(ctx, kgo.TransactionEndTry(end == "commit")); err != nil {
			t.Fatal(err)
		}
	}
	if err := client(t, opts).ProduceSync(ctx, &kgo.Record{Topic: "a", Value: []byte("plain")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	for committed, want := range map[bool][]string{true: {"0"}, false: {"0", "1", "2", "plain"}} {
		got, err := compare.Read(ctx, opts, "a", compare.ReadOptions{ReadCommitted: committed})
		if err != nil {
			t.Fatal(err)
		}
		var values []string
		for _, r := range got[0] {
			values = append(values, string(r.Value))
		}
		if d := cmp.Diff(want, values); d != "" {
			t.Errorf("committed %v: %s", committed, d)
		}
	}
}

func TestReadOfNoTopic(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := compare.Read(ctx, fake(t, "a"), "b", compare.ReadOptions{}); err == nil {
		t.Error("a topic that does not exist was read")
	}
}

func TestStreams(t *testing.T) {
	ctx := bounded(t)
	opts := fake(t, "source", "target", "repeats", "short")
	cl := client(t, opts)
	const records = 20_000
	var errs []error
	put := func(topic string, i int) {
		r := &kgo.Record{Topic: topic, Partition: int32(i % 2), Key: fmt.Append(nil, i), Timestamp: time.UnixMilli(int64(i))}
		cl.Produce(ctx, r, func(_ *kgo.Record, err error) {
			if err != nil {
				errs = append(errs, err) // promises are called one at a time
			}
		})
	}
	for i := range records {
		put("source", i)
		put("target", i)
		put("repeats", i)
		if i == 5000 {
			for j := 2000; j <= 5000; j++ {
				put("repeats", j)
			}
		}
		if i != 15_001 {
			put("short", i)
		}
	}
	if err := cl.Flush(ctx); err != nil || len(errs) > 0 {
		t.Fatal(err, errors.Join(errs...))
	}
	for name, c := range map[string]struct {
		target     string
		options    compare.Options
		damage     map[compare.Kind]int64
		duplicates int64
	}{
		"equal":              {target: "target", options: compare.Options{Offsets: true}},
		"repeats allowed":    {target: "repeats", options: compare.Options{AllowDuplicates: true}, duplicates: 3001},
		"repeats":            {target: "repeats", damage: map[compare.Kind]int64{compare.Duplicate: 2}, duplicates: 2},
		"loss":               {target: "short", damage: map[compare.Kind]int64{compare.Missing: 1}},
		"loss with allowing": {target: "short", options: compare.Options{AllowDuplicates: true}, damage: map[compare.Kind]int64{compare.Missing: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := compare.Streams(ctx, compare.StreamParams{
				Source:  compare.Side{Opts: opts, Topic: "source"},
				Target:  compare.Side{Opts: opts, Topic: c.target},
				Options: c.options,
			})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.damage, r.Damage); d != "" {
				t.Errorf("%s\n%s", d, r)
			}
			if r.Duplicates != c.duplicates {
				t.Errorf("%d duplicates, want %d", r.Duplicates, c.duplicates)
			}
		})
	}
}
