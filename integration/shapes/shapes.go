// Package shapes writes topics into real clusters in every form that a mirror
// meets: all codecs, sizes and kinds of null, transactions that end every way,
// compacted logs with holes, clocks of both types, and message formats that no
// client has written for years.
//
// What a shape writes follows from its seed alone, batch boundaries included,
// but for timestamps, which count from a recent full hour so that retention
// spares them. Package compare reads the results back.
package shapes

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/strait-mirror/strait/integration/kafka"
)

// Shape is one form of a topic.
type Shape struct {
	Name        string             // lower case with dashes; fit for topic names
	Doc         string             // what is special about it
	TopicConfig map[string]*string // properties the topic must be created with
	Partitions  int
	Restarts    bool // Write stops and restarts all brokers: the cluster must be the test's own
	// Write fills a topic that was created with the above. It returns when all
	// is written and, where that is the point, compacted.
	Write func(ctx context.Context, c *kafka.Cluster, topic string, seed uint64) error
}

// Create creates the shape's topic and fills it.
func (s Shape) Create(ctx context.Context, c *kafka.Cluster, topic string, seed uint64) error {
	err := c.CreateTopic(ctx, kafka.Topic{Name: topic, Partitions: s.Partitions, Config: s.TopicConfig})
	if err == nil {
		err = s.Write(ctx, c, topic, seed)
	}
	if err != nil {
		return fmt.Errorf("making shape %s: %w", s.Name, err)
	}
	return nil
}

// All returns every shape.
func All() []Shape {
	return []Shape{
		codecs(), nulls(), sizes(), singles(), batches16K(), batches130K(),
		transactions(), openTransaction(), compacted(), logAppendTime(), oldTimestamps(),
		legacy(), manyPartitions(), empty(),
	}
}

// source makes the records of one shape. Its methods draw from one generator,
// so the order of calls is part of the content.
type source struct {
	rnd   *rand.Rand
	topic string
	base  time.Time
	made  int
}

// newSource returns the source for one topic and seed.
func newSource(topic string, seed uint64) *source {
	return &source{
		rnd: rand.New(rand.NewPCG(seed, 0x5354524149540001)), topic: topic, // not a secret
		base: time.Now().Truncate(time.Hour).Add(-time.Hour),
	}
}

// bytes returns n bytes of which about half can be compressed away.
func (s *source) bytes(n int) []byte {
	const digits = "0123456789abcdef"
	b := make([]byte, n)
	for i := range b {
		b[i] = digits[s.rnd.IntN(len(digits))]
	}
	return b
}

// noise returns n bytes that do not compress.
func (s *source) noise(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(s.rnd.Uint32())
	}
	return b
}

// record returns an ordinary record for a partition: a key, a value of n bytes
// and now and then a header.
func (s *source) record(partition int32, n int) *kgo.Record {
	r := &kgo.Record{
		Topic: s.topic, Partition: partition, Timestamp: s.base.Add(time.Duration(s.made) * time.Millisecond),
		Key: fmt.Appendf(nil, "key-%d", s.rnd.IntN(1000)), Value: s.bytes(n),
	}
	if s.rnd.IntN(4) == 0 {
		r.Headers = []kgo.RecordHeader{{Key: "trace", Value: s.bytes(16)}}
	}
	s.made++
	return r
}

// records returns n ordinary records for a partition, of up to size bytes.
func (s *source) records(partition int32, n, size int) []*kgo.Record {
	rs := make([]*kgo.Record, n)
	for i := range rs {
		rs[i] = s.record(partition, 1+s.rnd.IntN(size))
	}
	return rs
}
