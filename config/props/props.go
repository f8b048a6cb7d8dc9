// Package props reads the text of a java.util.Properties file into a Document
// that knows where everything was written. What the keys mean is the business
// of the packages in config/legacy.
//
// The reader follows java.util.Properties.load of JDK 17. The library
// magiconair/properties serves as its oracle in the tests and not as the
// reader, because it has no positions and departs from Java where files really
// differ: a continuation line that ends in CRLF ends its value there, a
// backslash at the end of a line inside a key or before the separator does not
// join lines, a key may not be empty, "\uD83D\uDE00" is two broken characters
// and a backslash at the end of the file is an error.
package props

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/strait-mirror/strait/config/diag"
)

// Encoding says how bytes become characters.
type Encoding int

// The encodings.
const (
	Latin1 Encoding = iota + 1 // Properties.load(InputStream): every file Kafka is started with
	UTF8                       // Properties.load(Reader): files of Kafka's FileConfigProvider
)

// MaxBytes bounds the text Parse accepts: 16 MiB, as for HCL.
const MaxBytes = 16 << 20

// Entry is one key with its value, decoded.
type Entry struct {
	Key, Value           string
	KeyRange, ValueRange diag.Range // as written, so escapes count
	// LostBackslash is the place of the first backslash of the value that Java
	// drops without a meaning, as in "\."; the zero Range when there is none.
	LostBackslash diag.Range
}

// Document is one properties file.
type Document struct {
	File    string
	Entries []Entry // in file order, overwritten duplicates too
	// Comments are the lines that start with # or !; each is about the entry
	// behind it.
	Comments []diag.Comment

	last map[string]int // key to the index of the entry that counts
}

// Get returns the entry that counts for key: the last one written.
func (d *Document) Get(key string) (Entry, bool) {
	i, ok := d.last[key]
	if !ok {
		return Entry{}, false
	}
	return d.Entries[i], true
}

// Effective returns the entries that count, in file order.
func (d *Document) Effective() []Entry {
	var out []Entry
	for i, e := range d.Entries {
		if d.last[e.Key] == i {
			out = append(out, e)
		}
	}
	return out
}

// Parse reads src, the content of the file called name. It reports a malformed
// \uXXXX, which Java refuses the whole file for, and keys written twice.
func Parse(name string, src []byte, enc Encoding) (*Document, diag.List) {
	doc := &Document{File: name, last: map[string]int{}}
	if len(src) > MaxBytes {
		return doc, diag.List{diag.Errorf(diag.CodeTooBig, diag.Range{File: name},
			"the file has more than 16 MiB; no more are read")}
	}
	var problems diag.List
	s := &scanner{name: name, src: src, enc: enc, line: 1, column: 1}
	for s.readLine() {
		e := s.entry(&problems)
		doc.attach(s.comments, e)
		s.comments = s.comments[:0]
		if i, ok := doc.last[e.Key]; ok {
			problems.Add(diag.Warnf(diag.CodeDuplicateKey, e.KeyRange,
				"%q is set a second time; the first value, in line %d, has no effect",
				e.Key, doc.Entries[i].KeyRange.Start.Line).WithFix("remove one of the two lines"))
		}
		doc.last[e.Key] = len(doc.Entries)
		doc.Entries = append(doc.Entries, e)
	}
	doc.Comments = append(doc.Comments, s.comments...)
	return doc, problems
}

// attach adds the comments in front of e.
func (d *Document) attach(comments []diag.Comment, e Entry) {
	for _, c := range comments {
		c.First, c.Last = e.KeyRange.Start.Line, e.ValueRange.End.Line
		d.Comments = append(d.Comments, c)
	}
}

// char is one character of a logical line and where it starts.
type char struct {
	r  rune
	at diag.Pos
}

// scanner turns the text into logical lines: comments and blank lines left
// out, continuation lines joined.
type scanner struct {
	name         string
	src          []byte
	enc          Encoding
	off          int
	line, column int

	buf []char   // the logical line
	end diag.Pos // just behind its last character

	comments []diag.Comment // since the last logical line
}

func (s *scanner) pos() diag.Pos { return diag.Pos{Line: s.line, Column: s.column, Byte: s.off} }

// next consumes one character. CR, LF and CR LF end a line; Column counts
// characters as an editor shows them, whatever the encoding.
func (s *scanner) next() char {
	c := char{at: s.pos()}
	size := 1
	if s.enc == UTF8 {
		c.r, size = utf8.DecodeRune(s.src[s.off:])
	} else {
		c.r = rune(s.src[s.off])
	}
	s.off += size
	switch {
	case c.r == '\n' || c.r == '\r' && (s.off == len(s.src) || s.src[s.off] != '\n'):
		s.line++
		s.column = 1
	case s.off >= len(s.src) || utf8.RuneStart(s.src[s.off]):
		s.column++
	}
	return c
}

// readLine fills buf with the next logical line and reports whether there was
// one. It is LineReader.readLine of JDK 17, which see for the odd cases.
//
//nolint:cyclop // step by step the JDK's, so that the two can be compared
func (s *scanner) readLine() bool {
	s.buf = s.buf[:0]
	skipBlanks, continued, backslash := true, false, false
	for s.off < len(s.src) {
		c := s.next()
		eol := c.r == '\n' || c.r == '\r'
		if skipBlanks {
			if isBlank(c.r) || (!continued && eol) {
				continue
			}
			skipBlanks, continued = false, false
		}
		switch {
		case len(s.buf) == 0 && (c.r == '#' || c.r == '!'):
			s.comment(c.at)
			skipBlanks = true
		case !eol:
			s.buf = append(s.buf, c)
			s.end = s.pos()
			backslash = c.r == '\\' && !backslash
		case len(s.buf) == 0:
			skipBlanks = true
		case !backslash:
			return true
		default:
			s.dropLast()
			if s.off >= len(s.src) {
				return true
			}
			if c.r == '\r' && s.src[s.off] == '\n' {
				s.next()
			}
			skipBlanks, continued, backslash = true, true, false
		}
	}
	if len(s.buf) == 0 {
		return false
	}
	if backslash {
		s.dropLast()
	}
	return true
}

// dropLast removes the backslash that ended a line.
func (s *scanner) dropLast() {
	s.end = s.buf[len(s.buf)-1].at
	s.buf = s.buf[:len(s.buf)-1]
}

// comment reads a comment whose mark is at start up to the end of its line.
func (s *scanner) comment(start diag.Pos) {
	end, text := s.pos(), []rune(nil)
	for s.off < len(s.src) {
		c := s.next()
		if c.r == '\n' || c.r == '\r' {
			break
		}
		text = append(text, c.r)
		end = s.pos()
	}
	s.comments = append(s.comments, diag.Comment{
		Text:  strings.TrimSpace(string(text)),
		Range: diag.Range{File: s.name, Start: start, End: end},
	})
}

func isBlank(r rune) bool { return r == ' ' || r == '\t' || r == '\f' }

// entry splits the logical line as Properties.load0 does.
func (s *scanner) entry(problems *diag.List) Entry {
	key, value := len(s.buf), len(s.buf) // end of the key, start of the value
	separated, backslash := false, false
	for i, c := range s.buf {
		if !backslash && (c.r == '=' || c.r == ':' || isBlank(c.r)) {
			key, value, separated = i, i+1, !isBlank(c.r)
			break
		}
		backslash = c.r == '\\' && !backslash
	}
	for value < len(s.buf) {
		r := s.buf[value].r
		if !isBlank(r) {
			if separated || (r != '=' && r != ':') {
				break
			}
			separated = true
		}
		value++
	}
	e := Entry{KeyRange: s.rangeOf(0, key), ValueRange: s.rangeOf(value, len(s.buf))}
	e.Key, _ = s.decode(0, key, problems)
	e.Value, e.LostBackslash = s.decode(value, len(s.buf), problems)
	return e
}

// rangeOf is the place of buf[from:to].
func (s *scanner) rangeOf(from, to int) diag.Range {
	at := func(i int) diag.Pos {
		if i < len(s.buf) {
			return s.buf[i].at
		}
		return s.end
	}
	r := diag.Range{File: s.name, Start: at(from), End: at(to)}
	if len(s.buf) == 0 { // a lone backslash at the end of the file
		r.Start, r.End = s.end, s.end
	}
	return r
}

// decode resolves the escapes of buf[from:to] as Properties.loadConvert does.
func (s *scanner) decode(from, to int, problems *diag.List) (string, diag.Range) {
	var lost diag.Range
	out := make([]rune, 0, to-from)
	for i := from; i < to; i++ {
		r := s.buf[i].r
		if r != '\\' || i+1 == to {
			out = append(out, r)
			continue
		}
		i++
		switch r = s.buf[i].r; r {
		case 'u':
			unit, ok := hex4(s.buf[i+1 : min(i+5, to)])
			if !ok {
				problems.Add(diag.Errorf(diag.CodeSyntax, s.rangeOf(i-1, min(i+5, to)),
					`malformed \u escape`).WithFix(`write \u and four hexadecimal digits, or \\u for a backslash and a u`))
				return string(out), lost
			}
			i += 4
			if n := len(out); n > 0 && utf16.IsSurrogate(unit) {
				if pair := utf16.DecodeRune(out[n-1], unit); pair != utf8.RuneError {
					out[n-1] = pair
					continue
				}
			}
			out = append(out, unit) // a lone surrogate becomes U+FFFD in string()
		case 't', 'n', 'r', 'f':
			out = append(out, control(r))
		case '\\', '=', ':', '#', '!', ' ', '"', '\'', '\t', '\f':
			out = append(out, r)
		default:
			if lost.IsZero() {
				lost = s.rangeOf(i-1, i+1)
			}
			out = append(out, r)
		}
	}
	return string(out), lost
}

// control is the character that the letters t, n, r and f stand for.
func control(letter rune) rune {
	switch letter {
	case 't':
		return '\t'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	default:
		return '\f'
	}
}

// hex4 reads exactly four hexadecimal digits.
func hex4(digits []char) (rune, bool) {
	if len(digits) != 4 {
		return 0, false
	}
	var unit rune
	for _, d := range digits {
		switch {
		case d.r >= '0' && d.r <= '9':
			unit = unit<<4 | (d.r - '0')
		case d.r >= 'a' && d.r <= 'f':
			unit = unit<<4 | (d.r - 'a' + 10)
		case d.r >= 'A' && d.r <= 'F':
			unit = unit<<4 | (d.r - 'A' + 10)
		default:
			return 0, false
		}
	}
	return unit, true
}
