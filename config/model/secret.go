package model

import (
	"fmt"
	"io"
	"strconv"
	"unique"
)

// Secret is text that must never be printed: every formatting verb and JSON
// show "(secret)". Reveal returns the text. The text is held behind a handle
// because fmt reports a misused verb without asking Format: it then prints an
// address. Secrets of equal text are ==.
type Secret struct{ text unique.Handle[string] }

// NewSecret wraps text; the empty text is the zero Secret.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{unique.Make(text)}
}

// Reveal returns the text; call it only where a client needs it.
func (s Secret) Reveal() string {
	if s.IsZero() {
		return ""
	}
	return s.text.Value()
}

// IsZero reports whether there is no text.
func (s Secret) IsZero() bool { return s == Secret{} }

// String returns "(secret)", or "" when there is no text.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return "(secret)"
}

// Equal reports whether both hold the same text; go-cmp uses it.
func (s Secret) Equal(o Secret) bool { return s == o }

// GoString hides the text from %#v.
func (s Secret) GoString() string { return strconv.Quote(s.String()) }

// Format hides the text from every verb, also from those that would print the
// struct behind it.
func (s Secret) Format(f fmt.State, verb rune) {
	text := s.String()
	if verb == 'q' || (verb == 'v' && f.Flag('#')) {
		text = strconv.Quote(text)
	}
	_, _ = io.WriteString(f, text) // a fmt.State does not fail
}

// MarshalText hides the text from JSON and other encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
