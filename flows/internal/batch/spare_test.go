package batch

import "testing"

// A batch of which nothing is dropped is left as it is; any other is built anew.
func TestSpare(t *testing.T) {
	rc := NewRecoder(Params{})
	for _, codec := range []Codec{None, Gzip, Snappy, LZ4, Zstd} {
		built, err := rc.Build(1000, []Record{{Key: []byte("a")}, {Key: []byte("b"), Value: []byte("x")}, {Key: []byte("c")}})
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
