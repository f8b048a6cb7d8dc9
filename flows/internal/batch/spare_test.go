package batch

import (
	"fmt"
	"testing"
)

// A batch of which nothing is dropped is left as it is; any other is built anew.
func TestSpare(t *testing.T) {
	rc := NewRecoder(Params{})
	for _, codec := range []Codec{None, Gzip, Snappy, LZ4, Zstd} {
		built, err := rc.Build([]Record{{Timestamp: 1000, Key: []byte("a")}, {Timestamp: 1000, Key: []byte("b"), Value: []byte("x")}, {Timestamp: 1000, Key: []byte("c")}})
		if err != nil {
			t.Fatal(err)
		}
		again, err := rc.Recode(nil, built, Edit{Codec: &codec})
		if err != nil {
			t.Fatal(err)
		}
		b, dst := again.Parts[0].Batch, []byte("before")
		out, err := rc.Recode(dst, b, Edit{Spare: true, Keep: func(*Record) bool { return true }})
		if err != nil || !out.Intact || len(out.Parts) != 0 || out.Dropped != 0 || string(out.Bytes) != "before" {
			t.Errorf("%s: kept all: %+v, %v", codec, out, err)
		}
		out, err = rc.Recode(dst, b, Edit{Spare: true, Keep: func(r *Record) bool { return string(r.Key) != "c" }})
		if err != nil || out.Intact || len(out.Parts) != 1 || out.Dropped != 1 || out.Parts[0].Batch.Count() != 2 {
			t.Errorf("%s: dropped the last: %+v, %v", codec, out, err)
		}
		out, err = rc.Recode(dst, b, Edit{Spare: true, Keep: func(*Record) bool { return false }})
		if err != nil || out.Intact || len(out.Parts) != 0 || out.Dropped != 3 {
			t.Errorf("%s: dropped all: %+v, %v", codec, out, err)
		}
	}
}

// A record that is replaced is in the batch as it was made, whatever its codec, and
// so are the others.
func TestReplace(t *testing.T) {
	rc := NewRecoder(Params{})
	headers := func(yield func(string, []byte) bool) {
		_ = yield("h", []byte("1")) && yield("h", nil) && yield("", []byte{})
	}
	for _, codec := range []Codec{None, Gzip, Snappy, LZ4, Zstd} {
		built, err := rc.Build([]Record{{Timestamp: 1000, Key: []byte("a")}, {Timestamp: 1000, Key: []byte("b"), Value: []byte("x")}, {Timestamp: 1000, Key: []byte("c")}})
		if err != nil {
			t.Fatal(err)
		}
		var made []byte
		out, err := rc.Recode(nil, built, Edit{Spare: true, Codec: &codec, Keep: func(r *Record) bool {
			if string(r.Key) == "b" {
				made = r.Replace(made[:0], nil, []byte{}, 3, headers)
				r.Timestamp = 7
			}
			return true
		}})
		if err != nil || out.Intact || len(out.Parts) != 1 {
			t.Fatalf("%s: %+v, %v", codec, out, err)
		}
		b := out.Parts[0].Batch
		if err := Verify(b); err != nil {
			t.Errorf("%s: %v", codec, err)
		}
		n := 0
		for r, err := range rc.Records(b) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n != 2 {
				if r.Key == nil || r.HeaderCount != 0 || r.Value != nil {
					t.Errorf("%s: record %d is %+v", codec, n, r)
				}
				continue
			}
			var list []string
			for k, v := range r.EachHeader() {
				list = append(list, fmt.Sprintf("%s=%q %v", k, v, v == nil))
			}
			want := `[h="1" false h="" true ="" false]`
			if r.Key != nil || r.Value == nil || len(r.Value) != 0 || r.Timestamp != 7 || fmt.Sprint(list) != want {
				t.Errorf("%s: %+v, headers %v", codec, r, list)
			}
		}
		if n != 3 || b.MaxTimestamp() != 1000 {
			t.Errorf("%s: %d records, latest at %d", codec, n, b.MaxTimestamp())
		}
	}
}
