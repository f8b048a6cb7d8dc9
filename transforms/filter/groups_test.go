package filter_test

import (
	"strings"
	"testing"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/transforms/filter"
)

func TestGroupsSayWhy(t *testing.T) {
	f := model.NewFlow(field.HCL)
	f.Control.Groups = []string{"svc-.*", "console-.*"}
	groups, problems := filter.GroupsForFlow(f)
	if problems.HasErrors() {
		t.Fatal(problems.Err())
	}
	for name, tt := range map[string]struct{ group, want string }{
		"included":     {"svc-a", ""},
		"not included": {"batch", "no pattern of groups matches it"},
		"excluded":     {"console-consumer-7", `it matches groups_exclude "console-consumer-.*"`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := groups.Reason(tt.group); got != tt.want {
				t.Errorf("%s: %q, want %q", tt.group, got, tt.want)
			}
		})
	}
}

// TestGroupsAreNamed has the names that groups get at the target.
func TestGroupsAreNamed(t *testing.T) {
	for name, tt := range map[string]struct{ pattern, replacement, group, want string }{
		"as they are":     {".*", "$0", "svc", "svc"},
		"prefix":          {".*", "dc1.$0", "svc", "dc1.svc"},
		"pattern":         {"svc-(.*)", "$1@dc1", "svc-a", "a@dc1"},
		"another":         {"svc-(.*)", "$1@dc1", "batch", "batch"},
		"part of a name":  {"svc", "x", "svc-a", "svc-a"},
		"nothing is left": {"svc-(.*)", "$1", "svc-", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := model.NewFlow(field.HCL)
			f.Control.GroupPattern, f.Control.GroupReplacement = tt.pattern, tt.replacement
			groups, problems := filter.GroupsForFlow(f)
			if problems.HasErrors() {
				t.Fatal(problems.Err())
			}
			got, err := groups.Name(tt.group)
			if got != tt.want || (err == nil) != (tt.want != "") {
				t.Errorf("%s becomes %q, %v", tt.group, got, err)
			}
		})
	}
}

// TestNamesOfGroupsAreChecked has what is wrong with them.
func TestNamesOfGroupsAreChecked(t *testing.T) {
	for name, tt := range map[string]struct{ pattern, replacement, want string }{
		"no name":       {".*", "", "group_replacement: a group must have a name"},
		"no such group": {"svc", "$1", `the replacement "$1" names group 1, the pattern has 0`},
		"no pattern":    {"(", "x$0", `the pattern "(" has an unclosed group`},
	} {
		t.Run(name, func(t *testing.T) {
			f := model.NewFlow(field.HCL)
			f.Control.GroupPattern, f.Control.GroupReplacement = tt.pattern, tt.replacement
			_, problems := filter.GroupsForFlow(f)
			if len(problems) != 1 || !strings.HasPrefix(problems[0].Summary, tt.want) {
				t.Errorf("got %v", problems)
			}
		})
	}
}
