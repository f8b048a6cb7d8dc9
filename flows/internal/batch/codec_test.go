package batch

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/s2"
	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kgo"
)

// payloads of many sizes, from random to constant.
func payloads() [][]byte {
	rng := rand.New(rand.NewPCG(3, 3))
	var out [][]byte
	for _, size := range []int{1, 7, 100, 4096, 64<<10 - 1, 64 << 10, 64<<10 + 1, 300_000} {
		for _, letters := range []int{1, 4, 256} {
			p := make([]byte, size)
			for i := range p {
				p[i] = byte(rng.IntN(letters))
			}
			out = append(out, p)
		}
	}
	return out
}

func TestCodecsAgreeWithKgo(t *testing.T) {
	for _, params := range []Params{{}, {GzipLevel: 1, LZ4Level: 1, ZstdLevel: 1}, {GzipLevel: 9, LZ4Level: 9, ZstdLevel: 19}} {
		rc := NewRecoder(params)
		for _, codec := range codecs() {
			for _, p := range payloads() {
				ours, err := rc.compress([]byte("dst"), p, codec)
				if err != nil {
					t.Fatal(err)
				}
				if string(ours[:3]) != "dst" {
					t.Fatalf("%v: dst is damaged", codec)
				}
				got, err := kgoDecompressor().Decompress(ours[3:], kgo.CompressionCodecType(codec))
				if err != nil || !bytes.Equal(got, p) {
					t.Fatalf("%v: kgo cannot read %d bytes of ours: %v", codec, len(p), err)
				}
				if codec == None {
					continue
				}
				got, err = rc.decompress(nil, oracleCompress(t, codec, p), codec)
				if err != nil || !bytes.Equal(got, p) {
					t.Fatalf("%v: %d bytes of kgo's are misread: %v", codec, len(p), err)
				}
			}
		}
	}
}

func TestXerialFraming(t *testing.T) {
	rc := NewRecoder(Params{})
	for _, p := range payloads() {
		framed := []byte("\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01")
		for rest := p; len(rest) > 0; {
			n := min(len(rest), 32<<10)
			block := s2.EncodeSnappy(nil, rest[:n])
			framed = binary.BigEndian.AppendUint32(framed, uint32(len(block)))
			framed = append(framed, block...)
			rest = rest[n:]
		}
		got, err := rc.decompress(nil, framed, Snappy)
		if err != nil || !bytes.Equal(got, p) {
			t.Fatalf("%d bytes: %v", len(p), err)
		}
		for _, cut := range []int{1, 3, len(framed) - 17} {
			if _, err := rc.decompress(nil, framed[:len(framed)-cut], Snappy); err == nil && cut < len(framed)-16 {
				t.Fatalf("%d bytes cut by %d: no error", len(p), cut)
			}
		}
	}
}

func TestLZ4FrameVariants(t *testing.T) {
	rc := NewRecoder(Params{})
	tests := map[string][]lz4.Option{
		"64 KiB":           {lz4.BlockSizeOption(lz4.Block64Kb)},
		"256 KiB":          {lz4.BlockSizeOption(lz4.Block256Kb)},
		"1 MiB":            {lz4.BlockSizeOption(lz4.Block1Mb)},
		"block checksums":  {lz4.BlockChecksumOption(true), lz4.BlockSizeOption(lz4.Block64Kb)},
		"without checksum": {lz4.ChecksumOption(false)},
		"content size":     nil,
	}
	for name, options := range tests {
		t.Run(name, func(t *testing.T) {
			for _, p := range payloads() {
				var framed bytes.Buffer
				w := lz4.NewWriter(&framed)
				if name == "content size" {
					options = []lz4.Option{lz4.SizeOption(uint64(len(p)))}
				}
				if err := w.Apply(options...); err != nil {
					t.Fatal(err)
				}
				if _, err := w.Write(p); err != nil {
					t.Fatal(err)
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				frame := framed.Bytes()
				if got, err := rc.decompress(nil, frame, LZ4); err != nil || !bytes.Equal(got, p) {
					t.Fatalf("%d bytes: %v", len(p), err)
				}
				if _, err := rc.decompress(nil, frame[:len(frame)/2], LZ4); err == nil {
					t.Fatalf("%d bytes: half a frame is no error", len(p))
				}
				frame[6] ^= 0x55            // the header's checksum, wrong in magic 0
				if name != "content size" { // whose checksum is elsewhere
					if got, err := rc.decompress(nil, frame, LZ4); err != nil || !bytes.Equal(got, p) {
						t.Fatalf("%d bytes with a wrong header checksum: %v", len(p), err)
					}
				}
			}
		})
	}
}

// TestLZ4LinkedBlocks reads a frame whose second block copies from the first, as
// librdkafka may write them.
func TestLZ4LinkedBlocks(t *testing.T) {
	first := bytes.Repeat([]byte("0123456789abcdef"), 8)
	frame := []byte("\x04\x22\x4d\x18\x40\x40\x00")
	frame = binary.LittleEndian.AppendUint32(frame, uint32(len(first))|lz4StoredBlock)
	frame = append(frame, first...)
	// One sequence: no literals, a match of 4+15+80 bytes at distance 128; then the
	// last literals.
	block := []byte{0x0f, 128, 0, 80, 0x50, 'v', 'w', 'x', 'y', 'z'}
	frame = binary.LittleEndian.AppendUint32(frame, uint32(len(block)))
	frame = append(frame, block...)
	frame = append(frame, 0, 0, 0, 0)
	got, err := NewRecoder(Params{}).decompress(nil, frame, LZ4)
	want := string(first) + string(first[:99]) + "vwxyz"
	if err != nil || string(got) != want {
		t.Fatalf("got %q, %v", got, err)
	}
}

func TestParseCodec(t *testing.T) {
	for _, c := range codecs() {
		if got, ok := ParseCodec(c.String()); !ok || got != c {
			t.Errorf("%v: %v, %v", c, got, ok)
		}
	}
	if _, ok := ParseCodec("unknown"); ok {
		t.Error("unknown is a codec")
	}
}
