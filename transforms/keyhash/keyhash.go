// Package keyhash owns which partition a key names, as Kafka's producers for the JVM
// have it: BuiltInPartitioner.partitionForKey, which is murmur2 with the sign cut off,
// modulo the number of partitions. Whoever writes to the copy goes on in the same
// partition.
package keyhash

import "encoding/binary"

// Partition returns the partition of a key, in a topic of count partitions.
func Partition(key []byte, count int32) int32 { return int32(murmur2(key)&0x7fffffff) % count }

// murmur2 is Utils.murmur2 of Kafka: Austin Appleby's MurmurHash2 with a seed of
// Kafka's own.
func murmur2(p []byte) uint32 {
	const seed, m, r = 0x9747b28c, 0x5bd1e995, 24
	h := seed ^ uint32(len(p))
	for ; len(p) >= 4; p = p[4:] {
		k := binary.LittleEndian.Uint32(p) * m
		k ^= k >> r
		h = h*m ^ k*m
	}
	for i, c := range p {
		h ^= uint32(c) << (8 * i)
	}
	if len(p) > 0 {
		h *= m
	}
	h ^= h >> 13
	h *= m
	return h ^ h>>15
}
