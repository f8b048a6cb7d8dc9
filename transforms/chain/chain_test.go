package chain_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/transforms/chain"
)

// stage builds a stage of a kind.
func stage(kind model.StageKind, name string, edit func(*model.Stage)) *model.Stage {
	s := model.NewStage(kind)
	s.Name = name
	edit(s)
	return s
}

func renames(name string, r model.RenameStage) *model.Stage {
	return stage(model.StageRename, name, func(s *model.Stage) {
		if r.Separator == "" {
			r.Separator = "."
		}
		*s.Rename = r
	})
}

func filters(name string, topics, exclude []string) *model.Stage {
	return stage(model.StageFilter, name, func(s *model.Stage) {
		s.Filter.Topics, s.Filter.TopicsExclude = topics, exclude
	})
}

func partitions(mapping model.Mapping, n int32) *model.Stage {
	return stage(model.StagePartition, "p", func(s *model.Stage) { s.Partition.Mapping, s.Partition.Partitions = mapping, n })
}

// flow is a flow A->B with stages; edit may be nil.
func flow(edit func(*model.Flow), stages ...*model.Stage) *model.Flow {
	f := model.NewFlow(field.HCL)
	f.Name, f.From, f.To, f.Stages, f.Ranges = "A->B", "A", "B", stages, model.Places{}
	f.KeepStageNames()
	if edit != nil {
		edit(f)
	}
	return f
}

func compile(t *testing.T, f *model.Flow) *chain.Chain {
	t.Helper()
	c, problems := chain.ForFlow(f)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return c
}

func TestRoute(t *testing.T) {
	regex := renames("r", model.RenameStage{Pattern: `iot\.(\w+)\.(.+)`, Replacement: "hub.$2.$1"})
	prefix := renames("pre", model.RenameStage{Prefix: "x-", Suffix: ".y"})
	byMap := renames("m", model.RenameStage{Map: map[string]string{"a": "b", "b": "a"}})
	policy := renames("pol", model.RenameStage{Policy: model.PolicyDefault, Separator: "_"})
	written := func(p model.Policy) func(*model.Flow) {
		return func(f *model.Flow) { f.ReplicationPolicy = p }
	}
	tests := map[string]struct {
		f     *model.Flow
		topic string
		want  string // its name on the target, or why there is none
	}{
		"no stages":                     {flow(nil), "t", "A.t"},
		"captures":                      {flow(nil, regex), "iot.eu.temp.c", "hub.temp.c.eu"},
		"not matched":                   {flow(nil, regex), "iot.eu", "iot.eu"},
		"matched in part":               {flow(nil, regex), "an.iot.eu.temp", "an.iot.eu.temp"},
		"prefix and suffix":             {flow(nil, prefix), "t", "x-t.y"},
		"map":                           {flow(nil, byMap), "a", "b"},
		"map swaps":                     {flow(nil, byMap), "b", "a"},
		"map keeps others":              {flow(nil, byMap), "c", "c"},
		"policy stage":                  {flow(nil, policy), "t", "A_t"},
		"policy stage, not the last":    {flow(nil, policy, prefix), "t", "x-A_t.y"},
		"in file order":                 {flow(nil, prefix, regex), "iot.eu.t", "x-iot.eu.t.y"},
		"in the other order":            {flow(nil, regex, prefix), "iot.eu.t", "x-hub.t.eu.y"},
		"written policy comes last":     {flow(written(model.PolicyDefault), prefix), "t", "A.x-t.y"},
		"names of stages are kept":      {flow(nil, prefix), "my-heartbeats", "x-my-heartbeats.y"},
		"also at the end of the name":   {flow(nil, renames("s", model.RenameStage{Suffix: "-heartbeats"})), "t", "t-heartbeats"},
		"heartbeats go around":          {flow(nil, prefix), "heartbeats", "A.heartbeats"},
		"heartbeats pass filters":       {flow(nil, filters("f", []string{"x"}, nil)), "heartbeats", "A.heartbeats"},
		"filter":                        {flow(nil, filters("f", []string{"a.*"}, []string{"ab.*"})), "ac", "A.ac"},
		"filter drops":                  {flow(nil, filters("f", []string{"a.*"}, []string{"ab.*"})), "b", `stage "f" drops it: no pattern of topics matches it`},
		"filter excludes":               {flow(nil, filters("f", []string{"a.*"}, []string{"ab.*"})), "abc", `stage "f" drops it: it matches topics_exclude "ab.*"`},
		"filter sees new names":         {flow(nil, prefix, filters("f", []string{"x-.*"}, nil)), "t", "x-t.y"},
		"the flow's own exclude":        {flow(nil, prefix), "t.replica", `it matches topics_exclude ".*\\.replica"`},
		"a cycle by the policy":         {flow(written(model.PolicyDefault), prefix), "B.t", "its name says that it comes from the target"},
		"a cycle by a policy stage":     {flow(nil, policy), "B_t", `stage "pol" drops it: its name says that it comes from the target`},
		"an internal name is a problem": {flow(nil, renames("i", model.RenameStage{Prefix: "__"})), "t", `its name on the target, "__t", would be that of an internal topic`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := compile(t, tt.f).Route(tt.topic)
			got := r.Target
			switch {
			case !r.Copy:
				got = r.String()
			case r.Err != nil:
				got = r.Err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestReplacement(t *testing.T) {
	tests := map[string]struct{ pattern, replacement, want string }{
		"whole":             {"a(.*)", "$0!", "abc!"},
		"named":             {"a(?<rest>.*)", "${rest}", "bc"},
		"escapes":           {"a(.*)", `\$1\\x`, `$1\x`},
		"two digits":        {"(a)(.*)", "$10", "a0"},
		"no part":           {"(x)?abc", "[$1]", "[]"},
		"backtracking":      {`(?=a)(\w)(.*)`, "$2$1", "bca"},
		"missing group":     {"a(.*)", "$2", `the replacement "$2" names group 2, the pattern has 1`},
		"missing name":      {"a(.*)", "${x}", `the replacement "${x}" names group "x", which the pattern does not have`},
		"lonely dollar":     {"a(.*)", "x$", `the replacement "x$" has a $ that no group follows`},
		"ends with escape":  {"a(.*)", `x\`, `the replacement "x\\" ends with a \`},
		"unclosed name":     {"a(?<x>.*)", "${x", `the replacement "${x" names group "x", which the pattern does not have`},
		"pattern is broken": {"a(", "x", `the pattern "a(" has an unclosed group, at character 3`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c, problems := chain.ForFlow(flow(nil, renames("r", model.RenameStage{Pattern: tt.pattern, Replacement: tt.replacement})))
			got := ""
			if len(problems) > 0 {
				got = problems[0].Summary
			} else {
				got = c.Route("abc").Target
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestMerged(t *testing.T) {
	cut := model.RenameStage{Pattern: `(eu|us)\.(.*)`, Replacement: "$2"}
	merging := cut
	merging.Merge = true
	tests := map[string]struct {
		stages []*model.Stage
		topics []string
		stage  string
		ok     bool
	}{
		"allowed":                {[]*model.Stage{renames("cut", merging)}, []string{"eu.t", "us.t"}, "", true},
		"not allowed":            {[]*model.Stage{renames("cut", cut)}, []string{"eu.t", "us.t"}, "cut", false},
		"with one that was so":   {[]*model.Stage{renames("cut", merging)}, []string{"eu.t", "t", "us.t"}, "", true},
		"different names":        {[]*model.Stage{renames("cut", merging)}, []string{"eu.t", "us.u"}, "", false},
		"merged before":          {[]*model.Stage{renames("cut", merging), renames("p", model.RenameStage{Prefix: "x"})}, []string{"eu.t", "us.t"}, "", true},
		"merged behind a merger": {[]*model.Stage{renames("none", model.RenameStage{Prefix: "x.", Merge: true}), renames("cut", model.RenameStage{Pattern: `x\.(eu|us)\.(.*)`, Replacement: "$2"})}, []string{"eu.t", "us.t"}, "cut", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			stage, ok := compile(t, flow(nil, tt.stages...)).Merged(tt.topics)
			if stage != tt.stage || ok != tt.ok {
				t.Errorf("got %q, %v; want %q, %v", stage, ok, tt.stage, tt.ok)
			}
		})
	}
}

func TestPartitions(t *testing.T) {
	identity, modulo, key := model.MappingIdentity, model.MappingModulo, model.MappingKey
	tests := map[string]struct {
		stages                 []*model.Stage
		most, existing, wanted int32
		places                 []int32 // of source partitions 0 to 4, with wanted partitions; -1: none
	}{
		"default":                 {nil, 5, 0, 5, []int32{0, 1, 2, 3, 4}},
		"default, more there":     {nil, 5, 9, 5, []int32{0, 1, 2, 3, 4}},
		"identity, more":          {[]*model.Stage{partitions(identity, 8)}, 5, 0, 8, []int32{0, 1, 2, 3, 4}},
		"identity, never fewer":   {[]*model.Stage{partitions(identity, 2)}, 5, 0, 5, []int32{0, 1, 2, 3, 4}},
		"modulo, fewer":           {[]*model.Stage{partitions(modulo, 2)}, 5, 0, 2, []int32{0, 1, 0, 1, 0}},
		"modulo, more":            {[]*model.Stage{partitions(modulo, 8)}, 5, 0, 8, []int32{0, 1, 2, 3, 4}},
		"modulo, as there are":    {[]*model.Stage{partitions(modulo, 0)}, 5, 3, 3, []int32{0, 1, 2, 0, 1}},
		"modulo, nothing there":   {[]*model.Stage{partitions(modulo, 0)}, 5, 0, 5, []int32{0, 1, 2, 3, 4}},
		"key, fewer":              {[]*model.Stage{partitions(key, 2)}, 5, 0, 2, []int32{0, 1, 0, 1, 0}},
		"key, as there are":       {[]*model.Stage{partitions(key, 0)}, 5, 3, 3, []int32{0, 1, 2, 0, 1}},
		"key, more than asked":    {[]*model.Stage{partitions(key, 2)}, 5, 3, 2, []int32{0, 1, 2, 0, 1}},
		"key, not yet so many":    {[]*model.Stage{partitions(key, 8)}, 5, 3, 8, []int32{0, 1, 2, 3, 4}},
		"modulo, more than asked": {[]*model.Stage{partitions(modulo, 2)}, 5, 3, 2, []int32{0, 1, 0, 1, 0}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := flow(nil, tt.stages...)
			f.Delivery = model.Transactional
			c := compile(t, f)
			if got := c.Partitions(tt.most, tt.existing); got != tt.wanted {
				t.Errorf("wants %d partitions, want %d", got, tt.wanted)
			}
			var got []int32
			for p := range int32(5) {
				to, ok := c.Partition(p, max(tt.wanted, tt.existing))
				if !ok {
					to = -1
				}
				got = append(got, to)
			}
			if diff := cmp.Diff(tt.places, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	if _, ok := compile(t, flow(nil)).Partition(3, 3); ok {
		t.Error("a partition beyond the target's has a place")
	}
	f := flow(nil, partitions(key, 4))
	f.Delivery = model.Transactional
	c := compile(t, f)
	if _, ok := c.Partition(0, 3); ok {
		t.Error("keys are sent to a topic that has not got its partitions yet")
	}
	// murmur2("21") is -973932308, without its sign 1173551340.
	if got := c.Place(3, []byte("21"), 7); got != 1173551340%7 {
		t.Errorf("key 21 goes to %d", got)
	}
	if got := c.Place(9, nil, 7); got != 2 {
		t.Errorf("a record without a key goes to %d", got)
	}
}

func TestProblems(t *testing.T) {
	at := diag.Range{File: "f", Start: diag.Pos{Line: 7, Column: 3}}
	placed := func(r model.RenameStage, name string) *model.Stage {
		s := renames("s", r)
		s.Ranges = model.Places{name: at}
		return s
	}
	literal := func(topics ...string) func(*model.Flow) {
		return func(f *model.Flow) {
			f.Topics = topics
			f.Ranges[model.Element("topics", len(topics)-1)] = at
		}
	}
	tests := map[string]struct {
		f    *model.Flow
		want string
	}{
		"two map values":     {flow(nil, placed(model.RenameStage{Map: map[string]string{"a": "c", "b": "c"}}, "map[b]")), `f:7:3: error: map: "a" and "b" would both be called "c" (ST109)`},
		"map value illegal":  {flow(nil, placed(model.RenameStage{Map: map[string]string{"a": "c d"}}, "map[a]")), `f:7:3: error: map: no topic can be called "c d" (ST412)`},
		"map value too long": {flow(nil, placed(model.RenameStage{Map: map[string]string{"a": strings.Repeat("x", 250)}}, "map[a]")), `f:7:3: error: map: no topic can be called "` + strings.Repeat("x", 60) + `" (ST412)`},
		"empty map":          {flow(nil, placed(model.RenameStage{Map: map[string]string{}}, "map")), `f:7:3: error: map: names no topic (ST003)`},
		"illegal prefix":     {flow(nil, placed(model.RenameStage{Prefix: "a/"}, "prefix")), `f:7:3: error: prefix: no topic can have "a/" in its name (ST412)`},
		"illegal suffix":     {flow(nil, placed(model.RenameStage{Suffix: " "}, "suffix")), `f:7:3: error: suffix: no topic can have " " in its name (ST412)`},
		"illegal separator":  {flow(nil, placed(model.RenameStage{Policy: model.PolicyDefault, Separator: "/"}, "separator")), `f:7:3: error: separator: no topic can have "/" in its name (ST412)`},
		"bad pattern":        {flow(nil, placed(model.RenameStage{Pattern: "(", Replacement: "x"}, "pattern")), `f:7:3: error: the pattern "(" has an unclosed group, at character 2 (ST401)`},
		"bad filter": {flow(nil, func() *model.Stage {
			s := filters("f", []string{"a", "("}, nil)
			s.Ranges = model.Places{"topics[1]": at}
			return s
		}()), `f:7:3: error: the pattern "(" has an unclosed group, at character 2 (ST401)`},
		"scattered and counted": {flow(nil, func() *model.Stage {
			s := partitions(model.MappingKey, 0)
			s.Ranges = model.Places{"mapping": at}
			return s
		}()), `f:7:3: error: stage "p" scatters the records of a partition: what a crash leaves on the target cannot be counted, as delivery = "exactly_once" needs (ST608)`},
		"two topics by name":      {flow(literal("eu.t", `us\.t`), renames("cut", model.RenameStage{Pattern: `..\.(.*)`, Replacement: "$1"})), `f:7:3: error: topics "eu.t" and "us.t" would both be called "t" (ST109)`},
		"a name for no topic":     {flow(literal("t"), renames("r", model.RenameStage{Pattern: "t", Replacement: "a b"})), `f:7:3: error: topic "t" would be called "a b", which no topic can be (ST412)`},
		"a name for internal use": {flow(literal("t"), renames("r", model.RenameStage{Pattern: "t", Replacement: "__t"})), `f:7:3: error: topic "t" cannot be mirrored: its name on the target, "__t", would be that of an internal topic (ST412)`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, problems := chain.ForFlow(tt.f)
			if len(problems) != 1 || problems[0].String() != tt.want {
				t.Errorf("got  %v\nwant %s", problems, tt.want)
			}
		})
	}
	merge := renames("cut", model.RenameStage{Pattern: `..\.(.*)`, Replacement: "$1", Merge: true})
	if _, problems := chain.ForFlow(flow(literal("eu.t", "us.t"), merge)); len(problems) > 0 {
		t.Errorf("a merge that is allowed: %v", problems)
	}
}
