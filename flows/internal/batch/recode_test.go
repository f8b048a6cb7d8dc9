package batch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func codecs() []Codec { return []Codec{None, Gzip, Snappy, LZ4, Zstd} }

func TestRecordsAgreesWithKgo(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	rc := NewRecoder(Params{})
	for range 150 {
		b := randomBatch(t, rng)
		diffSeen(t, consume(t, b, 0), walk(t, rc, b))
	}
}

// walk decodes b by Records.
func walk(t testing.TB, rc *Recoder, b Batch) []seen {
	t.Helper()
	var out []seen
	for r, err := range rc.Records(b) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, seenOf(t, r))
	}
	return out
}

func seenOf(t testing.TB, r *Record) seen {
	t.Helper()
	s := seen{Offset: r.Offset, Time: r.Timestamp, Key: slices.Clone(r.Key), Value: slices.Clone(r.Value)}
	var k kmsg.Record // decodes the headers
	raw := binary.AppendVarint([]byte{0, 0, 0, 0, 1, 1}, int64(r.HeaderCount))
	if err := k.ReadFrom(append(raw, r.Headers...)); err != nil {
		t.Fatal(err)
	}
	for _, h := range k.Headers {
		s.Headers = append(s.Headers, kgoHeader(h))
	}
	return s
}

func TestRecodeKeepsRecordsUnderAnyEdit(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	rc := NewRecoder(Params{})
	for i := range 300 {
		b := randomBatch(t, rng)
		e := Edit{AppendTime: rng.IntN(2) == 0}
		if rng.IntN(3) == 0 {
			e.From = b.BaseOffset() + rng.Int64N(int64(b.LastOffsetDelta())+1)
		}
		if rng.IntN(3) == 0 {
			c := Codec(rng.IntN(5))
			e.Codec = &c
		}
		if rng.IntN(3) == 0 {
			e.MaxBytes = 500 + rng.IntN(3000)
		}
		source := slices.Clone(b)
		if !e.AppendTime { // then producers' timestamps show
			binary.BigEndian.PutUint16(source[21:], uint16(source.Attributes()&^bitLogAppendTime))
			binary.BigEndian.PutUint32(source[17:], Checksum(source[21:]))
		}
		want := unnumbered(consume(t, source, e.From))

		dst := []byte("kept")
		out, err := rc.Recode(dst, b, e)
		if err != nil {
			t.Fatalf("batch %d: %v", i, err)
		}
		diffSeen(t, want, consumeParts(t, out.Parts))
		if string(out.Bytes[:4]) != "kept" || out.Dropped != 0 {
			t.Fatalf("dst is damaged or %d records were dropped", out.Dropped)
		}
		size, next := 4, int64(-1)
		for _, p := range out.Parts {
			size += len(p.Batch)
			if wantCodec := b.Codec(); e.MaxBytes == 0 && e.Codec == nil && p.Batch.Codec() != wantCodec {
				t.Fatalf("codec %v, want %v", p.Batch.Codec(), wantCodec)
			}
			if e.MaxBytes > 0 && len(p.Batch) > e.MaxBytes {
				t.Fatalf("part of %d bytes, %d allowed", len(p.Batch), e.MaxBytes)
			}
			if p.Next <= next {
				t.Fatalf("part ends at %d after %d", p.Next, next)
			}
			next = p.Next
		}
		if size != len(out.Bytes) || len(out.Parts) > 0 && next != b.NextOffset() {
			t.Fatalf("parts are %d of %d bytes and end at %d, want %d", size, len(out.Bytes), next, b.NextOffset())
		}
	}
}

func TestRecodePartsEndWhereTheNextBegins(t *testing.T) {
	var records []rec
	for i := range 100 {
		records = append(records, rec{delta: int32(3 * i), ts: 5, value: make([]byte, 100)})
	}
	rc := NewRecoder(Params{})
	for _, codec := range codecs() {
		t.Run(codec.String(), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(9, 9))
			for i := range records {
				for j := range records[i].value {
					records[i].value[j] = byte(rng.Uint32())
				}
			}
			b := spec{base: 1000, codec: codec, records: records, lastDelta: 300}.build(t)
			out, err := rc.Recode(nil, b, Edit{MaxBytes: 1500})
			if err != nil {
				t.Fatal(err)
			}
			if len(out.Parts) < 8 || len(out.Parts) > 20 {
				t.Errorf("%d parts of ~12 KB at 1500 bytes each", len(out.Parts))
			}
			at := 0
			for i, p := range out.Parts {
				at += int(p.Batch.Count())
				want := int64(1000 + 3*at)
				if i == len(out.Parts)-1 {
					want = 1301
				}
				if p.Next != want {
					t.Errorf("part %d of %d records ends at %d, want %d", i, p.Batch.Count(), p.Next, want)
				}
			}
		})
	}
}

func TestRecodeReportsARecordThatFitsNowhere(t *testing.T) {
	rc := NewRecoder(Params{})
	big := make([]byte, 5000)
	rng := rand.New(rand.NewPCG(6, 6))
	for i := range big {
		big[i] = byte(rng.Uint32())
	}
	for _, codec := range codecs() {
		b := spec{base: 7, codec: codec, records: []rec{{delta: 0, value: []byte("a")}, {delta: 4, value: big}, {delta: 5, value: []byte("b")}}}.build(t)
		_, err := rc.Recode(nil, b, Edit{MaxBytes: 4000})
		tooLarge, ok := errors.AsType[*RecordTooLargeError](err)
		if !ok || tooLarge.Offset != 11 || tooLarge.Size < 5061 || tooLarge.Size > 5100 || tooLarge.Max != 4000 {
			t.Errorf("%v: %v", codec, err)
		}
	}
}

func TestRecodeSendsWhatDoesNotCompressUncompressed(t *testing.T) {
	value := make([]byte, 5000)
	rng := rand.New(rand.NewPCG(7, 7))
	for i := range value {
		value[i] = byte(rng.Uint32())
	}
	rc := NewRecoder(Params{})
	for _, codec := range codecs()[1:] {
		b := spec{codec: codec, records: []rec{{value: value}, {delta: 1, value: []byte("b")}}}.build(t)
		out, err := rc.Recode(nil, b, Edit{MaxBytes: headerSize + 5011}) // the record has 5000 + 10 bytes
		if err != nil {
			t.Fatal(err)
		}
		if got := consumeParts(t, out.Parts); len(got) != 2 || len(out.Parts) != 2 || out.Parts[1].Batch.Codec() != codec {
			t.Errorf("%v: %d records in %d parts", codec, len(got), len(out.Parts))
		}
	}
}

func TestRecodeDropsWhatKeepRefuses(t *testing.T) {
	rc := NewRecoder(Params{})
	var records []rec
	for i := range 20 {
		r := rec{delta: int32(i), ts: int64(100 + i), value: []byte(fmt.Sprint("v", i))}
		if i%3 != 0 {
			r.key = []byte("k")
		}
		records = append(records, r)
	}
	for _, codec := range codecs() {
		b := spec{base: 50, baseTS: 90, codec: codec, records: records}.build(t)
		out, err := rc.Recode(nil, b, Edit{From: 52, Keep: func(r *Record) bool { return r.Key != nil }})
		if err != nil {
			t.Fatal(err)
		}
		var want []seen
		for _, s := range consume(t, b, 52) {
			if s.Key != nil {
				want = append(want, s)
			}
		}
		diffSeen(t, unnumbered(want), consumeParts(t, out.Parts))
		if out.Dropped != 6 {
			t.Errorf("%d dropped, want 6", out.Dropped)
		}
		out, err = rc.Recode(nil, b, Edit{Keep: func(*Record) bool { return false }})
		if err != nil || len(out.Parts) != 0 || len(out.Bytes) != 0 || out.Dropped != 20 {
			t.Errorf("dropping all: %+v, %v", out, err)
		}
		out, err = rc.Recode(nil, b, Edit{Keep: func(r *Record) bool { r.Timestamp = max(r.Timestamp, 110); return true }})
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range consumeParts(t, out.Parts) {
			if s.Time != max(110, int64(100+i)) {
				t.Errorf("record %d has timestamp %d", i, s.Time)
			}
		}
	}
}

func TestRecodeOnlyChangesVarintsOfSparseBatches(t *testing.T) {
	rc := NewRecoder(Params{})
	b := spec{base: 5, baseTS: 1e12, records: []rec{{delta: 1, ts: 1e12 + 5, value: []byte("a")}, {delta: 200, ts: 1e12, value: []byte("b")}}, lastDelta: 300}.build(t)
	want := spec{baseTS: 1e12, records: []rec{{delta: 0, ts: 1e12 + 5, value: []byte("a")}, {delta: 1, ts: 1e12, value: []byte("b")}}}.build(t)
	out, err := rc.Recode(nil, b, Edit{})
	if err != nil {
		t.Fatal(err)
	}
	binary.BigEndian.PutUint32(want[12:], 1<<32-1)
	if len(out.Parts) != 1 || !slices.Equal(out.Parts[0].Batch, want) {
		t.Fatalf("got %x\nwant %x", out.Bytes, want)
	}
}

func TestLimitsEditMakesBatchesPass(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	rc := NewRecoder(Params{})
	lz4 := LZ4
	for range 300 {
		l := Limits{LogAppendTime: rng.IntN(2) == 0, ProducerTimestamps: rng.IntN(2) == 0}
		if rng.IntN(2) == 0 {
			l.MaxMessageBytes = 400 + rng.Int32N(2000)
		}
		if l.MaxMessageBytes == 0 && rng.IntN(2) == 0 { // a part that does not compress may come out uncompressed
			l.Codec = &lz4
		}
		b := randomBatch(t, rng)
		from := b.BaseOffset() + rng.Int64N(2)
		if Classify(b, from, nil, l).Action != Recode {
			continue
		}
		out, err := rc.Recode(nil, b, l.Edit(from))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range out.Parts {
			if d := Classify(p.Batch, 0, nil, l); d.Action != Pass {
				t.Fatalf("recoded batch is still %v for %v", d.Action, d.Reason)
			}
		}
	}
}

func TestCorruptRecordsAreErrors(t *testing.T) {
	rc := NewRecoder(Params{})
	tests := map[string]func(b *kmsg.RecordBatch){
		"too few bytes":       func(b *kmsg.RecordBatch) { b.Records = b.Records[:len(b.Records)-1] },
		"bytes left":          func(b *kmsg.RecordBatch) { b.Records = append(b.Records, 0) },
		"count too large":     func(b *kmsg.RecordBatch) { b.NumRecords = 1 << 30 },
		"count negative":      func(b *kmsg.RecordBatch) { b.NumRecords = -1 },
		"offsets repeat":      func(b *kmsg.RecordBatch) { b.Records = append(b.Records[:8:8], b.Records[:8]...) },
		"beyond last offset":  func(b *kmsg.RecordBatch) { b.LastOffsetDelta = 0 },
		"unknown codec":       func(b *kmsg.RecordBatch) { b.Attributes = 7 },
		"not gzip":            func(b *kmsg.RecordBatch) { b.Attributes = 1 },
		"not snappy":          func(b *kmsg.RecordBatch) { b.Attributes = 2 },
		"not lz4":             func(b *kmsg.RecordBatch) { b.Attributes = 3 },
		"not zstd":            func(b *kmsg.RecordBatch) { b.Attributes = 4 },
		"negative length":     func(b *kmsg.RecordBatch) { b.Records[0] = 1 },
		"length of 5 bytes":   func(b *kmsg.RecordBatch) { copy(b.Records, "\xff\xff\xff\xff\x0f") },
		"length of 6 bytes":   func(b *kmsg.RecordBatch) { copy(b.Records, "\xff\xff\xff\xff\xff\x01") },
		"endless delta":       func(b *kmsg.RecordBatch) { copy(b.Records[2:], "\xff\xff\xff\xff\xff\xff") },
		"records of no bytes": func(b *kmsg.RecordBatch) { b.Records = nil },
	}
	for name, damage := range tests {
		t.Run(name, func(t *testing.T) {
			b := spec{records: []rec{{value: []byte("a")}, {delta: 1, value: []byte("a")}}}.build(t)
			var k kmsg.RecordBatch
			if err := k.ReadFrom(b); err != nil {
				t.Fatal(err)
			}
			damage(&k)
			b = sealKmsg(&k)
			_, err := rc.Recode(nil, b, Edit{})
			if _, ok := errors.AsType[*CorruptError](err); !ok {
				t.Errorf("Recode: %v", err)
			}
			err = nil
			for _, e := range rc.Records(b) {
				err = e
			}
			if _, ok := errors.AsType[*CorruptError](err); !ok {
				t.Errorf("Records: %v", err)
			}
		})
	}
}

func TestBombsAreErrors(t *testing.T) {
	rc := NewRecoder(Params{MaxDecoded: 1 << 20})
	for _, codec := range codecs()[1:] {
		for _, size := range []int{1<<20 + 1, 30 << 20} {
			b := spec{base: 9, codec: codec, records: []rec{{value: make([]byte, size)}}}.build(t)
			_, err := rc.Recode(nil, b, Edit{})
			if e, ok := errors.AsType[*TooLargeError](err); !ok || e.Offset != 9 || e.Max != 1<<20 {
				t.Errorf("%v, %d bytes: %v", codec, size, err)
			}
		}
		b := spec{codec: codec, records: []rec{{value: make([]byte, 1<<20-20)}}}.build(t)
		if _, err := rc.Recode(nil, b, Edit{}); err != nil {
			t.Errorf("%v, just within the bound: %v", codec, err)
		}
	}
}

func TestEmptyBatchesHaveNoRecords(t *testing.T) {
	rc := NewRecoder(Params{})
	for _, codec := range codecs() {
		b := sealKmsg(&kmsg.RecordBatch{Magic: 2, Attributes: int16(codec), LastOffsetDelta: 5})
		out, err := rc.Recode(nil, b, Edit{})
		if err != nil || len(out.Parts) != 0 {
			t.Errorf("%v: %+v, %v", codec, out, err)
		}
	}
}

// TestRecodingIsAPureFunction re-encodes the same batches by one Recoder from
// several goroutines and by fresh ones: recovery compares payloads by their CRC,
// so pooled compressors must leave no trace in their output.
func TestRecodingIsAPureFunction(t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 10))
	var batches []Batch
	var want []uint32
	for i := range 60 {
		codec := Codec(i % 5)
		records := randomRecords(rng, 200, true, 1e12)
		b := spec{base: 1, baseTS: 1e12, codec: codec, records: records, lastDelta: 1 << 20}.build(t)
		out, err := NewRecoder(Params{}).Recode(nil, b, Edit{})
		if err != nil {
			t.Fatal(err)
		}
		batches = append(batches, b)
		want = append(want, Checksum(out.Bytes))
	}
	rc := NewRecoder(Params{})
	var wg sync.WaitGroup
	for seed := range uint64(4) {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, 0))
			for range 300 {
				i := rng.IntN(len(batches))
				out, err := rc.Recode(nil, batches[i], Edit{})
				if err != nil || Checksum(out.Bytes) != want[i] {
					t.Errorf("batch %d of codec %v differs, %v", i, batches[i].Codec(), err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestKeepSeesAppendTimes has records whose producer and broker differ about the
// time: Keep is asked about what consumers see, as Records shows it, whatever the
// target is given.
func TestKeepSeesAppendTimes(t *testing.T) {
	rc := NewRecoder(Params{})
	b := spec{attributes: bitLogAppendTime, maxTS: 500, records: []rec{{ts: 100}, {delta: 1, ts: 900}, {delta: 2, ts: 200}}}.build(t)
	for _, e := range []Edit{{}, {AppendTime: true}} {
		e.Keep = func(r *Record) bool {
			if r.Timestamp != 500 {
				t.Errorf("with %v Keep sees %d", e.AppendTime, r.Timestamp)
			}
			return r.OffsetDelta != 1
		}
		out, err := rc.Recode(nil, b, e)
		if err != nil {
			t.Fatal(err)
		}
		want := []int64{100, 200}
		if e.AppendTime {
			want = []int64{500, 500}
		}
		var got []int64
		for _, s := range walk(t, rc, out.Parts[0].Batch) {
			got = append(got, s.Time)
		}
		if !slices.Equal(got, want) {
			t.Errorf("with %v the result has %v, want %v", e.AppendTime, got, want)
		}
	}
}
