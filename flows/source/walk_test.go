package source

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/flows/internal/wire"
)

// messageOf returns a message of magic 0 or 1.
func messageOf(offset int64, magic byte, size int) []byte {
	b := make([]byte, size)
	binary.BigEndian.PutUint64(b, uint64(offset))
	binary.BigEndian.PutUint32(b[atLength:], uint32(size-prefixBytes))
	b[atMagic] = magic
	return b
}

func TestWalk(t *testing.T) {
	one, two := batchOf(10, 4, 3, 100), batchOf(17, 0, 5, 61)
	both := slices.Concat(one, two)
	for name, test := range map[string]struct {
		data   []byte
		wanted int64
		want   extent
		fails  bool
	}{
		"nothing":            {nil, 7, extent{next: 7, epoch: -1}, false},
		"whole":              {both, 10, extent{0, 161, 18, 5, 100, 0}, false},
		"gap before":         {both, 8, extent{0, 161, 18, 5, 100, 0}, false},
		"begins earlier":     {both, 13, extent{0, 161, 18, 5, 100, 0}, false},
		"first not wanted":   {both, 15, extent{100, 161, 18, 5, 100, 0}, false},
		"none wanted":        {both, 18, extent{}, true},
		"cut":                {both[:160], 10, extent{0, 100, 15, 3, 100, 61}, false},
		"cut in the prefix":  {both[:111], 10, extent{0, 100, 15, 3, 100, 0}, false},
		"first cut":          {both[:99], 10, extent{next: 10, epoch: -1, cut: 100}, false},
		"only unwanted, cut": {both[:130], 15, extent{}, true},
		"magic 0, 1":         {slices.Concat(messageOf(3, 0, 30), messageOf(9, 1, 40)), 2, extent{0, 70, 10, wire.NoEpoch, 40, 0}, false},
		"magic 3":            {messageOf(3, 3, 80), 3, extent{}, true},
		"backwards":          {slices.Concat(two, one), 10, extent{}, true},
		"twice":              {slices.Concat(one, one), 10, extent{}, true},
		"short batch":        {messageOf(3, 2, 60), 3, extent{}, true},
		"no length":          {make([]byte, 12), 0, extent{}, true},
		"negative offset":    {messageOf(-1, 1, 30), 0, extent{}, true},
		"negative delta":     {batchOf(10, -1, 3, 100), 0, extent{}, true},
		"offset overflow":    {batchOf(1<<63-10, 1<<30, 3, 100), 0, extent{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := walk(test.data, test.wanted)
			if (err != nil) != test.fails {
				t.Fatalf("error %v", err)
			}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(extent{})); err == nil && diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzWalk(f *testing.F) {
	f.Add(slices.Concat(batchOf(10, 4, 3, 100), batchOf(17, 0, 5, 61)), int64(12))
	f.Add(slices.Concat(messageOf(3, 0, 30), messageOf(9, 1, 40)), int64(0))
	f.Add(batchOf(1<<62, 1<<30, 3, 70)[:69], int64(5))
	f.Fuzz(func(t *testing.T, data []byte, wanted int64) {
		if wanted < 0 {
			return
		}
		x, err := walk(data, wanted)
		if err != nil {
			return
		}
		switch {
		case x.start < 0 || x.start > x.end || x.end > len(data) || x.largest > x.end:
			t.Fatalf("%+v of %d bytes", x, len(data))
		case x.end > 0 && (x.next <= wanted || x.start == x.end):
			t.Fatalf("%+v makes no progress from %d", x, wanted)
		case x.end == 0 && x.next != wanted:
			t.Fatalf("%+v skips from %d", x, wanted)
		case x.cut != 0 && x.cut <= len(data)-x.end:
			t.Fatalf("%+v leaves a complete entry in %d bytes", x, len(data))
		}
		again, err := walk(data[:x.end], wanted)
		again.cut = x.cut
		if err != nil || again != x {
			t.Fatalf("%+v again is %+v, %v", x, again, err)
		}
	})
}
