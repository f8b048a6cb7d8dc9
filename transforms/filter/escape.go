package filter

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Sets of Java's escapes that Go spells differently, as the inside of a class.
const (
	horizontalSpace = `\t \x{a0}\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}`
	verticalSpace   = `\n-\r\x{85}\x{2028}\x{2029}`
	whiteSpace      = `\t-\r `
)

// escape translates a backslash outside a class.
func (t *translation) escape() {
	c := t.peek(1)
	switch c {
	case 'b', 'B', 'A', 'z':
		if c == 'b' && t.peek(2) == '{' {
			t.java("", `uses \b{`)
			return
		}
		t.take(2)
		return
	case 'Z':
		t.off += 2
		t.out.WriteString(`\z`)
		return
	case 'R':
		t.off += 2
		t.out.WriteString(`(?:\r\n|[` + verticalSpace + `])`)
		return
	case 'Q':
		t.quote()
		return
	case 'G', 'X', 'N':
		t.java("", `uses \%c`, c)
		return
	case 'k':
		t.java("repeat the text, or number the group", "refers back to a named group")
		return
	case '1', '2', '3', '4', '5', '6', '7', '8', '9':
		t.backreference(c)
		return
	}
	if set, ok := t.set(); ok {
		t.out.WriteString(set)
		return
	}
	if r, ok := t.char(); ok {
		t.out.WriteString(literal(r))
	}
}

// quote translates \Q...\E.
func (t *translation) quote() {
	rest := string(t.src[t.off+2:])
	text, _, closed := strings.Cut(rest, `\E`)
	t.off += 2 + len([]rune(text))
	if closed {
		t.off += 2
	}
	// A quantifier behind \E repeats the last character only.
	t.out.WriteString(regexp.QuoteMeta(text))
}

// backreference translates \1 to \9. Java reads a second digit only if so many
// groups exist; those patterns are refused.
func (t *translation) backreference(c rune) {
	switch n := int(c - '0'); {
	case t.before > 0:
		t.java("put the pattern first in its list", "refers back by number, but MirrorMaker 2 counts the groups of the patterns in front")
	case n > t.groups:
		t.java("", "refers back to a group that does not exist, so that it matches nothing")
	case isDigit(t.peek(2)):
		t.java("", "has a digit behind a reference to a group")
	default:
		t.backtracks = true
		t.out.WriteString(`(?:\` + string(c) + `)`)
		t.off += 2
	}
}

// set translates an escape that stands for a set of characters, as an atom.
func (t *translation) set() (string, bool) {
	switch c := t.peek(1); c {
	case 'd', 'D', 'w', 'W':
		t.off += 2
		return `\` + string(c), true
	case 's', 'S', 'h', 'H', 'v', 'V':
		t.off += 2
		inside := map[rune]string{'s': whiteSpace, 'h': horizontalSpace, 'v': verticalSpace}[unicode.ToLower(c)]
		if unicode.IsUpper(c) {
			return "[^" + inside + "]", true
		}
		return "[" + inside + "]", true
	case 'p', 'P':
		return t.property(c)
	}
	return "", false
}

// posixClasses maps Java's POSIX names (US-ASCII only) to the inside of a
// class.
func posixClasses() map[string]string {
	return map[string]string{
		"Lower": "a-z", "Upper": "A-Z", "ASCII": `\x00-\x7f`, "Alpha": "a-zA-Z", "Digit": "0-9", "Alnum": "a-zA-Z0-9",
		"Punct": "!-/:-@\\[-`{-~", "Graph": "!-~", "Print": " -~", "Blank": ` \t`, "Cntrl": `\x00-\x1f\x7f`,
		"XDigit": "0-9a-fA-F", "Space": whiteSpace,
	}
}

// property translates \p{...}: POSIX names and general categories.
func (t *translation) property(c rune) (string, bool) {
	name, width := string(t.peek(2)), 3
	if t.peek(2) == '{' {
		end := slices.Index(t.src[t.off:], '}')
		if end < 0 {
			t.bad("has an unclosed \\%c{", c)
			return "", false
		}
		name, width = string(t.src[t.off+3:t.off+end]), end+1
	}
	if inside, ok := posixClasses()[name]; ok {
		t.off += width
		if c == 'P' {
			return "[^" + inside + "]", true
		}
		return "[" + inside + "]", true
	}
	category := strings.TrimPrefix(name, "Is")
	if _, ok := unicode.Categories[category]; ok && len(category) <= 2 {
		t.off += width
		return `\` + string(c) + "{" + category + "}", true
	}
	t.java("list the characters", `uses \%c{%s}`, c, name)
	return "", false
}

// char translates an escape that stands for one character.
func (t *translation) char() (rune, bool) {
	c := t.peek(1)
	simple := map[rune]rune{'t': '\t', 'n': '\n', 'r': '\r', 'f': '\f', 'a': 7, 'e': 27}
	switch r, ok := simple[c]; {
	case ok:
		t.off += 2
		return r, true
	case c == 'x' && t.peek(2) == '{':
		if end := slices.Index(t.src[t.off:], '}'); end > 0 {
			return t.number(3, end, end+1, 16)
		}
		t.bad(`has an unclosed \x{`)
		return 0, false
	case c == 'x':
		return t.number(2, 4, 4, 16)
	case c == 'u':
		return t.number(2, 6, 6, 16)
	case c == '0':
		return t.octal()
	case c == 'c' && t.peek(2) > 0:
		r := t.peek(2) ^ 64
		t.off += 3
		return r, r >= 0
	case c == -1:
		t.bad(`ends with a \`)
		return 0, false
	case isLetter(c):
		t.bad(`has an illegal escape \%c`, c)
		return 0, false
	}
	t.off += 2
	return c, true
}

// octal translates \0 with the digits behind it, at most \0377.
func (t *translation) octal() (rune, bool) {
	end := 2
	for end < 5 && t.peek(end) >= '0' && t.peek(end) <= '7' && (end < 4 || t.peek(2) <= '3') {
		end++
	}
	return t.number(2, end, end, 8)
}

// number reads the digits between from and to as a character and moves on by
// width.
func (t *translation) number(from, to, width, base int) (rune, bool) {
	if t.off+to > len(t.src) || from >= to {
		t.bad("has an incomplete escape")
		return 0, false
	}
	n, err := strconv.ParseUint(string(t.src[t.off+from:t.off+to]), base, 32)
	if err != nil || n > unicode.MaxRune || n >= 0xd800 && n < 0xe000 {
		t.bad("has a malformed escape")
		return 0, false
	}
	t.off += width
	return rune(n), true
}

// literal writes one character so that it means itself, in or out of a class.
func literal(r rune) string {
	if isLetter(r) || isDigit(r) || r == '_' || r > 0x7f && unicode.IsLetter(r) {
		return string(r)
	}
	return fmt.Sprintf(`\x{%x}`, r)
}

// class translates [...]. Unions, intersections and quotes inside are refused:
// Go reads them as something else.
func (t *translation) class() {
	var out strings.Builder
	out.WriteString("[")
	t.off++
	if t.peek(0) == '^' {
		out.WriteString("^")
		t.off++
	}
	for first := true; ; first = false {
		c := t.peek(0)
		switch {
		case c == -1:
			t.bad("has an unclosed character class")
			return
		case c == ']' && !first:
			t.off++
			out.WriteString("]")
			t.out.WriteString(out.String())
			return
		case c == '[':
			t.java("list the characters in one class", "has a class inside a class")
			return
		case c == '&' && t.peek(1) == '&':
			t.java("list the characters, or use a lookahead", "intersects classes by &&")
			return
		}
		if !t.member(&out) {
			return
		}
	}
}

// member translates one character, set or range of a class.
func (t *translation) member(out *strings.Builder) bool {
	if t.peek(0) == '\\' {
		if set, ok := t.set(); ok {
			return t.memberSet(out, set)
		}
	}
	low, ok := t.classChar()
	if !ok {
		return false
	}
	out.WriteString(literal(low))
	if t.peek(0) != '-' || t.peek(1) == ']' || t.peek(1) == -1 {
		return true
	}
	if t.peek(1) == '[' || t.peek(1) == '&' && t.peek(2) == '&' {
		return true // "-" is itself; what follows is refused by class
	}
	t.off++
	high, ok := t.classChar()
	if !ok {
		return false
	}
	if high < low {
		t.bad("has a range whose ends are the wrong way round")
		return false
	}
	out.WriteString("-" + literal(high))
	return true
}

// memberSet writes a set that is a member of a class.
func (t *translation) memberSet(out *strings.Builder, set string) bool {
	if strings.HasPrefix(set, "[^") {
		t.java("list the characters", "has a negated set inside a class")
		return false
	}
	out.WriteString(strings.TrimSuffix(strings.TrimPrefix(set, "["), "]"))
	if t.peek(0) == '-' && t.peek(1) != ']' && t.peek(1) != -1 {
		t.bad("has a range that starts with a set")
		return false
	}
	return true
}

// classChar reads one character of a class.
func (t *translation) classChar() (rune, bool) {
	c := t.peek(0)
	if c != '\\' {
		t.off++
		return c, true
	}
	switch e := t.peek(1); e {
	case 'Q', 'E':
		t.java("escape the characters one by one", `quotes by \Q inside a class`)
		return 0, false
	case 'd', 'D', 'w', 'W', 's', 'S', 'h', 'H', 'v', 'V', 'p', 'P':
		t.bad("has a range that ends with a set")
		return 0, false
	case '1', '2', '3', '4', '5', '6', '7', '8', '9':
		t.bad("refers back to a group inside a class")
		return 0, false
	}
	return t.char()
}
