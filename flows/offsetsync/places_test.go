package offsetsync

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func knownPlaces(offsets ...int64) places {
	var p places
	for i := 0; i < len(offsets); i += 2 {
		p = append(p, place{offsets[i], offsets[i+1]})
	}
	return p
}

func TestPlacesAscend(t *testing.T) {
	tests := map[string]struct {
		before places
		add    place
		want   places
	}{
		"first":          {nil, place{5, 0}, knownPlaces(5, 0)},
		"next":           {knownPlaces(5, 0), place{9, 3}, knownPlaces(5, 0, 9, 3)},
		"same":           {knownPlaces(5, 0, 9, 3), place{9, 3}, knownPlaces(5, 0, 9, 3)},
		"nothing copied": {knownPlaces(5, 0, 9, 3), place{12, 3}, knownPlaces(5, 0, 9, 3, 12, 3)},
		"source again":   {knownPlaces(5, 0, 9, 3, 20, 14), place{9, 14}, knownPlaces(5, 0, 9, 14)},
		"target cut":     {knownPlaces(5, 0, 9, 3, 20, 14), place{21, 3}, knownPlaces(5, 0, 9, 3, 21, 3)},
		"target anew":    {knownPlaces(5, 4, 9, 7), place{20, 0}, knownPlaces(20, 0)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := append(places{}, tt.before...)
			got.add(tt.add)
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(place{})); diff != "" {
				t.Errorf("places differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlacesAreThinnedAtTheFront(t *testing.T) {
	var p places
	for i := range int64(10 * mostPlaces) {
		p.add(place{i, i})
		if len(p) > mostPlaces {
			t.Fatalf("there are %d places", len(p))
		}
	}
	last := int64(10*mostPlaces - 1)
	if p[0] != (place{0, 0}) || p[len(p)-1] != (place{last, last}) || p[len(p)-mostPlaces/4].source != last-mostPlaces/4+1 {
		t.Errorf("got %v … %v", p[0], p[len(p)-1])
	}
}

func TestPlacesMerge(t *testing.T) {
	tests := map[string]struct{ older, newer, want places }{
		"nothing":      {nil, nil, nil},
		"older":        {knownPlaces(1, 1, 2, 2), nil, knownPlaces(1, 1, 2, 2)},
		"in turn":      {knownPlaces(1, 1, 5, 5, 9, 9), knownPlaces(3, 3, 7, 7), knownPlaces(1, 1, 3, 3, 5, 5, 7, 7, 9, 9)},
		"equal":        {knownPlaces(1, 1, 5, 5), knownPlaces(5, 5), knownPlaces(1, 1, 5, 5)},
		"contradicted": {knownPlaces(1, 1, 5, 6, 9, 9, 12, 3), knownPlaces(5, 5, 10, 8), knownPlaces(1, 1, 5, 5, 10, 8)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, merge(tt.older, tt.newer), cmp.AllowUnexported(place{})); diff != "" {
				t.Errorf("places differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlacesAround(t *testing.T) {
	p := knownPlaces(5, 0, 9, 3)
	for source, want := range map[int64][2]int64{4: {-1, 5}, 5: {5, 9}, 8: {5, 9}, 9: {9, -1}, 99: {9, -1}} {
		b := p.around(source)
		got := [2]int64{-1, -1}
		if b.below != nil {
			got[0] = b.below.source
		}
		if b.above != nil {
			got[1] = b.above.source
		}
		if got != want {
			t.Errorf("%d is between %v, want %v", source, got, want)
		}
	}
}
