package filter

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/dlclark/regexp2/v2"

	"github.com/strait-mirror/strait/config/diag"
)

// matchTimeout bounds one match of a pattern that backtracks. Names have at
// most 249 characters, so that anything longer is a runaway.
const matchTimeout = 100 * time.Millisecond

// Pattern is one Java regular expression and where it was written.
type Pattern struct {
	Text string
	At   diag.Range
}

// Patterns is a compiled list of Java regular expressions that match a whole
// name, any of them. It is safe for concurrent use.
type Patterns struct {
	list []compiled
}

// compiled is one pattern on the engine that gives it Java's meaning.
type compiled struct {
	Pattern
	linear    *regexp.Regexp  // RE2; nil where it cannot express the pattern
	backtrack *regexp2.Regexp // lookaround, backreferences, atomic groups
}

// Compile translates every pattern and reports those that are wrong or that no
// engine here gives Java's meaning. MirrorMaker 2 joins a list with "|" before
// it compiles: a flag such as (?i) therefore holds for the patterns behind it,
// and a numbered backreference counts the groups in front of it.
func Compile(list []Pattern) (*Patterns, diag.List) {
	p, problems := &Patterns{}, diag.List(nil)
	before := joined{names: map[string]bool{}}
	for i, pattern := range list {
		t := translate(pattern.Text, before, i == len(list)-1)
		if t.problem != nil {
			problems.Add(t.problem.At(pattern.At))
			continue
		}
		c, err := t.compile(pattern)
		if err != nil {
			problems.Add(diag.Errorf(diag.CodeBadRegex, pattern.At, "%q is not a regular expression: %s", pattern.Text, reason(err)))
			continue
		}
		before = t.after()
		p.list = append(p.list, c)
	}
	return p, problems
}

// compile picks the engine.
func (t *translation) compile(pattern Pattern) (compiled, error) {
	c, text := compiled{Pattern: pattern}, `\A(?:`+string(t.out)+`)\z`
	if !t.backtracks {
		re, err := regexp.Compile(text)
		if err == nil {
			c.linear = re
			return c, nil
		}
		if !strings.Contains(err.Error(), "invalid repeat count") {
			return c, err //nolint:wrapcheck // the caller writes the sentence
		}
	}
	re, err := regexp2.Compile(text, regexp2.RE2)
	if err != nil {
		return c, err //nolint:wrapcheck // the caller writes the sentence
	}
	re.MatchTimeout = matchTimeout
	c.backtrack = re
	return c, nil
}

// reason is an engine's complaint without its own heading.
func reason(err error) string {
	text := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
	text, _, _ = strings.Cut(text, ": `")
	return text
}

// Match returns the first pattern that matches the whole of name. An error
// says that a pattern took too long; then nothing is known.
func (p *Patterns) Match(name string) (Pattern, bool, error) {
	for _, c := range p.list {
		if c.linear != nil {
			if c.linear.MatchString(name) {
				return c.Pattern, true, nil
			}
			continue
		}
		ok, err := c.backtrack.MatchString(name)
		if err != nil {
			return c.Pattern, false, fmt.Errorf("matching pattern %q: %w", c.Text, err)
		}
		if ok {
			return c.Pattern, true, nil
		}
	}
	return Pattern{}, false, nil
}
