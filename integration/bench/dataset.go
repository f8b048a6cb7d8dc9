package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"golang.org/x/sync/errgroup"

	"github.com/strait-mirror/strait/integration/kafka"
)

// shape says what a data set looks like. Batches are built here, record by
// record, so that each holds exactly what is wanted.
type shape struct {
	prefix     string // the topic's name, or that of many with a number behind it
	topics     int    // 1: the topic is called prefix
	partitions int    // of each topic
	records    int    // of each partition
	perBatch   int    // records in a batch
	least      int    // bytes of the smallest value
	most       int    // bytes of the largest value
	codec      string // lz4 or zstd; "": not compressed
	headers    bool   // every record has one; see generator.header

	age time.Duration // how long ago the records claim to have been made
}

// set is a data set on the source.
type set struct {
	shape
	batches int64
	wire    int64            // bytes of all batches as stored and sent
	plain   int64            // bytes of all records, uncompressed
	named   map[string]int64 // records by the name of their header
}

// total is the number of records of the whole data set.
func (s shape) total() int64 { return int64(s.topics * s.partitions * s.records) }

// names are the topics.
func (s shape) names() []string {
	if s.topics == 1 {
		return []string{s.prefix}
	}
	var all []string
	for i := range s.topics {
		all = append(all, fmt.Sprintf("%s-%03d", s.prefix, i))
	}
	return all
}

// pattern matches the topics.
func (s shape) pattern() string {
	if s.topics == 1 {
		return s.prefix
	}
	return s.prefix + "-[0-9]+"
}

// scaled returns the shape with more or fewer records, in whole batches.
func (s shape) scaled(by float64) shape {
	batches := max(1, int(float64(s.records)*by)/s.perBatch)
	s.records = batches * s.perBatch
	return s
}

// fill creates a data set on the source, unless it is there.
func (b *bench) fill(ctx context.Context, s shape) (set, error) {
	if have, ok := b.lab.filled[s.prefix]; ok {
		return have, nil
	}
	began := time.Now()
	made := set{shape: s, named: make(map[string]int64)}
	b.lab.filled[s.prefix] = made
	if err := b.fillNew(ctx, &made); err != nil {
		return set{}, errors.Join(err, b.lab.forget(ctx, s.prefix))
	}
	b.lab.filled[s.prefix] = made
	b.log.Info("data set was made", "name", s.prefix, "records", s.total(), "batches", made.batches,
		"bytes", made.wire, "took", time.Since(began).Round(time.Millisecond))
	return made, nil
}

// fillNew creates and fills the topics of a data set and counts what is there.
func (b *bench) fillNew(ctx context.Context, made *set) error {
	s := made.shape
	for i, topic := range s.names() {
		if err := b.lab.source.CreateTopic(ctx, kafka.Topic{Name: topic, Partitions: s.partitions}); err != nil {
			return err
		}
		g := generator{shape: s, set: made, random: rand.New(rand.NewPCG(b.s.seed, uint64(i)))} // data that anybody can make again
		if err := g.produce(ctx, b.lab.source, topic, made); err != nil {
			return fmt.Errorf("filling topic %s: %w", topic, err)
		}
	}
	have, err := storedIn(b.lab.source.LogDir(1), s.names(), s.partitions)
	if err != nil {
		return err
	}
	if have.bytes != made.wire || have.records != s.total() {
		return fmt.Errorf("filling %s: the source stores %d records in %d bytes of the %d in %d sent", s.prefix, have.records, have.bytes, s.total(), made.wire)
	}
	return nil
}

// generator makes the batches of one topic.
type generator struct {
	shape  shape
	random *rand.Rand
	plain  []byte // records of the batch at hand
	set    *set   // what was made so far
}

// inFlight is how many produce requests are on their way at a time.
const inFlight = 4

// produce sends all batches of a topic, one per partition in each request.
func (g *generator) produce(ctx context.Context, c *kafka.Cluster, topic string, made *set) error {
	meta, err := c.Admin().ListTopics(ctx, topic)
	if err != nil {
		return fmt.Errorf("asking for the topic's id: %w", err)
	}
	id := meta[topic].ID
	compress, err := kgo.DefaultCompressor(codecNamed(g.shape.codec))
	if err != nil {
		return fmt.Errorf("making a compressor: %w", err)
	}
	send, ctx := errgroup.WithContext(ctx)
	send.SetLimit(inFlight)
	for range g.shape.records / g.shape.perBatch {
		req := kmsg.NewPtrProduceRequest()
		req.Acks, req.TimeoutMillis = -1, 30_000
		t := kmsg.NewProduceRequestTopic()
		t.Topic, t.TopicID = topic, id
		for p := range g.shape.partitions {
			batch := g.batch(compress)
			made.batches++
			made.wire += int64(len(batch))
			made.plain += int64(len(g.plain))
			part := kmsg.NewProduceRequestTopicPartition()
			part.Partition, part.Records = int32(p), batch
			t.Partitions = append(t.Partitions, part)
		}
		req.Topics = append(req.Topics, t)
		if ctx.Err() != nil {
			break
		}
		send.Go(func() error { return produceAll(ctx, c.Client(), req) })
	}
	return send.Wait()
}

// produceAll sends one request, and again what a leader that has just been
// elected did not take yet.
func produceAll(ctx context.Context, cl *kgo.Client, req *kmsg.ProduceRequest) error {
	return every(ctx, 50*time.Millisecond, time.Minute, "a partition takes no batch", func() (bool, error) {
		answer, err := cl.Broker(1).Request(ctx, req)
		if err != nil {
			return false, fmt.Errorf("producing: %w", err)
		}
		resp, ok := answer.(*kmsg.ProduceResponse)
		if !ok {
			return false, fmt.Errorf("producing: the answer is a %T", answer)
		}
		refused := make(map[int32]bool)
		for _, p := range resp.Topics[0].Partitions {
			err := kerr.ErrorForCode(p.ErrorCode)
			if err != nil && !kerr.IsRetriable(err) {
				return false, fmt.Errorf("producing to partition %d: %w", p.Partition, err)
			}
			refused[p.Partition] = err != nil
		}
		t := &req.Topics[0]
		t.Partitions = slices.DeleteFunc(t.Partitions, func(p kmsg.ProduceRequestTopicPartition) bool { return !refused[p.Partition] })
		return len(t.Partitions) == 0, nil
	})
}

// batch returns the next record batch.
func (g *generator) batch(compress kgo.Compressor) []byte {
	g.plain = g.plain[:0]
	for i := range g.shape.perBatch {
		g.plain = g.record(g.plain, i)
	}
	records, codec := g.plain, kgo.CodecNone
	if g.shape.codec != "" {
		records, codec = compress.Compress(new(bytes.Buffer), g.plain)
	}
	made := uint64(time.Now().Add(-g.shape.age).UnixMilli())
	big := binary.BigEndian
	body := big.AppendUint16(nil, uint16(codec))              // attributes
	body = big.AppendUint32(body, uint32(g.shape.perBatch-1)) // last offset delta
	body = big.AppendUint64(body, made)                       // first timestamp
	body = big.AppendUint64(body, made)                       // largest timestamp
	body = big.AppendUint64(body, ^uint64(0))                 // no producer id
	body = big.AppendUint16(body, ^uint16(0))                 // nor epoch
	body = big.AppendUint32(body, ^uint32(0))                 // nor sequence
	body = big.AppendUint32(body, uint32(g.shape.perBatch))   // count
	body = append(body, records...)                           //
	batch := big.AppendUint64(nil, 0)                         // base offset
	batch = big.AppendUint32(batch, uint32(4+1+4+len(body)))  // length of what follows
	batch = big.AppendUint32(batch, ^uint32(0))               // leader epoch
	batch = append(batch, 2)                                  // magic
	batch = big.AppendUint32(batch, crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
	return append(batch, body...)
}

// record appends one record without a key. Its value is half fixed text and
// half random digits, in turns of 32 bytes, as rows of a table are: lz4 makes
// about half of it.
func (g *generator) record(to []byte, delta int) []byte {
	size := g.shape.least
	if g.shape.most > size {
		size += g.random.IntN(g.shape.most - size + 1)
	}
	headers := g.headers(delta)
	head := []byte{0, 0} // attributes, timestamp delta
	head = binary.AppendVarint(head, int64(delta))
	head = append(head, 1) // no key: a varint of -1
	head = binary.AppendVarint(head, int64(size))
	to = binary.AppendVarint(to, int64(len(head)+size+len(headers)))
	to = append(to, head...)
	const fixed = `"a_property_of_this_row":"value-`
	const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"
	for n := 0; n < size; {
		if n/len(fixed)%2 == 0 {
			part := fixed[:min(len(fixed), size-n)]
			to, n = append(to, part...), n+len(part)
			continue
		}
		bits := g.random.Uint64()
		for k := 0; k < 8 && n < size; k++ {
			to, n, bits = append(to, digits[bits%64]), n+1, bits>>6
		}
	}
	return append(to, headers...)
}

// Names of headers. A stage that drops what has the header mentioned touches every
// batch, a tenth of them, or none.
const (
	spreadHeader = "spread" // of one record in ten
	burstHeader  = "burst"  // of one record in ten, in one batch of ten
	absentHeader = "absent" // of none
)

// headers returns the headers of a record of a batch as stored: their count, and
// what the only one is.
func (g *generator) headers(record int) []byte {
	if !g.shape.headers {
		return []byte{0}
	}
	name := "public"
	switch {
	case record%10 == 9:
		name = spreadHeader
	case record%10 == 4 && g.set.batches%10 == 9:
		name = burstHeader
	}
	g.set.named[name]++
	out := append(binary.AppendVarint([]byte{2}, int64(len(name))), name...) // a varint of 1
	return append(out, 2, '1')
}

// codecNamed is the codec that franz-go compresses with.
func codecNamed(name string) kgo.CompressionCodec {
	switch name {
	case "lz4":
		return kgo.Lz4Compression()
	case "zstd":
		return kgo.ZstdCompression()
	}
	return kgo.NoCompression()
}

// stored is what the logs of some topics hold.
type stored struct {
	bytes   int64 // of all batches, by their own lengths
	records int64 // in batches of data
}

// storedIn adds up the batches in the log segments of topics.
func storedIn(dir string, topics []string, partitions int) (stored, error) {
	var sum stored
	for _, topic := range topics {
		for p := range partitions {
			err := filepath.WalkDir(filepath.Join(dir, fmt.Sprintf("%s-%d", topic, p)), func(name string, _ fs.DirEntry, err error) error {
				if err != nil || !strings.HasSuffix(name, ".log") {
					return err
				}
				return sum.add(name)
			})
			if err != nil {
				return stored{}, fmt.Errorf("measuring what is stored of %s/%d: %w", topic, p, err)
			}
		}
	}
	return sum, nil
}

// add walks the batches of one segment.
func (s *stored) add(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	const control = 1 << 5 // of a batch's attributes: it holds a marker and no data
	var head [61]byte      // of a batch, up to its records
	for at := int64(0); ; {
		_, err := f.ReadAt(head[:], at)
		size := int64(binary.BigEndian.Uint32(head[8:]))
		switch {
		case errors.Is(err, io.EOF), err == nil && size == 0:
			return nil
		case err != nil:
			return err
		}
		if binary.BigEndian.Uint16(head[21:])&control == 0 {
			s.records += int64(binary.BigEndian.Uint32(head[57:]))
		}
		at += 12 + size // base offset and length come before what is counted
		s.bytes += 12 + size
	}
}
