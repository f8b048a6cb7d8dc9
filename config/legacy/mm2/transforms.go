package mm2

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
)

// Where Kafka's own transformations and predicates are. Values and keys are bytes
// to those of MirrorMaker 2, so that all that look into them fail there.
const (
	transformClass = "org.apache.kafka.connect.transforms."
	predicateClass = transformClass + "predicates."
)

// readTransforms says which transformations are read, for people whose others are
// not.
const readTransforms = "RegexRouter, DropHeaders, InsertHeader and Filter are read, with the predicates HasHeaderKey, RecordIsTombstone and TopicNameMatches where stages have an equal"

// refusal is why a list of transformations is not read, and what to do.
type refusal struct{ what, fix string }

// refuse says why a transformation is no stage. twice says that one of its name is.
func (t *transformer) refuse(name string, twice bool) refusal {
	class, _ := t.get("transforms."+name+".", "type")
	short, own := strings.CutPrefix(class.text, transformClass)
	out := refusal{what: fmt.Sprintf("no stage is the equal of %s (%s)", name, short), fix: "remove it; " + readTransforms}
	plain, _, _ := strings.Cut(short, "$")
	switch {
	case twice:
		out = refusal{what: "names " + name + " twice", fix: "keep it once: Connect refuses to start with both"}
	case !own: // somebody's own, or none
		out.what = "a Java class cannot run here"
	case slices.Contains(lookInside(), plain):
		out.fix = fmt.Sprintf("remove it: records are bytes to MirrorMaker 2 as well, whose task fails at the first one that %s is given; for JSON there are transform \"mask\" and transform \"set\" in HCL, which strait convert makes of this file", plain)
	case plain == "TimestampRouter":
		out.fix = "remove it: the records of one topic stay together here; transform \"window\" in HCL tells times apart"
	case t.reformed:
		out.fix = "write a value.literal that Connect takes for a text: it reads numbers, null and what begins like them or in brackets, and writes them in its own form"
	}
	return out
}

// lookInside are Kafka's transformations that need fields in keys and values.
func lookInside() []string {
	return []string{
		"Cast", "ExtractField", "Flatten", "HeaderFrom", "HoistField", "InsertField", "MaskField", "ReplaceField",
		"SetSchemaMetadata", "TimestampConverter", "ValueToKey",
	}
}

// transforms reads the transformations of a flow as stages where each has an equal.
// Connect applies them to the name that the replication policy gave, so where one
// of them looks at names the policy becomes the first stage. All others are
// somebody's own class, or look into values: their keys stay unused, which is
// reported.
func (r *reader) transforms(p pair, f *model.Flow) {
	list, ok := p.java.Connector["transforms"]
	if !ok || !list.Written() {
		return
	}
	t := transformer{r: r, p: p, keys: []string{list.Key}}
	if predicates, ok := p.java.Connector["predicates"]; ok && predicates.Written() {
		t.keys = append(t.keys, predicates.Key)
	}
	var stages []*model.Stage
	seen := map[string]bool{}
	for _, name := range field.SplitList(r.value(list).text) {
		s := t.stage(name)
		if s == nil || seen[name] { // Connect refuses a second one
			r.unread[list.Key] = t.refuse(name, seen[name])
			return
		}
		seen[name] = true
		stages = append(stages, s)
	}
	for _, key := range t.keys {
		r.used[key] = true
	}
	named := slices.ContainsFunc(stages, func(s *model.Stage) bool { return s.Rename != nil || s.Filter != nil && s.When == "" })
	if named && f.ReplicationPolicy == model.PolicyDefault {
		stages = append([]*model.Stage{policyStage(f, stages)}, stages...)
		f.ReplicationPolicy = model.PolicyIdentity
	}
	f.Stages = stages
}

// transformer reads the transformations of one flow.
type transformer struct {
	r    *reader
	p    pair
	keys []string // that were read

	reformed bool // a literal would come out in another form
}

// get returns what is written behind a prefix such as "transforms.name.".
func (t *transformer) get(prefix, key string) (value, bool) {
	v, ok := t.p.java.Connector[prefix+key]
	if !ok || !v.Written() {
		return value{}, false
	}
	t.keys = append(t.keys, v.Key)
	return t.r.value(v), true
}

// stage reads one transformation; nil where no stage is its equal.
func (t *transformer) stage(name string) *model.Stage {
	prefix := "transforms." + name + "."
	class, _ := t.get(prefix, "type")
	short, own := strings.CutPrefix(class.text, transformClass)
	if !own {
		return nil
	}
	c, ok := t.condition(prefix)
	if !ok || c.topics.text != "" && short != "Filter" {
		return nil
	}
	var s *model.Stage
	switch {
	case short == "RegexRouter" && c.when == "":
		s = t.router(prefix)
	case short == "DropHeaders":
		s = t.dropHeaders(prefix)
	case short == "InsertHeader":
		s = t.insertHeader(prefix)
	case short == "Filter":
		s = c.filter()
	}
	if s == nil {
		return nil
	}
	s.Name, s.Range = name, class.at
	if short != "Filter" {
		s.When = c.when
	}
	return s
}

func (t *transformer) router(prefix string) *model.Stage {
	pattern, _ := t.get(prefix, "regex")
	replacement, _ := t.get(prefix, "replacement")
	if pattern.text == "" || replacement.text == "" {
		return nil
	}
	s := model.NewStage(model.StageRename)
	s.Rename.Pattern, s.Rename.Replacement = pattern.text, replacement.text
	s.Ranges["pattern"], s.Ranges["replacement"] = pattern.at, replacement.at
	return s
}

func (t *transformer) dropHeaders(prefix string) *model.Stage {
	names, _ := t.get(prefix, "headers")
	if names.text == "" {
		return nil
	}
	s := model.NewStage(model.StageHeaders)
	s.Headers.Remove, s.Ranges["remove"] = field.SplitList(names.text), names.at
	return s
}

// insertHeader adds a header with a text. MirrorMaker 2's own header converter
// takes no texts, so that it is of use there with another one.
//
// Connect parses the text, and writes what it came to: a literal that might come out
// in another form has no equal.
func (t *transformer) insertHeader(prefix string) *model.Stage {
	name, _ := t.get(prefix, "header")
	text, given := t.get(prefix, "value.literal")
	if name.text == "" || !given {
		return nil
	}
	if t.reformed = !staysText(text.text); t.reformed {
		return nil
	}
	s := model.NewStage(model.StageHeaders)
	s.Headers.Add, s.Ranges["add"] = map[string]string{name.text: text.text}, text.at
	return s
}

// staysText reports whether org.apache.kafka.connect.data.Values writes a literal as
// it read it: whole numbers in their usual form, and what begins with a letter but for
// null and words with blanks behind them.
func staysText(literal string) bool {
	if n, err := strconv.ParseInt(literal, 10, 64); err == nil {
		return strconv.FormatInt(n, 10) == literal
	}
	word := strings.TrimSpace(literal)
	if word == "null" || word != literal {
		return false
	}
	first, _ := utf8.DecodeRuneInString(literal)
	return unicode.IsLetter(first)
}

// condition says for which records a transformation is: those of which when, a CEL
// expression, is true, or, for a Filter, those of topics that match.
type condition struct {
	when   string // "": for all
	topics value  // pattern of the names at this point
	negate bool   // of topics
}

// condition reads the predicate of a transformation; not ok where it has one that
// no condition is the equal of.
func (t *transformer) condition(prefix string) (c condition, ok bool) {
	name, given := t.get(prefix, "predicate")
	negate, _ := t.get(prefix, "negate")
	if !given || name.text == "" {
		return c, true
	}
	predicate := "predicates." + name.text + "."
	class, _ := t.get(predicate, "type")
	c.negate = strings.EqualFold(strings.TrimSpace(negate.text), "true")
	switch strings.TrimPrefix(class.text, predicateClass) {
	case "HasHeaderKey":
		header, _ := t.get(predicate, "name")
		if header.text == "" {
			return c, false
		}
		c.when = strconv.Quote(header.text) + " in headers"
	case "RecordIsTombstone":
		c.when = "value == null"
	case "TopicNameMatches":
		c.topics, _ = t.get(predicate, "pattern")
		return c, c.topics.text != ""
	default:
		return c, false
	}
	if c.negate {
		c.when = "!(" + c.when + ")"
	}
	return c, true
}

// filter is the stage that drops what the condition is about; nil where that is
// everything.
func (c condition) filter() *model.Stage {
	s := model.NewStage(model.StageFilter)
	switch {
	case c.topics.text != "" && c.negate:
		s.Filter.Topics, s.Ranges[model.Element("topics", 0)] = []string{c.topics.text}, c.topics.at
	case c.topics.text != "":
		s.Filter.TopicsExclude, s.Ranges[model.Element("topics_exclude", 0)] = []string{c.topics.text}, c.topics.at
	case c.when != "":
		s.When = "!(" + c.when + ")"
	default:
		return nil
	}
	return s
}

// policyStage names topics as the replication policy of a flow does, under a name
// that none of its stages has.
func policyStage(f *model.Flow, stages []*model.Stage) *model.Stage {
	s := model.NewStage(model.StageRename)
	s.Name = "policy"
	for slices.ContainsFunc(stages, func(o *model.Stage) bool { return o.Name == s.Name }) {
		s.Name = "the_" + s.Name
	}
	s.Range = f.Range
	s.Rename.Policy, s.Rename.Separator = model.PolicyDefault, f.ReplicationPolicySeparator
	return s
}
