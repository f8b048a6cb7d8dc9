package judge_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/internal/batch"
	"github.com/strait-mirror/strait/flows/internal/judge"
	"github.com/strait-mirror/strait/transforms/program"
)

// What chains of stages make of batches is compared with an interpreter that knows no
// batches: it takes one record after the other and does what the documentation says of
// each stage, in the plainest way. Batches are written and read by another library.

// rec is a record as the interpreter sees it.
type rec struct {
	Offset, Timestamp int64
	Key, Value        []byte
	Headers           []hdr
}

type hdr struct {
	Key   string
	Value []byte
}

// errRecord says that a stage cannot be applied.
var errRecord = errors.New("a stage cannot be applied")

// reference is a stage and what it means: whether a record is kept, changed in place.
type reference struct {
	stage *model.Stage
	apply func(*rec) (bool, error)
}

const (
	fromCluster = "dc1"
	topicName   = "orders"
	partition   = 3
)

// kinds makes one stage of each kind, of random settings.
func kinds(r *rand.Rand) []func() reference {
	letter := func() string { return string(rune('a' + r.IntN(3))) }
	return []func() reference{
		func() reference { // a window
			from, until := r.Int64N(60), 40+r.Int64N(60)
			s := &model.Stage{Kind: model.StageWindow, Window: &model.WindowStage{}}
			lower, upper := r.IntN(2) == 0, r.IntN(3) > 0
			if !lower && !upper {
				upper = true
			}
			if lower {
				s.Window.From = fmt.Sprintf("1970-01-01T00:00:00.%03dZ", from)
			}
			if upper {
				s.Window.Until = fmt.Sprintf("1970-01-01T00:00:00.%03dZ", max(from+1, until))
			}
			return reference{s, func(v *rec) (bool, error) {
				return (!lower || v.Timestamp >= from) && (!upper || v.Timestamp < max(from+1, until)), nil
			}}
		},
		func() reference { // a condition
			name, text := letter(), letter()
			conditions := []struct {
				text string
				is   func(*rec) (bool, error)
			}{
				{`key != null`, func(v *rec) (bool, error) { return v.Key != nil, nil }},
				{`value == null || size(value) > 3`, func(v *rec) (bool, error) { return v.Value == nil || len(v.Value) > 3, nil }},
				{fmt.Sprintf(`headers[%q] == %q`, name, text), func(v *rec) (bool, error) {
					last, ok := v.last(name)
					return ok && last != nil && string(last) == text, nil
				}},
				{fmt.Sprintf(`%q in headers`, name), func(v *rec) (bool, error) { _, ok := v.last(name); return ok, nil }},
				{`offset % 3 != 0 && partition == 3 && topic == "orders"`, func(v *rec) (bool, error) { return v.Offset%3 != 0, nil }},
				{`json("n") != 2`, func(v *rec) (bool, error) { return v.number() }},
			}
			c := conditions[r.IntN(len(conditions))]
			return reference{&model.Stage{Kind: model.StageFilter, Filter: &model.FilterStage{Topics: []string{".*"}}, When: c.text}, c.is}
		},
		func() reference { // headers
			gone, old, name, copied, added := letter(), letter(), letter(), letter(), letter()
			h := &model.HeadersStage{
				Remove: []string{gone}, Rename: map[string]string{old: name}, Copy: map[string]string{"copy": copied}, Add: map[string]string{"by": added},
			}
			if r.IntN(2) == 0 {
				h.Provenance = "s."
			}
			return reference{&model.Stage{Kind: model.StageHeaders, Headers: h}, func(v *rec) (bool, error) {
				var out []hdr
				for _, one := range v.Headers {
					switch one.Key {
					case gone:
					case old:
						out = append(out, hdr{name, one.Value})
					default:
						out = append(out, one)
					}
				}
				v.Headers = out
				if value, ok := v.last(copied); ok {
					v.Headers = append(v.Headers, hdr{"copy", value})
				}
				v.Headers = append(v.Headers, hdr{"by", []byte(added)})
				if h.Provenance != "" {
					v.Headers = append(v.Headers, hdr{"s.cluster", []byte(fromCluster)}, hdr{"s.topic", []byte(topicName)},
						hdr{"s.partition", fmt.Append(nil, partition)}, hdr{"s.offset", fmt.Append(nil, v.Offset)})
				}
				return true, nil
			}}
		},
		func() reference { // a mask
			return reference{
				&model.Stage{Kind: model.StageMask, Mask: &model.MaskStage{Part: model.PartValue, Fields: map[string]string{"n": "null"}, Replace: map[string]string{"t": `x"`}}},
				func(v *rec) (bool, error) { return true, v.mask() },
			}
		},
		func() reference { // set
			s := &model.Stage{Kind: model.StageSet, Set: &model.SetStage{}}
			switch r.IntN(4) {
			case 0:
				s.Set.Key = `json("t")`
				return reference{s, func(v *rec) (bool, error) {
					text, err := v.text()
					if err == nil {
						v.Key = text
					}
					return true, err
				}}
			case 1:
				s.Set.Value = "null"
				return reference{s, func(v *rec) (bool, error) { v.Value = nil; return true, nil }}
			case 2:
				s.Set.Timestamp = "timestamp + duration('7ms')"
				return reference{s, func(v *rec) (bool, error) { v.Timestamp += 7; return true, nil }}
			}
			s.Set.Value = `b"<" + (key == null ? b"" : key) + b">"`
			return reference{s, func(v *rec) (bool, error) {
				v.Value = slices.Concat([]byte("<"), v.Key, []byte(">"))
				return true, nil
			}}
		},
	}
}

// last is the last header of a name.
func (v *rec) last(name string) ([]byte, bool) {
	for _, h := range slices.Backward(v.Headers) {
		if h.Key == name {
			return h.Value, true
		}
	}
	return nil, false
}

// document is what the records of the test hold that have a document.
type document struct {
	N *int    `json:"n"`
	T *string `json:"t"`
}

// parsed is the value as a document; ok is false for a tombstone.
func (v *rec) parsed() (d document, ok bool, err error) {
	if v.Value == nil {
		return d, false, nil
	}
	if json.Unmarshal(v.Value, &d) != nil || !bytes.HasPrefix(v.Value, []byte("{")) {
		return d, false, errRecord
	}
	return d, true, nil
}

func (v *rec) number() (bool, error) {
	d, ok, err := v.parsed()
	return !ok || d.N == nil || *d.N != 2, err
}

func (v *rec) text() ([]byte, error) {
	d, ok, err := v.parsed()
	if !ok || d.T == nil {
		return nil, err
	}
	return []byte(*d.T), nil
}

// mask writes the document anew: those of the test are as an encoder writes them.
func (v *rec) mask() error {
	d, ok, err := v.parsed()
	if !ok {
		return err
	}
	var parts []string
	if d.N != nil || strings.Contains(string(v.Value), `"n":null`) {
		parts = append(parts, `"n":null`)
	}
	if d.T != nil {
		parts = append(parts, `"t":"x\""`)
	}
	v.Value = []byte("{" + strings.Join(parts, ",") + "}")
	return nil
}

// interpret is what a chain makes of records. After an error that is to stop the
// partition there is nothing.
func interpret(chain []reference, in []rec) (out []rec, dead []int64, failed bool) {
records:
	for _, v := range in {
		v.Headers = slices.Clone(v.Headers)
		for _, s := range chain {
			before := v
			before.Headers = slices.Clone(v.Headers)
			keep, err := s.apply(&v)
			switch {
			case err == nil && keep:
			case err == nil, s.stage.OnError == model.OnErrorDrop:
				continue records
			case s.stage.OnError == model.OnErrorPass:
				v = before
			case s.stage.OnError == model.OnErrorDeadLetter:
				dead = append(dead, v.Offset)
				continue records
			default:
				return out, dead, true
			}
		}
		out = append(out, v)
	}
	return out, dead, false
}

// randomRecords are records of all shapes, with offsets that compaction left out.
func randomRecords(r *rand.Rand) []rec {
	var all []rec
	offset, timestamp := r.Int64N(1000), r.Int64N(50)
	words := []string{"a", "b", "c", ""}
	for range 1 + r.IntN(12) {
		v := rec{Offset: offset, Timestamp: timestamp}
		offset += 1 + max(0, r.Int64N(5)-3)
		timestamp += r.Int64N(12) - 3
		timestamp = max(timestamp, 0)
		if r.IntN(3) > 0 {
			v.Key = []byte(words[r.IntN(len(words))])
		}
		switch r.IntN(6) {
		case 0: // a tombstone
		case 1:
			v.Value = []byte{}
		case 2:
			v.Value = []byte("no document")
		case 3:
			v.Value = []byte(`{"t":"text"}`)
		default:
			v.Value = fmt.Appendf(nil, `{"n":%d,"t":"%d"}`, r.IntN(4), r.IntN(4))
		}
		for range r.IntN(4) {
			h := hdr{Key: words[r.IntN(3)]}
			if r.IntN(4) > 0 {
				h.Value = []byte(words[r.IntN(len(words))])
			}
			v.Headers = append(v.Headers, h)
		}
		all = append(all, v)
	}
	return all
}

// encode writes a batch.
func encode(t *testing.T, rs []rec, codec int16, sparseEnd int32) batch.Batch {
	t.Helper()
	first, last := rs[0], rs[len(rs)-1]
	b := kmsg.RecordBatch{
		FirstOffset: first.Offset, Magic: 2, Attributes: codec, LastOffsetDelta: int32(last.Offset-first.Offset) + sparseEnd,
		FirstTimestamp: first.Timestamp, MaxTimestamp: first.Timestamp, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: int32(len(rs)),
	}
	var payload []byte
	for _, v := range rs {
		b.MaxTimestamp = max(b.MaxTimestamp, v.Timestamp)
		one := kmsg.Record{TimestampDelta64: v.Timestamp - first.Timestamp, OffsetDelta: int32(v.Offset - first.Offset), Key: v.Key, Value: v.Value}
		for _, h := range v.Headers {
			one.Headers = append(one.Headers, kmsg.Header{Key: h.Key, Value: h.Value})
		}
		one.Length = int32(len(one.AppendTo(nil)) - kbin.VarintLen(0))
		payload = one.AppendTo(payload)
	}
	if codec != 0 {
		c, err := kgo.DefaultCompressor([]kgo.CompressionCodec{{}, kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()}[codec])
		if err != nil {
			t.Fatal(err)
		}
		var dst bytes.Buffer
		payload, _ = c.Compress(&dst, payload)
	}
	b.Records = payload
	b.Length = int32(len(b.AppendTo(nil)) - 12)
	raw := b.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[17:], batch.Checksum(raw[21:]))
	return raw
}

// decode reads what a batch holds; offsets of the source are not in it.
func decode(t *testing.T, raw batch.Batch) (out []rec) {
	t.Helper()
	var b kmsg.RecordBatch
	if err := b.ReadFrom(raw); err != nil {
		t.Fatal(err)
	}
	payload, err := kgo.DefaultDecompressor().Decompress(b.Records, kgo.CompressionCodecType(b.Attributes&7))
	if err != nil {
		t.Fatal(err)
	}
	for len(payload) > 0 {
		var one kmsg.Record
		length, n := kbin.Varint(payload)
		if err := one.ReadFrom(payload[:int(length)+n]); err != nil {
			t.Fatal(err)
		}
		payload = payload[int(length)+n:]
		v := rec{Timestamp: b.FirstTimestamp + one.TimestampDelta64, Key: one.Key, Value: one.Value}
		for _, h := range one.Headers {
			v.Headers = append(v.Headers, hdr{h.Key, h.Value})
		}
		out = append(out, v)
	}
	return out
}

// TestChainsAgainstAnInterpreter makes chains of one to four stages and gives them
// batches of every codec, some of which begin before the offset that is wanted.
func TestChainsAgainstAnInterpreter(t *testing.T) {
	rc := batch.NewRecoder(batch.Params{})
	const seeds = 4000
	compared := 0
	for seed := range uint64(seeds) {
		r := rand.New(rand.NewPCG(seed, 7))
		f := &model.Flow{From: fromCluster, DeadLetterTopic: "dead"}
		var chain []reference
		for i := range 1 + r.IntN(4) {
			all := kinds(r)
			s := all[r.IntN(len(all))]()
			s.stage.Name = fmt.Sprintf("s%d", i)
			s.stage.OnError = []model.OnError{model.OnErrorFail, model.OnErrorDrop, model.OnErrorPass, model.OnErrorDeadLetter}[r.IntN(4)]
			chain, f.Stages = append(chain, s), append(f.Stages, s.stage)
		}
		p, problems := program.ForFlow(f)
		if problems.HasErrors() {
			t.Fatalf("seed %d: %v", seed, problems)
		}
		in := randomRecords(r)
		codec := int16(r.IntN(5))
		raw := encode(t, in, codec, int32(r.IntN(2)))
		if err := batch.Verify(raw); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		from := in[0].Offset
		if r.IntN(3) == 0 {
			from += r.Int64N(4)
		}
		in = slices.DeleteFunc(in, func(v rec) bool { return v.Offset < from })
		want, dead, failed := interpret(chain, in)
		got, j := copied(t, rc, p, raw, from)
		if gotFailed := j.Failed() != nil; gotFailed != failed {
			t.Fatalf("seed %d: it failed with %v, the interpreter says %v", seed, j.Failed(), failed)
		}
		if failed {
			continue // nothing of the batch is handed on
		}
		var letters []int64
		for _, d := range j.Dead() {
			letters = append(letters, d.Offset)
		}
		for i := range want {
			want[i].Offset = 0
		}
		if len(want) > 0 {
			compared++
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("seed %d, codec %d, stages %s: %s", seed, codec, texts(chain), d)
		}
		if d := cmp.Diff(dead, letters); d != "" {
			t.Fatalf("seed %d, dead letters: %s", seed, d)
		}
	}
	if compared < seeds/3 {
		t.Errorf("%d of %d chains left records to compare: the test has become blind", compared, seeds)
	}
}

// copied is what becomes of a batch from an offset on.
func copied(t *testing.T, rc *batch.Recoder, p *program.Program, raw batch.Batch, from int64) ([]rec, *judge.Judge) {
	t.Helper()
	j := judge.New(p, topicName, partition)
	limits := batch.Limits{}
	d := batch.Classify(raw, from, nil, limits)
	if d.Action == batch.Drop {
		return nil, j
	}
	switch keep, known := j.Whole(raw); {
	case known && !keep:
		return nil, j
	case keep && d.Action == batch.Pass:
		return decode(t, raw), j
	}
	made, err := rc.Recode(nil, raw, j.Edit(raw, limits.Edit(from), d.Action == batch.Pass))
	if err != nil {
		t.Fatal(err)
	}
	if made.Intact {
		return decode(t, raw), j
	}
	var out []rec
	for _, part := range made.Parts {
		out = append(out, decode(t, part.Batch)...)
	}
	return out, j
}

func texts(chain []reference) string {
	var all []string
	for _, s := range chain {
		all = append(all, fmt.Sprintf("%s %q %+v %+v %+v %+v on_error=%s", s.stage.Kind, s.stage.When, s.stage.Window, s.stage.Headers, s.stage.Mask, s.stage.Set, s.stage.OnError))
	}
	return strings.Join(all, "; ")
}
