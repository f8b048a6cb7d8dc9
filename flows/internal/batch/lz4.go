package batch

import (
	"encoding/binary"
	"errors"
	"io"
	"slices"

	"github.com/pierrec/lz4/v4"
)

// The LZ4 frame format, as far as Kafka uses it. It is read and written here
// block by block, since batches are whole in memory: a streaming reader costs
// more than the work itself where every record is a batch of its own.
const (
	lz4FrameMagic     = 0x184D2204
	lz4VersionMask    = 0xC0
	lz4Version        = 0x40
	lz4Independent    = 0x20 // blocks do not refer to each other
	lz4BlockChecksum  = 0x10
	lz4ContentSize    = 0x08
	lz4DictionaryID   = 0x01
	lz4StoredBlock    = 1 << 31 // in a block's length: not compressed
	lz4HistorySize    = 64 << 10
	lz4WrittenBlock   = 64 << 10
	lz4WrittenHeader  = "\x04\x22\x4d\x18\x60\x40\x82" // independent 64 KiB blocks, no checksums, as Java producers write
	lz4MaxExpansion   = 255
	lz4SmallestHeader = 7
)

var (
	errLZ4Header = errors.New("lz4: not a frame")
	errLZ4Block  = errors.New("lz4: block larger than its frame allows")
)

// decompressLZ4 appends what the frame p holds to dst, which it expects empty.
// The frame's checksums are not looked at: the batch has its own CRC, and before
// magic 1 Kafka computed the header's checksum over the wrong bytes (KIP-57).
// Bytes after the frame are ignored, as by Kafka.
func decompressLZ4(dst, p []byte, most int) ([]byte, error) {
	frame, p, err := openLZ4(p)
	if err != nil {
		return nil, err
	}
	for {
		if len(p) < 4 {
			return nil, io.ErrUnexpectedEOF
		}
		word := binary.LittleEndian.Uint32(p)
		p = p[4:]
		if word == 0 { // end mark
			return dst, nil
		}
		size := int64(word &^ uint32(lz4StoredBlock))
		if size > int64(len(p)) {
			return nil, io.ErrUnexpectedEOF
		}
		block := p[:size]
		p = p[size:]
		if frame.flags&lz4BlockChecksum != 0 {
			if len(p) < 4 {
				return nil, io.ErrUnexpectedEOF
			}
			p = p[4:]
		}
		if dst, err = frame.appendBlock(dst, block, word&lz4StoredBlock != 0); err != nil {
			return nil, err
		}
		if len(dst) > most {
			return nil, errTooLarge
		}
	}
}

// lz4Frame is what a frame's header says.
type lz4Frame struct {
	flags    byte
	blockMax int // most bytes of a block, uncompressed
}

// openLZ4 splits a frame's header off p.
func openLZ4(p []byte) (f lz4Frame, rest []byte, err error) {
	if len(p) < lz4SmallestHeader || binary.LittleEndian.Uint32(p) != lz4FrameMagic {
		return f, nil, errLZ4Header
	}
	f.flags = p[4]
	code := p[5] >> 4 & 7 // 4: 64 KiB, 5: 256 KiB, 6: 1 MiB, 7: 4 MiB
	if f.flags&lz4VersionMask != lz4Version || f.flags&lz4DictionaryID != 0 || code < 4 {
		return f, nil, errLZ4Header
	}
	size := lz4SmallestHeader
	if f.flags&lz4ContentSize != 0 {
		size += 8
	}
	if len(p) < size {
		return f, nil, io.ErrUnexpectedEOF
	}
	f.blockMax = 1 << (8 + 2*code)
	return f, p[size:], nil
}

// appendBlock appends what block holds, making room for no more than it can
// expand to.
func (f lz4Frame) appendBlock(dst, block []byte, stored bool) ([]byte, error) {
	if stored {
		if len(block) > f.blockMax {
			return nil, errLZ4Block
		}
		return append(dst, block...), nil
	}
	room := int(min(int64(f.blockMax), int64(len(block))*lz4MaxExpansion))
	dst = slices.Grow(dst, room)
	out := dst[len(dst) : len(dst)+room]
	var n int
	var err error
	if f.flags&lz4Independent != 0 || len(dst) == 0 {
		n, err = lz4.UncompressBlock(block, out)
	} else {
		n, err = lz4.UncompressBlockWithDict(block, out, dst[max(0, len(dst)-lz4HistorySize):])
	}
	if err != nil {
		return nil, err
	}
	return dst[:len(dst)+n], nil
}

// lz4BlockCompressor is what both of the library's compressors are.
type lz4BlockCompressor interface {
	CompressBlock(src, dst []byte) (int, error)
}

// compressLZ4 appends p as one frame to dst.
func (rc *Recoder) compressLZ4(dst, p []byte) ([]byte, error) {
	pool := &rc.fastLZ4s
	if rc.p.LZ4Level > 0 {
		pool = &rc.highLZ4s
	}
	c, ok := pool.Get().(lz4BlockCompressor)
	switch {
	case ok:
	case rc.p.LZ4Level > 0:
		c = &lz4.CompressorHC{Level: lz4.CompressionLevel(1 << (8 + min(rc.p.LZ4Level, 9)))} // lz4.Level1..Level9
	default:
		c = new(lz4.Compressor)
	}
	defer pool.Put(c)

	dst = append(dst, lz4WrittenHeader...)
	for len(p) > 0 {
		block := p[:min(len(p), lz4WrittenBlock)]
		p = p[len(block):]
		at := len(dst)
		dst = slices.Grow(dst, 4+lz4.CompressBlockBound(len(block)))[:at+4]
		n, err := c.CompressBlock(block, dst[at+4:cap(dst)])
		if err != nil {
			return nil, err
		}
		word := uint32(n)
		if n == 0 || n >= len(block) { // does not compress
			word = uint32(len(block)) | lz4StoredBlock
			dst = append(dst, block...)
		} else {
			dst = dst[:at+4+n]
		}
		binary.LittleEndian.PutUint32(dst[at:], word)
	}
	return append(dst, 0, 0, 0, 0), nil
}
