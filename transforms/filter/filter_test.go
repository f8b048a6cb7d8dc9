package filter_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/transforms/filter"
	"github.com/strait-mirror/strait/transforms/rename"
)

func patterns(texts ...string) []filter.Pattern {
	var list []filter.Pattern
	for i, t := range texts {
		list = append(list, filter.Pattern{Text: t, At: diag.Range{File: "f", Start: diag.Pos{Line: i + 1, Column: 1}}})
	}
	return list
}

func defaults() []filter.Pattern { return patterns(model.DefaultTopicsExclude()...) }

// TestDecide is conformance items 20 and 33 to 37.
func TestDecide(t *testing.T) {
	std := rename.New(rename.Params{})
	identity := rename.New(rename.Params{Policy: model.PolicyIdentity, Source: "source"})
	under := rename.New(rename.Params{Separator: "_"})
	all := filter.Params{Include: patterns(".*"), Exclude: defaults(), Policy: std}
	nothing := filter.Params{Policy: std}
	tests := map[string]struct {
		p     filter.Params
		topic string
		copy  bool
		why   string
	}{
		"all":                            {all, "orders", true, `it matches topics ".*"`},
		"blank selects nothing":          {nothing, "orders", false, "no pattern of topics matches it"},
		"not even the empty name":        {nothing, "", false, "no pattern of topics matches it"},
		"exactly these":                  {filter.Params{Include: patterns("topic1", "topic2"), Policy: std}, "topic2", true, `it matches topics "topic2"`},
		"nothing longer":                 {filter.Params{Include: patterns("topic1", "topic2"), Policy: std}, "topic22", false, "no pattern of topics matches it"},
		"exclude beats include":          {filter.Params{Include: patterns(".*"), Exclude: patterns("a", "ord.*"), Policy: std}, "orders", false, `it matches topics_exclude "ord.*"`},
		"default excludes":               {all, "x.replica", false, `it matches topics_exclude ".*\\.replica"`},
		"internal whatever the patterns": {filter.Params{Include: patterns(".*"), Policy: std}, "__consumer_offsets", false, "it is an internal topic"},
		"heartbeats":                     {nothing, "heartbeats", true, "heartbeats are always copied"},
		"copied heartbeats":              {nothing, "us-west.heartbeats", true, "heartbeats are always copied"},
		"other separator":                {filter.Params{Policy: under}, "us-west.heartbeats", false, "no pattern of topics matches it"},
		"plain heartbeats":               {filter.Params{Policy: std, PlainHeartbeats: true}, "heartbeats", false, "no pattern of topics matches it"},
		"plain heartbeats, selected":     {filter.Params{Include: patterns(".*"), Policy: std, PlainHeartbeats: true}, "heartbeats", true, `it matches topics ".*"`},
		"from the target":                {all, "target.t", false, "its name says that it comes from the target"},
		"over another":                   {all, "source.target.t", false, "its name says that it comes from the target"},
		"from the source":                {all, "source.t", true, `it matches topics ".*"`},
		"heartbeats cycle":               {nothing, "target.heartbeats", false, "its name says that it comes from the target"},
		"identity cycles":                {filter.Params{Include: patterns(".*"), Policy: identity}, "target.t", true, `it matches topics ".*"`},
		"identity heartbeats":            {filter.Params{Policy: identity}, "target.heartbeats", false, "its name says that it comes from the target"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.p.Target = "target"
			topics, problems := filter.New(tt.p)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			if d := topics.Decide(tt.topic); d.Copy != tt.copy || d.String() != tt.why {
				t.Errorf("got %v, %q; want %v, %q", d.Copy, d, tt.copy, tt.why)
			}
		})
	}
}

// The expectations are what java.util.regex of JDK 17 answers.
func TestJavaMeaning(t *testing.T) {
	tests := map[string]struct{ yes, no []string }{
		`orders.*`:              {[]string{"orders", "orders.eu"}, []string{"xorders"}},
		`a|b`:                   {[]string{"a", "b"}, []string{"ab", "a|b"}},
		`orders\.(eu|us)`:       {[]string{"orders.eu"}, []string{"orders_eu", "orders.eux"}},
		`(?!__).*`:              {[]string{"a", "_a"}, []string{"__a"}},
		`(?i)orders`:            {[]string{"ORDERS"}, nil},
		`(?i:or)ders`:           {[]string{"ORders"}, []string{"ORDERS"}},
		`(a|b)\1`:               {[]string{"aa", "bb"}, []string{"ab"}},
		`(?>a*)b`:               {[]string{"aab"}, []string{"aa"}},
		`\Qa.b\E.*`:             {[]string{"a.b", "a.bc"}, []string{"axb"}},
		`\Qa+`:                  {[]string{"a+"}, []string{"aa"}},
		`[\w.-]+`:               {[]string{"a.b-c_d"}, []string{"a b"}},
		`[]a]+`:                 {[]string{"]a"}, []string{"b"}},
		`[^a-c]`:                {[]string{"d", "-"}, []string{"b"}},
		`[a\-z]`:                {[]string{"-", "z"}, []string{"b"}},
		`[a-]`:                  {[]string{"-", "a"}, []string{"b"}},
		`\x41\u0042\x{43}\0104`: {[]string{"ABCD"}, nil},
		`\p{Lower}\p{Digit}+`:   {[]string{"a12"}, []string{"A12"}},
		`\p{L}+`:                {[]string{"aé"}, []string{"1"}},
		`[\p{Alnum}_]+`:         {[]string{"a_1"}, []string{"."}},
		`\h*a\Z`:                {[]string{"\u00a0a"}, []string{"ab"}},
		`(?<x>a)+`:              {[]string{"aa"}, []string{"b"}},
		`a{2,3}?`:               {[]string{"aa", "aaa"}, []string{"aaaa"}},
		`a]}b`:                  {[]string{"a]}b"}, nil},
		`^orders$`:              {[]string{"orders"}, []string{"orders1"}},
		`(?<=a)b|ab`:            {[]string{"ab"}, []string{"b"}},
		`\_a\-b`:                {[]string{"_a-b"}, nil},
		`(?d)a.b`:               {[]string{"a.b"}, nil},
		``:                      {[]string{""}, []string{"a"}},
	}
	for text, tt := range tests {
		t.Run(text, func(t *testing.T) {
			p, problems := filter.Compile(patterns(text))
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			for _, names := range []struct {
				list []string
				want bool
			}{{tt.yes, true}, {tt.no, false}} {
				for _, name := range names.list {
					if _, got, err := p.Match(name); got != names.want || err != nil {
						t.Errorf("%q: got %v, %v", name, got, err)
					}
				}
			}
		})
	}
}

func TestRefused(t *testing.T) {
	tests := map[string]string{
		`[a&&[b]&c]`: `f:1:1: error: the pattern "[a&&[b]&c]" goes on behind an intersection, at character 8 (ST402)`,
		`[a&&]`:      `f:1:1: error: the pattern "[a&&]" has an && with nothing behind it, at character 5 (ST402)`,
		`(?x)a b`:    `f:1:1: error: the pattern "(?x)a b" uses the flag x, at character 1 (ST402)`,
		`(?iu)k`:     `f:1:1: error: the pattern "(?iu)k" uses the flags i and u together, at character 1 (ST402)`,
		`a{1,2000}`:  `f:1:1: error: the pattern "a{1,2000}" repeats more than 1000 times, at character 2 (ST402)`,
		`(a`:         `f:1:1: error: the pattern "(a" has an unclosed group, at character 3 (ST401)`,
		`a)`:         `f:1:1: error: the pattern "a)" has an unmatched ), at character 2 (ST401)`,
		`*a`:         `f:1:1: error: the pattern "*a" has nothing in front of *, at character 1 (ST401)`,
		`a**`:        `f:1:1: error: the pattern "a**" repeats a repetition, at character 3 (ST401)`,
		`a{x}`:       `f:1:1: error: the pattern "a{x}" has a malformed repetition, at character 2 (ST401)`,
		`a|{1}`:      `f:1:1: error: the pattern "a|{1}" has a { with nothing to repeat in front, at character 3 (ST402)`,
		`[a`:         `f:1:1: error: the pattern "[a" has an unclosed character class, at character 3 (ST401)`,
		`[z-a]`:      `f:1:1: error: the pattern "[z-a]" has a range whose ends are the wrong way round, at character 5 (ST401)`,
		`(?<=a*)b`:   `f:1:1: error: the pattern "(?<=a*)b" repeats without a bound inside a lookbehind, at character 7 (ST402)`,
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			_, problems := filter.Compile(patterns(text))
			if len(problems) != 1 || problems[0].String() != want {
				t.Errorf("got  %v\nwant %s", problems, want)
			}
		})
	}
}

// MirrorMaker 2 compiles a list as one pattern joined by "|".
func TestListsAreJoined(t *testing.T) {
	p, problems := filter.Compile(patterns("(?i)a", "b", "(?-i)c"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	got := map[string]string{}
	for _, name := range []string{"A", "B", "C", "c"} {
		by, _, _ := p.Match(name)
		got[name] = by.Text
	}
	if diff := cmp.Diff(map[string]string{"A": "(?i)a", "B": "b", "C": "", "c": "(?-i)c"}, got); diff != "" {
		t.Error(diff)
	}
	if _, problems = filter.Compile(patterns("(a)", `(b)\1`)); !problems.HasErrors() {
		t.Error("a reference to a group of another pattern was accepted")
	}
}

func TestProblemsArePlaced(t *testing.T) {
	f := &model.Flow{
		Topics: []string{"ok", "(a"}, ReplicationPolicySeparator: ".", From: "A", To: "B",
		Ranges: model.Places{
			"topics":    {File: "f", Start: diag.Pos{Line: 1, Column: 1}},
			"topics[1]": {File: "f", Start: diag.Pos{Line: 1, Column: 9}},
		},
	}
	_, problems := filter.ForFlow(f)
	if len(problems) != 1 || problems[0].Subject.String() != "f:1:9" {
		t.Errorf("got %v", problems)
	}
}

func TestRunawayPatternIsUndecided(t *testing.T) {
	topics, problems := filter.New(filter.Params{Include: patterns(`(?=a)(a+)+\1b`), Policy: rename.New(rename.Params{}), Target: "B"})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	start := time.Now()
	d := topics.Decide(strings.Repeat("a", 60))
	if d.Copy || d.Why != filter.Undecided {
		t.Errorf("got %v, %s", d.Copy, d)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
}

// FuzzPatterns holds for any text: compiling ends, a problem has a place, and
// what compiles matches or times out but never panics.
func FuzzPatterns(f *testing.F) {
	for _, s := range []string{`orders.*`, `(?!__).*`, `[a-z&&[^x]]`, `\Qa.b\E*`, `a{2,3}+`, `[\p{Alnum}_\-]+`, `(?i:a)|\1`, `\0101\x{41}\cA`, `((((a`, `[]-a]`} {
		f.Add(s, "orders.eu-1")
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if len(pattern) > 200 || len(name) > 60 {
			return
		}
		p, problems := filter.Compile(patterns(pattern))
		for _, d := range problems {
			if d.Subject.IsZero() || d.Code == "" || strings.Contains(d.Summary, "\n") {
				t.Fatalf("%#v", d)
			}
		}
		if len(problems) == 0 {
			_, _, _ = p.Match(name)
		}
	})
}
