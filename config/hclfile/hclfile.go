// Package hclfile reads topologies written in HCL into the model. It owns the
// language: blocks, attributes, functions, variables and locals, and it is the
// only importer of hashicorp/hcl. Properties files are read by
// config/legacy/mm2; config/load picks the reader.
package hclfile

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/strait-mirror/strait/config/client"
	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
)

// File is one HCL file of a topology.
type File struct {
	Name string // as shown in diagnostics; relative paths in it start at its directory
	Text []byte
}

// Params is what Read needs. All files together are one topology.
type Params struct {
	Files    []File
	Vars     map[string]string                 // values for variable blocks, beating their defaults
	VarFiles []File                            // of name = value lines; a value in Vars beats them
	Env      func(name string) (string, bool)  // required; os.LookupEnv
	ReadFile func(path string) ([]byte, error) // required; os.ReadFile
	// AllowMissing makes environment variables and files that do not exist
	// warnings, as lint wants; the attributes that need them stay unset.
	AllowMissing bool
	Version      string // of the program, for strait { required_version }; a release's tag, or anything else
	// Include reads a properties file that a topology includes at a place; nil
	// refuses every include.
	Include func(path string, at diag.Range) (*model.Config, diag.List)
	// Unchecked leaves the certificates and other files of connections alone.
	Unchecked bool
	Sources   *diag.Sources // optional; told which spans are secret

	computed int64 // for tests: other than maxComputed
}

// Read decodes the files. The model is usable only if no diagnostic is an
// Error, but it is as complete as the text allows.
func Read(p Params) (*model.Config, diag.List) {
	if p.Sources == nil {
		p.Sources = &diag.Sources{}
	}
	r := &reader{
		p: p, contexts: map[string]*hcl.EvalContext{}, broken: map[string]bool{}, full: map[string]bool{},
		aliases: map[string]diag.Range{}, meter: newMeter(), clientKeys: client.NewTable(),
	}
	if p.computed > 0 {
		r.meter.left = p.computed
	}
	for _, f := range p.Files {
		r.parse(f)
	}
	r.parseVarFiles()
	r.collect()
	r.hideSecrets()
	r.meterVarFiles()
	for _, body := range r.bodies {
		meterBody(body, r.meter)
	}
	r.buildScope()
	r.strait()
	cfg := &model.Config{Deployment: r.deployment(), Metrics: r.metrics(), Server: r.server()}
	for _, part := range r.included {
		cfg.Clusters, cfg.Flows = append(cfg.Clusters, part.Clusters...), append(cfg.Flows, part.Flows...)
	}
	if r.full["cluster"] {
		r.clusters = nil // what is refused as a whole is not looked at in detail
	}
	for _, inst := range r.clusters {
		r.each = inst.each
		cfg.Clusters = append(cfg.Clusters, r.cluster(inst))
	}
	r.each = cty.NilVal
	flows, names := r.expandFlows()
	if r.full["flow"] {
		flows = nil
	}
	for _, inst := range flows {
		r.each = inst.each
		cfg.Flows = append(cfg.Flows, r.flow(inst))
	}
	r.each = cty.NilVal
	cfg.Flows = append(cfg.Flows, r.nodeFlows(names)...)
	cfg.Tests = r.tests(cfg.Flows)
	return cfg, bounded(r.problems)
}

// maxProblems bounds what is said about a topology: who has more than a
// thousand problems does not read them.
const maxProblems = 1000

// bounded drops what was found again in another instance of the same block, and
// what comes after maxProblems.
func bounded(problems diag.List) diag.List {
	seen := make(map[diag.Diagnostic]bool, len(problems))
	var kept diag.List
	for _, d := range problems {
		if seen[d] {
			continue
		}
		seen[d] = true
		if kept.Add(d); len(kept) == maxProblems {
			kept.Add(diag.Errorf(diag.CodeTooBig, diag.Range{File: d.Subject.File}, "more than %d problems; the rest is not shown", maxProblems))
			break
		}
	}
	return kept
}

// reader is the state of one Read.
type reader struct {
	p          Params
	problems   diag.List
	bodies     []*hclsyntax.Body
	broken     map[string]bool                   // files with syntax errors: what is missing there may be behind one
	blocks     map[string][]*hclsyntax.Block     // by type, names checked
	top        map[string][]*hclsyntax.Attribute // of topAttributes, in file order
	included   []*model.Config
	given      map[string]*hclsyntax.Attribute // values of variables from files
	clusters   []instance                      // in file order
	aliases    map[string]diag.Range           // of the clusters: where declared
	locals     map[string]*hclsyntax.Attribute
	contexts   map[string]*hcl.EvalContext // by directory: where relative paths start
	scope      scope
	clientKeys *client.Table
	each       cty.Value       // of the instance being decoded; NilVal outside for_each
	meter      *meter          // of all expressions
	full       map[string]bool // kinds of blocks of which there are too many
}

// parse adds the body of f. A file with syntax errors still gives the part the
// parser could recover.
func (r *reader) parse(f File) {
	r.p.Sources.Add(f.Name, f.Text)
	if problems := checkBounds(f.Name, f.Text); problems != nil {
		if problems[0].Subject.Start.Line > 0 {
			hideByName(f.Name, f.Text, r.p.Sources)
		} else { // no line of it is shown
			r.p.Sources.Hide(diag.Range{File: f.Name, End: diag.Pos{Byte: len(f.Text)}})
		}
		r.problems.Add(problems...)
		return
	}
	file, problems := hclsyntax.ParseConfig(f.Text, f.Name, hcl.InitialPos)
	if problems.HasErrors() {
		r.broken[f.Name] = true
		hideByName(f.Name, f.Text, r.p.Sources)
	}
	r.problems.Add(r.translate(problems, r.p.AllowMissing)...)
	if body, ok := file.Body.(*hclsyntax.Body); ok {
		r.bodies = append(r.bodies, body)
	}
}

// rangeAt is a range in the first line.
func rangeAt(name string, from, to int) diag.Range {
	return diag.Range{
		File:  name,
		Start: diag.Pos{Line: 1, Column: from + 1, Byte: from},
		End:   diag.Pos{Line: 1, Column: to + 1, Byte: to},
	}
}

// blockLabels says how many labels each top-level block takes.
func blockLabels() map[string]int {
	return map[string]int{"cluster": 1, "flow": 1, "variable": 1, "locals": 0, "strait": 0, "metrics": 0, "server": 0, "source": 1, "transform": 2, "sink": 1, "test": 1}
}

// collect sorts the top-level blocks by type and refuses what is unknown,
// wrongly labelled or there twice.
func (r *reader) collect() {
	r.blocks, r.top = map[string][]*hclsyntax.Block{}, map[string][]*hclsyntax.Attribute{}
	r.locals = map[string]*hclsyntax.Attribute{}
	labels := blockLabels()
	seen := map[string]hcl.Range{}
	for _, body := range r.bodies {
		for _, a := range inOrder(body.Attributes) {
			if contains(topAttributes(), a.Name) {
				r.top[a.Name] = append(r.top[a.Name], a)
				continue
			}
			r.unknown(a.NameRange, "attribute", a.Name, atTop, topAttributes(), keys(labels))
		}
		for _, b := range body.Blocks {
			want, ok := labels[b.Type]
			if !ok {
				r.unknown(b.TypeRange, "block", b.Type, atTop, topAttributes(), keys(labels))
				continue
			}
			if !r.checkLabels(b, want) {
				continue
			}
			if want > 0 {
				name := b.Labels[want-1]
				id := b.Type + " " + name
				if first, dup := seen[id]; dup {
					r.problems.Add(diag.Errorf(diag.CodeDuplicateName, rangeOf(b.LabelRanges[want-1]),
						"%s %q is already declared at %s", b.Type, name, rangeOf(first)))
					continue
				}
				seen[id] = b.LabelRanges[want-1]
			}
			r.blocks[b.Type] = append(r.blocks[b.Type], b)
		}
	}
}

// checkLabels compares the number of labels and refuses empty ones.
func (r *reader) checkLabels(b *hclsyntax.Block, want int) bool {
	if len(b.Labels) != want {
		at := rangeOf(b.TypeRange)
		if len(b.LabelRanges) > want {
			at = rangeOf(b.LabelRanges[want])
		}
		r.problems.Add(diag.Errorf(diag.CodeSyntax, at, "%s takes %s", b.Type, plural(want, "label")).
			WithFix("%s", labelHint(b.Type)))
		return false
	}
	for i, l := range b.Labels {
		if strings.TrimSpace(l) == "" {
			r.problems.Add(diag.Errorf(diag.CodeBadValue, rangeOf(b.LabelRanges[i]), "the name of a %s must not be empty", b.Type))
			return false
		}
	}
	return true
}

func labelHint(block string) string {
	switch block {
	case "cluster":
		return `write cluster "name" { ... }`
	case "flow":
		return `write flow "A->B" { ... }`
	case "source", "sink", "test":
		return `write ` + block + ` "name" { ... }`
	case "variable":
		return `write variable "name" { ... }`
	case "transform":
		return `write transform "kind" "name" { ... }`
	case "sasl":
		return `write sasl "scram-sha-512" { ... }`
	}
	return "write " + block + " { ... }"
}

func plural(n int, noun string) string {
	switch n {
	case 0:
		return "no " + noun + "s"
	case 1:
		return "one " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// unknown reports a name that does not exist where ("in flow \"A->B\""). attrs and blocks are
// the names that do.
func (r *reader) unknown(at hcl.Range, kind, name, where string, attrs, blocks []string) {
	if len(r.problems) > maxProblems {
		return // looking for a similar name takes time
	}
	if instead, planned := notYet(kind, name, where); planned {
		r.problems.Add(diag.Errorf(diag.CodeNotYet, rangeOf(at), "the %s %q %s is not supported yet", kind, name, where).WithFix("%s", instead))
		return
	}
	d := diag.Errorf(diag.CodeUnknownKey, rangeOf(at), "no %s %q %s", kind, name, where)
	same, other, otherKind := attrs, blocks, "block"
	if kind == "block" {
		same, other, otherKind = blocks, attrs, "attribute"
	}
	_, top := blockLabels()[name]
	switch {
	case kind == "block" && top && where != atTop:
		d = d.WithFix("%s stands outside all blocks: is there a \"}\" missing above?", name)
	case contains(other, name) && otherKind == "block":
		d = d.WithFix("%s is a block: write %s { ... } without \"=\"", name, name)
	case contains(other, name):
		d = d.WithFix("%s is an attribute: write %s = ...", name, name)
	default:
		if near := suggestName(name, same, other); near != "" {
			d = d.WithFix("did you mean %q?", near)
		}
	}
	r.problems.Add(d)
}

// suggestName also finds a MirrorMaker 2 name that kept its unit word.
func suggestName(name string, lists ...[]string) string {
	for _, list := range lists {
		for _, unit := range []string{"_seconds", "_ms", "_bytes"} {
			if bare, ok := strings.CutSuffix(name, unit); ok && contains(list, bare) {
				return bare
			}
		}
		if near := field.Suggest(name, list); near != "" {
			return near
		}
	}
	return ""
}

// resolvePath reads what a file says relative to its own directory.
func resolvePath(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}
