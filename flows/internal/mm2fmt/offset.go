// Package mm2fmt owns the bytes of MirrorMaker 2's own records, so that either
// program reads what the other wrote. It is pure: bytes in, values out, and
// the reverse. Who reads and writes the topics is package position's and its
// neighbours' business.
//
// A position in mm2-offsets.<source>.internal is a record whose key names a
// partition of the source and whose value holds the offset of the last record
// mirrored from it, both JSON without schemas. MirrorMaker 2 finds a position
// by the exact bytes of its key: member order, lack of whitespace and escapes
// matter (seen in 4.2.0).
package mm2fmt

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
)

// SourceConnector is the name under which MirrorMaker 2 keeps the positions of
// mirrored partitions.
const SourceConnector = "MirrorSourceConnector"

// OffsetVersion is the version of the members Strait writes beside offset.
const OffsetVersion = 1

// Bounds of what readers take. A topic name has at most 249 bytes and a value
// of ours about 400; the rest is room for aliases and for members to come.
const (
	maxKeyBytes   = 16 << 10
	maxValueBytes = 64 << 10
	maxChainBytes = 1 << 10
)

// OffsetKey names whose position a record of mm2-offsets holds.
type OffsetKey struct {
	Connector string // SourceConnector, or a name of our own
	Cluster   string // alias of the source
	Topic     string // name on the source
	Partition int32
}

// Append appends the key's JSON to dst, byte for byte as MirrorMaker 2 writes
// it: the member order is that of a Java HashMap with these three names.
func (k OffsetKey) Append(dst []byte) []byte {
	dst = append(dst, '[')
	dst = appendString(dst, k.Connector)
	dst = append(dst, `,{"cluster":`...)
	dst = appendString(dst, k.Cluster)
	dst = append(dst, `,"partition":`...)
	dst = strconv.AppendInt(dst, int64(k.Partition), 10)
	dst = append(dst, `,"topic":`...)
	dst = appendString(dst, k.Topic)
	return append(dst, '}', ']')
}

// ParseOffsetKey reads a key. It fails for everything Append would not have
// written: a key of another connector's shape, and also one that says the same
// in other bytes, since MirrorMaker 2 would not find that one either.
func ParseOffsetKey(b []byte) (OffsetKey, error) {
	key, err := parseOffsetKey(b)
	if err != nil {
		return OffsetKey{}, fmt.Errorf("reading offset key: %w", err)
	}
	return key, nil
}

func parseOffsetKey(b []byte) (OffsetKey, error) {
	var parts []element
	if err := decode(b, maxKeyBytes, &parts); err != nil {
		return OffsetKey{}, err
	}
	if len(parts) != 2 || parts[1].members == nil {
		return OffsetKey{}, errors.New("it is no pair of a connector and a partition")
	}
	members := parts[1].members
	partition, err := members.integer("partition", 32)
	if err != nil {
		return OffsetKey{}, err
	}
	if partition < 0 {
		return OffsetKey{}, fmt.Errorf("partition %d is negative", partition)
	}
	cluster, err := members.text("cluster", maxKeyBytes)
	if err != nil {
		return OffsetKey{}, err
	}
	topic, err := members.text("topic", maxKeyBytes)
	if err != nil {
		return OffsetKey{}, err
	}
	key := OffsetKey{Connector: parts[0].text, Cluster: cluster, Topic: topic, Partition: int32(partition)}
	if string(key.Append(nil)) != string(b) {
		return OffsetKey{}, errors.New("its bytes are not those MirrorMaker 2 looks for")
	}
	return key, nil
}

// OffsetValue is a position: MirrorMaker 2's offset, and beside it what Strait
// needs to find the exact place to resume at after a crash.
type OffsetValue struct {
	Offset  int64 // last mirrored source offset, resume at Offset+1; -1: none, resume at 0
	Version int   // 0: a bare MirrorMaker 2 position, the rest says nothing

	TargetEnd     int64 // end offset of the target partition after that record
	ProducerID    int64
	ProducerEpoch int16
	NextSequence  int32    // of the record after Offset
	LeaderEpoch   int32    // source leader epoch of the batch with Offset; -1: not known
	SourceTopicID [16]byte // zero: the broker has none
	TargetTopicID [16]byte
	Chain         string // fingerprint of the stages the record passed
	Generation    int32  // of the group when this was written
	Fence         int32  // number of the transactional id that gave out ProducerID; 0: none did
}

// BareOffset returns what a position of MirrorMaker 2's own says.
func BareOffset(offset int64) OffsetValue {
	return OffsetValue{Offset: offset, TargetEnd: -1, ProducerID: -1, ProducerEpoch: -1, NextSequence: -1, LeaderEpoch: -1, Generation: -1}
}

// Append appends the value's JSON to dst: offset first, then Strait's members
// unless Version is 0. All are primitive: Connect's OffsetUtils refuses
// positions that hold anything else.
func (v OffsetValue) Append(dst []byte) []byte {
	dst = append(dst, `{"offset":`...)
	dst = strconv.AppendInt(dst, v.Offset, 10)
	if v.Version == 0 {
		return append(dst, '}')
	}
	dst = appendInt(dst, "version", int64(v.Version))
	dst = appendInt(dst, "target_end", v.TargetEnd)
	dst = appendInt(dst, "producer_id", v.ProducerID)
	dst = appendInt(dst, "producer_epoch", int64(v.ProducerEpoch))
	dst = appendInt(dst, "next_sequence", int64(v.NextSequence))
	dst = appendInt(dst, "leader_epoch", int64(v.LeaderEpoch))
	dst = appendInt(dst, "generation", int64(v.Generation))
	if v.Fence != 0 {
		dst = appendInt(dst, "fence", int64(v.Fence))
	}
	dst = appendID(dst, "source_topic_id", v.SourceTopicID)
	dst = appendID(dst, "target_topic_id", v.TargetTopicID)
	if v.Chain != "" {
		dst = append(dst, `,"chain":`...)
		dst = appendString(dst, v.Chain)
	}
	return append(dst, '}')
}

// ErrNoOffset says that a value is well formed but holds no offset, or null,
// which MirrorMaker 2 takes for no position at all.
var ErrNoOffset = errors.New("it holds no offset")

// ParseOffsetValue reads a value. Unknown members are ignored, and a value of
// a version above OffsetVersion is a bare position: only its offset is known
// to mean the same. Where just a member of Strait's is wrong, both an error
// and the bare position are returned: a position that proves nothing is
// better than none. Any other error comes with Version 0 and Offset -1.
func ParseOffsetValue(b []byte) (OffsetValue, error) {
	var members object
	if err := decode(b, maxValueBytes, &members); err != nil {
		return BareOffset(-1), fmt.Errorf("reading offset value: %w", err)
	}
	offset, err := members.integer("offset", 64)
	if errors.Is(err, errMissing) {
		return BareOffset(-1), fmt.Errorf("reading offset value: %w", ErrNoOffset)
	}
	if err != nil {
		return BareOffset(-1), fmt.Errorf("reading offset value: %w", err)
	}
	if _, ok := members["version"]; !ok {
		return BareOffset(offset), nil
	}
	version, err := members.integer("version", 32)
	if err != nil {
		return BareOffset(offset), fmt.Errorf("reading offset value: %w", err)
	}
	if version > OffsetVersion || version < 1 {
		return BareOffset(offset), nil
	}
	v, err := members.anchor()
	if err != nil {
		return BareOffset(offset), fmt.Errorf("reading offset value: %w", err)
	}
	v.Offset, v.Version = offset, int(version)
	return v, nil
}

// anchor reads the members of version 1.
func (o object) anchor() (OffsetValue, error) {
	var errs [8]error
	integer := func(i int, name string, bits int) int64 {
		n, err := o.integer(name, bits)
		errs[i] = err
		return n
	}
	v := OffsetValue{
		TargetEnd:     integer(0, "target_end", 64),
		ProducerID:    integer(1, "producer_id", 64),
		ProducerEpoch: int16(integer(2, "producer_epoch", 16)),
		NextSequence:  int32(integer(3, "next_sequence", 32)),
		LeaderEpoch:   int32(integer(4, "leader_epoch", 32)),
		Generation:    int32(integer(5, "generation", 32)),
	}
	v.SourceTopicID, errs[6] = o.id("source_topic_id")
	v.TargetTopicID, errs[7] = o.id("target_topic_id")
	if err := errors.Join(errs[:]...); err != nil {
		return OffsetValue{}, err
	}
	if _, ok := o["fence"]; ok {
		fence, err := o.integer("fence", 32)
		if err == nil && fence < 0 {
			err = fmt.Errorf("reading member \"fence\": %d is below 0", fence)
		}
		if err != nil {
			return OffsetValue{}, err
		}
		v.Fence = int32(fence)
	}
	chain, err := o.text("chain", maxChainBytes)
	if err != nil {
		return OffsetValue{}, err
	}
	v.Chain = chain
	return v, nil
}

// appendID appends a topic id as Kafka prints it (Uuid.toString: unpadded
// URL-safe base64), or nothing for the zero id.
func appendID(dst []byte, name string, id [16]byte) []byte {
	if id == ([16]byte{}) {
		return dst
	}
	dst = append(dst, ',')
	dst = appendString(dst, name)
	dst = append(dst, ':', '"')
	dst = base64.RawURLEncoding.AppendEncode(dst, id[:])
	return append(dst, '"')
}

func (o object) id(name string) (id [16]byte, err error) {
	s, err := o.text(name, 22) // 16 bytes in base64
	if err != nil || s == "" {
		return id, err
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return id, fmt.Errorf("reading member %q: %w", name, err)
	}
	if len(b) != len(id) {
		return id, fmt.Errorf("reading member %q: it has %d bytes instead of %d", name, len(b), len(id))
	}
	return [16]byte(b), nil
}
