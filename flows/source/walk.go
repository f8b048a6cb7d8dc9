package source

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/strait-mirror/strait/flows/internal/wire"
)

// Where the fields of an entry lie that say how far it reaches. An entry is a
// record batch (magic 2) or a message, possibly a compressed set (magic 0, 1);
// all begin with an 8-byte offset and a 4-byte length of what follows.
const (
	prefixBytes    = 12
	atLength       = 8
	atEpoch        = 12        // magic 2
	atMagic        = 16        // all magics
	atLastDelta    = 23        // magic 2
	shortestOld    = 14        // after the prefix: CRC, magic, attributes, two null lengths
	shortestBatch  = 49        // after the prefix: the rest of the 61-byte batch header
	largestEntry   = 100 << 20 // bytes; socket.request.max.bytes and kgo's largest response
	largestOldBase = math.MaxInt64 - 1
)

// extent is how far record data reaches.
type extent struct {
	start   int   // first byte of the first entry that ends after the wanted offset
	end     int   // byte after the last complete entry
	next    int64 // offset after the last complete entry, or the wanted one if there is none
	epoch   int32 // leader epoch of the last complete entry; NoEpoch before magic 2
	largest int   // bytes of the largest complete entry
	cut     int   // bytes of the entry that is cut off; 0 if none is, or its length is not visible
}

// walk measures record data fetched from offset wanted, by the headers alone.
// Brokers cut data at the limit they were given (KIP-74), so an incomplete last
// entry is no error. An error says that the data cannot have come from a log.
func walk(data []byte, wanted int64) (extent, error) {
	x := extent{next: wanted, epoch: wire.NoEpoch}
	last := int64(-1)
	for rest := data; len(rest) >= prefixBytes; rest = data[x.end:] {
		length := int64(int32(binary.BigEndian.Uint32(rest[atLength:])))
		if length < shortestOld || length > largestEntry {
			return x, fmt.Errorf("an entry after offset %d claims %d bytes", last, length)
		}
		size := prefixBytes + int(length)
		if size > len(rest) {
			x.cut = size
			break
		}
		end, epoch, err := reach(rest[:size])
		if err != nil {
			return x, err
		}
		if end <= last {
			return x, fmt.Errorf("an entry that ends at offset %d follows one that ends at %d", end, last)
		}
		last = end
		if end < wanted && x.next == wanted {
			x.start = x.end + size
		}
		x.end += size
		x.next, x.epoch = max(wanted, end+1), epoch
		x.largest = max(x.largest, size)
	}
	if x.end > 0 && x.start == x.end {
		return x, fmt.Errorf("records up to offset %d came for offset %d", last, wanted)
	}
	return x, nil
}

// reach returns the last offset of a complete entry and its leader epoch.
func reach(entry []byte) (last int64, epoch int32, err error) {
	base := int64(binary.BigEndian.Uint64(entry))
	if base < 0 || base > largestOldBase {
		return 0, 0, fmt.Errorf("an entry has offset %d", base)
	}
	switch magic := entry[atMagic]; {
	case magic < 2:
		return base, wire.NoEpoch, nil
	case magic > 2:
		return 0, 0, fmt.Errorf("the entry at offset %d has magic %d", base, magic)
	case len(entry) < prefixBytes+shortestBatch:
		return 0, 0, fmt.Errorf("the batch at offset %d has only %d bytes", base, len(entry))
	}
	delta := int64(int32(binary.BigEndian.Uint32(entry[atLastDelta:])))
	if delta < 0 || base > largestOldBase-delta {
		return 0, 0, fmt.Errorf("the batch at offset %d claims %d as its last delta", base, delta)
	}
	return base + delta, int32(binary.BigEndian.Uint32(entry[atEpoch:])), nil
}
