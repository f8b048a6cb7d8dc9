package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
)

// Rule declares one rule: what is printed about it, its pages and its check all
// come from here.
type Rule struct {
	ID       string        // stable, "STnnn"; a code of package diag
	Severity diag.Severity // the usual one; in a properties file what MirrorMaker 2 only ignores is a warning
	Title    string        // a noun or a clause, lower case
	Why      string        // what goes wrong, in a sentence or two
	Fix      string        // what to do about it
	Bad      Example       // gives a finding of this rule and of no other
	Good     Example       // gives no finding at all
	Online   bool          // needs facts of the clusters
	// AtStart makes run warn of it, too.
	AtStart bool

	check check // nil: found while the text is read
}

// Example is a piece of a topology in one language or in both. Clusters dc1 and
// dc2 and a flow between them are understood where it has none.
type Example struct {
	HCL        string
	Properties string
}

// check looks at a topology and reports what breaks the rule.
type check func(t *topology, r *reporter)

// Rules returns all rules by their ids.
func Rules() []Rule {
	list := slices.Concat(textRules(), languageRules(), topologyRules(), securityRules(), clientRules(), topicRules(), onlineRules(), groupRules(), stageRules())
	slices.SortFunc(list, func(a, b Rule) int { return strings.Compare(a.ID, b.ID) })
	return list
}

// Lookup returns the rule with the id, in any case of letters. The error says
// which one may have been meant.
func Lookup(id string) (Rule, error) {
	rules := Rules()
	var ids []string
	for _, r := range rules {
		if strings.EqualFold(r.ID, id) {
			return r, nil
		}
		ids = append(ids, r.ID)
	}
	if near := nearest(id, ids); near != "" {
		return Rule{}, fmt.Errorf("no rule %q: did you mean %q?", id, near)
	}
	return Rule{}, fmt.Errorf("no rule %q: see `strait rules`", id)
}

// nearest finds the id that is meant by one written in lower case, without
// its letters, with a letter O for a zero, or with a slip.
func nearest(id string, ids []string) string {
	word := strings.ReplaceAll(strings.ToUpper(id), "O", "0")
	if word != "" && strings.Trim(word, "0123456789") == "" {
		word = fmt.Sprintf("ST%03s", word)
	}
	if slices.Contains(ids, word) {
		return word
	}
	return field.Suggest(word, ids)
}

// reporter takes what one rule finds.
type reporter struct {
	rule Rule
	list diag.List
}

// add reports a finding with the rule's severity; fix may be empty.
func (r *reporter) add(at diag.Range, fix, format string, args ...any) {
	r.list.Add(diag.Diagnostic{
		Severity: r.rule.Severity, Code: r.rule.ID, Summary: fmt.Sprintf(format, args...), Fix: fix, Subject: at,
	})
}
