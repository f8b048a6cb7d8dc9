package filter

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/strait-mirror/strait/config/diag"
)

// translation is a Java regular expression in the dialect that Go's regexp and
// regexp2 in RE2 mode share. Both give it Java's meaning for any text without
// line terminators, which no name has. What only looks the same is refused
// rather than translated to something else.
//
// Java's meaning is that of java.util.regex.Pattern in Java 17; integration/regex
// asks a Java runtime itself.
type translation struct {
	src        []char
	off        int
	out        []byte
	pattern    string
	groups     int         // capturing groups opened
	before     joined      // what the patterns in front left behind
	names      []groupName // the named ones
	open       []group     // groups not closed yet
	flags      flags       // in effect
	backtracks bool        // only a backtracking engine can match it
	loose      []int       // capturing groups of which engines keep different turns: repeated ones, and those in lookarounds
	unclosed   bool        // a \Q is not closed
	problem    *diag.Diagnostic
}

// joined is what the patterns of a list mean for those behind them, since
// MirrorMaker 2 compiles all of them as one.
type joined struct {
	flags  flags
	groups int
	names  map[string]bool // of groups; every pattern adds its own
}

// char is one character of a pattern once quotes are removed.
type char struct {
	r      rune
	quoted bool // by \Q: it stands for itself
	at     int  // its place in the pattern, from 0
}

// groupName names a capturing group.
type groupName struct {
	name   string
	number int
}

// group is a group that is not closed yet.
type group struct {
	start      int   // of its output
	first      int   // number of the first capturing group in it, itself included
	around     bool  // it is a lookaround
	flags      flags // in effect outside
	lookbehind bool  // it is one, or is inside one
}

// flags are Java's embedded flags that mean something for names. Java compares
// without case in US-ASCII alone, both engines in all of Unicode: so they never
// see the flag, but sets with both cases.
type flags struct {
	fold    bool // i
	unicode bool // u
}

// maxDepth bounds nested groups: both engines recurse.
const maxDepth = 100

// maxPattern bounds the characters of one pattern.
const maxPattern = 10_000

// translate translates a pattern that stands behind others, or is the last of a
// list.
func translate(pattern string, before joined, last bool) *translation {
	t := &translation{pattern: pattern, before: before, flags: before.flags}
	if len(pattern) > 4*maxPattern || len([]rune(pattern)) > maxPattern {
		t.bad("has more than %d characters", maxPattern)
		return t
	}
	t.src, t.unclosed = unquote([]rune(pattern))
	for t.problem == nil && t.off < len(t.src) {
		t.element()
	}
	if t.problem == nil && len(t.open) > 0 {
		t.bad("has an unclosed group")
	}
	if t.unclosed && !last {
		t.java(`close it with \E`, `has an unclosed \Q, which would quote the patterns behind it`)
	}
	return t
}

// after returns what a pattern means for those behind it.
func (t *translation) after() joined {
	return joined{flags: t.flags, groups: t.before.groups + t.groups, names: t.before.names}
}

// unquote takes \Q and \E out, as Java does before it looks at anything else.
func unquote(src []rune) (out []char, quoted bool) {
	out = make([]char, 0, len(src))
	next := func(i int) rune {
		if i+1 < len(src) {
			return src[i+1]
		}
		return -1
	}
	for i := 0; i < len(src); i++ {
		switch {
		case quoted && src[i] == '\\' && next(i) == 'E':
			quoted = false
			i++
		case !quoted && src[i] == '\\' && next(i) == 'Q':
			quoted = true
			i++
		case !quoted && src[i] == '\\' && next(i) >= 0:
			out = append(out, char{r: src[i], at: i}, char{r: src[i+1], at: i + 1})
			i++
		default:
			out = append(out, char{r: src[i], quoted: quoted, at: i})
		}
	}
	return out, quoted
}

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
	all := []rune(t.pattern)
	at := len(all)
	if t.off < len(t.src) {
		at = t.src[t.off].at
	}
	shown := t.pattern
	if len(all) > 60 {
		shown = string(all[:60]) + "…"
	}
	d := diag.Errorf(code, diag.Range{}, "the pattern %q %s, at character %d", shown, fmt.Sprintf(format, args...), at+1)
	d.Fix = fix
	t.problem = &d
}

// peek returns the character i ahead, −1 at the end and −2 for a quoted one,
// which is never syntax.
func (t *translation) peek(i int) rune {
	switch {
	case t.off+i >= len(t.src):
		return -1
	case t.src[t.off+i].quoted:
		return -2
	}
	return t.src[t.off+i].r
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

func (t *translation) write(s string) { t.out = append(t.out, s...) }

// element translates one atom with its quantifier, or a group's edge.
func (t *translation) element() {
	start := len(t.out)
	var closed *group
	switch c := t.peek(0); c {
	case '(':
		t.openGroup()
		return
	case ')':
		if len(t.open) == 0 {
			t.bad("has an unmatched )")
			return
		}
		g := t.open[len(t.open)-1]
		t.open = t.open[:len(t.open)-1]
		t.flags, start, closed = g.flags, g.start, &g
		if g.around {
			t.loosen(g)
		}
		t.write(")")
		t.off++
	case '|':
		t.write("|")
		t.off++
		return
	case '^', '$', '.':
		t.write(string(c))
		t.off++
	case '[':
		if s, ok := t.class(); ok {
			t.write(s.text())
		}
	case '\\':
		t.escape()
	case '*', '+', '?':
		t.bad("has nothing in front of %c", c)
		return
	case '{':
		t.java(`write \{ for the character`, "has a { with nothing to repeat in front")
		return
	default:
		t.literal(t.src[t.off].r)
		t.off++
	}
	if t.problem == nil {
		t.quantifier(start, closed)
	}
}

// literal writes a character that stands for itself.
func (t *translation) literal(r rune) {
	if t.flags.fold && isLetter(r) {
		t.write(single(r).fold().text())
		return
	}
	t.write(regexp.QuoteMeta(string(r)))
}

// quantifier translates what may follow an atom, whose output begins at start.
// closed is the group that it is, or nil.
func (t *translation) quantifier(start int, closed *group) {
	var q string
	unbounded := false
	switch c := t.peek(0); c {
	case '*', '+', '?':
		q, unbounded = string(c), c != '?'
		t.off++
	case '{':
		var ok bool
		if q, unbounded, ok = t.repetition(); !ok {
			return
		}
	default:
		return
	}
	if t.inLookbehind() {
		switch {
		case unbounded:
			// Java refuses some and takes others, from version to version.
			t.java("write how often it may come, as in {0,9}", "repeats without a bound inside a lookbehind")
			return
		case closed != nil && q != "?":
			t.java("repeat what is in the group by writing it out", "repeats a group inside a lookbehind")
			return
		}
	}
	if closed != nil && q != "?" {
		t.loosen(*closed)
	}
	switch t.peek(0) {
	case '?':
		q += "?"
		t.off++
	case '+':
		// Java tries each turn once, and all of them together once.
		atom := string(t.out[start:])
		t.out = append(t.out[:start], "(?>(?>"+atom+")"+q+")"...)
		t.backtracks = true
		q = ""
		t.off++
	}
	t.write(q)
	switch t.peek(0) {
	case '*', '+', '?':
		t.bad("repeats a repetition")
	case '{':
		t.java("put the inner repetition in a group", "repeats a repetition")
	}
}

// loosen notes that nobody may rely on what the groups in g captured.
func (t *translation) loosen(g group) {
	for n := g.first; n <= t.groups; n++ {
		if !slices.Contains(t.loose, n) {
			t.loose = append(t.loose, n)
		}
	}
}

func isDigit(c rune) bool { return c >= '0' && c <= '9' }

func isLetter(c rune) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
