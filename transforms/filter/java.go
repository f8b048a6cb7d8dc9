package filter

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
)

// translation is a Java regular expression in the dialect that Go's regexp and
// regexp2 in RE2 mode share. Both give it Java's meaning for any text without
// line terminators, which no name has. What only looks the same is refused
// rather than translated to something else.
type translation struct {
	src        []rune
	off        int
	out        strings.Builder
	groups     int      // capturing groups opened
	before     int      // capturing groups of the patterns in front
	names      []string // of the named groups
	depth      int      // groups open
	openFlags  string   // flags set outside any group: they hold for what follows
	backtracks bool     // only a backtracking engine can match it
	problem    *diag.Diagnostic
}

// maxDepth bounds nested groups: both engines recurse.
const maxDepth = 100

// maxPattern bounds the characters of one pattern.
const maxPattern = 10_000

func translate(pattern string, groupsBefore int) *translation {
	t := &translation{src: []rune(pattern), before: groupsBefore}
	if len(t.src) > maxPattern {
		t.bad("has more than %d characters", maxPattern)
	}
	for t.problem == nil && t.off < len(t.src) {
		t.element()
	}
	if t.problem == nil && t.depth > 0 {
		t.bad("has an unclosed group")
	}
	return t
}

func (t *translation) text() string { return t.out.String() }

// bad reports a pattern that Java refuses, too.
func (t *translation) bad(format string, args ...any) {
	t.fail(diag.CodeBadRegex, "", format, args...)
}

// java reports what Java can and this program cannot.
func (t *translation) java(fix, format string, args ...any) {
	t.fail(diag.CodeJavaRegex, fix, format, args...)
}

func (t *translation) fail(code, fix, format string, args ...any) {
	if t.problem != nil {
		return
	}
	shown := string(t.src)
	if len(t.src) > 60 {
		shown = string(t.src[:60]) + "…"
	}
	d := diag.Errorf(code, diag.Range{}, "the pattern %q %s, at character %d", shown, fmt.Sprintf(format, args...), min(t.off, len(t.src))+1)
	d.Fix = fix
	t.problem = &d
}

func (t *translation) peek(i int) rune {
	if t.off+i < len(t.src) {
		return t.src[t.off+i]
	}
	return -1
}

// hasPrefix reports whether s comes next.
func (t *translation) hasPrefix(s string) bool {
	for i, r := range []rune(s) {
		if t.peek(i) != r {
			return false
		}
	}
	return true
}

// element translates one atom with its quantifier, or a group's edge.
func (t *translation) element() {
	switch c := t.peek(0); c {
	case '(':
		t.open()
		return
	case ')':
		if t.depth == 0 {
			t.bad("has an unmatched )")
			return
		}
		t.depth--
		t.take(1)
	case '|', '^', '$':
		t.take(1)
		if c == '|' {
			return
		}
	case '.':
		t.take(1)
	case '[':
		t.class()
	case '\\':
		t.escape()
	case '*', '+', '?':
		t.bad("has nothing in front of %c", c)
		return
	case '{':
		t.java(`write \{ for the character`, "has a { with nothing to repeat in front")
		return
	default:
		t.out.WriteString(regexp.QuoteMeta(string(c)))
		t.off++
	}
	if t.problem == nil {
		t.quantifier()
	}
}

// take copies n characters.
func (t *translation) take(n int) {
	t.out.WriteString(string(t.src[t.off : t.off+n]))
	t.off += n
}

// open translates the head of a group.
func (t *translation) open() {
	t.depth++
	if t.depth > maxDepth {
		t.bad("nests more than %d groups", maxDepth)
		return
	}
	switch {
	case !t.hasPrefix("(?"):
		t.groups++
		t.take(1)
	case t.hasPrefix("(?:"):
		t.take(3)
	case t.hasPrefix("(?="), t.hasPrefix("(?!"), t.hasPrefix("(?>"):
		t.backtracks = true
		t.take(3)
	case t.hasPrefix("(?<="), t.hasPrefix("(?<!"):
		t.backtracks = true
		t.take(4)
	case t.hasPrefix("(?<"):
		t.named()
	default:
		t.flags()
	}
}

// named translates (?<name>. The name has no use here, since there are no
// replacements, but it is needed to be a group of its own.
func (t *translation) named() {
	i := 3
	for isLetter(t.peek(i)) || i > 3 && isDigit(t.peek(i)) {
		i++
	}
	if i == 3 || t.peek(i) != '>' {
		t.bad("has a malformed group name")
		return
	}
	name := string(t.src[t.off+3 : t.off+i])
	if slices.Contains(t.names, name) {
		t.bad("has two groups named %s", name)
		return
	}
	t.names = append(t.names, name)
	t.groups++
	t.off += i + 1
	t.out.WriteString("(")
}

// flags translates (?ims-ims) and (?ims-ims:. Of Java's other flags d and u
// change nothing for names, x and U are refused.
func (t *translation) flags() {
	i, kept, sign := 2, "", ""
	for ; ; i++ {
		switch c := t.peek(i); c {
		case 'i', 'm', 's':
			kept += sign + string(c)
			sign = ""
			continue
		case 'd', 'u':
			continue
		case '-':
			if strings.Contains(kept, "-") || sign != "" {
				t.bad("has malformed flags")
				return
			}
			sign = "-"
			continue
		case 'x', 'U':
			t.java("remove the flag and write the pattern without it", "uses the flag %c", c)
			return
		case ':':
			t.off += i + 1
			t.out.WriteString("(?" + kept + ":")
			return
		case ')':
			t.off += i + 1
			t.depth--
			if kept != "" {
				t.out.WriteString("(?" + kept + ")")
			}
			if t.depth == 0 && kept != "" {
				t.openFlags += "(?" + kept + ")"
			}
			return
		}
		t.bad("has an unknown kind of group")
		return
	}
}

// quantifier translates what may follow an atom.
func (t *translation) quantifier() {
	switch t.peek(0) {
	case '*', '+', '?':
		t.take(1)
	case '{':
		if !t.repetition() {
			return
		}
	default:
		return
	}
	switch t.peek(0) {
	case '?':
		t.take(1)
	case '+':
		t.java("write it without the second +: most patterns mean the same", "has a possessive quantifier")
		return
	}
	switch t.peek(0) {
	case '*', '+', '?':
		t.bad("repeats a repetition")
	case '{':
		t.java("put the inner repetition in a group", "repeats a repetition")
	}
}

// repetition translates {n}, {n,} and {n,m}.
func (t *translation) repetition() bool {
	end := t.off
	for end < len(t.src) && t.src[end] != '}' {
		end++
	}
	if end == len(t.src) || end-t.off > 12 {
		t.bad("has an unclosed {")
		return false
	}
	low, high, ranged := strings.Cut(string(t.src[t.off+1:end]), ",")
	n, err := strconv.ParseUint(low, 10, 16)
	m := n
	var err2 error
	if high != "" {
		m, err2 = strconv.ParseUint(high, 10, 16)
	}
	if err != nil || err2 != nil || m < n || (!ranged && high != "") {
		t.bad("has a malformed repetition")
		return false
	}
	if n > 1000 || m > 1000 {
		t.java("a name has at most 249 characters", "repeats more than 1000 times")
		return false
	}
	t.take(end + 1 - t.off)
	return true
}

func isDigit(c rune) bool { return c >= '0' && c <= '9' }

func isLetter(c rune) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
