// Package batch owns one noun: the record batch, Kafka's unit of storage, as the
// bytes in which brokers send and accept it.
//
// It splits fetched bytes into batches, verifies them, says what must become of
// each (Classify), edits the header of those that pass as they are (Stamp), and
// decodes and re-encodes the others (Recoder). It knows one batch or a few
// neighbours, no partitions, connections or clocks. Package wire carries the
// bytes, package memory holds them, and flows/mirror decides by what is said here.
//
// Bytes from the network are hostile: nothing here panics on them or allocates by
// what they claim beyond the stated bounds.
package batch

import (
	"encoding/binary"
)

// Positions in an entry. Every entry starts with offset and length; the rest
// depends on magic (KIP-98 for magic 2, KIP-32 for 0 and 1).
const (
	prefixSize = 12 // base offset (8), length of what follows (4)
	headerSize = 61 // of magic 2, prefix included

	atLength          = 8
	atLeaderEpoch     = 12
	atMagic           = 16
	atCRC             = 17
	atAttributes      = 21 // the CRC covers all from here on
	atLastOffsetDelta = 23
	atBaseTimestamp   = 27
	atMaxTimestamp    = 35
	atProducerID      = 43
	atProducerEpoch   = 51
	atBaseSequence    = 53
	atCount           = 57

	// An entry is no shorter than its fields: magic 0 has CRC, magic, attributes
	// and two lengths, magic 1 also a timestamp.
	minSizeV0 = prefixSize + 4 + 1 + 1 + 4 + 4
	minSizeV1 = minSizeV0 + 8
)

// Attribute bits of magic 2.
const (
	codecMask        = 0x07
	bitLogAppendTime = 0x08
	bitTransactional = 0x10
	bitControl       = 0x20
	bitDeleteHorizon = 0x40 // KIP-534: base timestamp is the cleaner's horizon
)

// Batch is one complete entry of a partition's log, its 12-byte prefix included,
// as Next returns it. It is a view: it shares memory with what it was cut from.
//
// Entries of magic 0 and 1 (possible on old disks up to 4.x) are Batches too, but
// of their accessors only BaseOffset, LastOffset, NextOffset, Length, Magic and
// Codec have a meaning; calling another may panic, since such an entry can be
// shorter than a magic 2 header.
type Batch []byte

// BaseOffset is the offset of the first record; for magic 0 and 1 that of the
// last one (a compressed entry carries its last message's offset).
func (b Batch) BaseOffset() int64 { return int64(binary.BigEndian.Uint64(b)) }

// Length is the number of bytes after the prefix: len(b) - 12.
func (b Batch) Length() int32 { return int32(binary.BigEndian.Uint32(b[atLength:])) }

// LeaderEpoch is the epoch of the leader that appended the batch, or -1.
func (b Batch) LeaderEpoch() int32 { return int32(binary.BigEndian.Uint32(b[atLeaderEpoch:])) }

// Magic is the format's version: 2, or 0 or 1 for the formats before Kafka 0.11.
func (b Batch) Magic() int8 { return int8(b[atMagic]) }

// CRC is the stored CRC32C of the bytes from the attributes on.
func (b Batch) CRC() uint32 { return binary.BigEndian.Uint32(b[atCRC:]) }

// Attributes are the codec and flag bits of magic 2.
func (b Batch) Attributes() int16 { return int16(binary.BigEndian.Uint16(b[atAttributes:])) }

// Codec says how the payload is compressed.
func (b Batch) Codec() Codec {
	if b.Magic() < 2 {
		return Codec(b[atLegacyAttributes] & codecMask)
	}
	return Codec(b[atAttributes+1] & codecMask)
}

// Transactional says whether the batch belongs to a transaction, its end marker
// included.
func (b Batch) Transactional() bool { return b[atAttributes+1]&bitTransactional != 0 }

// Control says whether the batch holds a marker rather than data.
func (b Batch) Control() bool { return b[atAttributes+1]&bitControl != 0 }

// LogAppendTime says whether consumers see MaxTimestamp, the time of the append,
// as the timestamp of every record.
func (b Batch) LogAppendTime() bool { return b[atAttributes+1]&bitLogAppendTime != 0 }

// DeleteHorizon says whether BaseTimestamp is when the cleaner may drop the
// batch's tombstones (KIP-534); the records' deltas count from it all the same.
func (b Batch) DeleteHorizon() bool { return b[atAttributes+1]&bitDeleteHorizon != 0 }

// LastOffsetDelta is LastOffset - BaseOffset. The cleaner keeps it when it
// removes records.
func (b Batch) LastOffsetDelta() int32 {
	return int32(binary.BigEndian.Uint32(b[atLastOffsetDelta:]))
}

// LastOffset is the last offset the batch stands for, whether a record is left
// there or not.
func (b Batch) LastOffset() int64 {
	if b.Magic() < 2 {
		return b.BaseOffset()
	}
	return b.BaseOffset() + int64(b.LastOffsetDelta())
}

// NextOffset is where to fetch on after this batch.
func (b Batch) NextOffset() int64 { return b.LastOffset() + 1 }

// BaseTimestamp is what the records' timestamp deltas count from, in milliseconds
// since 1970, or -1.
func (b Batch) BaseTimestamp() int64 { return int64(binary.BigEndian.Uint64(b[atBaseTimestamp:])) }

// MaxTimestamp is the largest timestamp of the records, in milliseconds since
// 1970, or -1; with LogAppendTime the time of the append.
func (b Batch) MaxTimestamp() int64 { return int64(binary.BigEndian.Uint64(b[atMaxTimestamp:])) }

// ProducerID is the id of the idempotent producer, or -1.
func (b Batch) ProducerID() int64 { return int64(binary.BigEndian.Uint64(b[atProducerID:])) }

// ProducerEpoch is that producer's epoch, or -1.
func (b Batch) ProducerEpoch() int16 { return int16(binary.BigEndian.Uint16(b[atProducerEpoch:])) }

// BaseSequence is the sequence number of the first record, or -1.
func (b Batch) BaseSequence() int32 { return int32(binary.BigEndian.Uint32(b[atBaseSequence:])) }

// Count is the number of records; 0 for a batch whose records were all compacted
// away and which the cleaner keeps for its producer's sequence.
func (b Batch) Count() int32 { return int32(binary.BigEndian.Uint32(b[atCount:])) }

// Payload is the records, compressed by Codec.
func (b Batch) Payload() []byte { return b[headerSize:] }

// Dense says whether every offset of the batch has its record, as brokers demand
// of what they are sent (since 1.1).
func (b Batch) Dense() bool { return int64(b.Count()) == int64(b.LastOffsetDelta())+1 }

// Next splits the first entry off records, the bytes of one partition in a fetch
// response. It looks only at lengths and magic: Verify does the rest.
//
// The error is a *PartialError when records end within the entry, which is how
// brokers cut a response at its size limit (nothing is wrong: fetch again from
// there, with a larger limit if it was the first entry), or a *CorruptError when
// no entry can look so. rest is then all of records. Empty records are partial.
func Next(records []byte) (b Batch, rest []byte, err error) {
	if len(records) < prefixSize {
		return nil, records, &PartialError{}
	}
	length := int32(binary.BigEndian.Uint32(records[atLength:]))
	size := prefixSize + int64(length)
	if size < minSizeV0 {
		return nil, records, corrupt(records, "length below that of any format")
	}
	if len(records) <= atMagic {
		return nil, records, &PartialError{Size: size}
	}
	switch magic := records[atMagic]; {
	case magic > 2:
		return nil, records, corrupt(records, "unknown magic")
	case magic == 2 && size < headerSize, magic == 1 && size < minSizeV1:
		return nil, records, corrupt(records, "length below that of its format")
	}
	if size > int64(len(records)) {
		return nil, records, &PartialError{Size: size}
	}
	return Batch(records[:size:size]), records[size:], nil
}
