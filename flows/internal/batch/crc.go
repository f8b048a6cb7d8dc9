package batch

import "hash/crc32"

// castagnoli selects CRC32C, which magic 2 uses; hash/crc32 computes it in
// hardware where there is any.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// zeroPowers[i][d] is x^(8*d*256^i) modulo the Castagnoli polynomial: multiplying
// a CRC by it is what appending d*256^i zero bytes does to it.
var zeroPowers = makeZeroPowers()

const (
	reflectedOne   = 1 << 31 // x^0; CRC32C keeps the lowest power in the top bit
	reflectedX8    = 1 << 23 // x^8
	powerDigits    = 4       // base-256 digits of a length below 4 GiB
	powersPerDigit = 256
	polynomialBits = 32
)

func makeZeroPowers() (t [powerDigits][powersPerDigit]uint32) {
	step := uint32(reflectedX8)
	for i := range t {
		t[i][0] = reflectedOne
		for d := 1; d < powersPerDigit; d++ {
			t[i][d] = multiply(t[i][d-1], step)
		}
		step = multiply(t[i][powersPerDigit-1], step)
	}
	return t
}

// multiply returns a*b modulo the Castagnoli polynomial, both bit-reflected. It
// has no branches: CRC bits are random, a predictor would miss half of them.
func multiply(a, b uint32) uint32 {
	var product uint32
	for range polynomialBits {
		product ^= b & -(a >> 31)
		a <<= 1
		b = b>>1 ^ crc32.Castagnoli&-(b&1)
	}
	return product
}

// extend returns what n zero bytes after it make of the CRC difference delta.
// CRC32C is linear, so when a message's head changes its CRC by delta, the CRC of
// head and n bytes of tail changes by extend(delta, n), whatever the tail.
func extend(delta uint32, n int) uint32 {
	for i := 0; n > 0; i, n = i+1, n>>8 {
		if d := n & 0xff; d != 0 {
			delta = multiply(delta, zeroPowers[i][d])
		}
	}
	return delta
}

// Checksum is the CRC32C of p: what a batch stores of itself, and how recovery
// compares payloads.
func Checksum(p []byte) uint32 { return crc32.Checksum(p, castagnoli) }
