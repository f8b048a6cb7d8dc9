package group

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

// Buckets is how many buckets the partitions of all topics fall into. A bucket is
// the unit of ownership: where a new topic goes is known before it is there, and
// what a member owns takes a few hundred bytes however many partitions there are.
// Three partitions of 100,000 share one, so that loads can be balanced finely.
// It is part of the protocol's version.
const Buckets = 1 << 15

// Bucket returns the bucket of a partition of a source topic. Partitions of one
// topic are in buckets of their own, one after the other.
func Bucket(topic string, partition int32) int {
	const offset, prime = 2166136261, 16777619 // FNV-1a
	h := uint32(offset)
	for i := range len(topic) {
		h = (h ^ uint32(topic[i])) * prime
	}
	return int((h + uint32(partition)) % Buckets)
}

// Set is a set of buckets.
type Set [Buckets / 64]uint64

// every returns the set of all buckets.
func every() *Set {
	var s Set
	for i := range s {
		s[i] = ^uint64(0)
	}
	return &s
}

// Has reports whether a bucket is in the set.
func (s *Set) Has(bucket int) bool { return s[bucket/64]&(1<<(bucket%64)) != 0 }

func (s *Set) add(bucket int) { s[bucket/64] |= 1 << (bucket % 64) }

// Len returns how many buckets are in the set.
func (s *Set) Len() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// or returns what is in either set.
func (s *Set) or(o *Set) *Set {
	var u Set
	for i := range s {
		u[i] = s[i] | o[i]
	}
	return &u
}

// within reports whether all of s is in o.
func (s *Set) within(o *Set) bool {
	for i := range s {
		if s[i]&^o[i] != 0 {
			return false
		}
	}
	return true
}

// appendSet writes a set as the lengths of its gaps and runs in turn, from bucket
// 0 on: two bytes for all buckets, two or three for each bucket that stands alone.
func appendSet(to []byte, s *Set) []byte {
	var lengths []byte
	count := uint64(0)
	for at := 0; at < Buckets; {
		for _, in := range []bool{false, true} {
			from := at
			for at < Buckets && s.Has(at) == in {
				at++
			}
			lengths = binary.AppendUvarint(lengths, uint64(at-from))
			count++
		}
	}
	return append(binary.AppendUvarint(to, count), lengths...)
}

var errMalformed = errors.New("the bytes are not what a member of this group writes")

// readSet reads what appendSet wrote and returns what is behind it.
func readSet(from []byte) (*Set, []byte, error) {
	count, from, err := readUvarint(from)
	if err != nil || count > Buckets+2 {
		return nil, nil, errMalformed
	}
	var s Set
	at := uint64(0)
	for i := range count {
		var length uint64
		if length, from, err = readUvarint(from); err != nil || length > Buckets-at {
			return nil, nil, errMalformed
		}
		for end := at + length; at < end; at++ {
			if i%2 == 1 {
				s.add(int(at))
			}
		}
	}
	if at != Buckets {
		return nil, nil, errMalformed
	}
	return &s, from, nil
}

func readUvarint(from []byte) (uint64, []byte, error) {
	n, size := binary.Uvarint(from)
	if size <= 0 {
		return 0, nil, errMalformed
	}
	return n, from[size:], nil
}
