package jsonpath_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/transforms/jsonpath"
)

func TestFind(t *testing.T) {
	cases := map[string]struct {
		path, doc string
		want      []string
	}{
		"member":        {"a", `{"a": 1, "b": 2}`, []string{"1"}},
		"deep":          {"a.b", ` { "a" : { "b" : [1, 2] } } `, []string{"[1, 2]"}},
		"twice":         {"a", `{"a":1,"a":"x"}`, []string{"1", `"x"`}},
		"index":         {"a.1", `{"a":[1,{"b":2}]}`, []string{`{"b":2}`}},
		"all":           {"a.*.b", `{"a":[{"b":1},{"c":2},{"b":3}]}`, []string{"1", "3"}},
		"escaped name":  {`a\.b`, `{"a.b":1,"a":{"b":2}}`, []string{"1"}},
		"star by name":  {`\*`, `{"*":1,"x":2}`, []string{"1"}},
		"escape in doc": {"ab", `{"a\u0062":1}`, []string{"1"}},
		"none":          {"x.y", `{"x":5}`, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p, err := jsonpath.Parse(c.path)
			if err != nil {
				t.Fatal(err)
			}
			spans, err := p.Find([]byte(c.doc))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range spans {
				got = append(got, c.doc[s.Start:s.End])
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestNoJSON(t *testing.T) {
	p, _ := jsonpath.Parse("a")
	for _, doc := range []string{"", "{", `{"a"}`, `{"a":1}x`, `{"a":tru}`, "[1,]", `"a`, "-", strings.Repeat("[", 5000)} {
		if _, err := p.Find([]byte(doc)); err == nil {
			t.Errorf("%.20q was taken for JSON", doc)
		}
	}
	for _, path := range []string{"", ".", "a.", ".a", strings.Repeat("a.", 100) + "a"} {
		if _, err := jsonpath.Parse(path); err == nil {
			t.Errorf("the path %.20q was taken", path)
		}
	}
}

// What the standard library takes is taken, and a value is what it says.
func FuzzValue(f *testing.F) {
	f.Add([]byte(`{"a":[1,2,{"b":null}]}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		p, err := jsonpath.Parse("a")
		if err != nil {
			t.Fatal(err)
		}
		_, found, err := p.Value(doc)
		if !json.Valid(doc) {
			return
		}
		if err != nil && !strings.Contains(err.Error(), "deep") {
			t.Fatalf("refused: %v", err)
		}
		var members map[string]json.RawMessage
		if json.Unmarshal(doc, &members) == nil && err == nil {
			if _, want := members["a"]; want != found {
				t.Errorf("found is %v, want %v", found, want)
			}
		}
	})
}
