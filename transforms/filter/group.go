package filter

import (
	"strconv"
	"strings"
)

// openGroup translates the head of a group.
func (t *translation) openGroup() {
	if len(t.open) >= maxDepth {
		t.java("nest fewer groups", "nests more than %d groups", maxDepth)
		return
	}
	g := group{start: len(t.out), first: t.groups + 1, flags: t.flags, lookbehind: t.inLookbehind()}
	head, width := "", 0
	switch {
	case !t.hasPrefix("(?"):
		t.capture(g)
		t.write("(")
		t.off++
		return
	case t.hasPrefix("(?:"):
		head, width = "(?:", 3
	case t.hasPrefix("(?="), t.hasPrefix("(?!"), t.hasPrefix("(?>"):
		head, width = "(?"+string(t.peek(2)), 3
		g.around = t.peek(2) != '>'
		if g.lookbehind {
			t.java("write the two beside each other", "has a group of this kind inside a lookbehind")
			return
		}
	case t.hasPrefix("(?<="), t.hasPrefix("(?<!"):
		head, width = "(?<"+string(t.peek(3)), 4
		if g.lookbehind {
			t.java("write the two beside each other", "has a lookbehind inside a lookbehind")
			return
		}
		g.lookbehind, g.around = true, true
	case t.hasPrefix("(?<"):
		t.named(g)
		return
	default:
		t.inlineFlags(g)
		return
	}
	t.backtracks = t.backtracks || head != "(?:"
	t.write(head)
	t.off += width
	t.open = append(t.open, g)
}

func (t *translation) inLookbehind() bool {
	return len(t.open) > 0 && t.open[len(t.open)-1].lookbehind
}

// capture notes a capturing group.
func (t *translation) capture(g group) {
	t.groups++
	t.open = append(t.open, g)
}

// named translates (?<name>. Its name is not given to the engine, which would
// number it behind those without one.
func (t *translation) named(g group) {
	i := 3
	for isLetter(t.peek(i)) || i > 3 && isDigit(t.peek(i)) {
		i++
	}
	if i == 3 || t.peek(i) != '>' {
		t.bad("has a malformed group name")
		return
	}
	var name strings.Builder
	for _, c := range t.src[t.off+3 : t.off+i] {
		name.WriteRune(c.r)
	}
	if t.before.names[name.String()] {
		t.bad("has two groups named %s", name.String())
		return
	}
	t.before.names[name.String()] = true
	t.capture(g)
	t.names = append(t.names, groupName{name.String(), t.groups})
	t.off += i + 1
	t.write("(")
}

// inlineFlags translates (?ims-ims) and (?ims-ims:. Of Java's flags d, m and s
// change nothing for names; x, U and case-insensitivity beyond US-ASCII are
// refused.
func (t *translation) inlineFlags(g group) {
	set, on := t.flags, true
	for i := 2; ; i++ {
		switch c := t.peek(i); c {
		case 'i':
			set.fold = on
		case 'u':
			set.unicode = on
		case 'd', 'm', 's':
		case '-':
			if !on {
				t.bad("has malformed flags")
				return
			}
			on = false
		case 'x', 'U':
			t.java("remove the flag and write the pattern without it", "uses the flag %c", c)
			return
		case ':', ')':
			if set.fold && set.unicode {
				t.java("remove the u: names of topics are US-ASCII", "uses the flags i and u together")
				return
			}
			t.flags = set
			t.off += i + 1
			if c == ':' {
				t.write("(?:")
				t.open = append(t.open, g)
			}
			return
		default:
			t.bad("has an unknown kind of group")
			return
		}
	}
}

// repetition reads {n}, {n,} and {n,m}.
func (t *translation) repetition() (text string, unbounded, ok bool) {
	c, ok := t.counts()
	if !ok {
		t.bad("has a malformed repetition")
		return "", false, false
	}
	n, err := strconv.ParseInt(c.low, 10, 32)
	m := n
	if c.high != "" && err == nil {
		m, err = strconv.ParseInt(c.high, 10, 32)
	}
	const most = 1000 // both engines' own bound
	switch {
	case err != nil || n > most || m > most:
		t.java("a name has at most 249 characters", "repeats more than %d times", most)
		return "", false, false
	case m < n:
		t.bad("has a malformed repetition")
		return "", false, false
	}
	t.off += len("{}") + len(c.low) + len(c.high)
	text = strconv.FormatInt(n, 10) // Go takes {01} for text
	if c.ranged {
		t.off++
		text += ","
	}
	if c.high != "" {
		text += strconv.FormatInt(m, 10)
	}
	return "{" + text + "}", c.ranged && c.high == "", true
}

// counts are the digits of a repetition; high is empty where there is no bound.
type counts struct {
	low, high string
	ranged    bool // there is a comma
}

// counts reads the digits of a repetition; ok is false where it has others.
func (t *translation) counts() (c counts, ok bool) {
	i := 1
	digits := func() string {
		var text strings.Builder
		for ; isDigit(t.peek(i)); i++ {
			text.WriteRune(t.peek(i))
		}
		return text.String()
	}
	c.low = digits()
	if c.ranged = t.peek(i) == ','; c.ranged {
		i++
		c.high = digits()
	}
	return c, c.low != "" && t.peek(i) == '}'
}
