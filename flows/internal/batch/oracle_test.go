package batch

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"
	"reflect"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// kgoCompressors and kgoDecompressor are made once: their zstd states are large.
var (
	kgoCompressors = sync.OnceValue(func() map[Codec]kgo.Compressor {
		out := make(map[Codec]kgo.Compressor)
		for codec, c := range map[Codec]kgo.CompressionCodec{
			Gzip: kgo.GzipCompression(), Snappy: kgo.SnappyCompression(), LZ4: kgo.Lz4Compression(), Zstd: kgo.ZstdCompression(),
		} {
			compressor, err := kgo.DefaultCompressor(c)
			if err != nil {
				panic(err)
			}
			out[codec] = compressor
		}
		return out
	})
	kgoDecompressor = sync.OnceValue(func() kgo.Decompressor { return kgo.DefaultDecompressor() })
)

// oracleCompress compresses by kgo.
func oracleCompress(t testing.TB, codec Codec, p []byte) []byte {
	t.Helper()
	if codec == None {
		return p
	}
	out, used := kgoCompressors()[codec].Compress(new(bytes.Buffer), p)
	if used != kgo.CompressionCodecType(codec) {
		t.Fatalf("kgo compressed with %d, not %v", used, codec)
	}
	return bytes.Clone(out)
}

// seen is a record as a consumer sees it.
type seen struct {
	Offset     int64
	Time       int64
	Key, Value []byte
	Headers    []kgo.RecordHeader
}

// consume decodes entries by kgo, from offset on.
func consume(t testing.TB, entries []byte, offset int64) []seen {
	t.Helper()
	response := &kmsg.FetchResponseTopicPartition{RecordBatches: entries, HighWatermark: math.MaxInt64}
	fp, _ := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{Offset: offset}, response, kgoDecompressor(), nil)
	if fp.Err != nil {
		t.Fatalf("kgo: %v", fp.Err)
	}
	var out []seen
	for _, r := range fp.Records {
		out = append(out, seen{r.Offset, r.Timestamp.UnixMilli(), r.Key, r.Value, r.Headers})
	}
	return out
}

// consumeParts decodes the parts of a result and numbers their records anew.
func consumeParts(t testing.TB, parts []Part) []seen {
	t.Helper()
	var out []seen
	for _, p := range parts {
		checkAsBroker(t, p.Batch)
		out = append(out, consume(t, p.Batch, 0)...)
	}
	return unnumbered(out)
}

// unnumbered forgets offsets, which re-encoding changes.
func unnumbered(in []seen) []seen {
	for i := range in {
		in[i].Offset = int64(i)
	}
	return in
}

func diffSeen(t testing.TB, want, got []seen) {
	t.Helper()
	if reflect.DeepEqual(want, got) {
		return // cmp takes a minute of the package's tests under the race detector
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("records (-want +got):\n%s", diff)
	}
}

// checkAsBroker does what a broker does before it appends a batch of a client
// (Kafka's LogValidator and UnifiedLog), with kmsg and kgo.
func checkAsBroker(t testing.TB, b Batch) {
	t.Helper()
	var k kmsg.RecordBatch
	if err := k.ReadFrom(b); err != nil {
		t.Fatal(err)
	}
	switch {
	case int(k.Length) != len(b)-12, k.Magic != 2, k.FirstOffset != 0, k.PartitionLeaderEpoch != -1:
		t.Fatalf("prefix is wrong: %+v", k)
	case uint32(k.CRC) != crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)):
		t.Fatal("CRC is wrong")
	case k.Attributes&^7 != 0:
		t.Fatalf("attributes %#x", k.Attributes)
	case k.ProducerID != -1 || k.ProducerEpoch != -1 || k.FirstSequence != -1:
		t.Fatalf("producer is set: %+v", k)
	case k.NumRecords < 1 || k.NumRecords != k.LastOffsetDelta+1:
		t.Fatalf("%d records, last offset delta %d", k.NumRecords, k.LastOffsetDelta)
	}
	p, err := kgoDecompressor().Decompress(k.Records, kgo.CompressionCodecType(k.Attributes&7))
	if err != nil {
		t.Fatal(err)
	}
	maxTime := int64(math.MinInt64)
	for i := range k.NumRecords {
		length, n := binary.Varint(p)
		if n <= 0 || int(length) > len(p)-n {
			t.Fatalf("record %d does not fit", i)
		}
		var r kmsg.Record
		if err := r.ReadFrom(p[:n+int(length)]); err != nil {
			t.Fatalf("record %d: %v", i, err)
		}
		if r.OffsetDelta != i {
			t.Fatalf("record %d has offset delta %d", i, r.OffsetDelta)
		}
		maxTime = max(maxTime, k.FirstTimestamp+r.TimestampDelta64)
		p = p[n+int(length):]
	}
	if len(p) > 0 || maxTime != k.MaxTimestamp {
		t.Fatalf("%d bytes left, max timestamp %d, want %d", len(p), k.MaxTimestamp, maxTime)
	}
}

func kgoHeader(h kmsg.Header) kgo.RecordHeader {
	return kgo.RecordHeader{Key: h.Key, Value: bytes.Clone(h.Value)}
}
