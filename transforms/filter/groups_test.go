package filter_test

import (
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
