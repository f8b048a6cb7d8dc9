package program_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/transforms/program"
	"github.com/strait-mirror/strait/transforms/record"
)

func edit(kind model.StageKind, change func(*model.Stage)) *model.Stage {
	s := model.NewStage(kind)
	s.Name = string(kind)
	change(s)
	return s
}

func headers(h model.HeadersStage) *model.Stage {
	return edit(model.StageHeaders, func(s *model.Stage) { s.Headers = &h })
}

func set(w model.SetStage) *model.Stage {
	return edit(model.StageSet, func(s *model.Stage) { s.Set = &w })
}

func mask(fields, replace map[string]string) *model.Stage {
	return edit(model.StageMask, func(s *model.Stage) { s.Mask.Fields, s.Mask.Replace = fields, replace })
}

// show writes a record for people.
func show(r *record.Record) string {
	text := func(b []byte) string {
		if b == nil {
			return "null"
		}
		return fmt.Sprintf("%q", b)
	}
	var list []string
	for _, h := range r.Headers {
		list = append(list, h.Key+"="+text(h.Value))
	}
	return fmt.Sprintf("%d %s %s %s", r.Timestamp, text(r.Key), text(r.Value), strings.Join(list, " "))
}

func TestEdits(t *testing.T) {
	h := func(pairs ...string) (list []record.Header) {
		for i := 0; i < len(pairs); i += 2 {
			list = append(list, record.Header{Key: pairs[i], Value: []byte(pairs[i+1])})
		}
		return list
	}
	cases := map[string]struct {
		stage   *model.Stage
		in      record.Record
		want    string
		changed bool
	}{
		"headers": {
			headers(model.HeadersStage{
				Remove: []string{"gone"}, Rename: map[string]string{"old": "new"}, Copy: map[string]string{"again": "new", "never": "none"},
				Add: map[string]string{"by": "strait"}, Provenance: "s.",
			}),
			record.Record{Topic: "t", Partition: 2, Offset: 9, Timestamp: 5, Headers: h("gone", "1", "old", "2", "gone", "3", "old", "4")},
			`5 null null new="2" new="4" again="4" by="strait" s.cluster="dc1" s.topic="t" s.partition="2" s.offset="9"`, true,
		},
		"null and empty headers stay": {
			headers(model.HeadersStage{Rename: map[string]string{"a": "b"}}),
			record.Record{Headers: []record.Header{{Key: "a"}, {Key: "", Value: []byte{}}}},
			`0 null null b=null =""`, true,
		},
		"nothing to remove": {
			headers(model.HeadersStage{Remove: []string{"gone"}}), record.Record{Headers: h("a", "1")}, `0 null null a="1"`, false,
		},
		"set": {
			set(model.SetStage{Key: `json("id")`, Value: `string(value) + topic`, Timestamp: `int(headers["at"])`}),
			record.Record{Topic: "t", Value: []byte(`{"id":"k"}`), Headers: h("at", "77")},
			`77 "k" "{\"id\":\"k\"}t" at="77"`, true,
		},
		"to a tombstone": {set(model.SetStage{Value: "null"}), record.Record{Key: []byte("k"), Value: []byte("v")}, `0 "k" null `, true},
		"time":           {set(model.SetStage{Timestamp: "timestamp + duration('1s')"}), record.Record{Timestamp: 5}, `1005 null null `, true},
		"where it says": {
			edit(model.StageSet, func(s *model.Stage) { s.When, s.Set.Key = "key == null", "b'x'" }), record.Record{Key: []byte("k")}, `0 "k" null `, false,
		},
		"mask": {
			mask(map[string]string{"a": "drop", "b.c": "blank", "d.*": "null", "e": "sha256"}, map[string]string{"f": `x"y`}),
			record.Record{Value: []byte(`{ "a" : [1], "b": {"c": 12.5 , "k": 1}, "d": ["x", {}], "e": "id", "f": 1, "z": 1.0 }`)},
			`0 null "{ \"b\": {\"c\": 0 , \"k\": 1}, \"d\": [null, null], \"e\": \"a56145270ce6b3bebd1dd012b73948677dd618d496488bc608a3cb43ce3547dd\", \"f\": \"x\\\"y\", \"z\": 1.0 }" `, true,
		},
		"mask a tombstone": {mask(map[string]string{"a": "drop"}, nil), record.Record{Key: []byte("k")}, `0 "k" null `, false},
		"no such field":    {mask(map[string]string{"a": "drop"}, nil), record.Record{Value: []byte(`{"b":1}`)}, `0 null "{\"b\":1}" `, false},
		"mask a key": {
			edit(model.StageMask, func(s *model.Stage) {
				s.Mask.Part, s.Mask.Salt = model.PartKey, model.NewSecret("hunter2")
				s.Mask.Fields = map[string]string{"id": "sha256"}
			}),
			record.Record{Key: []byte(`{"id":"\u0069d"}`)},
			`0 "{\"id\":\"0dce9b3a4626438fa6c7f25d105cceee90b690d58b5d69dc11801c379fe964bb\"}" null `, true,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f := flow(c.stage)
			f.From = "dc1"
			p, problems := program.ForFlow(f)
			if problems.HasErrors() {
				t.Fatal(problems)
			}
			before := show(&c.in)
			r := c.in
			keep, err := p.Apply(&r, nil)
			if err != nil || !keep || r.Changed != c.changed {
				t.Errorf("%v, %v, changed %v", keep, err, r.Changed)
			}
			if d := cmp.Diff(c.want, show(&r)); d != "" {
				t.Error(d)
			}
			if before != show(&c.in) {
				t.Error("what the source holds was written to")
			}
		})
	}
}

// A stage that comes to an error changes nothing.
func TestEditErrors(t *testing.T) {
	for name, s := range map[string]*model.Stage{
		"no JSON":     mask(map[string]string{"a": "drop"}, nil),
		"set by JSON": set(model.SetStage{Key: "b'new'", Value: `json("a")`}),
		"a number":    set(model.SetStage{Key: `json(b'{"a":1}', "a")`}),
		"a time":      set(model.SetStage{Timestamp: "-1"}),
	} {
		t.Run(name, func(t *testing.T) {
			for onError, want := range map[model.OnError]bool{model.OnErrorFail: false, model.OnErrorDrop: false, model.OnErrorPass: true} {
				s.OnError = onError
				p, problems := program.ForFlow(flow(s))
				if problems.HasErrors() {
					t.Fatal(problems)
				}
				r := &record.Record{Timestamp: 3, Key: []byte("k"), Value: []byte("{")}
				keep, err := p.Apply(r, nil)
				if keep != want || (err != nil) != (onError == model.OnErrorFail) || r.Changed || show(r) != `3 "k" "{" ` {
					t.Errorf("%s: %v, %v, %s", onError, keep, err, show(r))
				}
			}
		})
	}
}

func TestEditProblems(t *testing.T) {
	cases := map[string]struct {
		stage *model.Stage
		want  []string
	}{
		"no headers": {headers(model.HeadersStage{}), []string{`stage "headers" does not say what to do`}},
		"no mask":    {mask(nil, nil), []string{`stage "mask" does not say what to do`}},
		"no set":     {set(model.SetStage{}), []string{`stage "set" does not say what to do`}},
		"mask": {
			mask(map[string]string{"a": "sha265", "b..c": "drop"}, map[string]string{"a": "x"}),
			[]string{`fields: "sha265" is none of drop, null, blank, sha256`, `a step of the path "b..c" is empty`, `replace: "a" is in fields as well`},
		},
		"types": {
			set(model.SetStage{Key: "1", Value: "true", Timestamp: "'x'"}),
			[]string{"comes to a int, not to bytes, a text or null", "comes to a bool, not to bytes, a text or null", "comes to a string, not to a timestamp or a whole number"},
		},
		"when": {edit(model.StageSet, func(s *model.Stage) { s.When, s.Set.Key = "1", "b''" }), []string{"comes to a int, not to true or false"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, problems := program.ForFlow(flow(c.stage))
			var got []string
			for _, p := range problems {
				got = append(got, p.Summary)
			}
			for _, want := range c.want {
				if !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, want) }) {
					t.Errorf("no %q in %q", want, got)
				}
			}
			if len(got) != len(c.want) {
				t.Errorf("got %q", got)
			}
		})
	}
}

// A salt has no part in the name that is stored: guesses could be tried on it.
func TestNameHasNoSecret(t *testing.T) {
	name := func(salt, action string) string {
		s := mask(map[string]string{"a": action}, nil)
		s.Mask.Salt = model.NewSecret(salt)
		p, _ := program.ForFlow(flow(s))
		return p.Name()
	}
	if name("x", "sha256") != name("y", "sha256") || name("x", "sha256") == name("x", "drop") {
		t.Error("the name goes by the wrong things")
	}
}

// TestMaskAgainstMaps compares masks of random documents with what the standard
// library's maps come to.
func TestMaskAgainstMaps(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	actions := []string{"drop", "null", "blank", ""}
	for range 3000 {
		doc := randomValue(rng, 0)
		path := []string{[]string{"a", "b", "*", "0"}[rng.IntN(4)], []string{"a", "b", "*", "1"}[rng.IntN(4)]}[:1+rng.IntN(2)]
		action := actions[rng.IntN(len(actions))]
		fields, replace := map[string]string{strings.Join(path, "."): action}, map[string]string(nil)
		if action == "" {
			fields, replace = nil, map[string]string{strings.Join(path, "."): "new"}
		}
		p, problems := program.ForFlow(flow(mask(fields, replace)))
		if problems.HasErrors() {
			t.Fatal(problems)
		}
		text, err := json.MarshalIndent(doc, "", strings.Repeat(" ", rng.IntN(2)))
		if err != nil {
			t.Fatal(err)
		}
		r := &record.Record{Value: text}
		if _, err := p.Apply(r, nil); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		want, err := json.Marshal(masked(doc, path, action))
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := json.Compact(&got, r.Value); err != nil || got.String() != string(want) {
			t.Fatalf("%s of %s: got %s, want %s (%v)", action, text, r.Value, want, err)
		}
	}
}

func randomValue(rng *rand.Rand, depth int) any {
	switch n := rng.IntN(8); {
	case depth < 3 && n < 3:
		m := map[string]any{}
		for _, name := range []string{"a", "b", "c"} {
			if rng.IntN(3) > 0 {
				m[name] = randomValue(rng, depth+1)
			}
		}
		return m
	case depth < 3 && n < 5:
		list := make([]any, 0, 3)
		for range rng.IntN(4) {
			list = append(list, randomValue(rng, depth+1))
		}
		return list
	default:
		return []any{"x,]}", 1.5, true, nil}[rng.IntN(4)]
	}
}

// masked is what a document is without the values of a path.
func masked(v any, path []string, action string) any {
	if len(path) == 0 {
		switch action {
		case "null":
			return nil
		case "":
			return "new"
		}
		switch v.(type) {
		case map[string]any:
			return map[string]any{}
		case []any:
			return []any{}
		case string:
			return ""
		case bool:
			return false
		case float64:
			return 0
		}
		return nil
	}
	last := len(path) == 1 && action == "drop"
	switch v := v.(type) {
	case map[string]any:
		out := maps.Clone(v)
		if inner, ok := v[path[0]]; ok && last {
			delete(out, path[0])
		} else if ok {
			out[path[0]] = masked(inner, path[1:], action)
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for i, inner := range v {
			switch mine := path[0] == "*" || path[0] == fmt.Sprint(i); {
			case mine && last:
			case mine:
				out = append(out, masked(inner, path[1:], action))
			default:
				out = append(out, inner)
			}
		}
		return out
	}
	return v
}

// What a mask makes of JSON is JSON.
func FuzzMask(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":2}],"b":"x"}`))
	p, problems := program.ForFlow(flow(mask(map[string]string{"a.*": "drop", "b": "sha256"}, map[string]string{"c": "\x00"})))
	if problems.HasErrors() {
		f.Fatal(problems)
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		r := &record.Record{Value: doc}
		if _, err := p.Apply(r, nil); err == nil && json.Valid(doc) && !json.Valid(r.Value) {
			t.Errorf("%q became %q", doc, r.Value)
		}
	})
}
