package regex_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator makes patterns of few letters, so that names often match.
type generator struct {
	rnd    *rand.Rand
	groups int
	named  []string
}

func (g *generator) pick(words ...string) string { return words[g.rnd.IntN(len(words))] }

// pattern returns a pattern, now and then a damaged one.
func (g *generator) pattern() string {
	g.groups, g.named = 0, nil
	p := g.alternatives(3)
	if g.rnd.IntN(12) == 0 {
		p = g.pick("(?i)", "(?s)", "(?i-s)", "(?-i)", "(?u)", "(?iu)") + p
	}
	if g.rnd.IntN(12) == 0 && p != "" {
		cut := g.rnd.IntN(len(p))
		p = p[:cut] + g.pick("", "(", ")", "[", "]", "{", "}", `\`, "*", "?", "+", "&&", "^", "-", "|") + p[cut+g.rnd.IntN(2):]
	}
	return p
}

func (g *generator) alternatives(depth int) string {
	list := make([]string, 1+max(0, g.rnd.IntN(5)-2))
	for i := range list {
		var s strings.Builder
		for range g.rnd.IntN(4) + g.rnd.IntN(2) {
			s.WriteString(g.atom(depth) + g.quantifier())
		}
		list[i] = s.String()
	}
	return strings.Join(list, "|")
}

func (g *generator) quantifier() string {
	switch g.rnd.IntN(14) {
	case 0, 1:
		return g.pick("*", "+", "?")
	case 2:
		return g.pick("*?", "+?", "??")
	case 3:
		return g.pick("*+", "++", "?+")
	case 4:
		return g.pick("{1}", "{2}", "{0,1}", "{1,2}", "{2,}", "{0}") + g.pick("", "", "?", "+")
	}
	return ""
}

func (g *generator) atom(depth int) string {
	n := g.rnd.IntN(30)
	if depth == 0 {
		n %= 18
	}
	switch {
	case n < 8:
		return g.pick("a", "b", "c", "A", "1", ".", `\.`, "-", "_", "a", "b")
	case n < 12:
		return g.class(2)
	case n < 13:
		return g.pick("^", "$", `\b`, `\B`, `\A`, `\z`, `\Z`)
	case n < 15:
		return g.escape()
	case n < 16:
		return g.pick(`\Qa.\E`, `\Q[b\E`, `\Qab`, `\Q\E`)
	case n < 18:
		return g.reference()
	case n < 23:
		g.groups++
		return "(" + g.alternatives(depth-1) + ")"
	case n < 24:
		g.groups++
		name := fmt.Sprint(g.pick("n", "m"), g.groups)
		g.named = append(g.named, name)
		return "(?<" + name + ">" + g.alternatives(depth-1) + ")"
	}
	return g.pick("(?:", "(?:", "(?i:", "(?=", "(?!", "(?>", "(?<=", "(?<!") + g.alternatives(depth-1) + ")"
}

func (g *generator) escape() string {
	return g.pick(`\d`, `\w`, `\W`, `\D`, `\s`, `\S`, `\h`, `\H`, `\v`, `\p{Lower}`, `\p{Upper}`, `\P{Alpha}`, `\pL`, `\p{Punct}`, `\p{IsLu}`,
		`\p{Alnum}`, `\x61`, `\u0062`, `\0101`, `\x{63}`, `\-`, `\_`, `\q`, `\t`, `\R`)
}

func (g *generator) reference() string {
	if g.groups == 0 || g.rnd.IntN(3) > 0 {
		return g.pick("a", "b")
	}
	if len(g.named) > 0 && g.rnd.IntN(2) == 0 {
		return `\k<` + g.pick(g.named...) + ">"
	}
	return fmt.Sprintf(`\%d`, 1+g.rnd.IntN(g.groups+1))
}

func (g *generator) class(depth int) string {
	var s strings.Builder
	s.WriteString("[" + g.pick("", "", "^"))
	for range 1 + g.rnd.IntN(3) {
		switch n := g.rnd.IntN(20); {
		case n < 8:
			s.WriteString(g.pick("a", "b", "c", "A", "B", "1", ".", "-", "_", "]", "^"))
		case n < 12:
			s.WriteString(g.pick("a-c", "b-z", "A-C", "0-9", "a-a", "+--", "_-c"))
		case n < 15:
			s.WriteString(g.escape())
		case n < 17 && depth > 0:
			s.WriteString(g.class(depth - 1))
		case n < 19 && depth > 0:
			s.WriteString("&&" + g.pick("", "b", "a-b", g.class(depth-1), g.class(depth-1)))
		default:
			s.WriteString(g.pick("&", `\Qa-\E`, "a"))
		}
	}
	return s.String() + "]"
}

// names returns short names of the letters that patterns are made of.
func (g *generator) names(n int) []string {
	all := make([]string, n)
	for i := range all {
		var s strings.Builder
		for range g.rnd.IntN(6) {
			s.WriteString(g.pick("a", "a", "b", "b", "c", "A", "B", "1", ".", "-", "_"))
		}
		all[i] = s.String()
		if g.rnd.IntN(20) == 0 {
			all[i] += g.pick("é", "\u212a", "ſ", " ", "[", "]")
		}
	}
	return all
}
