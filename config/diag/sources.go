package diag

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"unicode/utf8"
)

// Sources holds the text of the files that were read, for snippets, and knows
// which spans of them are secret. The zero value is ready to use. It is not
// safe for concurrent use.
type Sources struct {
	files map[string]*source
}

type source struct {
	text   []byte
	hidden []span // unordered
}

// span is a half-open range of byte offsets.
type span struct{ from, to int }

// Add stores the text of the file called name, replacing an older one.
func (s *Sources) Add(name string, text []byte) {
	if s.files == nil {
		s.files = map[string]*source{}
	}
	s.files[name] = &source{text: text}
}

// Files returns the names of the files, in order.
func (s *Sources) Files() []string { return slices.Sorted(maps.Keys(s.files)) }

// Text returns the text of a file as it was added, secrets included: it is for
// looking things up in, not for showing.
func (s *Sources) Text(name string) ([]byte, bool) {
	f := s.files[name]
	if f == nil {
		return nil, false
	}
	return f.text, true
}

// Line returns the line that r starts on with secrets replaced, as snippets
// show it but of any length; ok is false where there is no such line.
func (s *Sources) Line(r Range) (text string, ok bool) {
	f := s.files[r.File]
	if f == nil || r.Start.Line == 0 {
		return "", false
	}
	line, start := f.line(r.Start.Byte)
	return string(f.show(line, start, func(int, int) {})), true
}

// Hide marks the bytes of r as secret: snippets show "(secret)" instead.
func (s *Sources) Hide(r Range) {
	if f := s.files[r.File]; f != nil && r.End.Byte > r.Start.Byte {
		f.hidden = append(f.hidden, span{r.Start.Byte, r.End.Byte})
	}
}

// Masked returns the text of the file called name with every secret span as
// "(secret)".
func (s *Sources) Masked(name string) []byte {
	f := s.files[name]
	if f == nil {
		return nil
	}
	var out []byte
	at := 0
	for _, h := range f.hiddenIn(0, len(f.text)) {
		out = append(append(out, f.text[at:h.from]...), "(secret)"...)
		at = min(h.to, len(f.text))
	}
	return append(out, f.text[at:]...)
}

// line returns the line of the file that holds the byte at, as its text and
// the offset it starts at.
func (f *source) line(at int) (text []byte, start int) {
	at = min(max(at, 0), len(f.text))
	start = bytes.LastIndexAny(f.text[:at], "\r\n") + 1
	end := len(f.text)
	if i := bytes.IndexAny(f.text[at:], "\r\n"); i >= 0 {
		end = at + i
	}
	return f.text[start:end], start
}

// snippet is one printable line and the columns (from 0) the caret covers.
type snippet struct {
	text     string
	from, to int
}

// maxSnippet is the longest line shown, in characters: longer ones carry
// generated text that helps nobody on a terminal.
const maxSnippet = 300

// excerpt renders the line r starts on, with secrets replaced and with every
// character that could move the cursor replaced by a blank.
func (s *Sources) excerpt(r Range) (snippet, bool) {
	f := s.files[r.File]
	if f == nil || r.Start.Line == 0 {
		return snippet{}, false
	}
	text, start := f.line(r.Start.Byte)
	if len(text) > 4*maxSnippet {
		return snippet{}, false
	}
	sn := snippet{from: -1, to: -1}
	mark := func(offset, column int) {
		if sn.from < 0 && offset >= r.Start.Byte {
			sn.from = column
		}
		if sn.to < 0 && offset >= r.End.Byte {
			sn.to = column
		}
	}
	out := f.show(text, start, mark)
	mark(max(start+len(text), r.End.Byte), len(out))
	sn.text = string(out)
	return sn, len(out) <= maxSnippet
}

// show makes the line that starts at the offset start printable and hides what
// is secret in it. It calls mark with the offset and the column of every
// character.
func (f *source) show(line []byte, start int, mark func(offset, column int)) []rune {
	var out []rune
	hidden := f.hiddenIn(start, start+len(line))
	for i := 0; i < len(line); {
		mark(start+i, len(out))
		if len(hidden) > 0 && start+i >= hidden[0].from {
			out = append(out, []rune("(secret)")...)
			i = min(hidden[0].to-start, len(line))
			hidden = hidden[1:]
			continue
		}
		c, size := printable(line[i:])
		out = append(out, c)
		i += size
	}
	return out
}

// printable returns the first character of text and its size in bytes; one that
// could move the cursor becomes a blank.
func printable(text []byte) (rune, int) {
	c, size := utf8.DecodeRune(text)
	if c == utf8.RuneError && size == 1 {
		c = rune(text[0]) // ISO-8859-1
	}
	if c < ' ' || (c >= 0x7f && c < 0xa0) {
		c = ' '
	}
	return c, size
}

// hiddenIn returns the secret spans that meet [from, to), merged and in order.
func (f *source) hiddenIn(from, to int) []span {
	var in []span
	for _, h := range f.hidden {
		if h.from < to && h.to > from {
			in = append(in, span{max(h.from, from), h.to})
		}
	}
	slices.SortFunc(in, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var merged []span
	for _, h := range in {
		if n := len(merged); n > 0 && h.from <= merged[n-1].to {
			merged[n-1].to = max(merged[n-1].to, h.to)
			continue
		}
		merged = append(merged, h)
	}
	return merged
}
