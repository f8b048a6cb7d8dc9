package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/strait-mirror/strait/flows/internal/batch"
	"github.com/strait-mirror/strait/flows/internal/memory"
)

// A frameReader reads the fields of one frame and never beyond it. The first
// error sticks, and everything after it reads as zero.
type frameReader struct {
	src  *bufio.Reader
	left int // bytes of the frame (or of the tagged field) not yet read
	err  error
}

func (r *frameReader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", ErrMalformed, what)
	}
}

// take returns the next n bytes, valid until the next read, or nil after an
// error; n must be small.
func (r *frameReader) take(n int) []byte {
	if r.err == nil && n > r.left {
		r.fail("a field reaches beyond its frame")
	}
	if r.err != nil {
		return nil
	}
	p, err := r.src.Peek(n)
	if err != nil {
		r.ioError(err)
		return nil
	}
	r.src.Discard(n) //nolint:errcheck // they are buffered
	r.left -= n
	return p
}

func (r *frameReader) ioError(err error) {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF // within a frame
	}
	r.err = err
}

func (r *frameReader) int16() int16 {
	if p := r.take(2); p != nil {
		return int16(binary.BigEndian.Uint16(p))
	}
	return 0
}

func (r *frameReader) int32() int32 {
	if p := r.take(4); p != nil {
		return int32(binary.BigEndian.Uint32(p))
	}
	return 0
}

func (r *frameReader) int64() int64 {
	if p := r.take(8); p != nil {
		return int64(binary.BigEndian.Uint64(p))
	}
	return 0
}

func (r *frameReader) uvarint() int {
	var v uint64
	for shift := 0; shift < 35; shift += 7 {
		p := r.take(1)
		if p == nil {
			return 0
		}
		v |= uint64(p[0]&0x7f) << shift
		if p[0]&0x80 == 0 {
			if v > 1<<32-1 {
				break
			}
			return int(v)
		}
	}
	r.fail("a variable length number of more than 32 bits")
	return 0
}

// length reads the length of an array or of bytes; -1 means null.
func (r *frameReader) length(flexible bool) int {
	n := 0
	if flexible {
		n = r.uvarint() - 1
	} else {
		n = int(r.int32())
	}
	if r.err != nil {
		return -1
	}
	if n < -1 || n > r.left {
		r.fail(fmt.Sprintf("a length of %d with %d bytes left", n, r.left))
		return -1
	}
	return n
}

// string reads a string that may not be null; at most the protocol's 32767 bytes.
func (r *frameReader) string(flexible bool) string {
	n := 0
	if flexible {
		n = r.uvarint() - 1
	} else {
		n = int(r.int16())
	}
	if r.err == nil && (n < 0 || n > 1<<15-1 || n > r.left) {
		r.fail(fmt.Sprintf("a string of %d bytes with %d left", n, r.left))
	}
	return string(r.take(n))
}

func (r *frameReader) skip(n int) {
	if r.err == nil && n > r.left {
		r.fail("a field reaches beyond its frame")
	}
	if r.err != nil {
		return
	}
	n, err := r.src.Discard(n)
	r.left -= n
	if err != nil {
		r.ioError(err)
	}
}

// tags reads a set of tagged fields and calls known for each, whose reads are
// bounded to that field; what known does not read is skipped.
func (r *frameReader) tags(known func(tag int)) {
	for n := r.uvarint(); n > 0 && r.err == nil; n-- {
		tag, size := r.uvarint(), r.uvarint()
		if r.err == nil && size > r.left {
			r.fail("a tagged field reaches beyond its frame")
		}
		if r.err != nil {
			return
		}
		after := r.left - size
		r.left = size
		if known != nil {
			known(tag)
		}
		r.skip(r.left)
		r.left = after
	}
}

// fetchParser reads one fetch response. get provides the memory of records.
type fetchParser struct {
	frameReader
	version  int16
	flexible bool
	get      func(n int) *memory.Buffer
	response *FetchResponse
	throttle int32 // milliseconds
}

// parse reads the body, of exactly p.left bytes. On an error every buffer is
// given back. Bytes behind the last field are skipped, as Kafka's own client
// does.
func (p *fetchParser) parse() error {
	p.flexible = p.version >= fetchFlexible
	p.response = &FetchResponse{}
	p.throttle = p.int32()
	if p.version >= 7 {
		p.response.ErrorCode = p.int16()
		p.response.SessionID = p.int32()
	}
	for n := p.length(p.flexible); n > 0 && p.err == nil; n-- {
		p.topic()
	}
	if p.flexible {
		p.tags(func(tag int) {
			if tag == 0 {
				p.brokers()
			}
		})
	}
	p.skip(p.left)
	if p.err != nil {
		p.response.release()
		p.response = nil
	}
	return p.err
}

// minPartition is the least a partition takes: v4 without anything in it.
const minPartition = 4 + 2 + 8 + 8 + 4 + 4

func (p *fetchParser) topic() {
	var key PartitionKey
	if p.version >= fetchByID {
		copy(key.ID[:], p.take(len(key.ID)))
	} else {
		key.Topic = p.string(p.flexible)
	}
	n := p.length(p.flexible)
	if n > 0 {
		p.response.Partitions = slices.Grow(p.response.Partitions, min(n, p.left/minPartition+1))
	}
	for ; n > 0 && p.err == nil; n-- {
		p.partition(key)
	}
	if p.flexible {
		p.tags(nil)
	}
}

func (p *fetchParser) partition(key PartitionKey) {
	key.Partition = p.int32()
	f := FetchedPartition{
		PartitionKey: key, LogStartOffset: -1, DivergingEpoch: -1, DivergingEnd: -1,
		LeaderID: -1, LeaderEpoch: NoEpoch, PreferredReplica: -1,
	}
	f.ErrorCode = p.int16()
	f.HighWatermark = p.int64()
	f.LastStableOffset = p.int64()
	if p.version >= 5 {
		f.LogStartOffset = p.int64()
	}
	for n := p.length(p.flexible); n > 0 && p.err == nil; n-- {
		f.Aborted = append(f.Aborted, AbortedTransaction{ProducerID: p.int64(), FirstOffset: p.int64()})
		if p.flexible {
			p.tags(nil)
		}
	}
	if p.version >= 11 {
		f.PreferredReplica = p.int32()
	}
	f.Records, f.Sound = p.records()
	if p.flexible {
		p.tags(func(tag int) { p.partitionTag(tag, &f) })
	}
	p.response.Partitions = append(p.response.Partitions, f) // also after an error: its records are released there
}

// stride is how many bytes of records are read before they are verified: a part
// of what a processor's own cache holds, out of which a checksum takes a third
// less time than from the memory that other processors share.
const stride = 256 << 10

// records reads record data straight into memory from get, and returns how much
// of it is sound.
func (p *fetchParser) records() (buf *memory.Buffer, sound int) {
	n := 0
	if p.flexible {
		n = p.uvarint() - 1
	} else {
		n = int(p.int32())
	}
	if p.err == nil && n > p.left {
		p.fail(fmt.Sprintf("records of %d bytes with %d left", n, p.left))
	}
	if p.err != nil || n <= 0 {
		return nil, 0
	}
	buf = p.get(n)
	data := buf.Bytes()
	for read, all := 0, true; read < n && p.err == nil; {
		got, err := io.ReadFull(p.src, data[read:min(n, read+stride)])
		p.left -= got
		read += got
		if err != nil {
			p.ioError(err)
		}
		if all {
			var more int
			more, all = batch.Sound(data[sound:read])
			sound += more
		}
	}
	return buf, sound
}

func (p *fetchParser) partitionTag(tag int, f *FetchedPartition) {
	switch tag {
	case 0:
		f.DivergingEpoch, f.DivergingEnd = p.int32(), p.int64()
	case 1:
		f.LeaderID, f.LeaderEpoch = p.int32(), p.int32()
	default:
		return // 2 is the snapshot id, for controllers
	}
	p.tags(nil)
}

// brokers reads the end points of new leaders (KIP-951).
func (p *fetchParser) brokers() {
	p.response.Brokers = nil
	for n := p.length(true); n > 0 && p.err == nil; n-- {
		b := BrokerEndpoint{ID: p.int32(), Host: p.string(true), Port: p.int32()}
		rack := p.uvarint() - 1
		if p.err == nil && rack > 0 {
			p.skip(rack)
		}
		p.tags(nil)
		p.response.Brokers = append(p.response.Brokers, b)
	}
}
