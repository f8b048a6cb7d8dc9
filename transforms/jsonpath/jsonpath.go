// Package jsonpath owns places in JSON documents: where in the bytes the values
// of a path are. It is pure and changes nothing: who reads a value decodes just
// those bytes, who replaces one leaves all others as they were.
package jsonpath

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Path is a way from the root of a document: names of members, places in arrays
// counting from 0, and "*" for every element of an array. It is immutable.
type Path struct{ steps []string }

// maxSteps bounds a path, maxDepth a document.
const (
	maxSteps = 64
	maxDepth = 1000
)

// Parse reads a path such as customer.emails.*.address. A backslash makes the
// dot, star or backslash behind it a part of the name.
func Parse(text string) (Path, error) {
	var p Path
	var step strings.Builder
	end := func() error {
		if step.Len() == 0 {
			return fmt.Errorf("a step of the path %q is empty", text)
		}
		if p.steps = append(p.steps, step.String()); len(p.steps) > maxSteps {
			return fmt.Errorf("a path has at most %d steps", maxSteps)
		}
		step.Reset()
		return nil
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
			if text[i] == '*' {
				step.WriteByte('\\') // told from the star that stands for all
			}
			step.WriteByte(text[i])
		case c == '.':
			if err := end(); err != nil {
				return Path{}, err
			}
		default:
			step.WriteByte(c)
		}
	}
	return p, end()
}

// Span is a value in a document: its bytes from Start to End.
type Span struct {
	Start, End int
	Name       int // where the name of a member begins; Start for an element of an array
}

// Cut returns doc without the value of a span, its name, and the comma that parted
// it from a neighbour. Spans in front of it stay what they are.
func (s Span) Cut(doc []byte) []byte {
	from, to := s.Name, s.End
	blank := func(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
	next := to
	for next < len(doc) && blank(doc[next]) {
		next++
	}
	if next < len(doc) && doc[next] == ',' {
		for to = next + 1; to < len(doc) && blank(doc[to]); to++ {
		}
		return slices.Concat(doc[:from], doc[to:])
	}
	last := from - 1
	for last >= 0 && blank(doc[last]) {
		last--
	}
	if last >= 0 && doc[last] == ',' {
		from = last
	}
	return slices.Concat(doc[:from], doc[to:])
}

// Put returns doc with other bytes in place of the value. Spans in front of it stay
// what they are.
func (s Span) Put(doc, value []byte) []byte {
	return slices.Concat(doc[:s.Start], value, doc[s.End:])
}

// Find returns every value of the path in document order: several where a star
// is in it, or a name occurs twice. It reads all of the document, which must be
// one JSON value nested at most a thousand deep.
func (p Path) Find(doc []byte) ([]Span, error) {
	s := scanner{doc: doc}
	if err := s.value(p.steps, true, 0, 0); err != nil {
		return nil, fmt.Errorf("reading JSON at byte %d: %w", s.at, err)
	}
	if s.space(); s.at < len(doc) {
		return nil, fmt.Errorf("reading JSON at byte %d: something is behind its end", s.at)
	}
	return s.found, nil
}

var (
	errEnd    = errors.New("the document ends within a value")
	errSyntax = errors.New("no JSON")
	errDepth  = errors.New("nested too deep")
)

// scanner walks a document once.
type scanner struct {
	doc   []byte
	at    int
	found []Span
}

func (s *scanner) space() {
	for s.at < len(s.doc) && (s.doc[s.at] == ' ' || s.doc[s.at] == '\t' || s.doc[s.at] == '\n' || s.doc[s.at] == '\r') {
		s.at++
	}
}

// value walks one value. wanted says that it is on the path so far, whose other
// steps are given; name is how far in front of it that of a member begins.
func (s *scanner) value(steps []string, wanted bool, depth, name int) error {
	if depth > maxDepth {
		return errDepth
	}
	s.space()
	if s.at >= len(s.doc) {
		return errEnd
	}
	start := s.at
	err := errSyntax
	switch c := s.doc[s.at]; {
	case c == '{':
		err = s.object(steps, wanted, depth)
	case c == '[':
		err = s.array(steps, wanted, depth)
	case c == '"':
		err = s.text()
	case c == '-' || c >= '0' && c <= '9':
		err = s.number()
	case c == 't':
		err = s.word("true")
	case c == 'f':
		err = s.word("false")
	case c == 'n':
		err = s.word("null")
	}
	if err == nil && wanted && len(steps) == 0 {
		s.found = append(s.found, Span{Start: start, End: s.at, Name: start - name})
	}
	return err
}

// list walks what is between two brackets, element by element.
func (s *scanner) list(last byte, element func() error) error {
	s.at++
	if s.space(); s.at < len(s.doc) && s.doc[s.at] == last {
		s.at++
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		s.space()
		switch {
		case s.at >= len(s.doc):
			return errEnd
		case s.doc[s.at] == last:
			s.at++
			return nil
		case s.doc[s.at] != ',':
			return errSyntax
		}
		s.at++
	}
}

func (s *scanner) object(steps []string, wanted bool, depth int) error {
	return s.list('}', func() error {
		s.space()
		start := s.at
		if s.at >= len(s.doc) || s.doc[s.at] != '"' {
			return errSyntax
		}
		if err := s.text(); err != nil {
			return err
		}
		name := s.doc[start:s.at]
		if s.space(); s.at >= len(s.doc) || s.doc[s.at] != ':' {
			return errSyntax
		}
		s.at++
		s.space()
		if wanted && len(steps) > 0 && named(name, steps[0]) {
			return s.value(steps[1:], true, depth+1, s.at-start)
		}
		return s.value(nil, false, depth+1, 0)
	})
}

func (s *scanner) array(steps []string, wanted bool, depth int) error {
	i := -1
	return s.list(']', func() error {
		i++
		if wanted && len(steps) > 0 && (steps[0] == "*" || steps[0] == strconv.Itoa(i)) {
			return s.value(steps[1:], true, depth+1, 0)
		}
		return s.value(nil, false, depth+1, 0)
	})
}

// text walks a string.
func (s *scanner) text() error {
	for s.at++; s.at < len(s.doc); s.at++ {
		switch c := s.doc[s.at]; {
		case c == '"':
			s.at++
			return nil
		case c == '\\':
			s.at++
		case c < ' ':
			return errSyntax
		}
	}
	return errEnd
}

func (s *scanner) number() error {
	start := s.at
	for s.at < len(s.doc) && strings.IndexByte("+-.eE0123456789", s.doc[s.at]) >= 0 {
		s.at++
	}
	if _, err := strconv.ParseFloat(string(s.doc[start:s.at]), 64); errors.Is(err, strconv.ErrSyntax) {
		return errSyntax
	}
	return nil
}

func (s *scanner) word(w string) error {
	if !strings.HasPrefix(string(s.doc[s.at:min(len(s.doc), s.at+len(w))]), w) {
		return errSyntax
	}
	s.at += len(w)
	return nil
}
