package batch

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
)

// Verify checks one entry's CRC and that its header is possible: what a broker
// would refuse to store is a *CorruptError. It does not decompress the records,
// and accepts all that needs re-encoding but is sound (see Classify).
func Verify(b Batch) error {
	if int64(len(b)) != prefixSize+int64(b.Length()) {
		return corrupt(b, "length differs from the bytes at hand")
	}
	if b.Magic() < 2 {
		return verifyLegacy(b)
	}
	if Checksum(b[atAttributes:]) != b.CRC() {
		return corrupt(b, "CRC mismatch")
	}
	count, last := b.Count(), b.LastOffsetDelta()
	switch {
	case b.BaseOffset() < 0 || b.BaseOffset() > math.MaxInt64-math.MaxInt32-1:
		return corrupt(b, "impossible base offset")
	case last < 0:
		return corrupt(b, "negative last offset delta")
	case count < 0:
		return corrupt(b, "negative record count")
	case int64(count) > int64(last)+1:
		return corrupt(b, "more records than offsets")
	case b.Codec() > Zstd:
		return corrupt(b, "unknown codec")
	}
	return nil
}

// Sound returns how many bytes of records, from their start, are complete
// entries that Verify accepts, and whether that is all but an entry whose rest
// has not come yet. The caller goes on from there when it has.
func Sound(records []byte) (n int, all bool) {
	rest := records
	for {
		b, tail, err := Next(rest)
		if err == nil {
			err = Verify(b)
		}
		if err != nil {
			_, all = errors.AsType[*PartialError](err)
			return len(records) - len(rest), all
		}
		rest = tail
	}
}

// verifyLegacy checks an entry of magic 0 or 1, whose CRC is the IEEE one over
// all that follows it.
func verifyLegacy(b Batch) error {
	if crc32.ChecksumIEEE(b[atMagic:]) != binary.BigEndian.Uint32(b[atLegacyCRC:]) {
		return corrupt(b, "CRC mismatch")
	}
	switch {
	case b.BaseOffset() < 0 || b.BaseOffset() == math.MaxInt64:
		return corrupt(b, "impossible offset")
	case b.Codec() > LZ4: // zstd came with magic 2 only (KIP-110)
		return corrupt(b, "unknown codec")
	}
	return nil
}
