package shapes

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/strait-mirror/strait/integration/kafka"
)

// Attributes of the old message formats.
const (
	legacyGzip          = 1
	legacyLogAppendTime = 8 // format 1 only
)

// legacy has messages of formats 0 and 1, as topics have that were written
// before Kafka 0.11 and are kept for ever, with today's batches behind them.
func legacy() Shape {
	return Shape{
		Name: "legacy-formats", Doc: "message formats 0 (partition 0) and 1 (partition 1), plain and gzip, then batches of format 2",
		Partitions: 2, Restarts: true,
		TopicConfig: map[string]*string{"retention.ms": new("-1")},
		Write:       writeLegacy,
	}
}

// writeLegacy puts segment files into the brokers' directories while they are
// down, because no broker takes such messages any more.
func writeLegacy(ctx context.Context, c *kafka.Cluster, topic string, seed uint64) error {
	s := newSource(topic, seed)
	var segments [2][]byte
	for p := range segments {
		segment, err := legacySegment(s, int8(p))
		if err != nil {
			return err
		}
		segments[p] = segment
	}
	// All at once: a leader that is up while a follower is down would grow the
	// log, or cut the follower's.
	stop, sctx := errgroup.WithContext(ctx)
	for _, b := range c.Brokers() {
		stop.Go(func() error { return c.Stop(sctx, b) })
	}
	if err := stop.Wait(); err != nil {
		return fmt.Errorf("planting old messages: %w", err)
	}
	for _, b := range c.Brokers() {
		for p, segment := range segments {
			if err := plant(filepath.Join(c.LogDir(b), fmt.Sprintf("%s-%d", topic, p)), segment); err != nil {
				return err
			}
		}
	}
	restart, rctx := errgroup.WithContext(ctx)
	for _, b := range c.Brokers() {
		restart.Go(func() error { return c.Restart(rctx, b) })
	}
	if err := restart.Wait(); err != nil {
		return fmt.Errorf("planting old messages: %w", err)
	}
	if err := c.WaitISR(ctx, topic, 1); err != nil {
		return err
	}
	return within(c, func(w *writer) error {
		return w.write(ctx, append(s.records(0, 20, 100), s.records(1, 20, 100)...)...)
	})
}

// plant replaces the first segment of a partition, if the broker has that, and
// removes the indexes, which the broker then builds anew.
func plant(dir string, segment []byte) error {
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	first := filepath.Join(dir, "00000000000000000000")
	info, err := os.Stat(first + ".log")
	if err != nil || info.Size() > 0 {
		return errors.Join(errors.New("planting old messages: the partition is not a new one"), err)
	}
	if err := os.WriteFile(first+".log", segment, 0o600); err != nil {
		return fmt.Errorf("planting old messages: %w", err)
	}
	for _, index := range []string{".index", ".timeindex", ".txnindex"} {
		if err := os.Remove(first + index); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("planting old messages: %w", err)
		}
	}
	return nil
}

// legacySegment returns a segment file that starts at offset 0: single
// messages and gzip sets in turn.
func legacySegment(s *source, magic int8) ([]byte, error) {
	var file []byte
	offset := int64(0)
	for round := range 12 {
		if round%2 == 0 {
			for range 1 + s.rnd.IntN(5) {
				file = append(file, s.message(magic).encode(offset)...)
				offset++
			}
			continue
		}
		n := 1 + s.rnd.IntN(8)
		set, err := s.legacySet(magic, offset, n, round%4 == 3)
		if err != nil {
			return nil, err
		}
		file = append(file, set...)
		offset += int64(n)
	}
	return file, nil
}

// legacyMessage is a message of format 0 or 1.
type legacyMessage struct {
	magic, attributes int8
	timestamp         int64 // format 1 only
	key, value        []byte
}

// message makes a message; some have a null key or value.
func (s *source) message(magic int8) legacyMessage {
	r := s.record(0, 50)
	m := legacyMessage{magic: magic, timestamp: r.Timestamp.AddDate(-9, 0, 0).UnixMilli(), key: r.Key, value: r.Value}
	switch s.rnd.IntN(6) {
	case 0:
		m.key = nil
	case 1:
		m.value = nil
	}
	return m
}

// encode writes an offset, a size and the message.
func (m legacyMessage) encode(offset int64) []byte {
	body := []byte{byte(m.magic), byte(m.attributes)}
	if m.magic == 1 {
		body = binary.BigEndian.AppendUint64(body, uint64(m.timestamp))
	}
	for _, b := range [][]byte{m.key, m.value} {
		if b == nil {
			body = binary.BigEndian.AppendUint32(body, 0xffffffff)
			continue
		}
		body = binary.BigEndian.AppendUint32(body, uint32(len(b)))
		body = append(body, b...)
	}
	out := binary.BigEndian.AppendUint64(nil, uint64(offset))
	out = binary.BigEndian.AppendUint32(out, uint32(4+len(body)))
	out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(body))
	return append(out, body...)
}

// legacySet wraps n messages that start at an offset in a gzip message. Its own
// offset is that of the last one; those inside are absolute in format 0 and
// count from 0 in format 1.
func (s *source) legacySet(magic int8, offset int64, n int, appendTime bool) ([]byte, error) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	wrapper := legacyMessage{magic: magic, attributes: legacyGzip}
	for i := range int64(n) {
		m := s.message(magic)
		at := i
		if magic == 0 {
			at += offset
		}
		wrapper.timestamp = max(wrapper.timestamp, m.timestamp)
		if _, err := z.Write(m.encode(at)); err != nil {
			return nil, fmt.Errorf("compressing old messages: %w", err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("compressing old messages: %w", err)
	}
	if magic == 1 && appendTime {
		wrapper.attributes |= legacyLogAppendTime
	}
	wrapper.value = packed.Bytes()
	return wrapper.encode(offset + int64(n) - 1), nil
}
