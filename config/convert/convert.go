// Package convert turns what MirrorMaker 2 is configured with, in any of the
// forms people have it in, into HCL, and reports what became of every key. Each
// form is brought into the keys of a properties file, which config/legacy/mm2
// gives a meaning; config/hclfile/encode writes that, and the text is read
// again to prove that it means the same. No secret is read on the way: the HCL
// names the place that holds it, or an environment variable to put it in.
package convert

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/hclfile/encode"
	"github.com/strait-mirror/strait/config/legacy/mm2"
	"github.com/strait-mirror/strait/config/load"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/config/props"
)

// Format is a form of configuration that Convert reads.
type Format string

// The formats.
const (
	MM2     Format = "mm2"     // properties file of MirrorMaker 2
	Strimzi Format = "strimzi" // KafkaMirrorMaker2 resources of Strimzi, as YAML
	Connect Format = "connect" // MirrorMaker 2's connectors on Kafka Connect, as JSON
)

// File is one file to convert.
type File struct {
	Name string // as shown in diagnostics
	Text []byte
}

// Params is what Convert needs.
type Params struct {
	Format   Format // required
	Files    []File // at least one; of MM2 exactly one
	Dir      string // the directory the HCL will be in; relative paths in it start there
	Env      func(name string) (string, bool)
	ReadFile func(path string) ([]byte, error)
	Sources  *diag.Sources // optional; filled with the text of every file, for diag.Render
}

// Result is a converted topology.
type Result struct {
	HCL    []byte // in the form of `strait fmt`; empty where nothing could be read
	Report Report
}

// Convert converts. Whether the result is complete is Report's to say.
func Convert(p Params) Result {
	if p.Sources == nil {
		p.Sources = &diag.Sources{}
	}
	c := &converter{p: p, origins: newOrigins(p.Env, p.ReadFile), named: map[encode.Attribute]string{}}
	c.report.Format = p.Format
	for _, f := range p.Files {
		p.Sources.Add(f.Name, f.Text)
		c.report.Files = append(c.report.Files, f.Name)
	}
	switch p.Format {
	case Strimzi:
		c.form = c.strimzi()
	case Connect:
		c.form = c.connect()
	default:
		c.properties = p.Files[0].Text
	}
	if c.form != nil {
		c.properties = []byte(c.form.text.String())
		if c.form.full {
			c.report.Problems.Add(diag.Errorf(diag.CodeTooBig, diag.Range{File: p.Files[0].Name}, "more than %d keys", maxEntries))
		}
	}
	if c.properties != nil && !c.report.Problems.HasErrors() {
		c.convert()
	}
	c.report.Problems.Sort()
	return Result{HCL: c.hcl, Report: c.report}
}

// Detect guesses the format of a file by its name, and by its text where that
// tells more.
func Detect(f File) Format {
	switch strings.ToLower(filepath.Ext(f.Name)) {
	case ".yaml", ".yml":
		return Strimzi
	case ".json":
		if bytes.Contains(f.Text, []byte("KafkaMirrorMaker2")) {
			return Strimzi
		}
		return Connect
	}
	return MM2
}

// Check returns an error where p cannot be converted whatever the files say.
func Check(p Params) error {
	switch p.Format {
	case MM2:
		if len(p.Files) > 1 {
			return errors.New("a properties file is converted by itself: give one file")
		}
		if len(p.Files) > 0 && filepath.Ext(p.Files[0].Name) == ".hcl" {
			return fmt.Errorf("%s is HCL already: what is converted is MirrorMaker 2's configuration", p.Files[0].Name)
		}
	case Strimzi, Connect:
	default:
		return fmt.Errorf("the format is %q, not mm2, strimzi or connect", p.Format)
	}
	return nil
}

// converter is the state of one Convert.
type converter struct {
	p          Params
	origins    *origins
	properties []byte // the files as one properties file
	form       *form  // where properties were made from another format
	report     Report
	hcl        []byte
	named      map[encode.Attribute]string // variables chosen for literal secrets
}

// convert writes the HCL of c.properties and judges every entry.
func (c *converter) convert() {
	name := c.p.Files[0].Name
	doc, problems := props.Parse(name, c.properties, props.Latin1)
	if problems.HasErrors() {
		c.report.Problems.Add(problems...)
		return
	}
	c.origins.scan(doc.Entries)
	cfg, problems := mm2.Read(mm2.Params{File: name, Text: c.properties, Env: c.origins.Env, ReadFile: c.origins.ReadFile, Sources: c.sources(), Unchecked: true})
	if len(cfg.Clusters) == 0 {
		c.report.Problems.Add(problems...)
		return
	}
	cfg.Flows = slices.DeleteFunc(cfg.Flows, onlyHeartbeats)
	if c.form != nil {
		for _, f := range cfg.Flows {
			f.Positions = c.form.positions[f.Name]
		}
	}
	params := encode.Params{Config: cfg, Expr: c.expr, Path: c.path}
	first := encode.Encode(params) // says what is written, and so where comments go
	t := newTracker(doc, cfg, first.Written)
	keys, rest := t.judge(problems)
	remarks := newRemarks(c.properties, t, keys)
	params.Header, params.Footer, params.Comment = remarks.header, remarks.footer, remarks.above
	c.hcl = encode.Encode(params).Text
	if !problems.HasErrors() { // else the HCL has holes, and the keys behind them are reported
		c.check(cfg)
	}
	c.conclude(keys, rest)
}

// sources is where the reader may keep its text: not where the user's is, if
// that is another.
func (c *converter) sources() *diag.Sources {
	if c.form != nil {
		return &diag.Sources{}
	}
	return c.p.Sources
}

// conclude fills the report.
func (c *converter) conclude(keys []Key, rest diag.List) {
	if c.form != nil {
		keys = c.form.report(keys)
		c.report.Notes = append(c.report.Notes, c.form.notes...)
		for i := range rest {
			rest[i].Subject = diag.Range{File: rest[i].Subject.File}
		}
	}
	c.report.Keys = keys
	c.report.Problems.Add(rest...)
	for _, path := range c.origins.absent {
		if !strings.HasPrefix(path, secretsDir) {
			c.report.Notes = append(c.report.Notes, "the file "+path+" is not here; it is taken to hold PEM")
		}
	}
}

// check reads the HCL again and compares.
func (c *converter) check(cfg *model.Config) {
	name := filepath.Join(c.p.Dir, "strait.hcl")
	read := func(path string) ([]byte, error) {
		if path == name {
			return c.hcl, nil
		}
		return c.origins.ReadFile(path)
	}
	again, problems := load.Load([]string{name}, load.Options{Env: c.origins.Env, ReadFile: read, Unchecked: true})
	for _, d := range problems {
		if d.Severity == diag.Error {
			c.report.Differences = append(c.report.Differences, "the HCL cannot be read: "+strings.TrimPrefix(d.String(), name+":"))
		}
	}
	c.report.Differences = append(c.report.Differences, model.Diff(cfg, again)...)
}

// onlyHeartbeats reports whether a flow is there because MirrorMaker 2 sends
// heartbeats between any two clusters, and nobody wrote about it.
func onlyHeartbeats(f *model.Flow) bool { return f.HeartbeatsOnly && f.Range.Start.Line == 0 }
