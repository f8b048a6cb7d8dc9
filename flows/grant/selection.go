package grant

import (
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/model"
)

// selection returns topics that include all that a flow selects: ACLs know names
// and prefixes, not regular expressions. What the flow excludes is left in.
func selection(f *model.Flow) []On { return matched(f.Topics) }

// matched returns topics that include all that any of the patterns matches.
func matched(patterns []string) []On {
	var out []On
	for _, pattern := range patterns {
		if strings.Contains(pattern, "(?") { // flags hold for what follows
			return []On{All()}
		}
		parts, ok := alternatives(pattern)
		if !ok {
			return []On{All()}
		}
		for _, alternative := range parts {
			t := widest(alternative)
			if !slices.Contains(out, t) {
				out = append(out, t)
			}
		}
	}
	return slices.DeleteFunc(out, func(t On) bool {
		return slices.ContainsFunc(out, func(o On) bool { return o != t && o.Include(t) })
	})
}

// alternatives splits a pattern at each "|" that is in no group; ok is false
// where that takes more than counting parentheses.
func alternatives(pattern string) (out []string, ok bool) {
	if strings.Contains(pattern, `\Q`) || strings.Contains(pattern, `\E`) || strings.Contains(pattern, "[") && strings.Contains(pattern, "|") {
		return nil, false
	}
	start, depth := 0, 0
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			depth--
		case '|':
			if depth == 0 {
				out = append(out, pattern[start:i])
				start = i + 1
			}
		}
	}
	return append(out, pattern[start:]), true
}

// widest returns the topics that a pattern without alternatives may match: the
// one it names, or those that begin as it does. A dot by itself counts as a dot,
// as the people who leave out its backslash mean it.
func widest(pattern string) On {
	text := strings.TrimPrefix(pattern, "^")
	var name []byte
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '\\' && i+1 < len(text) && strings.IndexByte("._-", text[i+1]) >= 0 {
			i++
			c = text[i]
		}
		switch {
		case c == '$' && i == len(text)-1:
			continue
		case !isName(c):
			return prefix(name, c)
		}
		name = append(name, c)
	}
	if len(name) == 0 {
		return prefix(name, 0)
	}
	return Topic(string(name))
}

// prefix returns the topics that begin with name; stop is the character behind
// it: a quantifier makes the last character optional.
func prefix(name []byte, stop byte) On {
	if strings.IndexByte("*+?{", stop) >= 0 && len(name) > 0 {
		name = name[:len(name)-1]
	}
	if len(name) == 0 {
		return All()
	}
	return Prefix(string(name))
}

// isName reports whether topics may have a character in their names.
func isName(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("._-", c) >= 0
}
