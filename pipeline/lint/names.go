package lint

import (
	"strings"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/transforms/chain"
	"github.com/strait-mirror/strait/transforms/rename"
)

// literal returns the one name that people mean by a pattern without operators;
// a dot counts as itself, with a backslash or without.
func literal(pattern string) (name string, ok bool) {
	prefix, rest := literalPrefix(pattern)
	return prefix, rest == "" && prefix != ""
}

// literalPrefix cuts a pattern in front of its first operator.
func literalPrefix(pattern string) (prefix, rest string) {
	if alternates(pattern) {
		return "", pattern // either side may match
	}
	var out strings.Builder
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		switch {
		case c == '\\' && i+1 < len(pattern) && strings.IndexByte(`.-_\`, pattern[i+1]) >= 0:
			i++
			out.WriteByte(pattern[i])
		case strings.IndexByte(`*?{`, c) >= 0: // what stands before may be missing
			return strings.TrimSuffix(out.String(), lastByte(out.String())), pattern[i:]
		case strings.IndexByte(`\+()[]}^$`, c) >= 0:
			return out.String(), pattern[i:]
		case c == '.' && i+1 < len(pattern) && strings.IndexByte("*+?{", pattern[i+1]) >= 0:
			return out.String(), pattern[i:]
		default:
			out.WriteByte(c)
		}
	}
	return out.String(), ""
}

func lastByte(s string) string { return s[max(0, len(s)-1):] }

// alternates reports whether there is a "|" outside of groups.
func alternates(pattern string) bool {
	depth := 0
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
				return true
			}
		}
	}
	return false
}

// maxPairs bounds comparisons of patterns with each other; what has more is
// taken to overlap.
const maxPairs = 10_000

// mayOverlap reports whether two flows may select the same topic: it is sure
// that they do not only where the beginnings of their patterns differ.
func mayOverlap(f, g *model.Flow) bool {
	if len(f.Topics)*len(g.Topics) > maxPairs {
		return true
	}
	for _, p := range f.Topics {
		a, restA := literalPrefix(p)
		for _, q := range g.Topics {
			b, restB := literalPrefix(q)
			switch {
			case restA == "" && restB == "":
				if a == b {
					return true
				}
			case restA == "":
				if strings.HasPrefix(a, b) {
					return true
				}
			case restB == "":
				if strings.HasPrefix(b, a) {
					return true
				}
			case strings.HasPrefix(a, b) || strings.HasPrefix(b, a):
				return true
			}
		}
	}
	return false
}

// remote is what a topic, or a pattern in its place, is called on the target.
// What stages make of a pattern is nobody else's name.
func (t *topology) remote(f *model.Flow, topic string) string {
	if f.Renames() && !chain.Legal(topic) {
		return f.Name + "\x00" + topic
	}
	if c := t.chains[f]; c != nil && len(f.Stages) > 0 {
		return c.Name(topic)
	}
	return rename.ForFlow(f).FormatRemoteTopic(f.From, topic)
}

// maxTopicName is Kafka's limit (org.apache.kafka.common.internals.Topic).
const maxTopicName = 249

// illegalName says why Kafka refuses a topic of that name, or "".
func illegalName(name string) string {
	switch {
	case name == "." || name == "..":
		return "it is a path"
	case len(name) > maxTopicName:
		return "it is longer than 249 characters"
	}
	for _, c := range name {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-' {
			return "it has the character " + Printable(string(c))
		}
	}
	return ""
}
