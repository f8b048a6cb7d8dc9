package client

import (
	"strings"
)

// login is one entry of sasl.jaas.config.
type login struct {
	module  string
	options map[string]string
}

// parseJAAS reads a JAAS configuration as Kafka's JaasConfig does, which is a
// thin layer over java.io.StreamTokenizer. problem and fix never quote the
// text: it holds a password.
func parseJAAS(text string) (entries []login, problem, fix string) {
	t := &tokenizer{text: []rune(text)}
	for t.next() {
		entry := login{module: t.word, options: map[string]string{}}
		if t.kind != tokenWord {
			return nil, "must start with the name of a login module", ""
		}
		if !t.next() {
			return nil, "has no control flag behind the login module", `write: LoginModule required username="..." password="...";`
		}
		switch strings.ToUpper(t.word) {
		case "REQUIRED", "REQUISITE", "SUFFICIENT", "OPTIONAL":
		default:
			return nil, "has no control flag behind the login module", `write "required" behind the login module`
		}
		for t.next() && t.kind != ';' {
			key := t.word
			if t.kind != tokenWord {
				return nil, "needs name=value pairs behind the control flag", ""
			}
			if !t.next() || t.kind != '=' || !t.next() || t.kind != tokenWord {
				return nil, "has no value for the option " + optionName(key), "put the value in double quotes"
			}
			entry.options[key] = t.word
		}
		if t.kind != ';' {
			return nil, "does not end with a semicolon", `add ";" at the end`
		}
		entries = append(entries, entry)
	}
	if len(entries) == 0 {
		return nil, "names no login module", ""
	}
	return entries, "", ""
}

// optionName is a name that is safe to show: a known option, since with a
// missing quote any word may be part of a password.
func optionName(key string) string {
	switch key {
	case "username", "password", "tokenauth", "serviceName", "principal", "keyTab", "useKeyTab", "storeKey", "clientId", "clientSecret":
		return key
	}
	return "that follows the control flag"
}

// Kinds of token besides single characters; tokenWord is a word or a quoted
// text.
const (
	tokenEnd rune = -1 - iota
	tokenWord
	tokenNumber
)

// tokenizer is java.io.StreamTokenizer in the state JaasConfig sets up: words
// of letters, digits, ".", "-", "_" and "$", quotes of both kinds, "/" starts
// a comment, a token that starts like a number is one and has no text, nor has
// a "-" in front of a word.
type tokenizer struct {
	text []rune
	off  int
	kind rune
	word string
}

func (t *tokenizer) peek() rune {
	if t.off < len(t.text) {
		return t.text[t.off]
	}
	return tokenEnd
}

// next reads a token and reports whether there was one.
func (t *tokenizer) next() bool {
	t.word = ""
	t.skipBlanks()
	c := t.peek()
	switch {
	case c == tokenEnd:
		t.kind = tokenEnd
		return false
	case c >= '0' && c <= '9' || c == '.' || c == '-' && t.number():
		t.kind = tokenNumber
		t.skipNumber()
	case isWord(c) && c != '-':
		t.kind = tokenWord
		t.unquoted()
	case c == '"' || c == '\'':
		t.kind = tokenWord
		t.off++
		t.quoted(c)
	default:
		t.kind = c
		t.off++
	}
	return true
}

// number reports whether "-" starts a number: a digit or "." follows.
func (t *tokenizer) number() bool {
	if t.off+1 >= len(t.text) {
		return false
	}
	c := t.text[t.off+1]
	return c >= '0' && c <= '9' || c == '.'
}

func (t *tokenizer) skipNumber() {
	if t.peek() == '-' {
		t.off++
	}
	for c := t.peek(); c >= '0' && c <= '9' || c == '.'; c = t.peek() {
		t.off++
	}
}

func isWord(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '$' || c == '-' || c >= 160
}

// skipBlanks skips control characters, blanks and comments. A lone "/" starts
// a comment up to the end of the line, too.
func (t *tokenizer) skipBlanks() {
	for {
		c := t.peek()
		switch {
		case c >= 0 && c <= ' ':
			t.off++
		case c == '/' && t.off+1 < len(t.text) && t.text[t.off+1] == '*':
			t.off += 2
			t.skipComment()
		case c == '/':
			t.off = min(t.off+2, len(t.text)) // Java looks at the next character and forgets it
			for t.off < len(t.text) && t.peek() != '\n' && t.peek() != '\r' {
				t.off++
			}
		default:
			return
		}
	}
}

// skipComment skips up to and with the end of a comment, or of the text.
func (t *tokenizer) skipComment() {
	for t.off < len(t.text) && (t.text[t.off] != '*' || t.off+1 == len(t.text) || t.text[t.off+1] != '/') {
		t.off++
	}
	t.off = min(t.off+2, len(t.text))
}

// unquoted reads a word.
func (t *tokenizer) unquoted() {
	start := t.off
	for isWord(t.peek()) || t.peek() == '.' || t.peek() >= '0' && t.peek() <= '9' {
		t.off++
	}
	t.word = string(t.text[start:t.off])
}

// quoted reads up to the quote, the end of the line or of the text.
func (t *tokenizer) quoted(quote rune) {
	var out []rune
	for c := t.peek(); c != tokenEnd && c != quote && c != '\n' && c != '\r'; c = t.peek() {
		t.off++
		if c == '\\' {
			c = t.escape()
		}
		if c != tokenEnd {
			out = append(out, c)
		}
	}
	if t.peek() == quote {
		t.off++
	}
	t.word = string(out)
}

// escape reads what follows a backslash, as in C.
func (t *tokenizer) escape() rune {
	c := t.peek()
	if c == tokenEnd {
		return c
	}
	t.off++
	switch c {
	case 'a':
		return 7
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'v':
		return 11
	}
	if c < '0' || c > '7' {
		return c
	}
	value, most := c-'0', 2
	if c > '3' {
		most = 1 // at most \377
	}
	for ; most > 0 && t.peek() >= '0' && t.peek() <= '7'; most-- {
		value = value<<3 | (t.peek() - '0')
		t.off++
	}
	return value
}
