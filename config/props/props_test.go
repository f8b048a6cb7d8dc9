package props_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	lib "github.com/magiconair/properties"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/props"
)

// The expectations are what JDK 17 answers for the same bytes.
func TestParseIsJava(t *testing.T) {
	tests := map[string]struct {
		text string
		want [][2]string
	}{
		"separators":                    {"a=1\nb:2\nc 3\nd = 4\ne\t:\t5\nf==6", [][2]string{{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}, {"e", "5"}, {"f", "=6"}}},
		"comments":                      {"# x\n  ! y\na=1 # not a comment", [][2]string{{"a", "1 # not a comment"}}},
		"trailing blanks kept":          {"a=1  \n", [][2]string{{"a", "1  "}}},
		"continuation":                  {"a=1,\\\n   2,\\\r\n   3\n", [][2]string{{"a", "1,2,3"}}},
		"continuation by CR":            {"a=1\\\r  2\rb=3", [][2]string{{"a", "12"}, {"b", "3"}}},
		"blank continued line":          {"a=1\\\n\nb=2", [][2]string{{"a", "1"}, {"b", "2"}}},
		"continued comment":             {"# a\\\nb=2", [][2]string{{"b", "2"}}},
		"hash in continuation":          {"a=1\\\n#2", [][2]string{{"a", "1#2"}}},
		"continued key":                 {"ke\\\n  y=v", [][2]string{{"key", "v"}}},
		"continued separator":           {"key \\\n = v", [][2]string{{"key", "v"}}},
		"even backslashes":              {"a=1\\\\\nb=2", [][2]string{{"a", "1\\"}, {"b", "2"}}},
		"lone backslash dropped":        {`a=foo\.x`, [][2]string{{"a", "foo.x"}}},
		"escapes":                       {`a\ b\=c=\t\n\r\f\"\u0041`, [][2]string{{"a b=c", "\t\n\r\f\"A"}}},
		"surrogate pair":                {`a=\uD83D\uDE00`, [][2]string{{"a", "\U0001F600"}}},
		"lone surrogate":                {`a=\uD83Dx`, [][2]string{{"a", "\uFFFDx"}}},
		"latin-1":                       {"a=\xe9", [][2]string{{"a", "é"}}},
		"no value":                      {"a\nb=", [][2]string{{"a", ""}, {"b", ""}}},
		"no key":                        {"=v\n:w", [][2]string{{"", "v"}, {"", "w"}}},
		"backslash at end of file":      {`a=1\`, [][2]string{{"a", "1"}}},
		"only a backslash":              {"\\", [][2]string{{"", ""}}},
		"backslash, CR LF, end of file": {"a=1\\\r\n", [][2]string{{"a", "1"}}},
		"only a backslash and LF":       {"\\\n", [][2]string{{"", ""}}},
		"only a backslash and CR LF":    {"\\\r\n", nil},
		"arrow with blanks":             {"A -> B.enabled = true", [][2]string{{"A", "-> B.enabled = true"}}},
		"arrow":                         {"A->B.enabled = true", [][2]string{{"A->B.enabled", "true"}}},
		"empty":                         {"", nil},
		"blank lines":                   {"\n \n\t\n", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			doc, problems := props.Parse("f", []byte(tt.text), props.Latin1)
			var got [][2]string
			for _, e := range doc.Entries {
				got = append(got, [2]string{e.Key, e.Value})
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if problems.HasErrors() {
				t.Error(problems)
			}
		})
	}
}

func TestParsePlacesEntries(t *testing.T) {
	doc, _ := props.Parse("f", []byte("# x\r\n  A.b = one,\\\r\n    two\nC=\\.é\n"), props.Latin1)
	want := []string{"f:2:3", "f:2:9", "f:4:1", "f:4:3", "f:4:3"}
	var got []string
	for _, e := range doc.Entries {
		got = append(got, e.KeyRange.String(), e.ValueRange.String())
		if !e.LostBackslash.IsZero() {
			got = append(got, e.LostBackslash.String())
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if end := doc.Entries[0].ValueRange.End; end.Line != 3 || end.Column != 8 {
		t.Errorf("value ends at %d:%d, want 3:8", end.Line, end.Column)
	}
}

func TestParseReports(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"duplicate":   {"a=1\na=2", `f:2:1: warning: "a" is set a second time; the first value, in line 1, has no effect (ST006)`},
		"short u":     {`a=\u12`, `f:1:3: error: malformed \u escape (ST001)`},
		"not hex":     {`a=x\u12G4`, `f:1:4: error: malformed \u escape (ST001)`},
		"u in key":    {`a\u=x`, `f:1:2: error: malformed \u escape (ST001)`},
		"too big":     {strings.Repeat("#", props.MaxBytes+1), "f: error: the file has more than 16 MiB; no more are read (ST018)"},
		"all is well": {"a=1", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, problems := props.Parse("f", []byte(tt.text), props.Latin1)
			var got string
			if len(problems) > 0 {
				got = problems[0].String()
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestLastDuplicateWins(t *testing.T) {
	doc, _ := props.Parse("f", []byte("a=1\nb=2\na=3"), props.Latin1)
	if e, _ := doc.Get("a"); e.Value != "3" {
		t.Errorf("a = %q, want 3", e.Value)
	}
	if got := len(doc.Effective()); got != 2 {
		t.Errorf("%d entries count, want 2", got)
	}
}

// FuzzProps compares the reader with magiconair/properties, key by key, on
// every text where the two agree on the rules; the package comment lists where
// the library is not Java.
func FuzzProps(f *testing.F) {
	for _, s := range []string{
		"a=1", "a=1\nb : 2\n", "# c\n!d\n  a b\\ c", "a=1,\\\n  2", `x=\u00e9\t\.`, "A->B.topics = foo.*, bar\n",
		"a=1\\\r\n2", "ke\\\ny=v", "=v", `a=1\`, `a=\uD83D\uDE00`, "a \\\n = b", "a=1\\\n#2\n", "a=\xe9\f x", "a\\==b\\:c\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		doc, problems := props.Parse("f", src, props.Latin1)
		checkPlaces(t, src, doc)
		if departsFromJava(src, doc) {
			return
		}
		loader := lib.Loader{Encoding: lib.ISO_8859_1, DisableExpansion: true}
		want, err := loader.LoadBytes(src)
		if (err != nil) != problems.HasErrors() {
			t.Fatalf("library says %v, reader says %v", err, problems)
		}
		if err != nil {
			return
		}
		got := map[string]string{}
		for _, e := range doc.Effective() {
			got[e.Key] = e.Value
		}
		if diff := cmp.Diff(want.Map(), got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// departsFromJava reports whether src uses what the library reads differently.
func departsFromJava(src []byte, doc *props.Document) bool {
	text := string(src)
	if strings.Contains(text, "\\\r\n") || strings.Contains(strings.ToLower(text), `\ud`) {
		return true
	}
	if strings.HasSuffix(text, `\`) || strings.HasSuffix(text, "\\\n") || strings.HasSuffix(text, "\\\r") {
		return true
	}
	for _, e := range doc.Entries {
		line, _, continued := strings.Cut(text[e.KeyRange.Start.Byte:], "\n")
		line, _, cr := strings.Cut(line, "\r")
		if e.Key == "" || ((continued || cr) && strings.HasSuffix(line, `\`) && !hasSeparator(line)) {
			return true // a line break inside the key or before the separator
		}
	}
	// A line of one backslash starts a logical line that is still empty.
	for line := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if strings.Trim(line, " \t\f") == `\` {
			return true
		}
	}
	return false
}

// hasSeparator reports whether line has "=" or ":" without a backslash.
func hasSeparator(line string) bool {
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '=', ':':
			return true
		}
	}
	return false
}

// checkPlaces holds for any text: ranges lie in the file, in order.
func checkPlaces(t *testing.T, src []byte, doc *props.Document) {
	t.Helper()
	last := 0
	for _, e := range doc.Entries {
		for _, r := range []diag.Range{e.KeyRange, e.ValueRange} {
			if r.Start.Byte < last || r.End.Byte < r.Start.Byte || r.End.Byte > len(src) || r.Start.Line < 1 || r.Start.Column < 1 {
				t.Fatalf("range %+v after %d in a file of %d bytes", r, last, len(src))
			}
			last = r.Start.Byte
		}
	}
}
