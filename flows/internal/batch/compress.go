package batch

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// zstdWindow is what an encoder looks back: most batches are smaller, and an
// encoder's memory grows with it.
const zstdWindow = 512 << 10

// compress appends p compressed by codec to dst.
func (rc *Recoder) compress(dst, p []byte, codec Codec) ([]byte, error) {
	var out []byte
	var err error
	switch codec {
	case None:
		return append(dst, p...), nil
	case Gzip:
		out, err = rc.compressGzip(dst, p)
	case Snappy:
		out, err = compressSnappy(dst, p)
	case LZ4:
		out, err = rc.compressLZ4(dst, p)
	case Zstd:
		out, err = rc.compressZstd(dst, p)
	default:
		err = errors.New("unknown codec")
	}
	if err != nil {
		return nil, fmt.Errorf("compressing %d bytes with %v: %w", len(p), codec, err)
	}
	return out, nil
}

// gzipper is a gzip writer that appends to dst.
type gzipper struct {
	writer *gzip.Writer
	dst    []byte
}

func (g *gzipper) Write(p []byte) (int, error) {
	g.dst = append(g.dst, p...)
	return len(p), nil
}

func (rc *Recoder) compressGzip(dst, p []byte) ([]byte, error) {
	g, ok := rc.gzips.Get().(*gzipper)
	if !ok {
		g = new(gzipper)
		var err error
		if g.writer, err = gzip.NewWriterLevel(g, cmp.Or(rc.p.GzipLevel, gzip.DefaultCompression)); err != nil {
			return nil, err
		}
	}
	g.dst = dst
	g.writer.Reset(g)
	_, err := g.writer.Write(p)
	if err := errors.Join(err, g.writer.Close()); err != nil {
		return nil, err
	}
	out := g.dst
	g.dst = nil
	rc.gzips.Put(g)
	return out, nil
}

// compressSnappy writes one raw block, as librdkafka and franz-go do.
func compressSnappy(dst, p []byte) ([]byte, error) {
	most := s2.MaxEncodedLen(len(p))
	if most < 0 {
		return nil, s2.ErrTooLarge
	}
	dst = slices.Grow(dst, most)
	block := s2.EncodeSnappy(dst[len(dst):len(dst)+most], p) // in place, given the room
	return dst[:len(dst)+len(block)], nil
}

func (rc *Recoder) compressZstd(dst, p []byte) ([]byte, error) {
	e, ok := rc.zstds.Get().(*zstd.Encoder)
	if !ok {
		var err error
		e, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(zstdWindow),
			zstd.WithLowerEncoderMem(true), zstd.WithZeroFrames(true), zstd.WithEncoderCRC(false),
			zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(cmp.Or(rc.p.ZstdLevel, 3))))
		if err != nil {
			return nil, err
		}
	}
	defer rc.zstds.Put(e)
	return e.EncodeAll(p, dst), nil
}
