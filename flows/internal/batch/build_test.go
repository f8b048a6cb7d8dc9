package batch

import (
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// spec is a batch to build by kmsg, the oracle's encoder. Zero fields mean a
// plain producer's: no idempotence, dense, offsets from base on.
type spec struct {
	base       int64
	attributes int16 // flags; the codec is codec's
	codec      Codec
	pid        int64 // 0: none
	epoch      int16
	seq        int32
	baseTS     int64
	maxTS      int64 // 0: the records' largest
	lastDelta  int32 // 0: the last record's
	records    []rec
}

type rec struct {
	delta   int32
	ts      int64 // absolute
	key     []byte
	value   []byte
	headers []kmsg.Header
}

func (s spec) build(t testing.TB) Batch {
	t.Helper()
	var payload []byte
	maxTS := int64(-1)
	last := int32(-1)
	for _, r := range s.records {
		payload = appendKmsgRecord(payload, kmsg.Record{
			TimestampDelta64: r.ts - s.baseTS, OffsetDelta: r.delta,
			Key: r.key, Value: r.value, Headers: r.headers,
		})
		maxTS, last = max(maxTS, r.ts), max(last, r.delta)
	}
	if s.maxTS != 0 {
		maxTS = s.maxTS
	}
	if s.lastDelta != 0 {
		last = s.lastDelta
	}
	if s.pid == 0 {
		s.pid, s.epoch, s.seq = -1, -1, -1
	}
	return sealKmsg(&kmsg.RecordBatch{
		FirstOffset: s.base, PartitionLeaderEpoch: 7, Magic: 2,
		Attributes:      s.attributes | int16(s.codec),
		LastOffsetDelta: last,
		FirstTimestamp:  s.baseTS, MaxTimestamp: maxTS,
		ProducerID: s.pid, ProducerEpoch: s.epoch, FirstSequence: s.seq,
		NumRecords: int32(len(s.records)),
		Records:    oracleCompress(t, s.codec, payload),
	})
}

// sealKmsg encodes b with the right length and CRC.
func sealKmsg(b *kmsg.RecordBatch) Batch {
	raw := b.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[8:], uint32(len(raw)-12))
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	return raw
}

func appendKmsgRecord(dst []byte, r kmsg.Record) []byte {
	r.Length = 0
	body := r.AppendTo(nil)[1:] // a zero length is one byte
	r.Length = int32(len(body))
	return r.AppendTo(dst)
}

// randomBatch is a batch of any shape a broker may store.
func randomBatch(t testing.TB, rng *rand.Rand) Batch {
	t.Helper()
	s := spec{base: rng.Int64N(1 << 40), baseTS: rng.Int64N(1 << 41), codec: Codec(rng.IntN(5))}
	if rng.IntN(2) == 0 {
		s.pid, s.epoch, s.seq = 1+rng.Int64N(1<<50), int16(rng.IntN(1<<15)), rng.Int32()
	}
	for _, bit := range []int16{bitLogAppendTime, bitTransactional, bitDeleteHorizon} {
		if rng.IntN(4) == 0 {
			s.attributes |= bit
		}
	}
	s.records = randomRecords(rng, 1+rng.IntN(50), rng.IntN(2) == 0, s.baseTS)
	if rng.IntN(3) == 0 {
		s.lastDelta = s.records[len(s.records)-1].delta + int32(rng.IntN(9))
	}
	return s.build(t)
}

func randomRecords(rng *rand.Rand, n int, sparse bool, baseTS int64) []rec {
	records := make([]rec, n)
	delta := int32(0)
	for i := range records {
		if sparse {
			delta += int32(rng.IntN(300))
		}
		records[i] = rec{delta: delta, ts: baseTS + rng.Int64N(1<<uint(rng.IntN(40))) - 500, key: randomBytes(rng, 20), value: randomBytes(rng, 300)}
		for range rng.IntN(3) {
			records[i].headers = append(records[i].headers, kmsg.Header{Key: string(randomBytes(rng, 5)), Value: randomBytes(rng, 9)})
		}
		delta++
	}
	return records
}

// randomBytes is nil, empty, or up to most bytes that compress a little.
func randomBytes(rng *rand.Rand, most int) []byte {
	switch rng.IntN(6) {
	case 0:
		return nil
	case 1:
		return []byte{}
	}
	p := make([]byte, 1+rng.IntN(most))
	for i := range p {
		p[i] = 'a' + byte(rng.IntN(4))
	}
	return p
}
