// Package encode writes a topology as HCL: the inverse of config/hclfile. It
// goes by the declarations of config/model, so that a new property is written
// without a line here, and leaves out what equals HCL's default. Where a value
// comes from, such as a secret, is the caller's to say; what a text means is
// read by config/hclfile.
package encode

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
)

// Attribute names one attribute: of which block, and how it is called there.
// In a nested block the name has the block in front: "tls.ca".
type Attribute struct {
	Block string // "cluster" or "flow"
	Label string
	Name  string
}

// String is how messages call the attribute: cluster "A": tls.ca.
func (a Attribute) String() string { return a.Block + " " + strconv.Quote(a.Label) + ": " + a.Name }

// Params is what Encode needs.
type Params struct {
	Config *model.Config
	Header []string // comment lines at the top, without "#"
	// Expr may write a value in its own way: the attribute's name in its block,
	// and the expression. Without it, or where ok is false, a value is written as
	// it is; secrets are never.
	Expr func(a Attribute, v field.Value) (name, expr string, ok bool)
	// Path writes the path of a file as the text has to name it; nil leaves it.
	Path func(path string) string
	// Comment returns lines to put above an attribute, or above a block where
	// Name is ""; nil for none.
	Comment func(a Attribute) []string
	Footer  []string // comment lines at the end
}

// Result is the text and which attributes it holds.
type Result struct {
	Text    []byte // in the form of `strait fmt`
	Written map[Attribute]bool
}

// Encode writes the topology.
func Encode(p Params) Result {
	if p.Expr == nil {
		p.Expr = func(Attribute, field.Value) (string, string, bool) { return "", "", false }
	}
	if p.Path == nil {
		p.Path = func(path string) string { return path }
	}
	if p.Comment == nil {
		p.Comment = func(Attribute) []string { return nil }
	}
	e := &encoder{p: p, written: map[Attribute]bool{}}
	if len(p.Header) > 0 {
		e.comment(p.Header)
		e.out.WriteByte('\n')
	}
	for i, c := range p.Config.Clusters {
		e.gap(i > 0)
		e.cluster(c)
	}
	for i, f := range p.Config.Flows {
		e.gap(i > 0 || len(p.Config.Clusters) > 0)
		e.flow(f)
	}
	if len(p.Footer) > 0 {
		e.out.WriteByte('\n')
		e.comment(p.Footer)
	}
	return Result{Text: canonical(e.out.Bytes()), Written: e.written}
}

// canonical formats until nothing changes: odd spacing inside of templates takes
// more than one pass.
func canonical(text []byte) []byte {
	const most = 5
	for range most {
		next := hclwrite.Format(text)
		if bytes.Equal(next, text) {
			break
		}
		text = next
	}
	return text
}

// encoder is the state of one Encode.
type encoder struct {
	p       Params
	out     bytes.Buffer
	written map[Attribute]bool
}

func (e *encoder) gap(wanted bool) {
	if wanted {
		e.out.WriteByte('\n')
	}
}

func (e *encoder) comment(lines []string) {
	for _, l := range lines {
		e.out.WriteString(strings.TrimRight("# "+l, " ") + "\n")
	}
}

// block writes a block with what body writes into it.
func (e *encoder) block(head string, body func()) {
	e.out.WriteString(head + " {\n")
	before := e.out.Len()
	body()
	if e.out.Len() == before {
		e.out.Truncate(before - 1)
	}
	e.out.WriteString("}\n")
}

func (e *encoder) cluster(c *model.Cluster) {
	at := Attribute{Block: "cluster", Label: c.Alias}
	e.comment(e.p.Comment(at))
	e.block("cluster "+Quote(c.Alias), func() {
		e.attributes(at, "", model.ClusterFields(c), model.ClusterFields(model.NewCluster(field.HCL)))
		e.properties(at, c.Properties)
		if c.TLS != nil {
			e.block("tls", func() {
				e.attributes(at, "tls.", model.TLSFields(c.TLS), model.TLSFields(&model.TLS{}))
			})
		}
		if c.SASL != nil {
			e.block("sasl "+Quote(label(c.SASL.Mechanism)), func() {
				e.attributes(at, "sasl.", model.SASLFields(c.SASL), model.SASLFields(&model.SASL{Mechanism: c.SASL.Mechanism}))
			})
		}
	})
}

func (e *encoder) flow(f *model.Flow) {
	at := Attribute{Block: "flow", Label: f.Name}
	e.comment(e.p.Comment(at))
	e.block("flow "+Quote(f.Name), func() {
		if f.Name != f.From+"->"+f.To {
			e.line("from", reference(f.From))
			e.line("to", reference(f.To))
		}
		e.attributes(at, "", model.FlowFields(f), model.FlowFields(model.NewFlow(field.HCL)))
		e.properties(at, f.Properties)
		if f.Positions != nil {
			e.out.WriteByte('\n')
			e.block("positions", func() {
				e.attributes(at, "positions.", model.PositionsFields(f.Positions), model.PositionsFields(&model.Positions{}))
			})
		}
		for _, s := range f.Stages {
			e.out.WriteByte('\n')
			e.block("transform "+Quote(string(s.Kind))+" "+Quote(s.Name), func() {
				e.attributes(at, "transform."+s.Name+".", model.StageFields(s), model.StageFields(model.NewStage(s.Kind)))
			})
		}
	})
}

// reference is cluster.A, or cluster["a.b"] where the alias is no identifier.
func reference(alias string) string {
	if hclsyntax.ValidIdentifier(alias) {
		return "cluster." + alias
	}
	return "cluster[" + Quote(alias) + "]"
}

// attributes writes what differs from HCL's defaults, in the order of the
// declarations.
func (e *encoder) attributes(at Attribute, prefix string, defs, defaults []field.Def) {
	for i, d := range defs {
		v, usual := d.Get(), defaults[i].Get()
		path := d.FilePath()
		if same(v, usual) && path == "" || d.Name == "default_excludes" {
			continue
		}
		at.Name = prefix + d.Name
		e.written[at] = true
		e.comment(e.p.Comment(at))
		if path != "" {
			e.line(d.Name+"_file", Quote(e.p.Path(path)))
			continue
		}
		if d.Path {
			v.Text = e.p.Path(v.Text)
		}
		if prefix == "" && d.Name == "topics_exclude" && e.adds(&v) {
			continue
		}
		if name, expr, ok := e.p.Expr(at, v); ok {
			e.line(name, expr)
		} else {
			e.line(d.Name, literal(d.Kind, v))
		}
	}
}

// adds leaves in v what comes on top of the default excludes, which HCL adds
// unless it is told not to. It reports whether nothing is left: then only the
// order differs, which means nothing.
func (e *encoder) adds(v *field.Value) bool {
	usual := model.DefaultTopicsExclude()
	rest := slices.DeleteFunc(slices.Clone(v.List), func(p string) bool { return slices.Contains(usual, p) })
	if len(rest) != len(v.List)-len(usual) {
		e.line("default_excludes", "false")
		return false
	}
	v.List = rest
	return len(rest) == 0
}

func same(a, b field.Value) bool {
	return a.Text == b.Text && slices.Equal(a.List, b.List) && maps.Equal(a.Map, b.Map)
}

// properties writes the Java client keys that have no attribute.
func (e *encoder) properties(at Attribute, values map[string]model.Property) {
	if len(values) == 0 {
		return
	}
	e.out.WriteString("properties = {\n")
	for _, key := range slices.Sorted(maps.Keys(values)) {
		p := values[key]
		at.Name = "properties." + key
		e.written[at] = true
		e.comment(e.p.Comment(at))
		v := field.Value{Text: p.Value.Reveal(), Sensitive: p.Sensitive}
		if strings.HasSuffix(key, "store.location") && v.Text != "" {
			v.Text = e.p.Path(v.Text)
		}
		expr := Quote(v.Text)
		if _, own, ok := e.p.Expr(at, v); ok {
			expr = own
		} else if v.Sensitive {
			expr = literal(field.KindSecret, v)
		}
		e.line(Quote(key), expr)
	}
	e.out.WriteString("}\n")
}

func (e *encoder) line(name, expr string) { e.out.WriteString(name + " = " + expr + "\n") }

// literal writes a value as it is.
func literal(kind field.Kind, v field.Value) string {
	switch kind {
	case field.KindBool, field.KindInt:
		return v.Text
	case field.KindList:
		return List(v.List)
	case field.KindMap:
		return table(v.Map)
	case field.KindSize:
		if _, err := strconv.ParseInt(v.Text, 10, 64); err == nil {
			return v.Text
		}
	case field.KindSecret:
		return `""` // the caller has not said where it comes from
	default:
	}
	return Quote(v.Text)
}

// maxLine is how long a list in one line may be, in bytes.
const maxLine = 90

// List writes a list of texts, one to a line where they are long.
func List(items []string) string {
	quoted := make([]string, len(items))
	total := 0
	for i, item := range items {
		quoted[i] = Quote(item)
		total += len(quoted[i]) + 2
	}
	if total <= maxLine {
		return "[" + strings.Join(quoted, ", ") + "]"
	}
	return "[\n" + strings.Join(quoted, ",\n") + ",\n]"
}

// table writes texts by name, in the order of the names.
func table(items map[string]string) string {
	var b strings.Builder
	b.WriteString("{\n")
	for _, name := range slices.Sorted(maps.Keys(items)) {
		b.WriteString(Quote(name) + " = " + Quote(items[name]) + "\n")
	}
	return b.String() + "}"
}

// Quote writes a text as a string of HCL without interpolation.
func Quote(text string) string {
	return string(hclwrite.TokensForValue(cty.StringVal(text)).Bytes())
}

// Inner is Quote without the quotes: text inside a template.
func Inner(text string) string {
	q := Quote(text)
	return q[1 : len(q)-1]
}

// Identifier reports whether a name may be written without quotes.
func Identifier(name string) bool { return hclsyntax.ValidIdentifier(name) }

// label is the label of the sasl block of a mechanism.
func label(mechanism string) string {
	for label, name := range model.Mechanisms() {
		if name == mechanism {
			return label
		}
	}
	return strings.ToLower(mechanism)
}
