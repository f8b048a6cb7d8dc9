package batch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// errTooLarge says that the output passed its bound; payload makes it a
// *TooLargeError.
var errTooLarge = errors.New("decompressing: output above its bound")

// payload returns b's records uncompressed: b's own bytes, or s.decoded.
func (rc *Recoder) payload(b Batch, s *scratch, codec Codec, p []byte) ([]byte, error) {
	if codec == None {
		return p, nil
	}
	out, err := rc.decompress(s.decoded[:0], p, codec)
	switch {
	case errors.Is(err, errTooLarge), err == nil && len(out) > rc.p.MaxDecoded:
		return nil, &TooLargeError{Offset: b.BaseOffset(), Max: rc.p.MaxDecoded}
	case err != nil:
		return nil, &CorruptError{Offset: b.BaseOffset(), Reason: "records do not decompress", Cause: err}
	}
	s.decoded = out
	return out, nil
}

// decompress appends what p decompresses to to dst, which it expects empty.
func (rc *Recoder) decompress(dst, p []byte, codec Codec) ([]byte, error) {
	switch codec {
	case Gzip:
		return rc.decompressGzip(dst, p)
	case Snappy:
		return decompressSnappy(dst, p, rc.p.MaxDecoded)
	case LZ4:
		return decompressLZ4(dst, p, rc.p.MaxDecoded)
	case Zstd:
		return rc.decompressZstd(dst, p)
	default:
		return nil, errors.New("unknown codec")
	}
}

// gunzip is a gzip reader together with its input, so that neither is allocated
// per batch.
type gunzip struct {
	reader gzip.Reader
	input  bytes.Reader
}

func (rc *Recoder) decompressGzip(dst, p []byte) ([]byte, error) {
	g, ok := rc.gunzips.Get().(*gunzip)
	if !ok {
		g = new(gunzip)
	}
	defer rc.gunzips.Put(g)
	g.input.Reset(p)
	if err := g.reader.Reset(&g.input); err != nil {
		return nil, err
	}
	for {
		dst = slices.Grow(dst, 512)
		n, err := g.reader.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		if len(dst) > rc.p.MaxDecoded {
			return nil, errTooLarge
		}
		if errors.Is(err, io.EOF) {
			return dst, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// decompressZstd relies on the decoder's bound: it refuses a frame that claims
// more before it allocates, and one that outgrows its claim while decoding.
func (rc *Recoder) decompressZstd(dst, p []byte) ([]byte, error) {
	d, ok := rc.unzstds.Get().(*zstd.Decoder)
	if !ok {
		var err error
		d, err = zstd.NewReader(nil, zstd.WithDecoderLowmem(true), zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderMaxMemory(uint64(rc.p.MaxDecoded)))
		if err != nil {
			return nil, err
		}
	}
	defer rc.unzstds.Put(d)
	out, err := d.DecodeAll(p, dst)
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		return nil, errTooLarge
	}
	return out, err
}

// xerialMagic starts the framing of Java's snappy streams, which Java producers
// use: magic, two int32 versions, then blocks, each behind its int32 length.
// Others (librdkafka, franz-go) send one raw block.
const (
	xerialMagic      = "\x82SNAPPY\x00"
	xerialHeaderSize = len(xerialMagic) + 8
)

// decompressSnappy reads both framings. Blocks tell their decoded length, which
// is checked before anything is allocated.
func decompressSnappy(dst, p []byte, most int) ([]byte, error) {
	if len(p) < xerialHeaderSize || string(p[:len(xerialMagic)]) != xerialMagic {
		return appendSnappyBlock(dst, p, most)
	}
	for p = p[xerialHeaderSize:]; len(p) > 0; {
		if len(p) < 4 {
			return nil, io.ErrUnexpectedEOF
		}
		size := uint64(binary.BigEndian.Uint32(p))
		if p = p[4:]; size > uint64(len(p)) {
			return nil, io.ErrUnexpectedEOF
		}
		var err error
		if dst, err = appendSnappyBlock(dst, p[:size], most); err != nil {
			return nil, err
		}
		p = p[size:]
	}
	return dst, nil
}

func appendSnappyBlock(dst, p []byte, most int) ([]byte, error) {
	n, err := s2.DecodedLen(p)
	if err != nil {
		return nil, err
	}
	if n > most-len(dst) {
		return nil, errTooLarge
	}
	dst = slices.Grow(dst, n)
	if _, err := s2.Decode(dst[len(dst):len(dst)+n], p); err != nil { // decodes in place, given the room
		return nil, err
	}
	return dst[:len(dst)+n], nil
}
