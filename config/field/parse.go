package field

import (
	"fmt"
	"maps"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/strait-mirror/strait/config/diag"
)

// parse checks v against the declaration.
func (d Def) parse(form Form, v Value) (parsed, *diag.Diagnostic) {
	if !d.shaped(form, v) {
		return parsed{}, problem(diag.CodeBadValue, "must be %s", d.Kind)
	}
	text := v.Text
	if form == Properties && d.Kind != KindSecret {
		text = javaTrim(text) // ConfigDef trims before it parses
	}
	switch d.Kind {
	case KindBool:
		return d.parseBool(form, text, v.Sensitive)
	case KindInt:
		return d.parseInt(text, v.Sensitive)
	case KindFloat:
		return d.parseFloat(text, v.Sensitive)
	case KindDuration:
		return d.parseDuration(form, text, v.Sensitive)
	case KindSize:
		return d.parseSize(form, text, v.Sensitive)
	case KindEnum:
		return d.parseWord(form, text, v.Sensitive)
	case KindList:
		if !v.IsList {
			return d.parseJavaList(text)
		}
		return parsed{list: v.List}, d.checkItems(v.List)
	case KindMap:
		return parsed{dict: v.Map}, nil
	case KindString, KindSecret:
	}
	return parsed{text: text}, nil
}

// shaped reports whether v is a list or map where the declaration wants one. A
// properties file writes lists as text.
func (d Def) shaped(form Form, v Value) bool {
	return v.IsMap == (d.Kind == KindMap) && (v.IsList == (d.Kind == KindList) || form == Properties && !v.IsList)
}

func (d Def) parseInt(text string, sensitive bool) (parsed, *diag.Diagnostic) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return parsed{}, problem(diag.CodeBadValue, "%smust be a whole number", quoted(text, sensitive))
	}
	return d.inRange(n)
}

func (d Def) parseFloat(text string, sensitive bool) (parsed, *diag.Diagnostic) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n < d.low || n > d.high || n != n {
		return parsed{}, problem(diag.CodeBadValue, "%smust be a number between %v and %v", quoted(text, sensitive), d.low, d.high)
	}
	return parsed{float: n}, nil
}

func (d Def) parseBool(form Form, text string, sensitive bool) (parsed, *diag.Diagnostic) {
	word := text
	if form == Properties {
		word = strings.ToLower(text) // ConfigDef compares without case
	}
	switch word {
	case "true":
		return parsed{flag: true}, nil
	case "false":
		return parsed{flag: false}, nil
	}
	return parsed{}, problem(diag.CodeBadValue, "%smust be true or false", quoted(text, sensitive))
}

func (d Def) parseWord(form Form, text string, sensitive bool) (parsed, *diag.Diagnostic) {
	accepted := d.Words
	if form == Properties && d.words != nil {
		for _, spelt := range []string{text, strings.ToLower(text)} { // Java's enums are read in any case, its classes are not in lower case
			if w, ok := d.words[spelt]; ok {
				return parsed{text: w}, nil
			}
		}
		accepted = nil
		for k := range d.words {
			accepted = append(accepted, k)
		}
		slices.Sort(accepted)
	} else if slices.Contains(d.Words, text) {
		return parsed{text: text}, nil
	}
	orElse := ""
	if form == HCL && d.other != nil {
		if regexp.MustCompile(d.OtherAs).MatchString(text) {
			return d.parseOther(text, sensitive)
		}
		orElse = ", or " + d.Other
	}
	p := problem(diag.CodeBadValue, "%smust be %s%s", quoted(text, sensitive), orList(accepted), orElse)
	if near := Suggest(text, accepted); near != "" && !sensitive {
		p.Fix = fmt.Sprintf("did you mean %q?", near)
	}
	return parsed{}, p
}

// parseOther parses what an enum accepts beside its words.
func (d Def) parseOther(text string, sensitive bool) (parsed, *diag.Diagnostic) {
	if err := d.other(text); err != nil {
		return parsed{}, problem(diag.CodeBadValue, "%s%v", quoted(text, sensitive), err)
	}
	return parsed{text: text}, nil
}

func (d Def) parseDuration(form Form, text string, sensitive bool) (parsed, *diag.Diagnostic) {
	if form == Properties {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return parsed{}, problem(diag.CodeBadValue, "%smust be a whole number of %s",
				quoted(text, sensitive), unitName(d.unit))
		}
		if n > math.MaxInt64/d.unit || n < math.MinInt64/d.unit {
			n = int64(math.Copysign(float64(math.MaxInt64/d.unit), float64(n)))
		}
		return d.inRange(n * d.unit)
	}
	span, err := time.ParseDuration(text)
	if err != nil {
		p := problem(diag.CodeUnit, "%smust be a duration", quoted(text, sensitive))
		p.Fix = `write a number with a unit, such as "500ms", "30s", "5m" or "1h30m"`
		return parsed{}, p
	}
	return d.inRange(int64(span))
}

func unitName(unit int64) string {
	if unit == int64(time.Second) {
		return "seconds"
	}
	return "milliseconds"
}

// sizeUnits maps the accepted suffixes to bytes. Powers of 1024 and of 1000
// are spelled differently, so that nobody has to guess.
func sizeUnits() map[string]int64 {
	return map[string]int64{
		"": 1, "B": 1,
		"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
		"kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
	}
}

func (d Def) parseSize(form Form, text string, sensitive bool) (parsed, *diag.Diagnostic) {
	if form == Properties {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return parsed{}, problem(diag.CodeBadValue, "%smust be a whole number of bytes", quoted(text, sensitive))
		}
		return d.inRange(n)
	}
	i := 0
	for i < len(text) && (text[i] >= '0' && text[i] <= '9' || text[i] == '.' || (i == 0 && text[i] == '-')) {
		i++
	}
	unit, known := sizeUnits()[strings.TrimSpace(text[i:])]
	number, ok := new(big.Rat).SetString(text[:i])
	if !known || !ok || i > 40 {
		p := problem(diag.CodeUnit, "%smust be a size in bytes", quoted(text, sensitive))
		p.Fix = `write a number with a unit, such as "512KiB", "8MiB" or "1GiB"`
		return parsed{}, p
	}
	number.Mul(number, new(big.Rat).SetInt64(unit))
	if !number.IsInt() || !number.Num().IsInt64() {
		return parsed{}, problem(diag.CodeUnit, "%smust be a whole number of bytes", quoted(text, sensitive))
	}
	return d.inRange(number.Num().Int64())
}

// inRange checks n against Min and Max and writes them in the kind's unit.
func (d Def) inRange(n int64) (parsed, *diag.Diagnostic) {
	if n >= d.Min && n <= d.Max {
		return parsed{num: n}, nil
	}
	return parsed{}, problem(diag.CodeOutOfRange, "%s is out of range: must be between %s and %s",
		d.format(parsed{num: n}), d.format(parsed{num: d.Min}), d.format(parsed{num: d.Max}))
}

// parseJavaList splits as ConfigDef does: on commas with blanks around them; a
// blank text is the empty list, an empty element is refused and an element
// that comes again is dropped, about which the reader warns.
func (d Def) parseJavaList(text string) (parsed, *diag.Diagnostic) {
	var items []string
	for _, item := range splitList(text) {
		if !slices.Contains(items, item) {
			items = append(items, item)
		}
	}
	return parsed{list: items}, d.checkItems(items)
}

func (d Def) checkItems(items []string) *diag.Diagnostic {
	seen := map[string]bool{}
	for _, item := range items {
		if item == "" {
			p := problem(diag.CodeBadValue, "must not contain an empty element")
			p.Fix = "remove the comma or the empty string"
			return p
		}
		if seen[item] {
			return problem(diag.CodeBadValue, "must not contain the same element twice")
		}
		seen[item] = true
	}
	return nil
}

// splitList splits s on \s*,\s* as Kafka does; blank gives no elements. Java's
// split drops trailing empty strings except that Kafka passes limit -1.
func splitList(s string) []string {
	s = javaTrim(s)
	if s == "" {
		return nil
	}
	items := strings.Split(s, ",")
	for i := range items {
		items[i] = strings.Trim(items[i], " \t\n\v\f\r")
	}
	return items
}

// SplitList splits a comma separated property as Kafka's ConfigDef does.
func SplitList(s string) []string { return splitList(s) }

// javaTrim removes what String.trim removes: characters up to and including
// the blank at both ends.
func javaTrim(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
}

// format writes a value as HCL does, without quotes.
func (d Def) format(v parsed) string {
	switch d.Kind {
	case KindBool:
		return strconv.FormatBool(v.flag)
	case KindDuration:
		return FormatDuration(time.Duration(v.num))
	case KindSize:
		return FormatSize(v.num)
	case KindInt:
		return strconv.FormatInt(v.num, 10)
	case KindFloat:
		return strconv.FormatFloat(v.float, 'g', -1, 64)
	case KindList:
		return strings.Join(v.list, ", ")
	case KindMap:
		return formatMap(v.dict)
	case KindSecret:
		if v.text == "" {
			return ""
		}
		return "(secret)"
	case KindString, KindEnum:
	}
	return v.text
}

// formatMap writes entries as "a = b, c = d", in order of their keys.
func formatMap(m map[string]string) string {
	entries := make([]string, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		entries = append(entries, k+" = "+m[k])
	}
	return strings.Join(entries, ", ")
}

// FormatSize writes bytes in the largest binary unit that divides them.
func FormatSize(n int64) string {
	for _, u := range []struct {
		name string
		size int64
	}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n != 0 && n%u.size == 0 {
			return strconv.FormatInt(n/u.size, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}

// FormatDuration writes "10m" where time.Duration writes "10m0s".
func FormatDuration(d time.Duration) string {
	s := d.String()
	if cut, ok := strings.CutSuffix(s, "m0s"); ok {
		s = cut + "m"
	}
	if cut, ok := strings.CutSuffix(s, "h0m"); ok {
		s = cut + "h"
	}
	return s
}

func problem(code, format string, args ...any) *diag.Diagnostic {
	d := diag.Errorf(code, diag.Range{}, format, args...)
	return &d
}

// quoted is text in front of a complaint, or nothing when it must not show.
func quoted(text string, sensitive bool) string {
	if sensitive || len(text) > 100 {
		return ""
	}
	return strconv.Quote(text) + " "
}

// orList is `"a", "b" or "c"`.
func orList(words []string) string {
	q := make([]string, len(words))
	for i, w := range words {
		q[i] = strconv.Quote(w)
	}
	if len(q) < 2 {
		return strings.Join(q, "")
	}
	return strings.Join(q[:len(q)-1], ", ") + " or " + q[len(q)-1]
}
