package convert

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/strait-mirror/strait/config/hclfile/encode"
)

// remarks are the comments of a properties file, each with what it stands
// above in the HCL.
type remarks struct {
	header, footer []string
	at             map[encode.Attribute][]string
}

func (r *remarks) above(a encode.Attribute) []string { return r.at[a] }

// newRemarks collects the comments of the text that t's document was read
// from. Commented-out secrets stay behind. A file starts with comments on the
// whole, if a blank line parts them from what follows.
func newRemarks(text []byte, t *tracker, keys []Key) *remarks {
	r := &remarks{at: map[encode.Attribute][]string{}}
	lines := strings.Split(strings.ReplaceAll(strings.ReplaceAll(decode(text), "\r\n", "\n"), "\r", "\n"), "\n")
	next := 0 // index of the first line that is not behind an entry
	for i, e := range t.doc.Entries {
		first, last := e.KeyRange.Start.Line-1, max(e.ValueRange.End.Line, e.KeyRange.End.Line)
		between := lines[min(next, len(lines)):min(max(first, next), len(lines))]
		if next == 0 {
			between = r.top(between)
		}
		next = last
		found := comments(between)
		if len(found) == 0 {
			continue
		}
		if a := t.anchor(i); a.Block == "" {
			r.header = append(r.header, found...)
		} else {
			r.at[a] = append(r.at[a], found...)
		}
	}
	r.footer = comments(lines[min(next, len(lines)):])
	for i, k := range keys {
		if k.State != NeedsYou {
			continue
		}
		note := "needs you: " + k.Name + " (" + k.Code + "): " + k.Note
		if a := t.block(t.doc.Entries[i]); a.Block == "" {
			r.header = append(r.header, clean(note))
		} else {
			r.at[a] = append(r.at[a], clean(note))
		}
	}
	return r
}

// top takes the comments that a blank line parts from the rest.
func (r *remarks) top(lines []string) []string {
	for i, line := range slices.Backward(lines) {
		if strings.TrimSpace(line) == "" {
			r.header = comments(lines[:i])
			return lines[i:]
		}
	}
	return lines
}

// comments returns the text of the comment lines.
func comments(lines []string) []string {
	secret := regexp.MustCompile(`(?i)(password|passwd|secret|token|credential|jaas|keystore\.key)[^=:]*[=:]`)
	var found []string
	for _, l := range lines {
		l = strings.TrimLeft(l, " \t\f")
		if l == "" || (l[0] != '#' && l[0] != '!') || secret.MatchString(l) {
			continue
		}
		if l = strings.TrimPrefix(strings.TrimLeft(l, "#!"), " "); l != "" {
			found = append(found, clean(l))
		}
	}
	return found
}

// clean replaces what would end the comment.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return ' '
		}
		return r
	}, s)
}

// decode reads UTF-8 where it is some, as editors write it, else ISO-8859-1.
func decode(text []byte) string {
	if utf8.Valid(text) {
		return string(text)
	}
	runes := make([]rune, len(text))
	for i, b := range text {
		runes[i] = rune(b)
	}
	return string(runes)
}

// anchor is what a comment above entry i stands above in the HCL.
func (t *tracker) anchor(i int) encode.Attribute {
	for _, a := range t.to[i] {
		if t.written[a] {
			return a
		}
	}
	for _, a := range t.to[i] {
		a.Name = ""
		return a
	}
	return t.block(t.doc.Entries[i])
}
