package shapes_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/integration/compare"
	"github.com/strait-mirror/strait/integration/kafka"
	"github.com/strait-mirror/strait/integration/shapes"
)

// facts are what is special about a topic, counted.
type facts struct {
	Records, NullKeys, EmptyKeys, NullValues, EmptyValues int
	NullHeaders, RepeatedHeaders, UnnamedHeaders          int
	Gaps, LogAppendTime, NoTimestamp, Largest, Oldest     int
	EmptyPartitions                                       int
}

// gather counts the facts about a topic.
func gather(topic map[int32][]compare.Record) facts {
	f := facts{Oldest: int(time.Now().UnixMilli())}
	count := func(c *int, yes bool) {
		if yes {
			*c++
		}
	}
	for _, rs := range topic {
		count(&f.EmptyPartitions, len(rs) == 0)
		for i, r := range rs {
			f.Records++
			count(&f.NullKeys, r.Key == nil)
			count(&f.EmptyKeys, r.Key != nil && len(r.Key) == 0)
			count(&f.NullValues, r.Value == nil)
			count(&f.EmptyValues, r.Value != nil && len(r.Value) == 0)
			seen := map[string]bool{}
			for _, h := range r.Headers {
				count(&f.NullHeaders, h.Value == nil)
				count(&f.RepeatedHeaders, seen[h.Key])
				count(&f.UnnamedHeaders, h.Key == "")
				seen[h.Key] = true
			}
			count(&f.Gaps, i > 0 && r.Offset != rs[i-1].Offset+1)
			count(&f.LogAppendTime, r.TimestampType == compare.LogAppendTime)
			count(&f.NoTimestamp, r.TimestampType == compare.NoTimestamp)
			f.Largest = max(f.Largest, len(r.Value))
			f.Oldest = min(f.Oldest, int(r.Timestamp))
		}
	}
	return f
}

// check says what must hold of a shape; all is read uncommitted, committed not.
var check = map[string]func(all, committed facts) bool{
	"codecs":           func(all, _ facts) bool { return all.Records > 500 && all.Gaps == 0 },
	"nulls":            nullsHold,
	"sizes":            func(all, _ facts) bool { return all.Largest == 5_000_000 },
	"singles":          func(all, _ facts) bool { return all.Records == 1200 },
	"batches-16k":      func(all, _ facts) bool { return all.Records == 60*150 },
	"batches-130k-lz4": func(all, _ facts) bool { return all.Records == 40*235 },
	"transactions": func(all, committed facts) bool {
		return all.Records > committed.Records && committed.Records > 100 && all.Gaps > 10
	},
	"open-transaction": func(all, committed facts) bool { return all.Records > committed.Records+15 },
	"compacted":        func(all, _ facts) bool { return all.Gaps > 20 && all.NullValues > 0 && all.Records == 2*41 },
	"log-append-time":  func(all, _ facts) bool { return all.LogAppendTime == all.Records && all.Records > 100 },
	"old-timestamps":   func(all, _ facts) bool { return all.Oldest == 0 && all.Records > 100 },
	"legacy-formats": func(all, _ facts) bool {
		return all.NoTimestamp > 10 && all.LogAppendTime > 0 && all.NullKeys > 0 && all.NullValues > 0 && all.Gaps == 0
	},
	"many-partitions": func(all, _ facts) bool { return all.EmptyPartitions > 600 && all.EmptyPartitions < 900 },
	"empty":           func(all, _ facts) bool { return all.Records == 0 && all.EmptyPartitions == 3 },
}

func nullsHold(all, _ facts) bool {
	return all.Records == 72 && all.NullKeys == 24 && all.EmptyKeys == 24 && all.NullValues == 24 && all.EmptyValues == 24 &&
		all.NullHeaders == 18 && all.RepeatedHeaders == 54 && all.UnnamedHeaders == 18
}

// written writes a shape and reads it both ways.
func written(ctx context.Context, t *testing.T, c *kafka.Cluster, s shapes.Shape, topic string, seed uint64) (all, committed map[int32][]compare.Record) {
	t.Helper()
	if err := s.Create(ctx, c, topic, seed); err != nil {
		t.Fatal(err)
	}
	all, err := compare.Read(ctx, c.AdminOpts(), topic, compare.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	committed, err = compare.Read(ctx, c.AdminOpts(), topic, compare.ReadOptions{ReadCommitted: true})
	if err != nil {
		t.Fatal(err)
	}
	return all, committed
}

// TestShapes writes each shape, checks that it is what it says, and that it is
// the same when it is written again.
func TestShapes(t *testing.T) {
	c := kafka.Start(t, kafka.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	for _, s := range shapes.All() {
		t.Run(s.Name, func(t *testing.T) {
			all, committed := written(ctx, t, c, s, s.Name, 1)
			a, b := gather(all), gather(committed)
			if check[s.Name] == nil || !check[s.Name](a, b) {
				t.Errorf("the shape is not what it should be:\nall %+v\ncommitted %+v", a, b)
			}
			if s.Partitions > 100 {
				return
			}
			again, _ := written(ctx, t, c, s, s.Name+"-again", 1)
			o := compare.Options{Offsets: true, IgnoreTimestamps: a.LogAppendTime > 0}
			if err := compare.Diff(all, again, o).Err(); err != nil {
				t.Errorf("the same seed made another topic: %v", err)
			}
		})
	}
}

// TestCompactedHasEmptyBatches looks into the segment files for batches of
// which compaction left only the header: no consumer ever sees those.
func TestCompactedHasEmptyBatches(t *testing.T) {
	c := kafka.Start(t, kafka.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, s := range shapes.All() {
		if s.Name == "compacted" {
			if err := s.Create(ctx, c, "a", 1); err != nil {
				t.Fatal(err)
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(c.LogDir(1), "a-0", "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	batches, empty := 0, 0
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for len(b) >= 61 {
			batches++
			if binary.BigEndian.Uint32(b[57:]) == 0 { // the number of records
				empty++
			}
			b = b[12+binary.BigEndian.Uint32(b[8:]):]
		}
	}
	if empty == 0 || empty == batches {
		t.Errorf("%d of %d batches are empty", empty, batches)
	}
}

// TestShapesOn39 writes what depends on the broker's version on the oldest one.
func TestShapesOn39(t *testing.T) {
	c := kafka.Start(t, kafka.Options{Version: kafka.Version39})
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	for _, s := range shapes.All() {
		if s.Name != "compacted" && s.Name != "legacy-formats" && s.Name != "open-transaction" {
			continue
		}
		t.Run(s.Name, func(t *testing.T) {
			all, committed := written(ctx, t, c, s, s.Name, 2)
			if a, b := gather(all), gather(committed); !check[s.Name](a, b) {
				t.Errorf("the shape is not what it should be:\nall %+v\ncommitted %+v", a, b)
			}
		})
	}
}

// TestShapeOnThreeBrokers plants old messages on every replica.
func TestShapeOnThreeBrokers(t *testing.T) {
	c := kafka.Start(t, kafka.Options{Brokers: 3})
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	for _, s := range shapes.All() {
		if !s.Restarts {
			continue
		}
		all, _ := written(ctx, t, c, s, s.Name, 3)
		if a := gather(all); !check[s.Name](a, a) {
			t.Errorf("the shape is not what it should be: %+v", a)
		}
	}
}

func TestFill(t *testing.T) {
	c := kafka.Start(t, kafka.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := c.CreateTopic(ctx, kafka.Topic{Name: "a", Partitions: 3}); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := shapes.Fill(ctx, c, "a", shapes.FillParams{Records: 50_000, Partitions: 3, Codec: kgo.Lz4Compression()}); err != nil {
		t.Fatal(err)
	}
	t.Logf("50,000 records in %v", time.Since(began))
	got, err := compare.Read(ctx, c.AdminOpts(), "a", compare.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var next []string
	for p := range int32(3) {
		next = append(next, string(got[p][len(got[p])-1].Key))
	}
	want := []string{fmt.Sprint(49_998), fmt.Sprint(49_999), fmt.Sprint(49_997)}
	if d := cmp.Diff(want, next); d != "" {
		t.Errorf("last keys: %s", d)
	}
	if err := shapes.Fill(ctx, c, "a", shapes.FillParams{}); err == nil {
		t.Error("no records were written without an error")
	}
}
