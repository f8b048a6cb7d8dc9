package offsets

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/cluster"
)

func somePair() *Pair {
	f := model.NewFlow(field.HCL)
	f.From, f.To = "a", "b"
	return &Pair{flow: f}
}

func TestPositionsAreReadBack(t *testing.T) {
	positions := []Position{
		{At: cluster.TopicPartition{Topic: "o,rders", Partition: 0}, Offset: 12},
		{At: cluster.TopicPartition{Topic: "t", Partition: 3}, Offset: 0},
		{At: cluster.TopicPartition{Topic: "none", Partition: 1}, Offset: -1},
	}
	want := map[cluster.TopicPartition]int64{{Topic: "o,rders"}: 12, {Topic: "t", Partition: 3}: 0}
	for _, format := range []string{"csv", "json"} {
		text, err := Export("a", positions, format)
		if err != nil {
			t.Fatal(err)
		}
		got, err := somePair().Import(text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", format, diff)
		}
	}
}

// TestPositionsThatCannotBeAreRefused is conformance items 51 and 52.
func TestPositionsThatCannotBeAreRefused(t *testing.T) {
	const place = `{"offsets":[{"partition":{"cluster":"a","partition":0,"topic":"t"},`
	tests := map[string]struct{ text, want string }{
		"nothing":               {"", "the first line is not"},
		"another header":        {"a,b,c\n", "the first line is not"},
		"a header only":         {"topic,partition,offset\n", "it holds none"},
		"a column missing":      {"topic,partition,offset\nt,1\n", "line 2"},
		"words":                 {"topic,partition,offset\nt,one,2\n", "line 2 is not a topic, a partition and an offset"},
		"a negative offset":     {"topic,partition,offset\nt,1,-2\n", "line 2: t/1=-2: neither may be below 0"},
		"twice":                 {"topic,partition,offset\nt,1,2\nt,1,3\n", "line 3: t/1 is there twice"},
		"not JSON":              {"{", "unexpected end"},
		"another cluster":       {`{"offsets":[{"partition":{"cluster":"x","partition":0,"topic":"t"},"offset":null}]}`, `is of cluster "x", and the source of the flow is "a"`},
		"no topic":              {`{"offsets":[{"partition":{"cluster":"a","partition":0},"offset":null}]}`, "must have a cluster, a topic and a partition"},
		"no partition":          {`{"offsets":[{"partition":null,"offset":null}]}`, "must have a cluster, a topic and a partition"},
		"a text for an offset":  {place + `"offset":{"offset":"10"}}]}`, "cannot unmarshal string"},
		"a fraction":            {place + `"offset":{"offset":3.14}}]}`, "cannot unmarshal number 3.14"},
		"no offset in offset":   {place + `"offset":{"offset":null}}]}`, "its offset must have an offset"},
		"a negative offset too": {place + `"offset":{"offset":-420}}]}`, "neither may be below 0"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got, err := somePair().Import([]byte(tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func FuzzImport(f *testing.F) {
	f.Add([]byte("topic,partition,offset\nt,1,2\n"))
	f.Add([]byte(`{"offsets":[{"partition":{"cluster":"a","partition":0,"topic":"t"},"offset":{"offset":1}}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := somePair().Import(text)
		if err != nil {
			return
		}
		for at, offset := range got {
			if at.Topic == "" || at.Partition < 0 || offset < -1 {
				t.Errorf("%v=%d", at, offset)
			}
		}
	})
}
