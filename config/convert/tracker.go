package convert

import (
	"fmt"
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/hclfile/encode"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/config/props"
)

// tracker knows for every entry of a document what the HCL made of it.
type tracker struct {
	doc      *props.Document
	cfg      *model.Config
	written  map[encode.Attribute]bool
	to       map[int][]encode.Attribute // by entry: what it sets
	problems map[int]diag.List
	declared map[string]bool
	at       map[place]int // entries by the start of their value
	order    []int         // entries by file and place
}

// place is the start of something in a file.
type place struct {
	file string
	byte int
}

func placeOf(r diag.Range) place { return place{r.File, r.Start.Byte} }

func newTracker(doc *props.Document, cfg *model.Config, written map[encode.Attribute]bool) *tracker {
	t := &tracker{
		doc: doc, cfg: cfg, written: written, declared: declared(),
		to: map[int][]encode.Attribute{}, problems: map[int]diag.List{}, at: map[place]int{},
	}
	for i, e := range doc.Entries {
		t.at[placeOf(e.ValueRange)] = i
		t.order = append(t.order, i)
	}
	slices.SortStableFunc(t.order, func(a, b int) int {
		return comparePlaces(placeOf(doc.Entries[a].KeyRange), placeOf(doc.Entries[b].KeyRange))
	})
	for _, c := range cfg.Clusters {
		t.places(encode.Attribute{Block: "cluster", Label: c.Alias}, c.Ranges)
	}
	for _, f := range cfg.Flows {
		at := encode.Attribute{Block: "flow", Label: f.Name}
		t.places(at, f.Ranges)
		of := model.Places{}
		for key, p := range f.Properties {
			of["properties."+key] = p.Range
		}
		t.places(at, of)
	}
	return t
}

func comparePlaces(a, b place) int {
	if n := strings.Compare(a.file, b.file); n != 0 {
		return n
	}
	return a.byte - b.byte
}

// places notes which entries set the attributes of a block.
func (t *tracker) places(block encode.Attribute, ranges model.Places) {
	names := make([]string, 0, len(ranges))
	for name := range ranges {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if i, ok := t.at[placeOf(ranges[name])]; ok {
			block.Name = name
			t.to[i] = append(t.to[i], block)
		}
	}
}

// judge sorts the problems to the entries they are about, and says of every
// entry what became of it. What belongs to none comes back.
func (t *tracker) judge(problems diag.List) (keys []Key, rest diag.List) {
	for _, d := range problems {
		if i, ok := t.entryAt(d.Subject); ok {
			t.problems[i] = append(t.problems[i], d)
		} else {
			rest.Add(d)
		}
	}
	for i, e := range t.doc.Entries {
		k := t.key(i, e)
		k.Name, k.At = e.Key, e.KeyRange
		keys = append(keys, k)
	}
	return keys, rest
}

// entryAt finds the entry that a place is in.
func (t *tracker) entryAt(r diag.Range) (int, bool) {
	n, _ := slices.BinarySearchFunc(t.order, placeOf(r), func(i int, p place) int {
		if c := comparePlaces(placeOf(t.doc.Entries[i].KeyRange), p); c != 0 {
			return c
		}
		return -1 // the last of equal ones
	})
	if n == 0 || r.Start.Line == 0 {
		return 0, false
	}
	i := t.order[n-1]
	e := t.doc.Entries[i]
	return i, e.KeyRange.File == r.File && r.Start.Byte <= max(e.ValueRange.End.Byte, e.KeyRange.End.Byte)
}

// hasNoEffect lists the codes of problems that say a key does nothing.
func hasNoEffect() []string {
	return []string{
		diag.CodeNoEffect, diag.CodeIgnoredPrefix, diag.CodeUnknownKey, diag.CodeSpaceInFlow,
		diag.CodeUndefined, diag.CodeFromEqualsTo,
	}
}

// key judges one entry.
func (t *tracker) key(i int, e props.Entry) Key {
	if last, _ := t.doc.Get(e.Key); last.KeyRange != e.KeyRange {
		return Key{State: Ignored, Code: diag.CodeDuplicateKey, Note: fmt.Sprintf("line %d sets it again", last.KeyRange.Start.Line)}
	}
	k := Key{To: t.names(i)}
	for _, d := range t.problems[i] {
		note := strings.TrimPrefix(strings.TrimPrefix(d.Summary, e.Key+": "), e.Key+" ")
		switch {
		case d.Severity == diag.Error:
			if d.Fix != "" {
				note += "; " + d.Fix
			}
			return Key{State: NeedsYou, Code: d.Code, Note: note}
		case len(k.To) == 0 && slices.Contains(hasNoEffect(), d.Code):
			if d.Fix != "" {
				note += "; " + d.Fix
			}
			return Key{State: Ignored, Code: d.Code, Note: note}
		case d.Code != diag.CodeDuplicateKey:
			k.Code, k.Note = d.Code, note
		}
	}
	switch {
	case len(t.to[i]) == 0:
		return t.structural(e, k)
	case len(k.To) == 0:
		k.State, k.To = Default, nil
		for _, a := range t.to[i] {
			k.To = append(k.To, a.String())
		}
	default:
		k.State = Converted
	}
	return k
}

// names lists what of the HCL an entry is found in. A place that is no
// attribute of its own is part of a block.
func (t *tracker) names(i int) []string {
	var names []string
	for _, a := range t.to[i] {
		name := a.String()
		if !t.declared[a.Block+" "+a.Name] {
			name = fmt.Sprintf("%s %q", a.Block, a.Label)
		} else if !t.written[a] {
			continue
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// declared are the attributes there are, with their block in front.
func declared() map[string]bool {
	names := map[string]bool{}
	add := func(prefix string, defs []field.Def) {
		for _, d := range defs {
			names[prefix+d.Name] = true
		}
	}
	add("cluster ", model.ClusterFields(&model.Cluster{}))
	add("cluster tls.", model.TLSFields(&model.TLS{}))
	add("cluster sasl.", model.SASLFields(&model.SASL{}))
	add("flow ", model.FlowFields(&model.Flow{}))
	return names
}

// structural judges an entry that sets no attribute and is no problem.
func (t *tracker) structural(e props.Entry, k Key) Key {
	bare := e.Key[strings.LastIndex(e.Key, "->")+1:]
	switch {
	case e.Key == "clusters":
		k.State, k.To = Converted, []string{"the cluster blocks"}
	case strings.HasPrefix(e.Key, "config.providers"):
		k.State, k.To = Converted, []string{"env() and file()"}
	case strings.HasSuffix(e.Key, ".enabled") && t.flow(strings.TrimSuffix(e.Key, ".enabled")) != nil:
		name := strings.TrimSuffix(e.Key, ".enabled")
		k.State, k.To = Converted, []string{fmt.Sprintf("flow %q", name)}
	case strings.Contains("."+bare, ".transforms"), strings.Contains("."+bare, ".predicates"):
		return t.transforms(e, k)
	case strings.Contains(bare, "ssl.") || strings.Contains(bare, "sasl.") || strings.HasSuffix(bare, "security.protocol"):
		return t.security(e, k)
	case strings.HasSuffix(e.Key, ".class") || strings.HasSuffix(e.Key, ".converter"):
		k.State, k.Note = Default, "what Strait does anyway"
	default:
		k.State, k.Note = Ignored, "a more specific key says it for every cluster and flow"
	}
	return k
}

// transforms judges a key of the transformations of a flow, or of all flows. That
// all of them can be stages is settled: other keys are problems.
func (t *tracker) transforms(e props.Entry, k Key) Key {
	for _, f := range t.cfg.Flows {
		if len(f.Stages) > 0 && (strings.HasPrefix(e.Key, f.Name+".") || !strings.Contains(e.Key, "->")) {
			k.To = append(k.To, fmt.Sprintf("flow %q", f.Name))
		}
	}
	if k.State = Converted; len(k.To) == 0 {
		k.State, k.Note = Default, "there are none"
	}
	return k
}

// security judges a connection key without a place of its own.
func (t *tracker) security(e props.Entry, k Key) Key {
	for _, c := range t.cfg.Clusters {
		if strings.HasPrefix(e.Key, c.Alias+".") {
			k.To = append(k.To, fmt.Sprintf("cluster %q", c.Alias))
			if c.TLS == nil && strings.Contains(e.Key, ".ssl.") || c.SASL == nil && strings.Contains(e.Key, ".sasl.") {
				return Key{State: Ignored, Note: "security.protocol does not switch it on"}
			}
		}
	}
	if len(k.To) == 0 {
		k.To = []string{"the cluster blocks"}
	}
	k.State = Converted
	return k
}

func (t *tracker) flow(name string) *model.Flow {
	for _, f := range t.cfg.Flows {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// block names the block that an entry belongs to by its prefix, or none.
func (t *tracker) block(e props.Entry) encode.Attribute {
	best := encode.Attribute{}
	for _, c := range t.cfg.Clusters {
		if strings.HasPrefix(e.Key, c.Alias+".") && len(c.Alias) > len(best.Label) {
			best = encode.Attribute{Block: "cluster", Label: c.Alias}
		}
	}
	for _, f := range t.cfg.Flows {
		if strings.HasPrefix(e.Key, f.Name+".") && len(f.Name) > len(best.Label) {
			best = encode.Attribute{Block: "flow", Label: f.Name}
		}
	}
	return best
}
