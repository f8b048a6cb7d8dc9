package field_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/config/field"
)

// settings has one variable of every kind.
type settings struct {
	flag     bool
	number   int16
	text     string
	span     time.Duration
	size     int32
	word     string
	list     []string
	part     float64
	password string
	dict     map[string]string
}

func (s *settings) def(kind field.Kind) field.Def {
	switch kind {
	case field.KindBool:
		return field.Bool(&s.flag, "x", "")
	case field.KindInt:
		return field.Int(&s.number, "x", -1, 100, "")
	case field.KindString:
		return field.String(&s.text, "x", "")
	case field.KindDuration:
		return field.Duration(&s.span, "x", time.Second, time.Hour, "").LegacyUnit(int64(time.Second))
	case field.KindSize:
		return field.Size(&s.size, "x", 1, field.MaxInt32, "")
	case field.KindEnum:
		return field.Enum(&s.word, "x", []string{"none", "all"}, "").LegacyWords(map[string]string{"com.None": "none"})
	case field.KindFloat:
		return field.Float(&s.part, "x", 0.5, 1, "")
	case field.KindList:
		return field.List(&s.list, "x", "")
	case field.KindMap:
		return field.Map(&s.dict, "x", "")
	case field.KindSecret:
		return field.Secret(func(t string) { s.password = t }, func() string { return s.password }, "x", "")
	}
	return field.Def{}
}

func TestSet(t *testing.T) {
	text := func(s string) field.Value { return field.Value{Text: s} }
	list := func(s ...string) field.Value { return field.Value{List: s, IsList: true} }
	tests := map[string]struct {
		kind field.Kind
		form field.Form
		v    field.Value
		want string // Text() or "summary (code)"
	}{
		"bool":                      {field.KindBool, field.HCL, text("true"), "true"},
		"bool, wrong case":          {field.KindBool, field.HCL, text("TRUE"), `"TRUE" must be true or false (ST015)`},
		"java bool":                 {field.KindBool, field.Properties, text(" TRUE "), "true"},
		"java bool, yes":            {field.KindBool, field.Properties, text("yes"), `"yes" must be true or false (ST015)`},
		"int":                       {field.KindInt, field.HCL, text("-1"), "-1"},
		"int, too low":              {field.KindInt, field.HCL, text("-2"), `-2 is out of range: must be between -1 and 100 (ST309)`},
		"int, far too high":         {field.KindInt, field.HCL, text("99999999999999999999"), `"99999999999999999999" must be a whole number (ST015)`},
		"int, blanks":               {field.KindInt, field.Properties, text(" 5 "), "5"},
		"int from a list":           {field.KindInt, field.HCL, list("5"), "must be a whole number (ST015)"},
		"string keeps blanks":       {field.KindString, field.HCL, text(" a "), " a "},
		"java string is trimmed":    {field.KindString, field.Properties, text(" a "), "a"},
		"duration":                  {field.KindDuration, field.HCL, text("90s"), "1m30s"},
		"whole minutes":             {field.KindDuration, field.HCL, text("600s"), "10m"},
		"whole hours":               {field.KindDuration, field.HCL, text("60m"), "1h"},
		"duration without unit":     {field.KindDuration, field.HCL, text("90"), `"90" must be a duration (ST004)`},
		"duration, too long":        {field.KindDuration, field.HCL, text("2h"), "2h is out of range: must be between 1s and 1h (ST309)"},
		"java seconds":              {field.KindDuration, field.Properties, text("90"), "1m30s"},
		"java seconds with a unit":  {field.KindDuration, field.Properties, text("90s"), `"90s" must be a whole number of seconds (ST015)`},
		"java seconds, overflow":    {field.KindDuration, field.Properties, text("9223372036854775807"), "2562047h47m16s is out of range: must be between 1s and 1h (ST309)"},
		"size in MiB":               {field.KindSize, field.HCL, text("8MiB"), "8MiB"},
		"size in MB":                {field.KindSize, field.HCL, text("8MB"), "8000000"},
		"size with a blank":         {field.KindSize, field.HCL, text("512 KiB"), "512KiB"},
		"size with a fraction":      {field.KindSize, field.HCL, text("1.5KiB"), "1536"},
		"size in parts of a byte":   {field.KindSize, field.HCL, text("1.5"), `"1.5" must be a whole number of bytes (ST004)`},
		"size, bare":                {field.KindSize, field.HCL, text("1000"), "1000"},
		"size, wrong unit":          {field.KindSize, field.HCL, text("8Mb"), `"8Mb" must be a size in bytes (ST004)`},
		"size, none":                {field.KindSize, field.HCL, text(""), `"" must be a size in bytes (ST004)`},
		"size, beyond int64":        {field.KindSize, field.HCL, text("99999999999TiB"), `"99999999999TiB" must be a whole number of bytes (ST004)`},
		"size, beyond int32":        {field.KindSize, field.HCL, text("2GiB"), "2GiB is out of range: must be between 1 and 2147483647 (ST309)"},
		"java size":                 {field.KindSize, field.Properties, text("1048576"), "1MiB"},
		"java size with a unit":     {field.KindSize, field.Properties, text("1MiB"), `"1MiB" must be a whole number of bytes (ST015)`},
		"enum":                      {field.KindEnum, field.HCL, text("all"), "all"},
		"enum, no such":             {field.KindEnum, field.HCL, text("al"), `"al" must be "none" or "all" (ST015)`},
		"java enum":                 {field.KindEnum, field.Properties, text("com.None"), "none"},
		"java enum, HCL word":       {field.KindEnum, field.Properties, text("none"), `"none" must be "com.None" (ST015)`},
		"list":                      {field.KindList, field.HCL, list("a", "b,c"), "a, b,c"},
		"list, from text":           {field.KindList, field.HCL, text("a"), "must be a list of strings (ST015)"},
		"list, twice":               {field.KindList, field.HCL, list("a", "a"), "must not contain the same element twice (ST015)"},
		"java list":                 {field.KindList, field.Properties, text(" a , b,a "), "a, b"},
		"java list, blank":          {field.KindList, field.Properties, text("  "), ""},
		"java list, trailing comma": {field.KindList, field.Properties, text("a,"), "must not contain an empty element (ST015)"},
		"secret":                    {field.KindSecret, field.Properties, text(" hunter2 "), "(secret)"},
		"map":                       {field.KindMap, field.HCL, field.Value{IsMap: true, Map: map[string]string{"b": "2", "a": "1"}}, "a = 1, b = 2"},
		"map, text":                 {field.KindMap, field.HCL, text("a"), "must be a map of strings (ST015)"},
		"text, map":                 {field.KindString, field.HCL, field.Value{IsMap: true}, "must be a string (ST015)"},
		"sensitive":                 {field.KindInt, field.HCL, field.Value{Text: "hunter2", Sensitive: true}, "must be a whole number (ST015)"},
		"sensitive duration":        {field.KindDuration, field.HCL, field.Value{Text: "hunter2", Sensitive: true}, "must be a duration (ST004)"},
		"sensitive size":            {field.KindSize, field.HCL, field.Value{Text: "hunter2", Sensitive: true}, "must be a size in bytes (ST004)"},
		"sensitive enum":            {field.KindEnum, field.HCL, field.Value{Text: "hunter2", Sensitive: true}, `must be "none" or "all" (ST015)`},
		"sensitive bool":            {field.KindBool, field.HCL, field.Value{Text: "hunter2", Sensitive: true}, "must be true or false (ST015)"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := &settings{}
			d := s.def(tt.kind)
			got := ""
			if problem := d.Set(tt.form, tt.v); problem != nil {
				got = problem.Summary + " (" + problem.Code + ")"
			} else {
				got = d.Text()
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if tt.kind == field.KindSecret && s.password != " hunter2 " {
				t.Errorf("the secret was changed: %q", s.password)
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	s := &settings{}
	d := s.def(field.KindInt).DefaultIn(field.HCL, "7").DefaultIn(field.Properties, "8")
	d.ApplyDefault(field.HCL)
	first := s.number
	d.ApplyDefault(field.Properties)
	if first != 7 || s.number != 8 {
		t.Errorf("got %d and %d", first, s.number)
	}
	l := s.def(field.KindList).Default("a,b")
	l.ApplyDefault(field.Properties)
	if diff := cmp.Diff([]string{"a", "b"}, s.list); diff != "" {
		t.Error(diff)
	}
}

func TestSuggest(t *testing.T) {
	names := []string{"topics", "topics_exclude", "to", "from", "start", "replication_factor"}
	for word, want := range map[string]string{
		"topic": "topics", "topcis": "topics", "form": "from", "x": "", "t": "", "replicaton_factr": "replication_factor",
		"completely": "", "statr": "start", "topics_excludes": "topics_exclude",
	} {
		if got := field.Suggest(word, names); got != want {
			t.Errorf("%s: got %q, want %q", word, got, want)
		}
	}
}
