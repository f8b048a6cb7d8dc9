package expression_test

import (
	"strings"
	"testing"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/transforms/expression"
	"github.com/strait-mirror/strait/transforms/record"
)

func sample() *record.Record {
	return &record.Record{
		Topic: "orders", Partition: 3, Offset: 41, Timestamp: 1700000000000,
		Key: []byte("k1"), Value: []byte(`{"plan":"paid","n":7,"deep":{"list":[1,2.5,"x"]},"none":null}`),
		Headers: []record.Header{{Key: "plan", Value: []byte("free")}, {Key: "plan", Value: []byte("paid")}, {Key: "null"}},
	}
}

func TestCondition(t *testing.T) {
	cases := map[string]bool{
		`headers["plan"] == "paid"`:                                             true,
		`headers["missing"] == "paid"`:                                          false,
		`headers["missing"] == null && headers["null"] == null`:                 true,
		`"null" in headers && !("missing" in headers)`:                          true,
		`has(headers.plan) && !has(headers.missing)`:                            true,
		`headers.exists(h, h == "null")`:                                        true,
		`size(headers) == 2`:                                                    true,
		`key == b"k1" && string(key).startsWith("k")`:                           true,
		`value != null && size(value) < 900000`:                                 true,
		`json("plan") == "paid" && json("n") > 5 && json("deep.list.1") == 2.5`: true,
		`json("missing") == null && json("none") == null`:                       true,
		`json("deep.list").exists(x, x == "x")`:                                 true,
		`timestamp < timestamp("2024-01-01T00:00:00Z")`:                         true,
		`offset == 41 && partition == 3 && topic.matches("^ord")`:               true,
	}
	for text, want := range cases {
		e, problems := expression.Condition(text, diag.Range{})
		if problems.HasErrors() {
			t.Errorf("%s: %v", text, problems)
			continue
		}
		if got, err := e.True(sample()); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestNulls(t *testing.T) {
	for text, want := range map[string]bool{`key == null`: true, `value == null`: true, `json("a") == null`: true, `size(headers) == 0`: true} {
		e, problems := expression.Condition(text, diag.Range{})
		if problems.HasErrors() {
			t.Fatalf("%s: %v", text, problems)
		}
		if got, err := e.True(&record.Record{}); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
}

// A refused expression names the place within the literal.
func TestRefused(t *testing.T) {
	cases := map[string]struct{ text, at, says string }{
		"syntax":            {`key ==`, "a.hcl:3:17", "yntax"},
		"unknown name":      {`true && kye == b"x"`, "a.hcl:3:19", "kye"},
		"type":              {`key == "k"`, "a.hcl:3:15", "overload"},
		"not a condition":   {`size(topic)`, "a.hcl:3:10", "int"},
		"pattern of record": {`topic.matches(string(key))`, "a.hcl:3:31", "quotes"},
		"bad pattern":       {`topic.matches("(")`, "a.hcl:3:25", "matches"},
		"bad path":          {`json("a..b") == 1`, "a.hcl:3:16", "empty"},
		"path of record":    {`json(topic) == 1`, "a.hcl:3:16", "quotes"},
		"clock":             {`timestamp < now()`, "a.hcl:3:26", "now"},
		"loops in loops":    {`[1].all(a, [1].all(b, [1].all(c, true)))`, "a.hcl:3:40", "nest"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			at := diag.Range{File: "a.hcl", Start: diag.Pos{Line: 3, Column: 10, Byte: 100}, End: diag.Pos{Line: 3, Column: 12 + len(c.text), Byte: 102 + len(c.text)}}
			_, problems := expression.Condition(c.text, at)
			if len(problems) == 0 {
				t.Fatal("accepted")
			}
			p := problems[0]
			if got := p.Subject.String(); got != c.at || !strings.Contains(p.Summary, c.says) || p.Code != diag.CodeBadExpression || p.Fix == "" {
				t.Errorf("%s at %s, want %q at %s", p, got, c.says, c.at)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	for _, text := range []string{`json("a") == 1`, `string(value) == "x"`, `json("a")`} {
		e, problems := expression.Condition(text, diag.Range{})
		if problems.HasErrors() {
			t.Fatalf("%s: %v", text, problems)
		}
		if _, err := e.True(&record.Record{Value: []byte("\xff")}); err == nil {
			t.Errorf("%s: no error", text)
		}
	}
}

// A loop over what a record brings ends at a bound.
func TestWorkIsBounded(t *testing.T) {
	long := `{"l":[` + strings.Repeat("1,", 20000) + `1]}`
	for _, text := range []string{
		`json("l").all(a, json("l").all(b, a == b))`,
		`json("l").all(a, json("x") != a)`, // reads all of the value again and again
	} {
		e, problems := expression.Condition(text, diag.Range{})
		if problems.HasErrors() {
			t.Fatal(problems)
		}
		if _, err := e.True(&record.Record{Value: []byte(long)}); err == nil || !strings.Contains(err.Error(), "cost limit") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func FuzzCondition(f *testing.F) {
	f.Add(`json("a.b") == 1`, []byte(`{"a":{"b":1}}`))
	f.Add(`headers["a"].matches("x+")`, []byte("{"))
	f.Fuzz(func(t *testing.T, text string, value []byte) {
		e, problems := expression.Condition(text, diag.Range{})
		if problems.HasErrors() {
			return
		}
		r := sample()
		r.Value = value
		first, err1 := e.True(r)
		second, err2 := e.True(r)
		if first != second || (err1 == nil) != (err2 == nil) {
			t.Errorf("%s: %v, %v and then %v, %v", text, first, err1, second, err2)
		}
	})
}

func BenchmarkTrue(b *testing.B) {
	for _, text := range []string{`headers["plan"] == "paid"`, `json("plan") == "paid"`} {
		e, problems := expression.Condition(text, diag.Range{})
		if problems.HasErrors() {
			b.Fatal(problems)
		}
		r := sample()
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.True(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
