package groupsync

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/offsetsync"
	"github.com/strait-mirror/strait/transforms/filter"
)

// TestCheckpointsSayNews is conformance items 84 and 85: which of the
// checkpoints of a partition are written, one after the other.
func TestCheckpointsSayNews(t *testing.T) {
	g := &Groups{last: map[key]checkpoint{}}
	k := key{"g", "t", 0}
	for i, step := range []struct {
		upstream, downstream int64
		written              bool
	}{
		{250, 201, true},
		{250, 201, false},
		{250, 176, false},
		{370, 176, false},
		{400, 376, true},
		{399, 300, true}, // the group went back
		{399, 301, true},
		{450, 301, false},
		{460, 302, true},
	} {
		last, known := g.last[k]
		written := !known || last.news(step.upstream, step.downstream)
		if written != step.written {
			t.Errorf("step %d: written is %v", i, written)
		}
		if written {
			g.note(k, step.upstream, step.downstream)
			g.note(k, step.upstream, step.downstream) // as it is read back
		}
	}
}

// TestOffsetsAreWrittenForwards is conformance items 81 and 82, and what comes with
// rewinds.
func TestOffsetsAreWrittenForwards(t *testing.T) {
	back := &Groups{last: map[key]checkpoint{}}
	k := key{"g", "t", 0}
	back.note(k, 100, 90)
	back.note(k, 50, 40)
	back.note(k, 50, 40) // as it is read back
	tests := map[string]struct {
		at, translated int64
		rewinds, want  bool
	}{
		"nothing there":           {at: -1, translated: 0, want: true},
		"behind":                  {at: 100, translated: 101, want: true},
		"equal":                   {at: 51, translated: 51},
		"ahead":                   {at: 101, translated: 100},
		"went back":               {at: 90, translated: 40, rewinds: back.last[k].said(90), want: true},
		"went back, but consumed": {at: 91, translated: 40, rewinds: back.last[k].said(91)},
		"nothing known":           {at: 91, translated: 40, rewinds: checkpoint{}.said(91)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := due(tt.at, tt.translated, tt.rewinds); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestMergedTopicsHaveTheFirstPlace(t *testing.T) {
	at := func(partition int32, upstream, downstream int64) position {
		return position{key: key{"g", "all", partition}, upstream: upstream, to: offsetsync.Translation{Offset: downstream}}
	}
	got := together([]position{at(0, 1, 50), at(1, 2, 7), at(0, 3, 40), at(0, 4, 45)})
	want := []position{at(0, 3, 40), at(1, 2, 7)}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(position{}, key{})); diff != "" {
		t.Errorf("positions differ (-want +got):\n%s", diff)
	}
}

// TestReasons is conformance items 76 and 77, and every type of group there is.
func TestReasons(t *testing.T) {
	f := model.NewFlow(field.Properties)
	f.Control.Groups, f.Control.GroupsExclude = []string{"g.*"}, []string{"g-not"}
	groups, problems := filter.GroupsForFlow(f)
	if problems.HasErrors() {
		t.Fatal(problems.Err())
	}
	g := &Groups{filter: groups}
	tests := map[string]struct {
		group listedGroup
		taken bool
	}{
		"consumers":        {listedGroup{name: "g1", kind: "classic", protocol: "consumer"}, true},
		"no protocol":      {listedGroup{name: "g1", kind: "classic"}, true},
		"older broker":     {listedGroup{name: "g1", protocol: "consumer"}, true},
		"KIP-848":          {listedGroup{name: "g1", kind: "consumer", protocol: "consumer"}, true},
		"Connect":          {listedGroup{name: "g1", kind: "classic", protocol: "connect"}, false},
		"share":            {listedGroup{name: "g1", kind: "share", protocol: "share"}, false},
		"streams":          {listedGroup{name: "g1", kind: "streams", protocol: "streams"}, false},
		"not selected":     {listedGroup{name: "other", kind: "classic", protocol: "consumer"}, false},
		"excluded by name": {listedGroup{name: "g-not", kind: "classic", protocol: "consumer"}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if why := g.reason(tt.group); (why == "") != tt.taken {
				t.Errorf("got %q", why)
			}
		})
	}
}

// TestGroupsOfOneNameAreNotTakenAlong has groups that would be one at the target.
func TestGroupsOfOneNameAreNotTakenAlong(t *testing.T) {
	f := model.NewFlow(field.HCL)
	f.Control.GroupPattern, f.Control.GroupReplacement = "(?:eu|us)-(.*)", "$1"
	groups, problems := filter.GroupsForFlow(f)
	if problems.HasErrors() {
		t.Fatal(problems.Err())
	}
	g := &Groups{filter: groups}
	var listed []listedGroup
	for _, name := range []string{"eu-a", "eu-b", "eu-c", "free", "us-a", "c", "__us-b"} {
		listed = append(listed, listedGroup{name: name, protocol: "consumer"})
	}
	g.choose(listed)
	if diff := cmp.Diff([]string{"eu-b", "free"}, g.groups); diff != "" {
		t.Errorf("groups differ (-want +got):\n%s", diff)
	}
	for name, want := range map[string]string{"eu-b": "b", "free": "free"} {
		if got := g.called[name]; got != want {
			t.Errorf("%s is called %q, want %q", name, got, want)
		}
	}
	const want = `groups "eu-a" and "us-a" would both be "a" at the target: change group_replacement`
	for _, name := range []string{"eu-a", "us-a", "eu-c", "c"} {
		if err := g.unable[name]; err == nil || strings.HasSuffix(name, "a") && err.Error() != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
