package batch

import (
	"cmp"
	"sync"
)

// defaultMaxDecoded bounds what one batch may decompress to: no broker takes
// batches above 2 GiB, few topics take them above some MiB.
const defaultMaxDecoded = 128 << 20

// keptScratch is the most scratch space, in bytes, that is pooled per user.
const keptScratch = 16 << 20

// Params is what NewRecoder needs. A zero field means its default.
type Params struct {
	MaxDecoded int // most bytes a batch may decompress to; default 128 MiB
	GzipLevel  int // 1 to 9; default 6, as Kafka's
	LZ4Level   int // 1 to 9 for high compression; default the fast mode
	ZstdLevel  int // 1 to 22; default 3, as Kafka's
}

// Recoder decodes and re-encodes batches. It holds nothing but settings and
// pools of compressors and scratch space, which the garbage collector may empty,
// so that one serves all partitions. It is safe for concurrent use.
type Recoder struct {
	p Params

	gunzips, unzstds   sync.Pool // *gunzip, *zstd.Decoder
	gzips, zstds       sync.Pool // *gzipper, *zstd.Encoder
	fastLZ4s, highLZ4s sync.Pool // *lz4.Compressor, *lz4.CompressorHC
	scratches          sync.Pool // *scratch
}

// NewRecoder returns a Recoder.
func NewRecoder(p Params) *Recoder {
	p.MaxDecoded = cmp.Or(p.MaxDecoded, defaultMaxDecoded)
	return &Recoder{p: p}
}

// scratch is memory for one batch at a time.
type scratch struct {
	decoded []byte // the payload of a compressed batch
	raw     []byte // the payload that is built, before compression
}

func (rc *Recoder) borrow() *scratch {
	if s, ok := rc.scratches.Get().(*scratch); ok {
		return s
	}
	return new(scratch)
}

// giveBack keeps s for the next batch unless a rare giant has blown it up.
func (rc *Recoder) giveBack(s *scratch) {
	if cap(s.decoded)+cap(s.raw) <= keptScratch {
		rc.scratches.Put(s)
	}
}
