package fidelity_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/integration/compare"
	"github.com/strait-mirror/strait/integration/kafka"
)

// testCodecs mirrors lz4 batches in every codec: the records are the source's, the
// batches are in the codec that was asked for, those that were pass untouched,
// and a second pass copies nothing again.
func testCodecs(ctx context.Context, t *testing.T, p pair) {
	create(ctx, t, p.source, "packed", 2)
	pack(ctx, t, p.source, "packed")
	source, raw := read(ctx, t, p.source, "packed", true), rawTopic(ctx, t, p.source, "packed")
	for codec, bits := range map[model.Compression]int16{"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4, model.CompressionProducer: 3} {
		t.Run(string(codec), func(t *testing.T) {
			name := "codec-" + string(codec)
			c := p.config(flow(name, "t", []string{"packed"}, func(f *model.Flow) {
				f.CompressionType, f.Coalesce = codec, "off"
			}))
			recoded := once(ctx, t, c)[name].Reasons
			target := name + ".packed"
			identical(t, source, read(ctx, t, p.target, target, true), compare.Options{Offsets: true})
			batches := rawTopic(ctx, t, p.target, target)
			for partition, list := range batches {
				for i, b := range list {
					if b.codec() != bits {
						t.Fatalf("batch %d of partition %d has codec %d, want %d", i, partition, b.codec(), bits)
					}
				}
			}
			if bits == 3 {
				if len(recoded) > 0 {
					t.Errorf("batches in the wanted codec were made anew: %v", recoded)
				}
				untouched(t, target, raw, batches)
			} else if recoded["codec"] == 0 {
				t.Errorf("no batch was made anew: %v", recoded)
			}
			once(ctx, t, c)
			if again := read(ctx, t, p.target, target, true); count(again) != count(source) {
				t.Errorf("a second pass left %d records of %d", count(again), count(source))
			}
		})
	}
}

// pack writes batches that compress well, in lz4, into two partitions.
func pack(ctx context.Context, t *testing.T, c *kafka.Cluster, topic string) {
	t.Helper()
	cl, err := kgo.NewClient(append(c.AdminOpts(), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.Lz4Compression()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for n := range 20 {
		var rs []*kgo.Record
		for i := range 20 {
			rs = append(rs, &kgo.Record{
				Topic: topic, Partition: int32(i % 2), Key: fmt.Append(nil, n, i), Value: []byte(strings.Repeat("all alike ", 50)),
				Headers: []kgo.RecordHeader{{Key: "n", Value: fmt.Append(nil, n)}},
			})
		}
		if err := cl.ProduceSync(ctx, rs...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}
