package filter

import (
	"strconv"
	"strings"
	"unicode"
)

// escape translates a backslash outside a class.
func (t *translation) escape() {
	c := t.peek(1)
	switch c {
	case 'b', 'B', 'A', 'z', 'Z':
		if c == 'b' && t.peek(2) == '{' {
			t.java("", `uses \b{`)
			return
		}
		if c == 'Z' {
			c = 'z' // no name ends with a line terminator
		}
		t.off += 2
		t.write(`\` + string(c))
		return
	case 'R':
		t.off += 2
		t.write(`(?:\r\n|` + verticalSpace().text() + `)`)
		return
	case 'G', 'X', 'N':
		t.java("", `uses \%c`, c)
		return
	case 'k':
		t.namedReference()
		return
	case '1', '2', '3', '4', '5', '6', '7', '8', '9':
		t.numberedReference()
		return
	}
	if s, known := t.set(); known {
		t.write(s.text())
		return
	}
	if r, ok := t.char(); ok {
		t.literal(r)
	}
}

// numberedReference translates \1 and so on: as many digits as make a group that
// was opened before.
func (t *translation) numberedReference() {
	if t.before.groups > 0 {
		t.java("put the pattern first in its list", "refers back by number, but MirrorMaker 2 counts the groups of the patterns in front")
		return
	}
	n, width := int(t.peek(1)-'0'), 2
	if n > t.groups {
		t.java("", "refers back to a group that does not exist, so that it matches nothing")
		return
	}
	for isDigit(t.peek(width)) {
		next := n*10 + int(t.peek(width)-'0')
		if next > t.groups {
			break
		}
		n, width = next, width+1
	}
	t.reference(n, width)
}

// namedReference translates \k<name>.
func (t *translation) namedReference() {
	var name strings.Builder
	i := 3
	for ; isLetter(t.peek(i)) || isDigit(t.peek(i)); i++ {
		name.WriteRune(t.peek(i))
	}
	if t.peek(2) != '<' || t.peek(i) != '>' {
		t.bad("has a malformed reference to a group")
		return
	}
	for _, n := range t.names {
		if n.name == name.String() {
			t.reference(n.number, i+1)
			return
		}
	}
	// With the patterns of a list in one, the name may be in front.
	if t.before.groups > 0 {
		t.java("put both into one pattern", "refers back to group %q, which it does not have", name.String())
		return
	}
	t.bad("refers back to group %q, which does not exist", name.String())
}

func (t *translation) reference(group, width int) {
	switch {
	case t.inLookbehind():
		t.java("write the text", "refers back to a group inside a lookbehind")
		return
	case t.flags.fold:
		t.java("write both cases", "refers back to a group without regard to case")
		return
	}
	t.backtracks = true
	t.write(`(?:\k<` + strconv.Itoa(group) + `>)`)
	t.off += width
}

func verticalSpace() set { return spans('\n', '\r', 0x85, 0x85, 0x2028, 0x2029) }

// predefined returns Java's predefined sets by their escape in lower case.
func predefined(c rune) (set, bool) {
	switch c {
	case 'd':
		return spans('0', '9'), true
	case 'w':
		return spans('0', '9', 'A', 'Z', '_', '_', 'a', 'z'), true
	case 's':
		return spans('\t', '\r', ' ', ' '), true
	case 'h':
		return spans('\t', '\t', ' ', ' ', 0xa0, 0xa0, 0x1680, 0x1680, 0x180e, 0x180e, 0x2000, 0x200a, 0x202f, 0x202f, 0x205f, 0x205f, 0x3000, 0x3000), true
	case 'v':
		return verticalSpace(), true
	}
	return nil, false
}

// set reads an escape that stands for a set of characters. known is false, and
// nothing read, where it is not such an escape.
func (t *translation) set() (s set, known bool) {
	c := t.peek(1)
	if c == 'p' || c == 'P' {
		return t.property(), true
	}
	if s, known = predefined(unicode.ToLower(c)); !known {
		return nil, false
	}
	t.off += 2
	if unicode.IsUpper(c) {
		s = s.not()
	}
	return s, true
}

// posix returns Java's POSIX sets, which are US-ASCII only.
func posix(name string) (set, bool) {
	ends := map[string][]rune{
		"Lower": {'a', 'z'}, "Upper": {'A', 'Z'}, "ASCII": {0, 0x7f}, "Alpha": {'A', 'Z', 'a', 'z'}, "Digit": {'0', '9'},
		"Alnum": {'0', '9', 'A', 'Z', 'a', 'z'}, "Punct": {'!', '/', ':', '@', '[', '`', '{', '~'}, "Graph": {'!', '~'},
		"Print": {' ', '~'}, "Blank": {'\t', '\t', ' ', ' '}, "Cntrl": {0, 0x1f, 0x7f, 0x7f},
		"XDigit": {'0', '9', 'A', 'F', 'a', 'f'}, "Space": {'\t', '\r', ' ', ' '},
	}[name]
	return spans(ends...), ends != nil
}

// property reads \p{...}: POSIX names and general categories.
func (t *translation) property() set {
	c, width := t.peek(1), 3
	var name string
	switch t.peek(2) {
	case '{':
		end := 3
		for ; t.peek(end) != '}'; end++ {
			if t.peek(end) == -1 {
				t.bad("has an unclosed \\%c{", c)
				return nil
			}
			name += string(t.src[t.off+end].r)
		}
		width = end + 1
	case -1:
		t.bad("has an incomplete escape")
		return nil
	default:
		name = string(t.src[t.off+2].r)
	}
	s, known := posix(name)
	if !known {
		short := strings.TrimPrefix(name, "Is")
		// Which characters are not assigned changes with every Unicode.
		if table := unicode.Categories[short]; table != nil && len(short) <= 2 && short != "C" && short != "Cn" {
			s, known = category(table), true
		}
	}
	switch {
	case !known:
		t.java("list the characters", `uses \%c{%s}`, c, name)
		return nil
	case t.flags.fold && cased(name):
		t.java("write both cases", `uses \%c{%s} without regard to case, which means different things in different versions of Java`, c, name)
		return nil
	}
	t.off += width
	if c == 'P' {
		return s.not()
	}
	return s
}

// cased reports whether a property tells cases apart.
func cased(name string) bool {
	switch strings.TrimPrefix(name, "Is") {
	case "Lower", "Upper", "Lu", "Ll", "Lt":
		return true
	}
	return false
}

// char reads an escape that stands for one character.
func (t *translation) char() (rune, bool) {
	c := t.peek(1)
	simple := map[rune]rune{'t': '\t', 'n': '\n', 'r': '\r', 'f': '\f', 'a': 7, 'e': 27}
	switch r, ok := simple[c]; {
	case ok:
		t.off += 2
		return r, true
	case c == 'x' && t.peek(2) == '{':
		return t.bracedHex()
	case c == 'x':
		return t.number(2, 4, 16)
	case c == 'u':
		return t.number(2, 6, 16)
	case c == '0':
		return t.octal()
	case c == 'c':
		if t.peek(2) < 0 {
			t.bad("has an incomplete escape")
			return 0, false
		}
		r := t.peek(2) ^ 64
		t.off += 3
		return r, true
	case c == -1:
		t.bad(`ends with a \`)
		return 0, false
	case isLetter(c):
		t.bad(`has an illegal escape \%c`, c)
		return 0, false
	}
	r := t.src[t.off+1].r
	t.off += 2
	return r, true
}

// bracedHex reads \x{h...h}.
func (t *translation) bracedHex() (rune, bool) {
	end := 3
	for t.peek(end) != '}' {
		if t.peek(end) == -1 {
			t.bad(`has an unclosed \x{`)
			return 0, false
		}
		end++
	}
	r, ok := t.number(3, end, 16)
	if ok {
		t.off++
	}
	return r, ok
}

// octal reads \0 with the digits behind it, at most \0377.
func (t *translation) octal() (rune, bool) {
	end := 2
	for end < 5 && t.peek(end) >= '0' && t.peek(end) <= '7' && (end < 4 || t.peek(2) <= '3') {
		end++
	}
	return t.number(2, end, 8)
}

// number reads the digits between from and to as a character.
func (t *translation) number(from, to, base int) (rune, bool) {
	var digits strings.Builder
	for i := from; i < to; i++ {
		if c := t.peek(i); c > 0 {
			digits.WriteRune(c)
		}
	}
	n, err := strconv.ParseUint(digits.String(), base, 64)
	switch {
	case err != nil || digits.Len() != to-from || n > unicode.MaxRune:
		t.bad("has a malformed escape")
		return 0, false
	case n >= 0xd800 && n < 0xe000:
		t.java("write the character itself", "has an escape for half a character")
		return 0, false
	}
	t.off += to
	return rune(n), true
}
