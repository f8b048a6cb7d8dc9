package mm2fmt

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func somePlaces() Places {
	return Places{
		Topic: "a:b", Partition: 7, SourceID: [16]byte{1}, TargetTopic: "A.t", TargetPartition: 3, TargetID: [16]byte{15: 9},
		Offsets: []Place{{100, 0}, {200, 100}, {300, 100}, {1000, 160}},
	}
}

func TestPlacesAreReadBack(t *testing.T) {
	want := somePlaces()
	key, value := want.Encode()
	got, err := ParsePlaces(key, value)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("read back with error %v (-want +got):\n%s", err, diff)
	}
	const text = `{"version":1,"source_topic_id":"AQAAAAAAAAAAAAAAAAAAAA==","target_topic":"A.t","target_partition":3,` +
		`"target_topic_id":"AAAAAAAAAAAAAAAAAAAACQ==","offsets":[100,0,100,100,100,0,700,60]}`
	if string(key) != "7:a:b" || string(value) != text {
		t.Errorf("got %s and %s", key, value)
	}
}

func TestPlacesThatCannotBeAreRefused(t *testing.T) {
	const ids = `"source_topic_id":"AQAAAAAAAAAAAAAAAAAAAA==","target_topic_id":"AQAAAAAAAAAAAAAAAAAAAA=="`
	for name, record := range map[string][2]string{
		"a producer id":   {"4711", `{"version":1}`},
		"no topic":        {"1:", `{"version":1,` + ids + `}`},
		"negative":        {"-1:t", `{"version":1,` + ids + `}`},
		"no value":        {"1:t", ""},
		"another version": {"1:t", `{"version":2,` + ids + `}`},
		"short ids":       {"1:t", `{"version":1,"source_topic_id":"AQ==","target_topic_id":"AQ=="}`},
		"odd":             {"1:t", `{"version":1,` + ids + `,"offsets":[1]}`},
		"descending":      {"1:t", `{"version":1,` + ids + `,"offsets":[1,1,-1,1]}`},
		"twice":           {"1:t", `{"version":1,` + ids + `,"offsets":[1,1,0,1]}`},
		"overflowing":     {"1:t", `{"version":1,` + ids + `,"offsets":[9223372036854775807,1,1,1]}`},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := ParsePlaces([]byte(record[0]), []byte(record[1])); err == nil {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func FuzzParsePlaces(f *testing.F) {
	key, value := somePlaces().Encode()
	f.Add(key, value)
	f.Fuzz(func(t *testing.T, key, value []byte) {
		p, err := ParsePlaces(key, value)
		if err != nil {
			return
		}
		k, v := p.Encode()
		again, err := ParsePlaces(k, v)
		if diff := cmp.Diff(p, again); err != nil || diff != "" {
			t.Errorf("written and read back with error %v (-want +got):\n%s", err, diff)
		}
	})
}
