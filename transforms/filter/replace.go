package filter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
)

// Replacer gives names that a Java regular expression matches as a whole other
// names, as Java's Matcher.replaceFirst would. It is safe for concurrent use.
type Replacer struct {
	pattern compiled
	parts   []part
}

// part is a piece of a replacement.
type part struct {
	text  string // literal, if group is -1
	group int
}

// NewReplacer compiles a pattern and what its matches become, in which $1 or
// ${name} stand for groups, $0 for all of the name, and \ takes the meaning of
// the character behind it away. Without an Error in the list the Replacer is
// usable.
func NewReplacer(pattern, replacement Pattern) (*Replacer, diag.List) {
	var problems diag.List
	t := translate(pattern.Text, joined{names: map[string]bool{}}, true)
	if t.problem != nil {
		problems.Add(t.problem.At(pattern.At))
		return nil, problems
	}
	c, err := t.compile(pattern)
	if err != nil {
		problems.Add(diag.Errorf(diag.CodeBadRegex, pattern.At, "%q is not a regular expression: %s", pattern.Text, reason(err)))
		return nil, problems
	}
	parts, fault := parseReplacement(replacement.Text, t.groups, t.names)
	for _, p := range parts {
		if p.group > 0 && slices.Contains(t.loose, p.group) {
			problems.Add(diag.Errorf(diag.CodeJavaRegex, replacement.At,
				"the replacement %q uses group %d of %q, which is repeated or only looked at", replacement.Text, p.group, pattern.Text).
				WithFix("put a group around the repetition: (?:a|b)+ becomes ((?:a|b)+)"))
			return nil, problems
		}
	}
	if fault != "" {
		problems.Add(diag.Errorf(diag.CodeBadValue, replacement.At, "the replacement %q %s", replacement.Text, fault).
			WithFix(`write $1 for the first group of the pattern, \$ for a dollar`))
		return nil, problems
	}
	return &Replacer{pattern: c, parts: parts}, problems
}

// Replace returns what name becomes, and whether the pattern matches it. An
// error says that the pattern took too long; then nothing is known.
func (r *Replacer) Replace(name string) (string, bool, error) {
	groups, ok, err := r.pattern.groups(name)
	if err != nil || !ok {
		return name, false, err
	}
	var out strings.Builder
	for _, p := range r.parts {
		switch {
		case p.group < 0:
			out.WriteString(p.text)
		case p.group < len(groups):
			out.WriteString(groups[p.group])
		}
	}
	return out.String(), true, nil
}

// groups returns what the groups of a pattern match in name, the whole name
// first; one that takes no part is empty.
func (c compiled) groups(name string) ([]string, bool, error) {
	if c.linear != nil {
		found := c.linear.FindStringSubmatch(name)
		return found, found != nil, nil
	}
	m, err := c.backtrack.FindStringMatch(name)
	if err != nil {
		return nil, false, fmt.Errorf("matching pattern %q: %w", c.Text, err)
	}
	if m == nil {
		return nil, false, nil
	}
	var found []string
	for _, g := range m.Groups() {
		found = append(found, g.String())
	}
	return found, true, nil
}

// parseReplacement reads what Java's Matcher.appendReplacement does. fault says
// what is wrong with it; empty: nothing.
func parseReplacement(text string, groups int, names []groupName) (parts []part, fault string) {
	literal := func(s string) {
		if n := len(parts); n > 0 && parts[n-1].group < 0 {
			parts[n-1].text += s
			return
		}
		parts = append(parts, part{text: s, group: -1})
	}
	for rest := text; rest != ""; {
		switch {
		case rest[0] == '\\' && len(rest) == 1:
			return nil, `ends with a \`
		case rest[0] == '\\':
			literal(rest[1:2])
			rest = rest[2:]
		case rest[0] != '$':
			n := strings.IndexAny(rest, `\$`)
			if n < 0 {
				n = len(rest)
			}
			literal(rest[:n])
			rest = rest[n:]
		default:
			group, width, fault := reference(rest, groups, names)
			if fault != "" {
				return nil, fault
			}
			parts = append(parts, part{group: group})
			rest = rest[width:]
		}
	}
	return parts, ""
}

// reference reads $n or ${name} at the start of text.
func reference(text string, groups int, names []groupName) (group, width int, fault string) {
	switch {
	case strings.HasPrefix(text, "${"):
		name, _, closed := strings.Cut(text[2:], "}")
		i := slices.IndexFunc(names, func(g groupName) bool { return g.name == name })
		if !closed || i < 0 {
			return 0, 0, fmt.Sprintf("names group %q, which the pattern does not have", name)
		}
		return names[i].number, len("${}") + len(name), ""
	case len(text) < 2 || !isDigit(rune(text[1])):
		return 0, 0, "has a $ that no group follows"
	}
	group, width = int(text[1]-'0'), 2
	if group > groups {
		return 0, 0, fmt.Sprintf("names group %d, the pattern has %d", group, groups)
	}
	for width < len(text) && isDigit(rune(text[width])) {
		next := group*10 + int(text[width]-'0')
		if next > groups { // Java takes as many digits as make a group
			break
		}
		group, width = next, width+1
	}
	return group, width, ""
}
