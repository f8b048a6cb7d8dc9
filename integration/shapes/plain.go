package shapes

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/integration/kafka"
)

// codecs interleaves batches of every codec within each partition.
func codecs() Shape {
	return Shape{
		Name: "codecs", Doc: "none, gzip, snappy, lz4 and zstd batches interleaved", Partitions: 2,
		Write: func(ctx context.Context, c *kafka.Cluster, topic string, seed uint64) error {
			s := newSource(topic, seed)
			var writers []*writer
			for _, codec := range []kgo.CompressionCodec{
				kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression(),
			} {
				w, err := newWriter(c, kgo.ProducerBatchCompression(codec))
				if err != nil {
					return err
				}
				defer w.close()
				writers = append(writers, w)
			}
			for round := range 60 {
				p := int32(round % 2)
				w := writers[s.rnd.IntN(len(writers))]
				if round < 2*len(writers) {
					w = writers[round/2] // every codec at least once per partition
				}
				if err := w.write(ctx, s.records(p, 1+s.rnd.IntN(60), 700)...); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// nulls has every mixture of null, empty and present.
func nulls() Shape {
	return Shape{
		Name: "nulls", Doc: "null and empty keys, values and header values; headers repeated, unnamed and out of order", Partitions: 2,
		Write: func(ctx context.Context, c *kafka.Cluster, topic string, seed uint64) error {
			s := newSource(topic, seed)
			choices := func() [][]byte { return [][]byte{nil, {}, s.bytes(5)} }
			headers := [][]kgo.RecordHeader{
				nil,
				{{Key: "a", Value: nil}, {Key: "a", Value: []byte{}}, {Key: "a", Value: []byte("1")}},
				{{Key: "z", Value: []byte("1")}, {Key: "a", Value: []byte("2")}, {Key: "z", Value: []byte("1")}},
				{{Key: "", Value: []byte("no name")}, {Key: "ключ-✓", Value: []byte{0, 0xff, 0x80}}},
			}
			var rs []*kgo.Record
			for p := range int32(2) {
				for _, key := range choices() {
					for _, value := range choices() {
						for _, h := range headers {
							r := s.record(p, 1)
							r.Key, r.Value, r.Headers = key, value, h
							rs = append(rs, r)
						}
					}
				}
			}
			s.rnd.Shuffle(len(rs), func(i, j int) { rs[i], rs[j] = rs[j], rs[i] })
			return within(c, func(w *writer) error {
				for len(rs) > 0 {
					n := min(len(rs), 1+s.rnd.IntN(9))
					if err := w.write(ctx, rs[:n]...); err != nil {
						return err
					}
					rs = rs[n:]
				}
				return nil
			}, kgo.ProducerBatchCompression(kgo.SnappyCompression()))
		},
	}
}

// sizes goes from 1 byte to 5 MB, in both directions.
func sizes() Shape {
	const largest = 5_000_000
	return Shape{
		Name: "sizes", Doc: "values of 1 byte to 5 MB, that compress and that do not", Partitions: 1,
		TopicConfig: map[string]*string{"max.message.bytes": new("8388608")},
		Write: func(ctx context.Context, c *kafka.Cluster, topic string, seed uint64) error {
			s := newSource(topic, seed)
			for _, codec := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()} {
				err := within(c, func(w *writer) error {
					for n := 1; ; n = min(n*12, largest) {
						r := s.record(0, 1)
						if r.Value = s.noise(n); n%2 == 0 {
							r.Value = s.bytes(n)
						}
						if err := w.write(ctx, r, s.record(0, 20)); err != nil {
							return err
						}
						if n == largest {
							return nil
						}
					}
				}, kgo.ProducerBatchCompression(codec), kgo.ProducerBatchMaxBytes(8<<20))
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// singles has one record per batch.
func singles() Shape {
	return Shape{
		Name: "singles", Doc: "one record per batch", Partitions: 3,
		Write: func(ctx context.Context, c *kafka.Cluster, topic string, seed uint64) error {
			s := newSource(topic, seed)
			return within(c, func(w *writer) error {
				for range 400 {
					// One batch for each partition at a time.
					if err := w.write(ctx, s.record(0, 100), s.record(1, 100), s.record(2, 100)); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

// batches16K has batches as the Java producer makes them by default.
func batches16K() Shape {
	return Shape{
		Name: "batches-16k", Doc: "full batches of 16 KiB, the Java producer's default", Partitions: 3,
		Write: func(ctx context.Context, c *kafka.Cluster, topic string, seed uint64) error {
			return full(ctx, c, newSource(topic, seed), fullBatches{batches: 60, records: 150, value: 100, limit: 16 << 10, codec: kgo.NoCompression()})
		},
	}
}

// batches130K has batches as tuned producers make them.
func batches130K() Shape {
	return Shape{
		Name: "batches-130k-lz4", Doc: "full lz4 batches of 130 KB before compression, of 512-byte records", Partitions: 3,
		Write: func(ctx context.Context, c *kafka.Cluster, topic string, seed uint64) error {
			return full(ctx, c, newSource(topic, seed), fullBatches{batches: 40, records: 235, value: 512, limit: 133_000, codec: kgo.Lz4Compression()})
		},
	}
}

// fullBatches says what full writes.
type fullBatches struct {
	batches, records, value, limit int
	codec                          kgo.CompressionCodec
}

// full writes even batches round-robin into three partitions.
func full(ctx context.Context, c *kafka.Cluster, s *source, f fullBatches) error {
	return within(c, func(w *writer) error {
		for b := range f.batches {
			rs := make([]*kgo.Record, f.records)
			for i := range rs {
				rs[i] = s.record(int32(b%3), f.value)
				rs[i].Headers = nil // keeps batches of one size
			}
			if err := w.write(ctx, rs...); err != nil {
				return err
			}
		}
		return nil
	}, kgo.ProducerBatchCompression(f.codec), kgo.ProducerBatchMaxBytes(int32(f.limit)))
}

// logAppendTime has the broker's timestamps.
func logAppendTime() Shape {
	return Shape{
		Name: "log-append-time", Doc: "timestamps that the broker set", Partitions: 2,
		TopicConfig: map[string]*string{"message.timestamp.type": new("LogAppendTime")},
		Write: func(ctx context.Context, c *kafka.Cluster, topic string, seed uint64) error {
			s := newSource(topic, seed)
			for _, codec := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.ZstdCompression()} {
				err := within(c, func(w *writer) error {
					for i := range 20 {
						if err := w.write(ctx, s.records(int32(i%2), 1+s.rnd.IntN(30), 200)...); err != nil {
							return err
						}
					}
					return nil
				}, kgo.ProducerBatchCompression(codec))
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// oldTimestamps goes back years, and not in order.
func oldTimestamps() Shape {
	return Shape{
		Name: "old-timestamps", Doc: "timestamps from 1970 to last month, not rising, kept for ever", Partitions: 2,
		TopicConfig: map[string]*string{"retention.ms": new("-1")},
		Write: func(ctx context.Context, c *kafka.Cluster, topic string, seed uint64) error {
			s := newSource(topic, seed)
			span := s.base.AddDate(0, -1, 0).UnixMilli()
			return within(c, func(w *writer) error {
				for i := range 30 {
					rs := s.records(int32(i%2), 1+s.rnd.IntN(20), 100)
					for _, r := range rs {
						r.Timestamp = time.UnixMilli(s.rnd.Int64N(span))
					}
					if i < 2 {
						rs[0].Timestamp = time.UnixMilli(0)
					}
					if err := w.write(ctx, rs...); err != nil {
						return err
					}
				}
				return nil
			}, kgo.ProducerBatchCompression(kgo.Lz4Compression()))
		},
	}
}

// manyPartitions writes into some of a thousand partitions.
func manyPartitions() Shape {
	const partitions = 1000
	return Shape{
		Name: "many-partitions", Doc: "a thousand partitions, most of them empty", Partitions: partitions,
		Write: func(ctx context.Context, c *kafka.Cluster, topic string, seed uint64) error {
			s := newSource(topic, seed)
			return within(c, func(w *writer) error {
				var rs []*kgo.Record
				for range 300 {
					p := int32(s.rnd.IntN(partitions))
					rs = append(rs, s.records(p, 1+s.rnd.IntN(4), 100)...)
				}
				if err := w.write(ctx, rs...); err != nil {
					return fmt.Errorf("writing into many partitions: %w", err)
				}
				return nil
			})
		},
	}
}

// empty has no records.
func empty() Shape {
	return Shape{
		Name: "empty", Doc: "partitions that never had a record", Partitions: 3,
		Write: func(context.Context, *kafka.Cluster, string, uint64) error { return nil },
	}
}
